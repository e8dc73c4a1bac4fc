//! `$filter`: comparisons, `and`, `or`, `not`, `startswith` and its like, and `any` over a list.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

/// A filter, parsed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare(String, Operator, Value),
    /// `startswith`, `endswith` or `contains`.
    Text(Test, String, String),
    /// Whether any item of a list satisfies; the name is the item's.
    Any(String, String, Box<Filter>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    Starts,
    Ends,
    Contains,
}

/// Parses a filter; none if it is not one.
pub(super) fn parse(text: &str) -> Option<Filter> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let filter = parser.either()?;
    (parser.at == parser.tokens.len()).then_some(filter)
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
    Colon,
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let single = match first {
            ' ' => {
                rest = &rest[1..];
                continue;
            }
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            ',' => Some(Token::Comma),
            // A colon within a word is part of a moment.
            ':' => Some(Token::Colon),
            _ => None,
        };
        if let Some(token) = single {
            tokens.push(token);
            rest = &rest[1..];
        } else if let Some(quoted) = rest.strip_prefix('\'') {
            let (value, after) = quoted_text(quoted)?;
            tokens.push(Token::Text(value));
            rest = after;
        } else {
            let moment = first.is_ascii_digit();
            let ends = |c: char| matches!(c, ' ' | '(' | ')' | ',' | '\'') || c == ':' && !moment;
            let end = rest.find(ends).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    Some(tokens)
}

/// What stands in quotes, where two of them are one; and what follows.
fn quoted_text(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('\'')?;
        value.push_str(part);
        match after.strip_prefix('\'') {
            Some(more) => {
                value.push('\'');
                rest = more;
            }
            None => return Some((value, after)),
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, token: &Token) -> Option<()> {
        (self.next()? == *token).then_some(())
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(has)) if has == word)
    }

    fn either(&mut self) -> Option<Filter> {
        let mut left = self.both()?;
        while self.is_word("or") {
            self.at += 1;
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Filter> {
        let mut left = self.term()?;
        while self.is_word("and") {
            self.at += 1;
            left = Filter::And(Box::new(left), Box::new(self.term()?));
        }
        Some(left)
    }

    fn term(&mut self) -> Option<Filter> {
        match self.next()? {
            Token::Open => {
                let inner = self.either()?;
                self.take(&Token::Close)?;
                Some(inner)
            }
            Token::Word(word) if word == "not" => Some(Filter::Not(Box::new(self.term()?))),
            Token::Word(word) if self.tokens.get(self.at) == Some(&Token::Open) => self.call(&word),
            Token::Word(path) => {
                let Token::Word(operator) = self.next()? else {
                    return None;
                };
                let operator = match operator.as_str() {
                    "eq" => Operator::Eq,
                    "ne" => Operator::Ne,
                    "gt" => Operator::Gt,
                    "ge" => Operator::Ge,
                    "lt" => Operator::Lt,
                    "le" => Operator::Le,
                    _ => return None,
                };
                let value = self.literal()?;
                Some(Filter::Compare(path, operator, value))
            }
            _ => None,
        }
    }

    fn call(&mut self, name: &str) -> Option<Filter> {
        self.take(&Token::Open)?;
        if let Some(list) = name.strip_suffix("/any") {
            let Token::Word(item) = self.next()? else {
                return None;
            };
            self.take(&Token::Colon)?;
            let inner = self.either()?;
            self.take(&Token::Close)?;
            return Some(Filter::Any(list.to_owned(), item, Box::new(inner)));
        }
        let test = match name.to_ascii_lowercase().as_str() {
            "startswith" => Test::Starts,
            "endswith" => Test::Ends,
            "contains" => Test::Contains,
            _ => return None,
        };
        let Token::Word(path) = self.next()? else {
            return None;
        };
        self.take(&Token::Comma)?;
        let Token::Text(text) = self.next()? else {
            return None;
        };
        self.take(&Token::Close)?;
        Some(Filter::Text(test, path, text))
    }

    fn literal(&mut self) -> Option<Value> {
        Some(match self.next()? {
            Token::Text(text) => Value::String(text),
            // Numbers, `true`, `false` and `null` are as in JSON; ids and moments stand bare.
            Token::Word(word) => serde_json::from_str(&word).unwrap_or(Value::String(word)),
            _ => return None,
        })
    }
}

/// A field by its path; `/` goes one deeper, and capitals do not count: the vendor's own pages filter by `JoinWebUrl`.
pub(super) fn field<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('/').try_fold(value, |value, part| {
        let fields = value.as_object()?;
        fields
            .get(part)
            .or_else(|| fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(part)).map(|(_, value)| value))
    })
}

impl Filter {
    /// Whether a resource satisfies it.
    pub(super) fn fits(&self, value: &Value) -> bool {
        match self {
            Self::And(left, right) => left.fits(value) && right.fits(value),
            Self::Or(left, right) => left.fits(value) || right.fits(value),
            Self::Not(inner) => !inner.fits(value),
            Self::Compare(path, operator, with) => {
                let has = field(value, path).unwrap_or(&Value::Null);
                operator.holds(compare(has, with), has.is_null() || with.is_null())
            }
            Self::Text(test, path, text) => {
                let has = field(value, path).and_then(Value::as_str).unwrap_or_default().to_lowercase();
                let text = text.to_lowercase();
                match test {
                    Test::Starts => has.starts_with(&text),
                    Test::Ends => has.ends_with(&text),
                    Test::Contains => has.contains(&text),
                }
            }
            Self::Any(list, item, inner) => {
                let items = field(value, list).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                items.iter().any(|has| {
                    let named = Value::Object([(item.clone(), has.clone())].into_iter().collect());
                    inner.fits(&named)
                })
            }
        }
    }
}

impl Operator {
    fn holds(self, order: Option<Ordering>, with_null: bool) -> bool {
        match self {
            Self::Eq => order == Some(Ordering::Equal),
            Self::Ne => order != Some(Ordering::Equal),
            // Nothing is before or after nothing.
            _ if with_null => false,
            Self::Gt => order == Some(Ordering::Greater),
            Self::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            Self::Lt => order == Some(Ordering::Less),
            Self::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        }
    }
}

/// The order of two values: moments by time, texts without regard to case.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        (Value::String(left), Value::String(right)) => Some(match (moment(left), moment(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => left.to_lowercase().cmp(&right.to_lowercase()),
        }),
        _ => None,
    }
}

/// A moment, with an offset or without: one without is in UTC.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) || !text.contains('T') {
        return None;
    }
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_are_understood() {
        let value = json!({
            "subject": "Trip to O'Hare",
            "from": { "emailAddress": { "address": "a@x.example" } },
            "receivedDateTime": "2026-11-25T10:00:00Z",
            "isRead": false,
            "size": 5,
            "singleValueExtendedProperties": [{ "id": "String {1} Name k", "value": "v" }],
        });
        for text in [
            "subject eq 'trip to o''hare'",
            "from/emailAddress/address eq 'a@x.example' and isRead eq false",
            "receivedDateTime ge 2026-11-25T09:00:00Z and receivedDateTime lt 2026-11-25T12:30:00+02:00",
            "startswith(subject,'Trip') and not (size gt 5)",
            "size eq 9 or endswith(subject, 'hare')",
            "singleValueExtendedProperties/any(ep: ep/id eq 'String {1} Name k' and ep/value eq 'v')",
            "missing eq null",
        ] {
            assert!(parse(text).unwrap_or_else(|| panic!("{text}")).fits(&value), "{text}");
        }
        for text in ["subject eq 'x'", "receivedDateTime gt 2026-11-25T10:00:00Z", "missing ge 1", "isRead eq true"] {
            assert!(!parse(text).unwrap_or_else(|| panic!("{text}")).fits(&value), "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in ["", "subject", "subject eq", "subject is 'x'", "(subject eq 'x'", "subject eq 'x", "a eq 1 b eq 2"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
