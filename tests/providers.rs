//! Every registered operation, by enumeration: what it lacks fails here, with its name.
#![allow(missing_docs, reason = "tests")]

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
    use super::*;
    use proptest::prelude::*;

    fn json_values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(|number| json!(number)),
            "\\PC{0,20}".prop_map(Value::from),
            "\\+[0-9]{0,18}".prop_map(Value::from),
        ];
        let names = prop_oneof![
            Just("to".to_owned()),
            Just("body".to_owned()),
            Just("recipients".to_owned()),
            Just("phone".to_owned()),
            Just("message".to_owned()),
            Just("sid".to_owned()),
            Just("args".to_owned()),
            Just("channels".to_owned()),
            Just("pageSize".to_owned()),
            Just("messages".to_owned()),
            "[a-zA-Z]{1,8}",
        ];
        leaf.prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(names.clone(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Through the whole road, for every operation: an answer or an error with a code, never a panic.
        #[test]
        fn any_json_is_answered_without_a_panic(values in prop::collection::vec(json_values(), 4)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let manager = builder()
                    .storage(MemoryStorage::new())
                    .master_key(sis_integrations::MasterKey::random())
                    .providers(providers::all())
                    .build()
                    .await
                    .unwrap();
                let school = manager.tenant("school").unwrap();
                let admin = sis_integrations::Actor::new("u", sis_integrations::Role::Admin);
                for (provider, operation) in operations() {
                    for value in &values {
                        // Not configured: good arguments end there, and nothing leaves.
                        let error = school.execute(&admin, provider, operation, value.clone()).await.unwrap_err();
                        assert_ne!(error.code(), sis_integrations::ErrorCode::Internal, "{operation}: {error}");
                    }
                }
            });
        }
    }
}
