//! `cargo xtask new-provider NAME`: a provider that builds and works, with one operation against its own look-alike.

use anyhow::{Context, Result, bail};

use crate::{
    manifest::Manifest,
    tree::{Tree, read, run as run_program, write},
};

/// Each template, and the file it makes.
const FILES: &[(&str, &str)] = &[
    (include_str!("../templates/provider.rs.tmpl"), "src/providers/{{name}}/mod.rs"),
    (include_str!("../templates/config.rs.tmpl"), "src/providers/{{name}}/config.rs"),
    (include_str!("../templates/error.rs.tmpl"), "src/providers/{{name}}/error.rs"),
    (include_str!("../templates/status.rs.tmpl"), "src/providers/{{name}}/status.rs"),
    (include_str!("../templates/sandbox.rs.tmpl"), "sandbox/src/{{name}}/mod.rs"),
    (include_str!("../templates/docs.md.tmpl"), "docs/providers/{{name}}.md"),
    (include_str!("../templates/scenario.json.tmpl"), "tests/scenarios/{{name}}-status.json"),
    (include_str!("../templates/every.rs.tmpl"), "tests/support/every/{{name}}.rs"),
];

/// Makes it. Nothing is written unless everything can be.
pub(crate) fn run(tree: &Tree, name: &str) -> Result<()> {
    let names = Names::of(name)?;
    let mut made = Vec::new();
    for (template, path) in FILES {
        let path = names.fill(path);
        if tree.path(&path).exists() {
            bail!("{path} is there already");
        }
        made.push((path, names.fill(template)));
    }
    free(tree, name)?;
    for (path, edit) in [
        ("Cargo.toml", add_feature as fn(&str, &str) -> Result<String>),
        ("src/providers/mod.rs", add_provider),
        ("sandbox/src/lib.rs", add_look_alike),
        ("tests/support/every/mod.rs", add_to_every),
        ("tests/scenarios.rs", add_scenario),
    ] {
        let text = edit(&read(&tree.path(path))?, name).with_context(|| format!("{path} is not as expected"))?;
        made.push((path.to_owned(), text));
    }
    for (path, text) in &made {
        write(&tree.path(path), text)?;
        println!("wrote {path}");
    }
    run_program(&mut tree.cargo(["fmt", "--all"]))?;
    println!("\n{name} builds and answers getStatus from the sandbox. docs/adding-a-provider.md says what comes next.");
    Ok(())
}

/// Whether nothing else has the name: a module beside it, a feature, or a segment of the REST API.
fn free(tree: &Tree, name: &str) -> Result<()> {
    for module in ["src/providers", "sandbox/src", "tests/support/every"].map(|folder| format!("{folder}/{name}")) {
        for path in [format!("{module}.rs"), module] {
            if tree.path(&path).exists() {
                bail!("{name} is taken: {path} is there already");
            }
        }
    }
    if name == "default" || Manifest::read(tree)?.features()?.iter().any(|feature| feature == name) {
        bail!("{name} is taken: the library has a feature of that name");
    }
    let http = read(&tree.path("src/http/mod.rs"))?;
    let reserved = http.split("pub const RESERVED_").skip(1).filter_map(|list| list.split(';').next());
    if reserved.flat_map(|list| list.split('"').skip(1).step_by(2)).any(|segment| segment == name) {
        bail!("{name} is taken: it is a segment of the REST API's paths");
    }
    Ok(())
}

/// One name in the forms that are wanted of it.
struct Names {
    snake: String,
    pascal: String,
}

impl Names {
    fn of(name: &str) -> Result<Self> {
        let good = name.starts_with(|sign: char| sign.is_ascii_lowercase())
            && name.chars().all(|sign| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_')
            && !name.ends_with('_')
            && !name.contains("__")
            && name.len() <= 40;
        if !good {
            bail!("{name:?} is no provider's id: it is snake_case, such as khan_academy, and at most 40 long");
        }
        if syn::parse_str::<syn::Ident>(name).is_err() {
            bail!("{name} is a word of the language");
        }
        let words = name.split('_').map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        });
        Ok(Self { snake: name.to_owned(), pascal: words.collect() })
    }

    fn fill(&self, template: &str) -> String {
        let (first, rest) = self.pascal.split_at(1);
        template
            .replace("{{name}}", &self.snake)
            .replace("{{Name}}", &self.pascal)
            .replace("{{NAME}}", &self.snake.to_uppercase())
            .replace("{{host}}", &self.snake.replace('_', "-"))
            .replace("{{camel}}", &(first.to_lowercase() + rest))
    }
}

/// The feature, and its name among all providers'.
fn add_feature(text: &str, name: &str) -> Result<String> {
    let start = text.find("all-providers = [").context("there is no feature all-providers")?;
    let end = start + text[start..].find(']').context("all-providers does not end")?;
    let (before, after) = text.split_at(end);
    let comma = if before.trim_end().ends_with(['[', ',']) { "" } else { ", " };
    let after = after.replacen(']', &format!("]\n{name} = []"), 1);
    Ok(format!("{}{comma}\"{name}\"{after}", before.trim_end()))
}

/// The module, and the one line that registers the provider.
fn add_provider(text: &str, name: &str) -> Result<String> {
    let names = Names::of(name)?;
    let cfg = format!("#[cfg(feature = \"{name}\")]\n");
    let first = text.find("\")]\npub mod ").context("there is no provider to stand beside")?;
    let module = text[..first].rfind("#[cfg(").context("a provider has no feature")?;
    let text = format!("{}{cfg}pub mod {name};\n{}", &text[..module], &text[module..]);
    let all = text.find("pub fn all()").context("there is no function all")?;
    let first = all + text[all..].find("#[cfg(feature = ").context("all() lists no provider")?;
    let line = format!("{cfg}ProviderSpec::of::<{name}::{}>(),\n", names.pascal);
    Ok(format!("{}{line}{}", &text[..first], &text[first..]))
}

/// The module, and the line that registers the look-alike.
fn add_look_alike(text: &str, name: &str) -> Result<String> {
    let start = text.find("const VENDORS: &[Registration] =").context("there is no list of vendors")?;
    let end = start + text[start..].find("];").context("the list of vendors does not end")?;
    let comma = if text[..end].trim_end().ends_with(['[', ',']) { "" } else { ", " };
    let text = format!("{}{comma}{name}::REGISTRATION{}", text[..end].trim_end(), &text[end..]);
    // After the last module, for an attribute may stand before any. rustfmt puts it in its place.
    let last = text.rfind("\npub mod ").context("there is no vendor to stand beside")? + 1;
    let end = last + text[last..].find('\n').context("lib.rs ends in a module")? + 1;
    Ok(format!("{}pub mod {name};\n{}", &text[..end], &text[end..]))
}

/// The module with good arguments for every operation, and its line in the list. rustfmt puts both in their place.
fn add_to_every(text: &str, name: &str) -> Result<String> {
    let module = text.find("\nmod ").context("there is no vendor to stand beside")? + 1;
    let text = format!("{}mod {name};\n{}", &text[..module], &text[module..]);
    let start = text.find("pub const VENDORS: &[&Vendor]").context("there is no list of vendors")?;
    let end = start + text[start..].find("];").context("the list of vendors does not end")?;
    let comma = if text[..end].trim_end().ends_with(['[', ',']) { "" } else { ", " };
    Ok(format!("{}{comma}&{name}::VENDOR{}", text[..end].trim_end(), &text[end..]))
}

/// The scenario's line.
fn add_scenario(text: &str, name: &str) -> Result<String> {
    let start = text.find("\nscenarios! {\n").context("there is no list of scenarios")?;
    let end = start + text[start..].find("\n}").context("the list of scenarios does not end")? + 1;
    Ok(format!("{}    {name}_status: \"{name}-status.json\",\n{}", &text[..end], &text[end..]))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn names_are_checked() {
        for bad in ["", "Khan", "khan-academy", "3d", "_x", "x_", "a__b", "fn", "../x", "ünicode"] {
            assert!(Names::of(bad).is_err(), "{bad}");
        }
        let names = Names::of("khan_academy").unwrap();
        assert_eq!(
            names.fill("{{name}} {{Name}} {{NAME}} {{host}} ${{{camel}}Url}"),
            "khan_academy KhanAcademy KHAN_ACADEMY khan-academy ${khanAcademyUrl}"
        );
    }

    #[test]
    fn lists_grow_by_one() {
        let text = add_feature("[features]\nall-providers = [\"twilio\"]\ntwilio = []\n", "stripe").unwrap();
        assert_eq!(text, "[features]\nall-providers = [\"twilio\", \"stripe\"]\nstripe = []\ntwilio = []\n");
        let text = add_look_alike(
            "//! Doc.\n#[cfg(x)]\npub mod a;\nconst VENDORS: &[Registration] = &[a::REGISTRATION];\n",
            "b",
        )
        .unwrap();
        assert!(
            text.contains("&[a::REGISTRATION, b::REGISTRATION];")
                && text.contains("#[cfg(x)]\npub mod a;\npub mod b;\n")
        );
        let every = "//! Doc.\n#![allow(x)]\n\nmod a;\n\npub const VENDORS: &[&Vendor] =\n    &[&a::VENDOR];\n";
        let text = add_to_every(every, "b").unwrap();
        assert!(text.contains("\n\nmod b;\nmod a;\n") && text.contains("&[&a::VENDOR, &b::VENDOR];"), "{text}");
        let list = "macro_rules! scenarios {\n}\n\nscenarios! {\n    a: \"01-a.json\",\n}\n\n#[test]\n";
        let text = add_scenario(list, "b").unwrap();
        assert!(text.ends_with("    a: \"01-a.json\",\n    b_status: \"b-status.json\",\n}\n\n#[test]\n"), "{text}");
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("docs/providers/stripe.md"), "kept").unwrap();
        let error = run(&Tree::at(folder.path()), "stripe").unwrap_err();
        assert_eq!(error.to_string(), "docs/providers/stripe.md is there already");
        assert!(!folder.path().join("src").exists());
    }

    #[test]
    fn names_of_other_things_are_refused() {
        let tree = Tree::find().unwrap();
        for taken in ["channel", "typed", "http", "sqlite", "default", "clock", "server", "audit", "health", "config"] {
            let error = free(&tree, taken).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{taken} is taken: ")), "{error}");
        }
        free(&tree, "made_up_vendor").unwrap();
    }

    #[test]
    fn the_scenario_is_json() {
        let names = Names::of("stripe").unwrap();
        let (template, _) =
            FILES.iter().find(|(_, path)| Path::new(path).extension().is_some_and(|e| e == "json")).unwrap();
        let scenario: serde_json::Value = serde_json::from_str(&names.fill(template)).unwrap();
        assert_eq!(scenario["steps"][0]["request"]["config"]["base_url"], "${stripeUrl}");
    }
}
