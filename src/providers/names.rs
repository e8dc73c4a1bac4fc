//! Names as vendors spell them and as we do.

use serde_json::Value;

/// `unitAmount` of `unit_amount`; `metadata` of `_metadata`.
pub(crate) fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for part in name.split('_').filter(|part| !part.is_empty()) {
        let mut letters = part.chars();
        match letters.next() {
            Some(first) if !out.is_empty() => out.extend(first.to_uppercase()),
            Some(first) => out.push(first),
            None => {}
        }
        out.push_str(letters.as_str());
    }
    out
}

/// The value with all its names in camelCase, but for what stands below `as_they_are`: there the names are somebody's own.
pub(crate) fn camelled(value: Value, as_they_are: &[&str]) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(|item| camelled(item, as_they_are)).collect(),
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| {
                let value = if as_they_are.contains(&name.as_str()) { value } else { camelled(value, as_they_are) };
                (camel(&name), value)
            };
            Value::Object(members.into_iter().map(member).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_become_ours_wherever_they_stand_but_for_those_that_are_somebodys() {
        let theirs =
            json!({ "unit_amount": 1, "_links": [{ "page_size": 2 }], "metadata": { "my_key": 3 }, "a__b_": 4 });
        let ours = camelled(theirs, &["metadata"]);
        assert_eq!(
            ours,
            json!({ "unitAmount": 1, "links": [{ "pageSize": 2 }], "metadata": { "my_key": 3 }, "aB": 4 })
        );
        assert_eq!(camel("course_work_id"), "courseWorkId");
        assert_eq!(camel("größe_élan"), "größeÉlan");
    }
}
