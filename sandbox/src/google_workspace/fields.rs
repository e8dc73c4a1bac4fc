//! Partial answers: the `fields` parameter, such as `id,parents,files(id,owners/emailAddress),*`.

use serde_json::{Map, Value};

use super::error::ApiError;

/// What a selector keeps: everything, or named fields with what is kept of each.
#[derive(Debug, Clone, PartialEq)]
enum Mask {
    All,
    Named(Vec<(String, Mask)>),
}

/// Cuts `value` down to what the selector names.
pub(super) fn select(value: Value, selector: &str) -> Result<Value, ApiError> {
    Ok(keep(value, &read(selector)?))
}

/// The names that a selector names, each with those around it.
pub(super) fn paths(selector: &str) -> Result<Vec<Vec<String>>, ApiError> {
    let mut paths = Vec::new();
    walk(&read(selector)?, &mut Vec::new(), &mut paths);
    Ok(paths)
}

fn walk(mask: &Mask, around: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    let Mask::Named(named) = mask else { return };
    for (name, mask) in named {
        around.push(name.clone());
        paths.push(around.clone());
        walk(mask, around, paths);
        around.pop();
    }
}

fn read(selector: &str) -> Result<Mask, ApiError> {
    let mut rest = selector.trim();
    let mask = list(&mut rest, selector)?;
    if rest.is_empty() { Ok(mask) } else { Err(invalid(selector)) }
}

fn invalid(selector: &str) -> ApiError {
    ApiError::parameter("fields", format!("Invalid field selection {selector}"))
}

/// `a,b(c),d/e` up to a closing bracket or the end.
fn list(rest: &mut &str, whole: &str) -> Result<Mask, ApiError> {
    let mut named = Vec::new();
    loop {
        let end = rest.find([',', '(', ')', '/']).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or("").trim();
        if name.is_empty() {
            return Err(invalid(whole));
        }
        *rest = rest.get(end..).unwrap_or("");
        let mut mask = Mask::All;
        if let Some(behind) = rest.strip_prefix('(') {
            *rest = behind;
            mask = list(rest, whole)?;
            *rest = rest.strip_prefix(')').ok_or_else(|| invalid(whole))?;
        } else if let Some(behind) = rest.strip_prefix('/') {
            *rest = behind;
            mask = path(rest, whole)?;
        }
        if name == "*" {
            return skip(rest).map(|()| Mask::All).ok_or_else(|| invalid(whole));
        }
        merge(&mut named, name, mask);
        match rest.strip_prefix(',') {
            Some(behind) => *rest = behind,
            None => return Ok(Mask::Named(named)),
        }
    }
}

/// Adds to a list; a name that is there already, as in `a/b,a/c`, keeps both.
fn merge(named: &mut Vec<(String, Mask)>, name: &str, mask: Mask) {
    match named.iter_mut().find(|(known, _)| known == name) {
        None => named.push((name.to_owned(), mask)),
        Some((_, Mask::All)) => {}
        Some((_, known)) => match (known, mask) {
            (Mask::Named(known), Mask::Named(more)) => {
                more.into_iter().for_each(|(name, mask)| merge(known, &name, mask));
            }
            (known, _) => *known = Mask::All,
        },
    }
}

/// What follows a slash: one name, and what is kept of it.
fn path(rest: &mut &str, whole: &str) -> Result<Mask, ApiError> {
    let end = rest.find([',', ')', '(', '/']).unwrap_or(rest.len());
    let name = rest.get(..end).unwrap_or("").trim().to_owned();
    *rest = rest.get(end..).unwrap_or("");
    let mask = match rest.chars().next() {
        Some('/') => {
            *rest = rest.get(1..).unwrap_or("");
            path(rest, whole)?
        }
        Some('(') => {
            *rest = rest.get(1..).unwrap_or("");
            let inner = list(rest, whole)?;
            *rest = rest.strip_prefix(')').ok_or_else(|| invalid(whole))?;
            inner
        }
        _ => Mask::All,
    };
    match name.as_str() {
        "" => Err(invalid(whole)),
        "*" => Ok(mask),
        _ => Ok(Mask::Named(vec![(name, mask)])),
    }
}

/// Beside `*` other names change nothing: steps over them to the end of the list.
fn skip(rest: &mut &str) -> Option<()> {
    let mut depth = 0_usize;
    for (at, c) in rest.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => {
                *rest = rest.get(at..)?;
                return Some(());
            }
            ')' => depth -= 1,
            _ => {}
        }
    }
    *rest = "";
    (depth == 0).then_some(())
}

fn keep(value: Value, mask: &Mask) -> Value {
    match (value, mask) {
        (value, Mask::All) => value,
        (Value::Array(items), mask) => items.into_iter().map(|item| keep(item, mask)).collect(),
        (Value::Object(mut fields), Mask::Named(named)) => {
            let mut kept = Map::new();
            for (name, mask) in named {
                if let Some(field) = fields.remove(name) {
                    kept.insert(name.clone(), keep(field, mask));
                }
            }
            Value::Object(kept)
        }
        (value, Mask::Named(_)) => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use proptest::prelude::*;

    use super::{paths, select};

    proptest! {
        #[test]
        fn no_selector_breaks_it(selector in "[ab,()/* ]{0,24}") {
            let value = json!({ "a": { "b": [1], "a": 2 }, "b": [{ "a": 1 }] });
            prop_assert_eq!(select(value, &selector).is_ok(), paths(&selector).is_ok());
        }
    }

    #[test]
    fn keeps_what_is_named() {
        let list = json!({ "kind": "k", "files": [{ "id": 1, "owners": [{ "name": "a", "me": true }], "x": 2 }] });
        let select = |selector| select(list.clone(), selector).unwrap();
        assert_eq!(select("kind"), json!({ "kind": "k" }));
        assert_eq!(select("files(id)"), json!({ "files": [{ "id": 1 }] }));
        assert_eq!(select("files/owners/me,kind"), json!({ "files": [{ "owners": [{ "me": true }] }], "kind": "k" }));
        assert_eq!(select("files(id,owners(name))"), json!({ "files": [{ "id": 1, "owners": [{ "name": "a" }] }] }));
        assert_eq!(select("files/id,files/x"), json!({ "files": [{ "id": 1, "x": 2 }] }));
        assert_eq!(select("*"), list);
        assert_eq!(select("*,files(id)"), list);
        assert_eq!(select("files(*)"), json!({ "files": list["files"] }));
    }

    #[test]
    fn refuses_what_is_not_a_selector() {
        for wrong in ["", "a,", "a(b", "a)b", "a/", "(a)"] {
            assert!(select(json!({}), wrong).is_err(), "{wrong}");
        }
    }
}
