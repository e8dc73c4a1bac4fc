//! Parameters with brackets: `line_items[0][price]=…`, `metadata[key]=…`, `expand[]=…`.

use serde_json::{Map, Value};

use super::error::Refusal;

/// How deep names may nest: deeper ones are refused before anything recurses into them.
const DEEPEST: usize = 8;

/// Reads pairs into a tree of maps and strings. Lists are maps whose names are numbers.
pub(super) fn tree<'p>(pairs: impl Iterator<Item = (&'p str, &'p str)>) -> Result<Map<String, Value>, Refusal> {
    let mut root = Map::new();
    for (name, value) in pairs {
        let parts = parts(name).ok_or_else(|| Refusal::unknown(name))?;
        insert(&mut root, &parts, value, name)?;
    }
    Ok(root)
}

/// `a[b][]` as `a`, `b` and an empty part; none where brackets do not pair.
fn parts(name: &str) -> Option<Vec<&str>> {
    let (first, mut rest) = match name.find('[') {
        Some(at) => name.split_at(at),
        None => (name, ""),
    };
    let mut parts = vec![first];
    while !rest.is_empty() {
        let (part, after) = rest.strip_prefix('[')?.split_once(']')?;
        parts.push(part);
        rest = after;
    }
    (!first.is_empty() && parts.len() <= DEEPEST).then_some(parts)
}

fn insert(map: &mut Map<String, Value>, parts: &[&str], value: &str, name: &str) -> Result<(), Refusal> {
    let [part, rest @ ..] = parts else { return Ok(()) };
    let key = if part.is_empty() { next(map, rest) } else { (*part).to_owned() };
    if rest.is_empty() {
        map.insert(key, Value::String(value.to_owned()));
        return Ok(());
    }
    match map.entry(key).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(inner) => insert(inner, rest, value, name),
        _ => Err(Refusal::about(name, format!("Invalid parameters: {name} is both a value and a hash")).unsaved()),
    }
}

/// The place of an element without a number: the last one while it lacks the name that follows, else a new one.
fn next(map: &Map<String, Value>, rest: &[&str]) -> String {
    let last = map.keys().filter_map(|key| key.parse::<u32>().ok()).max();
    let Some(last) = last else { return "0".to_owned() };
    let open = rest.first().filter(|name| !name.is_empty()).is_some_and(|name| {
        map.get(&last.to_string()).and_then(Value::as_object).is_some_and(|element| !element.contains_key(*name))
    });
    if open { last.to_string() } else { last.saturating_add(1).to_string() }
}

/// One level of parameters, and where it is.
#[derive(Debug, Clone)]
pub(super) struct Params<'a> {
    at: String,
    map: &'a Map<String, Value>,
}

type Read<T> = Result<T, Refusal>;

impl<'a> Params<'a> {
    pub(super) fn new(map: &'a Map<String, Value>) -> Self {
        Self { at: String::new(), map }
    }

    /// A parameter's full name.
    pub(super) fn path(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}[{name}]", self.at) }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.map.keys().map(String::as_str)
    }

    /// Refuses every name that is not among `known`.
    pub(super) fn only(&self, known: &[&str]) -> Read<()> {
        match self.names().find(|name| !known.contains(name)) {
            Some(name) => Err(Refusal::unknown(&self.path(name))),
            None => Ok(()),
        }
    }

    /// A text; an empty one is `Some("")`, which unsets.
    pub(super) fn raw(&self, name: &str) -> Read<Option<&'a str>> {
        match self.map.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => {
                let path = self.path(name);
                Err(Refusal::about(&*path, format!("Invalid string: {path} is a hash")).unsaved())
            }
        }
    }

    /// A text that cannot be unset.
    pub(super) fn text(&self, name: &str) -> Read<Option<&'a str>> {
        match self.raw(name)? {
            Some("") => Err(Refusal::empty(&self.path(name))),
            text => Ok(text),
        }
    }

    pub(super) fn required(&self, name: &str) -> Read<&'a str> {
        self.text(name)?.ok_or_else(|| Refusal::missing(&self.path(name)))
    }

    pub(super) fn integer(&self, name: &str) -> Read<Option<i64>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(self.bad_integer(name, &format!("Invalid integer: {text}"))),
        }
    }

    /// A number within bounds.
    pub(super) fn within(&self, name: &str, least: i64, most: i64) -> Read<Option<i64>> {
        match self.integer(name)? {
            Some(number) if number < least => {
                Err(self.bad_integer(name, &format!("This value must be greater than or equal to {least}.")))
            }
            Some(number) if number > most => {
                let message = format!("This value must be less than or equal to {most} (it currently is '{number}').");
                Err(self.bad_integer(name, &message))
            }
            number => Ok(number),
        }
    }

    fn bad_integer(&self, name: &str, message: &str) -> Refusal {
        Refusal::about(self.path(name), message).code("parameter_invalid_integer").unsaved()
    }

    pub(super) fn boolean(&self, name: &str) -> Read<Option<bool>> {
        match self.text(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(Refusal::about(self.path(name), format!("Invalid boolean: {other}")).unsaved()),
        }
    }

    pub(super) fn one_of(&self, name: &str, known: &[&'static str]) -> Read<Option<&'static str>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match known.iter().find(|known| **known == text) {
            Some(known) => Ok(Some(*known)),
            None => {
                let path = self.path(name);
                let message = format!("Invalid {path}: must be one of {}", known.join(", "));
                Err(Refusal::about(path, message).unsaved())
            }
        }
    }

    pub(super) fn nested(&self, name: &str) -> Read<Option<Params<'a>>> {
        match self.map.get(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Params { at: self.path(name), map })),
            Some(_) => {
                let path = self.path(name);
                Err(Refusal::about(&*path, format!("Invalid hash: {path}")).unsaved())
            }
        }
    }

    /// The elements of a list, in the order of their numbers.
    pub(super) fn list(&self, name: &str) -> Read<Vec<Params<'a>>> {
        let Some(list) = self.nested(name)? else { return Ok(Vec::new()) };
        let mut elements = Vec::with_capacity(list.map.len());
        for number in list.numbers()? {
            let name = number.to_string();
            elements.push(list.nested(&name)?.ok_or_else(|| Refusal::missing(&list.path(&name)))?);
        }
        Ok(elements)
    }

    /// The texts of a list.
    pub(super) fn texts(&self, name: &str) -> Read<Vec<&'a str>> {
        if self.raw(name).is_ok_and(|text| text == Some("")) {
            return Ok(Vec::new());
        }
        let Some(list) = self.nested(name)? else { return Ok(Vec::new()) };
        list.numbers()?.into_iter().map(|number| list.required(&number.to_string())).collect()
    }

    fn numbers(&self) -> Read<Vec<u32>> {
        let bad = |_| Refusal::about(&*self.at, format!("Invalid array: {}", self.at)).unsaved();
        let mut numbers: Vec<u32> = self.map.keys().map(|key| key.parse()).collect::<Result<_, _>>().map_err(bad)?;
        numbers.sort_unstable();
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Params, tree};

    fn read(pairs: &[(&str, &str)]) -> Value {
        Value::Object(tree(pairs.iter().copied()).unwrap())
    }

    #[test]
    fn brackets_become_a_tree() {
        let items = read(&[("items[0][price]", "a"), ("items[0][quantity]", "2"), ("items[10][price]", "b")]);
        assert_eq!(items, json!({ "items": { "0": { "price": "a", "quantity": "2" }, "10": { "price": "b" } } }));
        let open = read(&[("i[][price]", "a"), ("i[][quantity]", "1"), ("i[][price]", "b"), ("expand[]", "x")]);
        let expected =
            json!({ "i": { "0": { "price": "a", "quantity": "1" }, "1": { "price": "b" } }, "expand": { "0": "x" } });
        assert_eq!(open, expected);
    }

    #[test]
    fn lists_come_in_the_order_of_their_numbers() {
        let map = tree([("i[10]", "c"), ("i[2]", "b"), ("i[0]", "a")].into_iter()).unwrap();
        assert_eq!(Params::new(&map).texts("i").unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn a_name_that_is_value_and_hash_and_brackets_that_do_not_pair_are_refused() {
        assert!(tree([("a", "1"), ("a[b]", "2")].into_iter()).is_err());
        assert!(tree([("a[b", "1")].into_iter()).is_err());
        assert!(tree([("a[b]c", "1")].into_iter()).is_err());
        assert!(tree([("[b]", "1")].into_iter()).is_err());
    }

    proptest! {
        #[test]
        fn any_names_are_read_or_refused(pairs in proptest::collection::vec((".{0,20}|a(\\[[a-z0-9]?\\]){0,12}", ".{0,5}"), 0..8)) {
            let _ = tree(pairs.iter().map(|(name, value)| (&**name, &**value)));
        }
    }
}
