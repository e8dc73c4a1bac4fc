//! Matches a path against a template such as `/Accounts/{AccountSid}/Messages/{Sid}.json`.

use percent_encoding::percent_decode_str;
use regex::Regex;

use super::document::Operation;

/// A compiled template.
#[derive(Debug)]
pub(super) struct Template {
    regex: Regex,
    names: Vec<String>,
    /// How much of each segment is spelled out.
    concrete: Vec<Spelled>,
}

/// How much of a segment is spelled out: nothing, a part beside a parameter (`{id}:accept`), or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spelled {
    Nothing,
    Part,
    All,
}

impl Spelled {
    fn of(segment: &str) -> Self {
        match (segment.find('{'), segment.rfind('}')) {
            (Some(0), Some(end)) if end + 1 == segment.len() => Self::Nothing,
            (Some(_), _) => Self::Part,
            (None, _) => Self::All,
        }
    }
}

/// An operation whose path matches, with the decoded values of its parameters.
#[derive(Debug)]
pub(super) struct Found<'d> {
    pub(super) operation: &'d Operation,
    pub(super) parameters: Vec<(&'d str, String)>,
}

impl Template {
    pub(super) fn new(template: &str) -> Result<Self, String> {
        let mut pattern = String::from("^");
        let mut names = Vec::new();
        let mut rest = template;
        while let Some((literal, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| format!("{template}: a brace is not closed"))?;
            pattern.push_str(&regex::escape(literal));
            // RFC 6570: `{+name}` may hold slashes. Google writes resource names so.
            let (name, part) = match name.strip_prefix('+') {
                Some(name) => (name, "(.+)"),
                None => (name, "([^/]+)"),
            };
            pattern.push_str(part);
            names.push(name.to_owned());
            rest = after;
        }
        pattern.push_str(&regex::escape(rest));
        pattern.push('$');
        Ok(Self {
            regex: Regex::new(&pattern).map_err(|error| format!("{template}: {error}"))?,
            names,
            concrete: template.split('/').map(Spelled::of).collect(),
        })
    }

    /// Greater for a template that names more of its path, earlier segments first.
    pub(super) fn concreteness(&self) -> &[Spelled] {
        &self.concrete
    }

    pub(super) fn parameters(&self, path: &str) -> Option<Vec<(&str, String)>> {
        let captures = self.regex.captures(path)?;
        let values = captures.iter().skip(1).flatten();
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Some(self.names.iter().map(String::as_str).zip(values.map(|value| decode(value.as_str()))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Template;

    #[test]
    fn parameters_are_cut_out_and_decoded() {
        let template = Template::new("/Accounts/{AccountSid}/Messages/{Sid}.json").unwrap();
        let found = template.parameters("/Accounts/AC1/Messages/SM%2B2.json").unwrap();
        assert_eq!(found, [("AccountSid", "AC1".to_owned()), ("Sid", "SM+2".to_owned())]);
        assert!(template.parameters("/Accounts/AC1/Messages/SM2").is_none());
        assert!(template.parameters("/Accounts/AC1/x/Messages/SM2.json").is_none());
    }

    #[test]
    fn a_plus_lets_a_parameter_span_segments() {
        let template = Template::new("/v2/{+name}:end").unwrap();
        assert_eq!(template.parameters("/v2/spaces/a/b:end").unwrap(), [("name", "spaces/a/b".to_owned())]);
    }

    #[test]
    fn concrete_segments_outrank_templated_ones() {
        let concrete = Template::new("/users/me").unwrap();
        let templated = Template::new("/users/{id}").unwrap();
        assert!(concrete.concreteness() > templated.concreteness());
        let verb = Template::new("/users/{id}:accept").unwrap();
        assert!(verb.concreteness() > templated.concreteness());
        assert!(verb.concreteness() < concrete.concreteness());
    }
}
