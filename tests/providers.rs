//! Every registered operation, by enumeration: what it lacks fails here, with its name.
#![allow(missing_docs, clippy::disallowed_methods, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use every::{School, builder, operations};
use serde_json::{Value, json};
use sis_integrations::{providers, storage::MemoryStorage};

/// Every property of a schema, with its path.
fn undescribed(schema: &Value, path: &str, missing: &mut Vec<String>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (name, property) in properties {
        let described = property.get("description").is_some() || property.get("$ref").is_some();
        if !described {
            missing.push(format!("{path}.{name}"));
        }
        undescribed(property, &format!("{path}.{name}"), missing);
    }
}

#[test]
fn each_operation_is_described() {
    let mut missing = Vec::new();
    for provider in providers::all() {
        for operation in &provider.operations {
            let name = format!("{}.{}", provider.info.id, operation.name);
            if operation.about().len() < 20 {
                missing.push(format!("{name} has no documentation"));
            }
            let schema = (operation.input_schema)();
            undescribed(&schema, &name, &mut missing);
            assert_eq!(schema["additionalProperties"], false, "{name} takes unknown arguments");
            let first = operation.name.chars().next().unwrap();
            assert!(first.is_ascii_lowercase() && !operation.name.contains('_'), "{name} is not camelCase");
            for disclosed in operation.discloses {
                let argument = disclosed.argument.split(['[', '.']).next().unwrap();
                assert!(
                    schema["properties"].get(argument).is_some(),
                    "{name} discloses {argument}, which is no argument of it"
                );
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The word after `Access` in a documentation, wherever its lines end.
fn access(about: &str) -> Option<String> {
    let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, rest) = about.split_once("Access `")?;
    Some(rest.split_once('`')?.0.to_owned())
}

#[test]
fn the_access_that_a_documentation_tells_is_the_operations() {
    let mut wrong = Vec::new();
    for provider in providers::all() {
        for operation in &provider.operations {
            let is = operation.access.name();
            if let Some(told) = access(&operation.about()).filter(|told| told != is) {
                wrong.push(format!("{}.{} tells {told} and is {is}", provider.info.id, operation.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The JSON of a documentation's `Example:`.
fn example(about: &str) -> Option<Value> {
    let (_, rest) = about.split_once("Example: `")?;
    let (text, _) = rest.split_once('`')?;
    serde_json::from_str(text).ok()
}

#[test]
fn each_operation_has_an_example_that_it_takes() {
    let mut wrong = Vec::new();
    for provider in providers::all() {
        for operation in &provider.operations {
            let taken = match example(&operation.about()) {
                None => Err("has no example that is JSON".to_owned()),
                Some(arguments) => operation
                    .prepare(arguments)
                    .and_then(|prepared| prepared.validate())
                    .map_err(|error| format!("does not take its own example: {error}")),
            };
            wrong.extend(taken.err().map(|why| format!("{}.{} {why}", provider.info.id, operation.name)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_config_field_is_known_and_each_operation_on_the_page() {
    for provider in providers::all() {
        let schema = (provider.config_schema)();
        let properties = schema["properties"].as_object().unwrap();
        let mut known: Vec<&str> = provider.fields.iter().map(|field| field.name).collect();
        let mut named: Vec<&str> = properties.keys().map(String::as_str).collect();
        known.sort_unstable();
        named.sort_unstable();
        assert_eq!(known, named, "{}: FIELDS and the struct differ", provider.info.id);
        assert!(!provider.secret_fields().is_empty(), "{} has no secret", provider.info.id);
        for (name, property) in properties {
            assert!(property.get("description").is_some(), "{}.{name}", provider.info.id);
        }
        let page = std::fs::read_to_string(format!("docs/providers/{}.md", provider.info.id)).unwrap();
        let mut untold = provider.operations.iter().map(|operation| operation.name).collect::<Vec<_>>();
        untold.retain(|name| !page.contains(&format!("`{name}`")));
        assert!(untold.is_empty(), "the page of {} does not tell of {untold:?}", provider.info.id);
        let known = !provider.info.limits.is_empty() && !provider.info.prices.is_empty();
        assert!(known, "{} states no limit or no price", provider.info.id);
    }
}

#[tokio::test]
async fn each_operation_makes_a_round_trip() {
    let school = School::open(builder().storage(MemoryStorage::new())).await;
    for (provider, operation) in operations() {
        let arguments = school.filled(provider, operation).await;
        let reply = school.tenant.execute(&school.admin, provider, operation, arguments).await;
        let reply = reply.unwrap_or_else(|error| panic!("{operation}: {error}"));
        assert!(reply.output.is_object() || reply.output.is_array(), "{operation}: {}", reply.output);
    }
}

mod arbitrary {
    use std::{
        cell::Cell,
        time::{Duration, Instant},
    };

    use super::*;
    use proptest::{prelude::*, sample::Index, test_runner::TestRunner};
    use sis_integrations::{ErrorCode, Result, transport::Backoff};

    /// How long each test goes on finding new arguments; a slow machine tries fewer.
    const BUDGET: Duration = Duration::from_secs(8);

    /// A school where every provider is configured, so that what passes validation is carried out by the look-alikes.
    struct Bench {
        runtime: tokio::runtime::Runtime,
        school: School,
        operations: Vec<(&'static str, &'static str)>,
    }

    impl Bench {
        fn open() -> Self {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let backoff = Backoff { first: Duration::from_millis(1), most: Duration::from_millis(2), attempts: 2 };
            let school = runtime.block_on(School::open(builder().backoff(backoff).storage(MemoryStorage::new())));
            Self { runtime, school, operations: operations() }
        }

        /// Takes a call the whole road: an answer or an error with a code, never a panic. The road makes of a panic an error
        /// that says it is internal, or that nothing is known of what was sent.
        fn call(&self, (provider, operation): (&str, &str), arguments: Value) -> Result<Value> {
            let call = self.school.tenant.request(&self.school.admin).deadline(Duration::from_secs(5));
            let result = self.runtime.block_on(call.execute(provider, operation, arguments.clone()));
            if let Err(error) = &result {
                let panicked =
                    error.code() == ErrorCode::Internal || error.message().contains("operation failed after");
                assert!(!panicked, "{provider}.{operation} {arguments}: {error}");
            }
            result.map(|reply| reply.output)
        }
    }

    fn leaves() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(|number| json!(number)),
            "\\PC{0,20}".prop_map(Value::from),
            "\\+[0-9]{0,18}".prop_map(Value::from),
            // What means something in addresses, times and lists of addresses.
            prop::sample::select(vec![
                "",
                " ",
                ".",
                "..",
                "/",
                "a/../b",
                "%2e%2e",
                "?x=1",
                "#",
                "a@b",
                "2026-02-30",
                "2026-11-25T25:00:00Z",
                "-1",
                "1e9",
                "\u{0}",
                "\r\nBcc: x@y.example",
                "\u{202e}",
                "ß",
                "https://[::1",
                "data:,",
                "*",
                "null",
            ])
            .prop_map(Value::from),
            (1usize..3000).prop_map(|length| Value::from("ü".repeat(length))),
        ]
    }

    fn json_values() -> impl Strategy<Value = Value> {
        let names = prop::sample::select(vec![
            "to",
            "body",
            "recipients",
            "phone",
            "message",
            "sid",
            "args",
            "channels",
            "pageSize",
            "messages",
            "x",
        ]);
        leaves().prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(names.clone(), inner, 0..6)
                    .prop_map(|map| map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            ]
        })
    }

    /// What is done to one place in good arguments.
    #[derive(Debug, Clone)]
    enum Change {
        Replace(Value),
        Remove,
        Twice,
        Append(String),
        Cut(Index),
    }

    fn changes() -> impl Strategy<Value = (Index, Change)> {
        let change = prop_oneof![
            3 => leaves().prop_map(Change::Replace),
            1 => json_values().prop_map(Change::Replace),
            1 => Just(Change::Remove),
            1 => Just(Change::Twice),
            2 => "\\PC{1,3}".prop_map(Change::Append),
            1 => any::<Index>().prop_map(Change::Cut),
        ];
        (any::<Index>(), change)
    }

    /// Every place in a value, as a JSON pointer; the whole is not one.
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        let inner: Vec<(String, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
            _ => Vec::new(),
        };
        for (name, value) in inner {
            let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            places(value, &at, found);
            found.push(at);
        }
    }

    fn changed(mut arguments: Value, changes: Vec<(Index, Change)>) -> Value {
        for (index, change) in changes {
            let mut found = Vec::new();
            places(&arguments, "", &mut found);
            if found.is_empty() {
                break;
            }
            let place = index.get(&found);
            let (parent, name) = place.rsplit_once('/').unwrap();
            let name = name.replace("~1", "/").replace("~0", "~");
            let value = arguments.pointer_mut(place).unwrap();
            match (change, value) {
                (Change::Replace(new), value) => *value = new,
                (Change::Append(more), Value::String(text)) => text.push_str(&more),
                (Change::Cut(at), Value::String(text)) => {
                    *text = text.chars().take(at.index(text.chars().count() + 1)).collect();
                }
                (Change::Twice, Value::Array(items)) => items.extend(items.clone()),
                (Change::Remove, _) => match arguments.pointer_mut(parent).unwrap() {
                    Value::Object(members) => drop(members.remove(&name)),
                    Value::Array(items) => drop(items.remove(name.parse().unwrap())),
                    _ => unreachable!("a place lies in an object or a list"),
                },
                _ => {}
            }
        }
        arguments
    }

    fn run<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value)) {
        let started = Instant::now();
        let config = ProptestConfig { max_shrink_iters: 300, ..ProptestConfig::with_cases(cases) };
        let tried = TestRunner::new(config).run(strategy, |value| {
            // A failure that is being made smaller stops here too, and is told as it is.
            if started.elapsed() < BUDGET {
                test(value);
            }
            Ok(())
        });
        tried.unwrap_or_else(|failure| panic!("{failure}"));
    }

    #[test]
    fn any_json_is_answered_without_a_panic() {
        let bench = Bench::open();
        run(2000, &(any::<Index>(), json_values()), |(operation, value)| {
            let _ = bench.call(*operation.get(&bench.operations), value);
        });
    }

    #[test]
    fn good_arguments_gone_wrong_are_answered_without_a_panic() {
        let bench = Bench::open();
        let good: Vec<_> =
            bench.operations.iter().map(|of| bench.runtime.block_on(bench.school.filled(of.0, of.1))).collect();
        let (tried, carried_out) = (Cell::new(0), Cell::new(0));
        let changes = prop::collection::vec(changes(), 1..4);
        run(2000, &(any::<Index>(), changes), |(operation, changes)| {
            let at = operation.index(good.len());
            let result = bench.call(bench.operations[at], changed(good[at].clone(), changes));
            tried.set(tried.get() + 1);
            // The vendor has said something: the operation was at work.
            let reached = result.as_ref().map_or_else(|error| error.vendor().is_some(), |_| true);
            carried_out.set(carried_out.get() + usize::from(reached));
        });
        let (tried, carried_out) = (tried.get(), carried_out.get());
        assert!(tried >= 100 && carried_out * 5 > tried, "only {carried_out} of {tried} calls came to the vendor");
    }
}
