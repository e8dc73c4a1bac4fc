//! Matches a path against a template such as `/Accounts/{AccountSid}/Messages/{Sid}.json`.

use percent_encoding::percent_decode_str;
use regex::Regex;

use super::document::Operation;

/// A compiled template.
#[derive(Debug)]
pub(super) struct Template {
    regex: Regex,
    names: Vec<String>,
    /// For each segment how much of it is said: all of it, or so many letters beside its parameters.
    concrete: Vec<usize>,
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
            concrete: template.split('/').map(said).collect(),
        })
    }

    /// Greater for a template that names more of its path, earlier segments first.
    pub(super) fn concreteness(&self) -> &[usize] {
        &self.concrete
    }

    pub(super) fn parameters(&self, path: &str) -> Option<Vec<(&str, String)>> {
        let captures = self.regex.captures(path)?;
        let values = captures.iter().skip(1).flatten();
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Some(self.names.iter().map(String::as_str).zip(values.map(|value| decode(value.as_str()))).collect())
    }
}

/// How much a segment says: `usize::MAX` without parameters, else the letters beside them, as in `{id}:send`.
fn said(segment: &str) -> usize {
    if !segment.contains('{') {
        return usize::MAX;
    }
    let mut inside = false;
    let letter = |c: &char| {
        inside = (inside || *c == '{') && *c != '}';
        !inside && *c != '}'
    };
    segment.chars().filter(letter).count()
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
        let custom = Template::new("/users/{id}:send").unwrap();
        assert!(custom.concreteness() > templated.concreteness());
        assert!(concrete.concreteness() > custom.concreteness());
    }
}
