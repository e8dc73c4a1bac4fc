//! Steps as data, as `tests/scenarios/README.md` describes them.

use std::{collections::BTreeMap, path::Path};

use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};
use sis_integrations::random_bytes;

/// The answer, or the error's JSON.
pub(crate) type Outcome = Result<Value, Value>;

/// A way to call the functions of a manager.
pub(crate) trait Runner {
    async fn call(&self, function: &str, request: Value) -> Outcome;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    r#do: String,
    request: Value,
    #[serde(default)]
    expect: Map<String, Value>,
    error: Option<Map<String, Value>>,
    #[serde(default)]
    capture: BTreeMap<String, String>,
}

type Names = BTreeMap<String, Value>;

/// Runs a file's steps against a sandbox of its own, and again against what they left there: other runners share one
/// sandbox among all their runs.
pub(crate) async fn run(runner: &impl Runner, path: &Path) {
    let text = std::fs::read(path).unwrap();
    let sandbox = sandbox::Sandbox::start().await.unwrap();
    for _ in 0..2 {
        once(runner, serde_json::from_slice(&text).unwrap(), &sandbox).await;
    }
}

async fn once(runner: &impl Runner, scenario: Scenario, sandbox: &sandbox::Sandbox) {
    // In letters: a long number might be taken for a card's.
    let letter = |byte: u8| char::from(b'a' + byte % 26);
    let fresh = || Value::from(format!("school-{}", random_bytes::<16>().map(letter).iter().collect::<String>()));
    let mut names: Names = [
        ("tenant", fresh()),
        ("otherTenant", fresh()),
        ("twilioAccountSid", sandbox::twilio::ACCOUNT_SID.into()),
        ("twilioAuthToken", sandbox::twilio::AUTH_TOKEN.into()),
        ("stripeSecretKey", sandbox::stripe::SECRET_KEY.into()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    // khan_academy: ${khanAcademyUrl}
    for (vendor, url) in sandbox.urls() {
        let words = vendor.split('_').enumerate().map(|(at, word)| match at {
            0 => word.to_owned(),
            _ => word[..1].to_uppercase() + &word[1..],
        });
        names.insert(words.collect::<String>() + "Url", url.into());
    }
    for (number, step) in scenario.steps.into_iter().enumerate() {
        let place = format!("{}, step {} ({})", scenario.name, number + 1, step.r#do);
        let outcome = runner.call(&step.r#do, filled(step.request, &names)).await;
        match (step.error, outcome) {
            (None, Ok(answer)) => {
                check(&place, &answer, step.expect, &names);
                for (name, pointer) in step.capture {
                    let value = answer.pointer(&pointer);
                    names.insert(name, value.unwrap_or_else(|| panic!("{place}: no {pointer} in {answer}")).clone());
                }
            }
            (Some(expected), Err(error)) => check(&place, &error, expected, &names),
            (None, Err(error)) => panic!("{place}: failed with {error}"),
            (Some(_), Ok(answer)) => panic!("{place}: must fail, and answered {answer}"),
        }
    }
}

/// `${name}` replaced in every string; a string that is one name alone becomes the value as it is.
fn filled(value: Value, names: &Names) -> Value {
    match value {
        Value::String(text) => fill(&text, names),
        Value::Array(items) => items.into_iter().map(|item| filled(item, names)).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, filled(value, names))).collect(),
        other => other,
    }
}

fn fill(text: &str, names: &Names) -> Value {
    let mut text = text.to_owned();
    for (name, value) in names {
        let hole = format!("${{{name}}}");
        if text == hole {
            return value.clone();
        }
        text = text.replace(&hole, value.as_str().unwrap_or(&value.to_string()));
    }
    assert!(!text.contains("${"), "no such name: {text}");
    text.into()
}

fn check(place: &str, answer: &Value, expected: Map<String, Value>, names: &Names) {
    for (pointer, expected) in expected {
        let found = answer.pointer(&pointer);
        let wrong = matcher(&expected).map_or_else(
            || (found != Some(&filled(expected.clone(), names))).then(|| expected.to_string()),
            |(kind, wanted)| (!matches(kind, &filled(wanted.clone(), names), found)).then(|| expected.to_string()),
        );
        if let Some(wrong) = wrong {
            panic!("{place}: {pointer} must be {wrong}, and is {found:?}; the whole is {answer}");
        }
    }
}

fn matcher(expected: &Value) -> Option<(&str, &Value)> {
    let members = expected.as_object().filter(|members| members.len() == 1)?;
    let (kind, wanted) = members.iter().next()?;
    ["matches", "exists", "contains"].contains(&kind.as_str()).then_some((kind.as_str(), wanted))
}

fn matches(kind: &str, wanted: &Value, found: Option<&Value>) -> bool {
    match kind {
        "matches" => found
            .and_then(Value::as_str)
            .is_some_and(|text| Regex::new(wanted.as_str().expect("a regular expression")).unwrap().is_match(text)),
        "exists" => found.is_some() == wanted.as_bool().expect("true or false"),
        _ => found.and_then(Value::as_array).is_some_and(|items| {
            let wanted = wanted.as_object().expect("an object");
            items.iter().any(|item| wanted.iter().all(|(name, value)| item.get(name) == Some(value)))
        }),
    }
}
