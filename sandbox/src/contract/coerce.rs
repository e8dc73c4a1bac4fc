//! Gives the texts of a form or a query the types that their schemas ask for.

use serde_json::{Map, Value};

use super::document::Document;

/// What stands under one name: texts, or further names (`metadata[key]=value`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Texts(Vec<String>),
    Names(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn text(text: &str) -> Self {
        Self::Texts(vec![text.to_owned()])
    }
}

/// Gathers pairs into a tree. A name with brackets is taken apart unless it is declared as it stands.
pub(super) fn tree(pairs: &[(String, String)], is_declared: &dyn Fn(&str) -> bool) -> Vec<(String, Node)> {
    let mut roots = Vec::new();
    for (name, text) in pairs {
        let keys = if is_declared(name) { vec![name.as_str()] } else { keys(name) };
        insert(&mut roots, &keys, text);
    }
    roots
}

/// `a[b][]` as `a`, `b` and an empty key.
fn keys(name: &str) -> Vec<&str> {
    match name.split_once('[') {
        Some((base, rest)) if rest.ends_with(']') && !base.is_empty() => {
            std::iter::once(base).chain(rest[..rest.len() - 1].split("][")).collect()
        }
        _ => vec![name],
    }
}

fn insert(nodes: &mut Vec<(String, Node)>, keys: &[&str], text: &str) {
    let [key, rest @ ..] = keys else { return };
    let position = nodes.iter().position(|(name, _)| name == key).unwrap_or_else(|| {
        let empty = if rest.is_empty() { Node::Texts(Vec::new()) } else { Node::Names(Vec::new()) };
        nodes.push(((*key).to_owned(), empty));
        nodes.len() - 1
    });
    match &mut nodes[position].1 {
        Node::Texts(texts) => texts.push(text.to_owned()),
        Node::Names(names) if rest.is_empty() => names.push((String::new(), Node::text(text))),
        Node::Names(names) => insert(names, rest, text),
    }
}

/// The value that the schema would have of it. What does not fit stays text, for the schema to refuse.
pub(super) fn value(document: &Document, schema: &Value, node: &Node) -> Value {
    let schema = document.resolve(schema);
    for combination in ["anyOf", "oneOf"] {
        if let Some(variants) = schema.get(combination).and_then(Value::as_array) {
            let fitting = variants.iter().map(|variant| (variant, value(document, variant, node)));
            let chosen =
                fitting.filter(|(variant, value)| fits(document, variant, value)).map(|(_, value)| value).next();
            return chosen.unwrap_or_else(|| untyped(node));
        }
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array)
        && schema.get("properties").is_none()
    {
        return parts.last().map_or_else(|| untyped(node), |part| value(document, part, node));
    }
    match (node, types(schema).as_slice()) {
        (Node::Names(names), kinds) if kinds.contains(&"array") => {
            let items = schema.get("items").unwrap_or(&Value::Null);
            names.iter().map(|(_, node)| value(document, items, node)).collect()
        }
        (Node::Names(names), _) => object(document, schema, names),
        (Node::Texts(texts), kinds) if kinds.contains(&"array") => {
            let items = schema.get("items").unwrap_or(&Value::Null);
            texts.iter().map(|text| value(document, items, &Node::text(text))).collect()
        }
        (Node::Texts(texts), kinds) => match texts.as_slice() {
            [text] => kinds.iter().find_map(|kind| scalar(kind, text)).unwrap_or_else(|| text.as_str().into()),
            several => several.iter().map(String::as_str).collect(),
        },
    }
}

pub(super) fn object(document: &Document, schema: &Value, names: &[(String, Node)]) -> Value {
    let schema = document.resolve(schema);
    let of = |name: &str| {
        document.property(schema, name).or_else(|| schema.get("additionalProperties")).unwrap_or(&Value::Null)
    };
    let fields: Map<String, Value> =
        names.iter().map(|(name, node)| (name.clone(), value(document, of(name), node))).collect();
    Value::Object(fields)
}

fn untyped(node: &Node) -> Value {
    match node {
        Node::Texts(texts) if texts.len() == 1 => texts[0].as_str().into(),
        Node::Texts(texts) => texts.iter().map(String::as_str).collect(),
        Node::Names(names) => {
            names.iter().map(|(name, node)| (name.clone(), untyped(node))).collect::<Map<_, _>>().into()
        }
    }
}

/// The types that a schema names, null left out: nobody writes null in a form.
pub(super) fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        _ if schema.get("properties").is_some() => vec!["object"],
        _ if schema.get("items").is_some() => vec!["array"],
        _ => Vec::new(),
    }
}

fn scalar(kind: &str, text: &str) -> Option<Value> {
    match kind {
        "integer" => text.parse::<i64>().ok().map(Value::from),
        "number" => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
        "boolean" => text.parse::<bool>().ok().map(Value::from),
        "string" => Some(text.into()),
        _ => None,
    }
}

/// Whether a value is of a variant's type and, where it names some, among its values.
fn fits(document: &Document, variant: &Value, value: &Value) -> bool {
    let variant = document.resolve(variant);
    let of_type = types(variant).iter().any(|kind| match *kind {
        "array" => value.is_array(),
        "object" => value.is_object(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        _ => false,
    });
    let untyped = types(variant).is_empty() && variant.get("type").is_none();
    let listed = variant.get("enum").and_then(Value::as_array).is_none_or(|values| values.contains(value));
    (of_type || untyped) && listed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn count(node: &Node) -> usize {
        match node {
            Node::Texts(texts) => texts.len(),
            Node::Names(names) => names.iter().map(|(_, node)| count(node)).sum(),
        }
    }

    #[test]
    fn brackets_nest_and_declared_names_stay_whole() {
        let pairs = [("items[0][price]", "p1"), ("items[0][quantity]", "2"), ("expand[]", "x"), ("a]b", "y")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let price = ("price".to_owned(), Node::text("p1"));
        let quantity = ("quantity".to_owned(), Node::text("2"));
        let item = ("0".to_owned(), Node::Names(vec![price, quantity]));
        let roots = tree(&pairs, &|name| name == "expand[]");
        assert_eq!(roots[0], ("items".to_owned(), Node::Names(vec![item])));
        assert_eq!(roots[1], ("expand[]".to_owned(), Node::text("x")));
        assert_eq!(roots[2], ("a]b".to_owned(), Node::text("y")));
    }

    proptest! {
        #[test]
        fn no_name_loses_a_text(pairs in prop::collection::vec(("[ab\\[\\]é]{0,8}", "[a-z]{0,3}"), 0..12)) {
            let total: usize = tree(&pairs, &|_| false).iter().map(|(_, node)| count(node)).sum();
            prop_assert_eq!(total, pairs.len());
        }
    }
}
