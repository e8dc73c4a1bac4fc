//! `docs/providers/README.md` is generated from the operations themselves, and from what they send to the look-alikes: this
//! test fails when it is not what they say and do.
#![allow(missing_docs, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use std::{collections::BTreeMap, fmt::Write};

use every::{
    School, builder,
    documents::{as_documented, is_left_out},
    vendor,
};
use serde_json::Value;
use sis_integrations::{
    Manifest,
    providers::{self, OperationSpec},
    storage::MemoryStorage,
    transport::{Repeat, oauth::Rights},
};

#[tokio::test]
async fn the_page_of_operations_is_what_they_say() {
    let mut providers = providers::all();
    providers.sort_by_key(|provider| provider.info.id);
    let mut page = String::from(
        "# Providers and their operations\n\n\
         <!-- Generated from providers::all(): UPDATE_GOLDEN=1 cargo test --all-features --test provider_docs -->\n\n\
         What each operation does and which requests it makes, which access a role needs for it, whether its requests may \
         be sent\nagain when it is not known whether they arrived, how it is tested, and whose data its arguments take out \
         of the school.\nEach provider's own page has set-up, config, examples, limits and prices. \
         [Permissions](../permissions.md) says which role\nhas which access by default.\n\n\
         Every operation makes its round trip through our look-alike of the vendor. *Contract*: its requests and the \
         look-alike's\nanswers are checked against the vendor's published document; *in part*: the document lacks some of \
         the requests; *look-alike*:\nthere is no document of them. Requests stand in the order of the alphabet, with `*` \
         for an id, and without those for tokens. *Scopes* are what a\nconsent, or an application, needs: one of each \
         group; Google's stand without `https://www.googleapis.com/auth/`.\n",
    );
    for provider in providers {
        // Each has a school of its own, so that the look-alike's ids do not depend on who came before.
        let school = School::open(builder().storage(MemoryStorage::new())).await;
        let info = provider.info;
        writeln!(
            page,
            "\n## [{}]({}.md)\n\nProvider id `{}`. Data goes to: {}.\n",
            info.name,
            info.id,
            info.id,
            info.recipient.trim_end_matches('.')
        )
        .unwrap();
        let consents = provider.operations.iter().any(|operation| !operation.scopes.is_empty());
        let scopes = if consents { ("scopes |", "---|") } else { ("", "") };
        writeln!(
            page,
            "| operation | what it does | requests | access | {} sent again | tested by | data that leaves |\n\
             |---|---|---|---|{}---|---|---|",
            scopes.0, scopes.1
        )
        .unwrap();
        for operation in &provider.operations {
            let (requests, tested) = observed(&school, info.id, operation.name).await;
            writeln!(
                page,
                "| `{}` | {} | {} | {}{} | {}{} | {} | {} |",
                operation.name,
                first_sentence(operation),
                requests,
                operation.access.name(),
                if operation.urgent { ", urgent" } else { "" },
                if consents { format!("{} | ", scopes_of(operation)) } else { String::new() },
                repeat(operation.repeat),
                tested,
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
    let differs = kept.lines().zip(page.lines()).find(|(kept, page)| kept != page);
    assert!(
        kept == page,
        "docs/providers/README.md is not what the operations say and do; run UPDATE_GOLDEN=1 cargo test --all-features \
         --test provider_docs. The first difference: {differs:#?}"
    );
}

/// The scopes that would do, one of each group, and whose rights it uses where it cannot choose.
fn scopes_of(operation: &OperationSpec) -> String {
    let short = |scope: &&str| format!("`{}`", scope.strip_prefix("https://www.googleapis.com/auth/").unwrap_or(scope));
    let groups: Vec<String> =
        operation.scopes.iter().map(|group| group.iter().map(short).collect::<Vec<_>>().join(" or ")).collect();
    let whose = match operation.rights {
        Rights::Application => Some("the application's own"),
        Rights::Delegated => Some("a person's"),
        _ => None,
    };
    let scopes = if groups.is_empty() { "none".to_owned() } else { groups.join("; and ") };
    whose.map_or(scopes.clone(), |whose| format!("{scopes} ({whose})"))
}

/// Makes the call: which requests left, and whether the vendor's documents have them.
async fn observed(school: &School, provider: &str, operation: &str) -> (String, &'static str) {
    let vendor = vendor(provider);
    let recorder = (vendor.recorder)(&school.sandbox);
    let arguments = school.filled(provider, operation).await;
    let before = recorder.exchanges().len();
    school.tenant.execute(&school.admin, provider, operation, arguments.clone()).await.unwrap();
    let mut requests: Vec<String> = Vec::new();
    let (mut documented, mut left_out) = (false, false);
    for exchange in &recorder.exchanges()[before..] {
        if exchange.path.ends_with("/token") || exchange.path.ends_with("/tokeninfo") {
            continue;
        }
        let path = as_documented(provider, &exchange.path);
        let known = vendor.contract && !is_left_out(provider, &exchange.method, &path);
        documented |= known;
        left_out |= !known;
        let request = format!("`{} {}`", exchange.method, template(&exchange.path, &arguments));
        if !requests.contains(&request) {
            requests.push(request);
        }
    }
    // Those that go at once arrive in any order.
    requests.sort();
    let tested = match (documented, left_out) {
        (true, false) => "contract",
        (true, true) => "contract, in part",
        (false, true) => "look-alike",
        (false, false) => "itself",
    };
    (if requests.is_empty() { "none".to_owned() } else { requests.join(", ") }, tested)
}

/// A path with `*` for each id.
fn template(path: &str, arguments: &Value) -> String {
    let segments: Vec<String> = path.split('/').map(|segment| segment_of(segment, arguments)).collect();
    segments.join("/").replace('|', "\\|")
}

fn segment_of(segment: &str, arguments: &Value) -> String {
    if is_version(segment) {
        return segment.to_owned();
    }
    if let Some(id) = segment.strip_suffix(".json") {
        return format!("{}.json", segment_of(id, arguments));
    }
    // An action behind an id, `documents/1a:batchUpdate`, or what follows is one, `root:/name:`.
    if let Some((id, action)) = segment.rsplit_once(':')
        && !id.is_empty()
        && action.chars().all(|letter| letter.is_ascii_alphabetic())
    {
        return format!("{}:{action}", segment_of(id, arguments));
    }
    if let Some((function, _)) = segment.split_once('(') {
        return format!("{function}(*)");
    }
    let is_id = segment.chars().any(|letter| letter.is_ascii_digit() || "%@,+=".contains(letter))
        || segment.len() > 32
        || is_among(segment, arguments);
    if is_id { "*".to_owned() } else { segment.to_owned() }
}

/// `v3`, `v1.0`, `2010-04-01`, `2.5`: what stands in a path and is no id.
fn is_version(segment: &str) -> bool {
    let rest = segment.strip_prefix('v').unwrap_or(segment);
    let is_date = segment.len() == 10 && segment.split('-').count() == 3;
    let is_number = rest.len() <= 4 && !rest.is_empty() && (rest != segment || rest.contains('.'));
    (is_date || is_number) && rest.chars().all(|letter| letter.is_ascii_digit() || ".-".contains(letter))
}

/// Whether an argument is this, or a name that has it as an id: `spaces/abc`.
fn is_among(segment: &str, arguments: &Value) -> bool {
    match arguments {
        Value::String(text) => text == segment || text.split('/').skip(1).step_by(2).any(|id| id == segment),
        Value::Array(items) => items.iter().any(|item| is_among(segment, item)),
        Value::Object(members) => members.values().any(|value| is_among(segment, value)),
        _ => false,
    }
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
