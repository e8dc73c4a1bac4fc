//! The query language of `/search`: `email:'a@b.c' AND metadata['class']:'4b'`.

use serde_json::{Value, json};

use super::error::Refusal;
use super::list::limit;
use super::store::{Ctx, Kind, Outcome};

/// Fields that customers may be searched by.
const FIELDS: &[&str] = &["created", "email", "name", "phone"];

pub(super) fn customers(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let query = Query::parse(ctx.params.required("query")?)?;
    let limit = limit(&ctx.params)?;
    let skipped = match ctx.params.text("page")? {
        None => 0,
        Some(page) => page.strip_prefix("page_").and_then(|number| number.parse::<usize>().ok()).ok_or_else(|| {
            Refusal::about("page", "The page token is not one that an earlier search returned.").unsaved()
        })?,
    };
    let live = ctx.book.rows(Kind::Customer).iter().rev().filter(|customer| customer["deleted"] != true);
    let mut data: Vec<&Value> = live.filter(|customer| query.holds(customer)).skip(skipped).take(limit + 1).collect();
    let has_more = data.len() > limit;
    data.truncate(limit);
    Ok(json!({
        "object": "search_result",
        "data": data,
        "has_more": has_more,
        "next_page": has_more.then(|| format!("page_{}", skipped + limit)),
        "url": "/v1/customers/search",
    }))
}

#[derive(Debug)]
struct Query {
    clauses: Vec<Clause>,
    any: bool,
}

#[derive(Debug)]
struct Clause {
    negated: bool,
    field: Field,
    operator: Operator,
    value: Option<String>,
}

#[derive(Debug)]
enum Field {
    Own(String),
    Metadata(String),
}

#[derive(Debug, Clone, Copy)]
enum Operator {
    Is,
    Like,
    Over,
    From,
    Under,
    To,
}

fn bad(why: &str) -> Refusal {
    Refusal::about("query", format!("We were unable to parse your search query: {why}")).unsaved()
}

impl Query {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut rest = text.trim_start();
        let mut clauses = Vec::new();
        let mut joints = Vec::new();
        loop {
            let (clause, after) = Clause::parse(rest)?;
            clauses.push(clause);
            rest = after.trim_start();
            if rest.is_empty() {
                break;
            }
            // Words that follow one another without a word between them are all meant.
            let (any, after) = match rest.split_once(char::is_whitespace) {
                Some(("AND", after)) => (false, after),
                Some(("OR", after)) => (true, after),
                _ => (false, rest),
            };
            joints.push(any);
            rest = after.trim_start();
        }
        let any = joints.contains(&true);
        if any && joints.contains(&false) {
            return Err(bad("AND and OR cannot be mixed in one query"));
        }
        if clauses.len() > 10 {
            return Err(bad("at most ten clauses are taken"));
        }
        Ok(Self { clauses, any })
    }

    fn holds(&self, object: &Value) -> bool {
        let mut clauses = self.clauses.iter();
        if self.any { clauses.any(|clause| clause.holds(object)) } else { clauses.all(|clause| clause.holds(object)) }
    }
}

impl Clause {
    fn parse(text: &str) -> Result<(Self, &str), Refusal> {
        let (negated, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let (field, rest) = if name == "metadata" {
            let rest = rest.strip_prefix('[').ok_or_else(|| bad("metadata wants a key in brackets"))?;
            let (key, rest) = quoted(rest)?;
            (Field::Metadata(key), rest.strip_prefix(']').ok_or_else(|| bad("a bracket is not closed"))?)
        } else if FIELDS.contains(&name) {
            (Field::Own(name.to_owned()), rest)
        } else {
            return Err(bad(&format!("Field `{name}` is an unsupported search field for resource `customers`.")));
        };
        let operators = [
            (">=", Operator::From),
            ("<=", Operator::To),
            (":", Operator::Is),
            ("~", Operator::Like),
            (">", Operator::Over),
            ("<", Operator::Under),
        ];
        let found = operators.iter().find_map(|(sign, operator)| Some((*operator, rest.strip_prefix(sign)?)));
        let (operator, rest) = found.ok_or_else(|| bad("a field wants an operator after it"))?;
        let (value, rest) = if rest.starts_with(['\'', '"']) {
            let (value, rest) = quoted(rest)?;
            (Some(value), rest)
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            match rest.split_at(end) {
                ("null", rest) => (None, rest),
                (number, rest) if number.parse::<i64>().is_ok() => (Some(number.to_owned()), rest),
                _ => return Err(bad("a value that is not a number wants quotes")),
            }
        };
        if matches!(operator, Operator::Like) && value.as_ref().is_none_or(|value| value.chars().count() < 3) {
            return Err(bad("a substring wants three characters at least"));
        }
        Ok((Self { negated, field, operator, value }, rest))
    }

    fn holds(&self, object: &Value) -> bool {
        let own = match &self.field {
            Field::Own(name) => &object[name.as_str()],
            Field::Metadata(key) => &object["metadata"][key.as_str()],
        };
        let held = match &self.value {
            None => !own.is_null(),
            Some(value) => self.compares(own, value),
        };
        // A field is compared with null to find those without it: `-email:null` finds those that have one.
        if self.value.is_none() { held == self.negated } else { held != self.negated }
    }

    fn compares(&self, own: &Value, value: &str) -> bool {
        if let Some(own) = own.as_i64() {
            return value.parse::<i64>().is_ok_and(|value| match self.operator {
                Operator::Is | Operator::Like => own == value,
                Operator::Over => own > value,
                Operator::From => own >= value,
                Operator::Under => own < value,
                Operator::To => own <= value,
            });
        }
        let Some(own) = own.as_str() else { return false };
        let (own, value) = (own.to_lowercase(), value.to_lowercase());
        match self.operator {
            Operator::Is => own == value,
            Operator::Like => own.contains(&value),
            _ => false,
        }
    }
}

/// A text in single or double quotes, with `\` before what is meant as itself; and what follows.
fn quoted(text: &str) -> Result<(String, &str), Refusal> {
    let mut characters = text.char_indices();
    let Some((_, quote @ ('\'' | '"'))) = characters.next() else { return Err(bad("a text wants quotes")) };
    let mut value = String::new();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, escaped)) => value.push(escaped),
                None => break,
            },
            _ if character == quote => return Ok((value, &text[at + 1..])),
            _ => value.push(character),
        }
    }
    Err(bad("a quote is not closed"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::Query;

    fn finds(query: &str) -> bool {
        let customer = json!({
            "created": 100,
            "email": "a@b.example",
            "name": "Ann O'Hara",
            "phone": null,
            "metadata": { "class": "4b" },
        });
        Query::parse(query).unwrap().holds(&customer)
    }

    #[test]
    fn finds_by_the_vendors_language() {
        for query in [
            "email:'A@b.example'",
            "email:\"a@b.example\" AND metadata['class']:'4b'",
            "email:'x' OR name~'ann'",
            r"name:'Ann O\'Hara'",
            "-email:'x'",
            "created>99 AND created<=100",
            "phone:null",
            "-email:null",
        ] {
            assert!(finds(query), "{query}");
        }
        for query in [
            "email:'b@b.example'",
            "email:'a@b.example' AND name:'x'",
            "-name~'ann'",
            "email:null",
            "metadata['x']:'4b'",
        ] {
            assert!(!finds(query), "{query}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for query in [
            "",
            "email",
            "email:'x",
            "shoe:'x'",
            "email:x",
            "name~'an'",
            "email:'x' AND",
            "email:'x' AND name:'y' OR phone:'z'",
        ] {
            assert!(Query::parse(query).is_err(), "{query}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(query in "[a-z'\"\\\\:~<>\\[\\] é-]{0,40}") {
            let _ = Query::parse(&query);
        }
    }
}
