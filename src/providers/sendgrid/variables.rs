//! Which variables a dynamic template needs: SendGrid sends a gap in the place of one that is not given.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Sendgrid, templates::fetch_template};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::Repeat,
};

/// What is said of a variable that is not given.
pub(super) const MISSING: &str =
    "is missing: the template's active version uses it, and SendGrid would send a gap; give it, or '' for nothing";

/// What SendGrid itself fills in.
const OWN: &[&str] = &[
    "unsubscribe",
    "unsubscribe_preferences",
    "weblink",
    "Sender_Name",
    "Sender_Address",
    "Sender_City",
    "Sender_State",
    "Sender_Zip",
];

/// The variables of a template's active version; `None` where they cannot be read, which must not keep mail from being
/// sent: many keys may send and not read.
pub(super) async fn of_template(call: &Call<'_, Sendgrid>, id: &str) -> Result<Option<BTreeSet<String>>> {
    let template = match fetch_template(call, id, Repeat::Always).await {
        Ok(template) => template,
        Err(error) if error.code() == ErrorCode::NotFound => {
            return Err(Error::invalid("templateId", "SendGrid has no such template in this account"));
        }
        Err(error) if error.code() == ErrorCode::NeedsReconnect => return Err(error),
        Err(_) => return Ok(None),
    };
    let Some(version) = template.versions.iter().find(|version| version.active) else {
        let mend = "must have an active version; make one so with activateTemplateVersion";
        return Err(Error::invalid("templateId", mend));
    };
    let texts = [&version.subject, &version.html_content, &version.plain_content];
    let mut used = BTreeSet::new();
    for text in texts.into_iter().flatten() {
        collect(text, &mut used);
    }
    Ok(Some(used))
}

/// The first of them that is in none of `given`.
pub(super) fn missing<'u>(used: &'u BTreeSet<String>, given: &[&Map<String, Value>]) -> Option<&'u str> {
    used.iter().map(String::as_str).find(|path| !given.iter().any(|given| holds(given, path)))
}

fn holds(given: &Map<String, Value>, path: &str) -> bool {
    // A name with a dot in it is a path: SendGrid reads it so.
    let mut parts = path.split('.');
    let mut value = parts.next().and_then(|name| given.get(name));
    for name in parts {
        value = value.and_then(|value| match value {
            Value::Array(items) => items.get(name.parse::<usize>().ok()?),
            other => other.get(name),
        });
    }
    value.is_some_and(|value| !value.is_null())
}

/// Adds the variables that a text cannot do without: those outside of every block, and lists that a block goes through.
/// Inside a block nobody can tell: the block may not be shown, or its names may be those of a list's items.
fn collect(text: &str, used: &mut BTreeSet<String>) {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let inside = &rest[start + 2..];
        let Some(end) = inside.find("}}") else {
            return;
        };
        let tag = inside[..end].trim_matches(['{', '}', '~', '&']).trim();
        rest = &inside[end + 2..];
        if let Some(block) = tag.strip_prefix('#') {
            if depth == 0
                && let Some(list) = block.strip_prefix("each")
            {
                used.extend(variable(list.trim()));
            }
            depth += 1;
        } else if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if depth == 0 {
            used.extend(of_tag(tag));
        }
    }
}

/// The variables of `{{name}}`, `{{helper name "text"}}` and `{{insert name "default=text"}}`.
fn of_tag(tag: &str) -> Vec<String> {
    if tag.starts_with(['!', '>', '@', '.']) || tag == "else" || tag == "this" || tag.starts_with("this.") {
        return Vec::new();
    }
    let (first, arguments) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    match first {
        _ if arguments.trim().is_empty() => variable(first).into_iter().collect(),
        "insert" if arguments.contains("default=") => Vec::new(),
        "insert" => arguments.split_whitespace().next().and_then(variable).into_iter().collect(),
        // A helper: what is no text and no number among its arguments may be a variable, or a word of its own; a date
        // or a number is the one thing the helpers have first.
        "formatDate" => arguments.split_whitespace().next().and_then(variable).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The name, if it is one that a sender gives.
fn variable(name: &str) -> Option<String> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
    let number = name.parse::<f64>().is_ok() || matches!(name, "true" | "false" | "null" | "undefined");
    (!name.is_empty() && name.chars().all(plain) && !number && !OWN.contains(&name)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn used(text: &str) -> Vec<String> {
        let mut used = BTreeSet::new();
        collect(text, &mut used);
        used.into_iter().collect()
    }

    #[test]
    fn the_variables_that_must_be_given() {
        for (text, names) in [
            ("Dear {{parent.name}}, {{{ html }}} {{~x~}}", vec!["html", "parent.name", "x"]),
            ("{{#if late}}{{minutes}}{{else}}on time{{/if}} {{child}}", vec!["child"]),
            ("{{#each marks}}{{subject}} {{this.mark}}{{/each}}", vec!["marks"]),
            ("{{insert name \"default=parent\"}} {{insert city}}", vec!["city"]),
            ("{{! a note }} {{@root.x}} {{../y}} {{unsubscribe}}", vec![]),
            ("{{formatDate when 'MMMM'}} {{#unless a}}{{#if b}}{{c}}{{/if}}{{/unless}}{{d}}", vec!["d", "when"]),
            ("{{open", vec![]),
            ("{{}} }} {{{{x}}}}", vec!["x"]),
        ] {
            assert_eq!(used(text), names, "{text}");
        }
    }

    #[test]
    fn what_is_null_or_in_no_list_is_missing() {
        let Value::Object(given) = json!({ "a": { "b": 1 }, "n": null, "l": ["x"], "e": "" }) else { unreachable!() };
        for (path, is_there) in
            [("a.b", true), ("a.c", false), ("n", false), ("l.0", true), ("l.1", false), ("e", true)]
        {
            let used = BTreeSet::from([path.to_owned()]);
            assert_eq!(missing(&used, &[&given]).is_none(), is_there, "{path}");
        }
        let other = Map::from_iter([("n".to_owned(), json!(1))]);
        assert_eq!(missing(&BTreeSet::from(["n".to_owned()]), &[&given, &other]), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text(text in "[{}#/a-c~. \"=\\PC]{0,60}") {
            let _ = used(&text);
        }
    }
}
