//! The search language of `q`: `name contains 'x' and ('ID' in parents or not trashed = true)`.

use serde_json::Value;

use super::File;
use crate::google_workspace::call::{Result, instant};
use crate::google_workspace::error::ApiError;

/// How deep brackets may nest.
const DEPTH: usize = 32;

/// A search.
#[derive(Debug, PartialEq)]
pub(super) enum Query {
    And(Vec<Query>),
    Or(Vec<Query>),
    Not(Box<Query>),
    /// A field compared with a value.
    Is(String, String, String),
    /// A value in a collection.
    In(String, String),
    /// A property of this key and value.
    Has(String, String, String),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Text(String),
    Word(String),
    Sign(&'static str),
}

const SIGNS: &[&str] = &["!=", "<=", ">=", "=", "<", ">", "(", ")", "{", "}"];

fn invalid() -> ApiError {
    ApiError::invalid("Invalid Value").at("parameter", "q")
}

fn tokens(query: &str) -> Result<Vec<Token>> {
    let (mut tokens, mut rest) = (Vec::new(), query.trim_start());
    while let Some(first) = rest.chars().next() {
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or("");
        } else if first == '\'' {
            let mut text = String::new();
            let mut letters = rest.char_indices().skip(1);
            rest = loop {
                match letters.next().ok_or_else(invalid)? {
                    (at, '\'') => break rest.get(at + 1..).unwrap_or(""),
                    (_, '\\') => text.push(letters.next().ok_or_else(invalid)?.1),
                    (_, letter) => text.push(letter),
                }
            };
            tokens.push(Token::Text(text));
        } else {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').unwrap_or(rest.len());
            if end == 0 {
                return Err(invalid());
            }
            let (word, behind) = rest.split_at(end);
            tokens.push(Token::Word(word.to_owned()));
            rest = behind;
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

impl Query {
    /// Reads a search.
    pub(super) fn parse(query: &str) -> Result<Self> {
        let mut tokens = tokens(query)?;
        tokens.reverse();
        let parsed = Parser { tokens, depth: 0 }.whole()?;
        Ok(parsed)
    }

    /// Whether a file is what is searched for. `reads` says whether a user may read it, `writes` whether write.
    pub(super) fn matches(&self, file: &File, roles: &dyn Fn(&str, &str) -> bool) -> bool {
        match self {
            Self::And(all) => all.iter().all(|one| one.matches(file, roles)),
            Self::Or(any) => any.iter().any(|one| one.matches(file, roles)),
            Self::Not(one) => !one.matches(file, roles),
            Self::Is(field, sign, value) => compares(file, field, sign, value),
            Self::In(value, collection) if collection == "parents" => file.parent.as_ref() == Some(value),
            Self::In(value, collection) if collection == "owners" => {
                file.owner.as_deref().is_some_and(|owner| owner.eq_ignore_ascii_case(value))
            }
            Self::In(value, collection) => roles(collection, value),
            Self::Has(collection, key, value) => {
                let properties = file.more.get(collection).and_then(Value::as_object);
                properties.and_then(|map| map.get(key)).and_then(Value::as_str) == Some(value)
            }
        }
    }
}

/// Reads tokens from the end of a list: it is turned around.
struct Parser {
    tokens: Vec<Token>,
    depth: usize,
}

impl Parser {
    fn whole(mut self) -> Result<Query> {
        let query = self.any()?;
        if self.tokens.is_empty() { Ok(query) } else { Err(invalid()) }
    }

    fn next(&mut self) -> Result<Token> {
        self.tokens.pop().ok_or_else(invalid)
    }

    fn accept(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.last(), Some(Token::Word(next)) if next == word);
        if found {
            self.tokens.pop();
        }
        found
    }

    fn expect(&mut self, sign: &'static str) -> Result<()> {
        if self.next()? == Token::Sign(sign) { Ok(()) } else { Err(invalid()) }
    }

    fn any(&mut self) -> Result<Query> {
        let mut parts = vec![self.all()?];
        while self.accept("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Query::Or))
    }

    fn all(&mut self) -> Result<Query> {
        let mut parts = vec![self.term()?];
        while self.accept("and") {
            parts.push(self.term()?);
        }
        Ok(one_or(parts, Query::And))
    }

    fn term(&mut self) -> Result<Query> {
        if self.accept("not") {
            return Ok(Query::Not(Box::new(self.term()?)));
        }
        match self.next()? {
            Token::Sign("(") => {
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(invalid());
                }
                let inner = self.any()?;
                self.depth -= 1;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Text(value) => {
                let Token::Word(word) = self.next()? else { return Err(invalid()) };
                let Token::Word(collection) = self.next()? else { return Err(invalid()) };
                let known = ["parents", "owners", "writers", "readers"].contains(&collection.as_str());
                if word == "in" && known { Ok(Query::In(value, collection)) } else { Err(invalid()) }
            }
            Token::Word(field) => self.field(field),
            Token::Sign(_) => Err(invalid()),
        }
    }

    fn field(&mut self, field: String) -> Result<Query> {
        let sign = match self.next()? {
            Token::Sign(sign @ ("=" | "!=" | "<" | "<=" | ">" | ">=")) => sign.to_owned(),
            Token::Word(word) if word == "contains" => word,
            Token::Word(word) if word == "has" && ["properties", "appProperties"].contains(&field.as_str()) => {
                return self.property(field);
            }
            _ => return Err(invalid()),
        };
        let value = match self.next()? {
            Token::Text(text) => text,
            Token::Word(word) if word == "true" || word == "false" => word,
            _ => return Err(invalid()),
        };
        let taken: &[&str] = match field.as_str() {
            "name" | "mimeType" => &["=", "!=", "contains"],
            "fullText" => &["contains"],
            "trashed" | "starred" | "visibility" => &["=", "!="],
            "modifiedTime" | "createdTime" if instant(&value).is_some() => &["=", "!=", "<", "<=", ">", ">="],
            _ => &[],
        };
        if taken.contains(&sign.as_str()) { Ok(Query::Is(field, sign, value)) } else { Err(invalid()) }
    }

    /// `{ key='x' and value='y' }`.
    fn property(&mut self, collection: String) -> Result<Query> {
        self.expect("{")?;
        let key = self.named("key")?;
        if !self.accept("and") {
            return Err(invalid());
        }
        let value = self.named("value")?;
        self.expect("}")?;
        Ok(Query::Has(collection, key, value))
    }

    fn named(&mut self, name: &str) -> Result<String> {
        if !self.accept(name) {
            return Err(invalid());
        }
        self.expect("=")?;
        match self.next()? {
            Token::Text(text) => Ok(text),
            _ => Err(invalid()),
        }
    }
}

fn one_or(mut parts: Vec<Query>, several: fn(Vec<Query>) -> Query) -> Query {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            several(parts)
        }
        None => several(parts),
    }
}

fn compares(file: &File, field: &str, sign: &str, value: &str) -> bool {
    let starred = file.more.get("starred") == Some(&Value::Bool(true));
    let equal = |held: &str| match sign {
        "=" => held.eq_ignore_ascii_case(value),
        "!=" => !held.eq_ignore_ascii_case(value),
        // The vendor finds a name by the beginnings of its words, and a type by its beginning.
        _ if field == "name" => begins_a_word(held, value),
        _ => held.to_lowercase().starts_with(&value.to_lowercase()),
    };
    match field {
        "name" => equal(&file.name),
        "mimeType" => equal(&file.mime),
        "trashed" => equal(if file.trashed { "true" } else { "false" }),
        "starred" => equal(if starred { "true" } else { "false" }),
        "visibility" => equal(if file.permissions.len() > 1 { "limited" } else { "private" }),
        "fullText" => {
            let description = file.more.get("description").and_then(Value::as_str).unwrap_or("");
            [file.name.as_str(), description, &file.text()].iter().any(|text| begins_a_word(text, value))
        }
        _ => {
            let held = if field == "createdTime" { file.created } else { file.modified };
            let Some(value) = instant(value) else { return false };
            match sign {
                "=" => held == value,
                "!=" => held != value,
                "<" => held < value,
                "<=" => held <= value,
                ">" => held > value,
                _ => held >= value,
            }
        }
    }
}

fn begins_a_word(text: &str, value: &str) -> bool {
    let (text, value) = (text.to_lowercase(), value.to_lowercase());
    let begins =
        |at: usize| text.get(..at).and_then(|before| before.chars().next_back()).is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(&value).any(|(at, _)| begins(at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Query, begins_a_word};

    proptest! {
        #[test]
        fn no_search_breaks_it(query in "(name|trashed|and|or|not|in|has|contains|'a'|true|[=(){}\\\\'<> é]){0,16}") {
            let _ = Query::parse(&query);
        }
    }

    #[test]
    fn searches_are_read() {
        let is = |field: &str, sign: &str, value: &str| Query::Is(field.into(), sign.into(), value.into());
        let read = |text| Query::parse(text).unwrap();
        assert_eq!(read(r"name = 'It\'s a \\'"), is("name", "=", r"It's a \"));
        assert_eq!(
            read("'f' in parents and (trashed = false or not starred=true)"),
            Query::And(vec![
                Query::In("f".into(), "parents".into()),
                Query::Or(vec![is("trashed", "=", "false"), Query::Not(Box::new(is("starred", "=", "true")))]),
            ])
        );
        assert_eq!(
            read("appProperties has { key='a' and value='b' }"),
            Query::Has("appProperties".into(), "a".into(), "b".into())
        );
    }

    #[test]
    fn what_is_no_search_is_refused() {
        let deep = "(".repeat(100);
        for wrong in ["", "name", "name = x", "name ~ 'x'", "name = 'x", "'x' in places", "a = 'b' and", &deep] {
            assert!(Query::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_found_by_the_beginnings_of_words() {
        assert!(begins_a_word("HelloWorld plan", "hello"));
        assert!(begins_a_word("HelloWorld plan", "Plan"));
        assert!(!begins_a_word("HelloWorld", "World"));
    }
}
