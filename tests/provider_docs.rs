//! `docs/providers/README.md` is generated from the operations themselves: this test fails when it is not what they say.
#![allow(missing_docs, reason = "tests")]

use std::{collections::BTreeMap, fmt::Write};

use sis_integrations::{
    Manifest,
    providers::{self, OperationSpec},
    transport::Repeat,
};

#[test]
fn the_page_of_operations_is_what_they_say() {
    let mut providers = providers::all();
    providers.sort_by_key(|provider| provider.info.id);
    let mut page = String::from(
        "# Providers and their operations\n\n\
         <!-- Generated from providers::all(): UPDATE_GOLDEN=1 cargo test --test provider_docs -->\n\n\
         What each operation does, which access a role needs for it, whether its requests may be sent again when it is not \
         known\nwhether they arrived, and whose data its arguments take out of the school. Each provider's own page has \
         set-up, config,\nexamples, limits and prices. [Permissions](../permissions.md) says which role has which access \
         by default.\n",
    );
    for provider in providers {
        let info = provider.info;
        writeln!(
            page,
            "\n## [{}]({}.md)\n\nProvider id `{}`. Data goes to: {}.\n",
            info.name, info.id, info.id, info.recipient
        )
        .unwrap();
        page.push_str("| operation | what it does | access | sent again | data that leaves |\n|---|---|---|---|---|\n");
        for operation in &provider.operations {
            writeln!(
                page,
                "| `{}` | {} | {}{} | {} | {} |",
                operation.name,
                first_sentence(operation),
                operation.access.name(),
                if operation.urgent { ", urgent" } else { "" },
                repeat(operation.repeat),
                disclosed(operation.discloses),
            )
            .unwrap();
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/providers/README.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/providers/README.md is not what providers::all() says; run UPDATE_GOLDEN=1 cargo test --test provider_docs"
    );
}

/// The first sentence of an operation's documentation, in one line.
fn first_sentence(operation: &OperationSpec) -> String {
    let about = operation.about();
    let first = about.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let sentence = first.split_once(". ").map_or(first.as_str(), |(sentence, _)| sentence);
    sentence.trim_end_matches('.').replace('|', "\\|")
}

fn repeat(repeat: Repeat) -> &'static str {
    match repeat {
        Repeat::Always => "yes",
        Repeat::Never => "never",
        _ => "with an idempotency key",
    }
}

/// `to: contact (guardian)`; what one argument carries stands together.
fn disclosed(manifest: Manifest) -> String {
    let mut arguments: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for item in manifest {
        let whose = serde_json::to_value(item.whose).unwrap();
        let words = format!("{} ({})", item.category.name(), whose.as_str().unwrap());
        arguments.entry(item.argument).or_default().push(words);
    }
    let all: Vec<_> = arguments.iter().map(|(argument, what)| format!("`{argument}`: {}", what.join(", "))).collect();
    if all.is_empty() { "none".to_owned() } else { all.join("; ") }
}
