//! How an item is named: by its id, or by a path from the root or from another item.

use serde_json::Value;

use super::super::context::{Context, text};
use super::super::error::GraphError;
use super::super::table::{Kind, Row};

/// What the path of a request says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// The item it starts from; the root without one.
    from: Option<&'a str>,
    /// The names below it.
    names: Vec<&'a str>,
}

/// Where an item is, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Destination {
    pub(super) drive: String,
    /// The item; none where nothing is yet.
    pub(super) item: Option<String>,
    /// The folder it is in; none for the root itself.
    pub(super) parent: Option<String>,
    /// Folders that are still to be made, from `parent` on.
    pub(super) missing: Vec<String>,
    pub(super) name: String,
    /// Whether a path led here, and not an id.
    pub(super) by_path: bool,
    /// `fail`, `replace` or `rename`, if the request said so.
    pub(super) conflict: Option<String>,
}

impl<'a> Address<'a> {
    /// Takes the address off the front of a path, and gives what follows it.
    pub(super) fn parse(path: &'a [&'a str]) -> Option<(Self, &'a [&'a str])> {
        let (first, rest) = path.split_first()?;
        match *first {
            "root" => Some((Self { from: None, names: Vec::new() }, rest)),
            "root:" => Some(Self::named(None, rest)),
            "items" => {
                let (item, rest) = rest.split_first()?;
                match item.strip_suffix(':') {
                    Some(item) => Some(Self::named(Some(item), rest)),
                    None => Some((Self { from: Some(item), names: Vec::new() }, rest)),
                }
            }
            _ => None,
        }
    }

    /// Names up to the one that a colon ends.
    fn named(from: Option<&'a str>, path: &'a [&'a str]) -> (Self, &'a [&'a str]) {
        let end = path.iter().position(|name| name.ends_with(':')).map_or(path.len(), |at| at + 1);
        let (names, rest) = path.split_at(end);
        let names = names.iter().map(|name| name.trim_end_matches(':')).filter(|name| !name.is_empty()).collect();
        (Self { from, names }, rest)
    }

    pub(super) fn resolve(&self, context: &Context<'_>, drive: &str) -> Result<Destination, GraphError> {
        let table = &context.world.table;
        let start = match self.from {
            Some("root") | None => table.under(Kind::Item, drive).find(|row| row.value.get("root").is_some()),
            Some(id) => table.get(Kind::Item, drive, id),
        };
        let mut at = start.ok_or_else(GraphError::no_item)?;
        for (depth, name) in self.names.iter().enumerate() {
            match child(context, drive, &at.id, name) {
                Some(next) => at = next,
                None => {
                    let missing: Vec<String> = self.names.iter().skip(depth).map(|name| (*name).to_owned()).collect();
                    return Ok(Destination::nothing(drive, &at.id, missing));
                }
            }
        }
        Ok(Destination { by_path: !self.names.is_empty(), ..Destination::of(drive, at) })
    }
}

impl Destination {
    fn of(drive: &str, row: &Row) -> Self {
        Self {
            drive: drive.to_owned(),
            item: Some(row.id.clone()),
            parent: parent(&row.value).map(str::to_owned),
            missing: Vec::new(),
            name: text(&row.value, "name").unwrap_or_default().to_owned(),
            by_path: false,
            conflict: None,
        }
    }

    fn nothing(drive: &str, parent: &str, mut missing: Vec<String>) -> Self {
        let name = missing.pop().unwrap_or_default();
        Self {
            drive: drive.to_owned(),
            item: None,
            parent: Some(parent.to_owned()),
            missing,
            name,
            by_path: true,
            conflict: None,
        }
    }

    /// The row, which must be there.
    pub(super) fn row(&self, context: &Context<'_>) -> Result<Row, GraphError> {
        let id = self.item.as_deref().ok_or_else(GraphError::no_item)?;
        context.world.table.get(Kind::Item, &self.drive, id).cloned().ok_or_else(GraphError::no_item)
    }
}

/// The folder that an item is in.
pub(super) fn parent(item: &Value) -> Option<&str> {
    item.pointer("/parentReference/id").and_then(Value::as_str)
}

/// The item of a name in a folder; capitals do not count.
pub(super) fn child<'c>(context: &'c Context<'_>, drive: &str, folder: &str, name: &str) -> Option<&'c Row> {
    children(context, drive, folder)
        .find(|row| text(&row.value, "name").is_some_and(|has| has.to_lowercase() == name.to_lowercase()))
}

pub(super) fn children<'c>(context: &'c Context<'_>, drive: &str, folder: &str) -> impl Iterator<Item = &'c Row> {
    context.world.table.under(Kind::Item, drive).filter(move |row| parent(&row.value) == Some(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_off_the_path() {
        let parse = |path: &'static [&'static str]| Address::parse(path).unwrap_or_else(|| panic!("{path:?}"));
        assert_eq!(parse(&["root", "children"]), (Address { from: None, names: vec![] }, &["children"][..]));
        assert_eq!(
            parse(&["root:", "a", "b:", "content"]),
            (Address { from: None, names: vec!["a", "b"] }, &["content"][..])
        );
        assert_eq!(parse(&["root:", "a", "b"]), (Address { from: None, names: vec!["a", "b"] }, &[][..]));
        assert_eq!(
            parse(&["items", "1:", "n:", "content"]),
            (Address { from: Some("1"), names: vec!["n"] }, &["content"][..])
        );
        assert_eq!(parse(&["items", "1", "invite"]), (Address { from: Some("1"), names: vec![] }, &["invite"][..]));
        assert_eq!(Address::parse(&["list"]), None);
    }
}
