//! Drive's language of searches. <https://developers.google.com/workspace/drive/api/guides/search-files>

use std::fmt::{Display, Write};

/// A text as the language quotes it: whatever stands in it stays text.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for letter in text.chars() {
        if matches!(letter, '\'' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out.push('\'');
    out
}

/// Conditions of which all must hold.
#[derive(Debug, Default)]
pub(super) struct Query(String);

impl Query {
    /// With a condition more.
    pub(super) fn and(mut self, condition: impl Display) -> Self {
        let joint = if self.0.is_empty() { "" } else { " and " };
        let _ = write!(self.0, "{joint}{condition}");
        self
    }

    /// With a condition more, where there is something to say: `name contains` and a text.
    pub(super) fn and_text(self, words: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.and(format_args!("{words} {}", quoted(text))),
            None => self,
        }
    }

    /// In a folder.
    pub(super) fn and_in(self, folder: Option<&str>) -> Self {
        match folder {
            Some(folder) => self.and(format_args!("{} in parents", quoted(folder))),
            None => self,
        }
    }

    /// As Drive takes it.
    pub(super) fn text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn conditions_are_joined_and_texts_stay_texts() {
        let query =
            Query::default().and_text("name =", Some("O'Neil's \\ plan")).and_in(Some("f1")).and_text("x", None);
        assert_eq!(query.text(), r"name = 'O\'Neil\'s \\ plan' and 'f1' in parents");
        assert_eq!(Query::default().text(), "");
    }

    proptest! {
        /// Read back by the language's rule: a quote that no backslash is before ends the text.
        #[test]
        fn no_text_gets_out_of_its_quotes(text in "[a'\\\\ ]{0,20}") {
            let quoted = quoted(&text);
            let (mut read, mut letters, mut closed) = (String::new(), quoted.chars().skip(1), 0);
            while let Some(letter) = letters.next() {
                match letter {
                    '\\' => read.extend(letters.next()),
                    '\'' => closed += 1,
                    other => read.push(other),
                }
            }
            prop_assert_eq!((read, closed), (text, 1));
            prop_assert!(quoted.ends_with('\''));
        }
    }
}
