//! The search language of mails: `from:ann subject:"trip to" -is:unread hello`.

use super::Mail;
use super::message::{addresses, has_attachment, header, text};

/// A search: everything in it has to hold.
pub(super) struct Search(Vec<Term>);

struct Term {
    not: bool,
    /// Empty for words that may stand anywhere.
    field: String,
    value: String,
}

impl Search {
    pub(super) fn read(query: &str) -> Self {
        let (mut terms, mut word, mut quoted) = (Vec::new(), String::new(), false);
        for c in query.chars().chain([' ']) {
            match c {
                '"' => quoted = !quoted,
                c if c.is_whitespace() && !quoted => {
                    terms.extend(Term::read(&word));
                    word.clear();
                }
                c => word.push(c),
            }
        }
        Self(terms)
    }

    pub(super) fn matches(&self, mail: &Mail) -> bool {
        self.0.iter().all(|term| term.holds(mail) != term.not)
    }
}

impl Term {
    fn read(word: &str) -> Option<Self> {
        let (not, word) = word.strip_prefix('-').map_or((false, word), |rest| (true, rest));
        let (field, value) = word.split_once(':').unwrap_or(("", word));
        let known = ["from", "to", "cc", "subject", "rfc822msgid", "label", "in", "is", "has", "after", "before"];
        let field = field.to_ascii_lowercase();
        // A colon behind anything else is part of the words.
        let (field, value) = if known.contains(&field.as_str()) { (field, value) } else { (String::new(), word) };
        (!value.is_empty()).then(|| Self { not, field, value: value.to_lowercase() })
    }

    fn holds(&self, mail: &Mail) -> bool {
        let part = &mail.part;
        let value = self.value.as_str();
        let label = |name: &str| mail.labels.iter().any(|label| label.eq_ignore_ascii_case(name));
        let addressed = |name: &str| {
            addresses(part, name).iter().any(|one| one.contains(value))
                || header(part, name).to_lowercase().contains(value)
        };
        match self.field.as_str() {
            "rfc822msgid" => {
                let id = header(part, "message-id").to_lowercase();
                id.trim_matches(['<', '>']) == value.trim_matches(['<', '>'])
            }
            "from" => addressed("from"),
            "to" => ["to", "cc", "bcc"].into_iter().any(addressed),
            "cc" => addressed("cc"),
            "subject" => header(part, "subject").to_lowercase().contains(value),
            "in" if value == "anywhere" => true,
            "label" | "in" => label(value),
            "is" if value == "read" => !label("UNREAD"),
            "is" => label(value),
            "has" => value == "attachment" && has_attachment(part),
            "after" => value.parse::<i64>().is_ok_and(|after| mail.at / 1000 > after),
            "before" => value.parse::<i64>().is_ok_and(|before| mail.at / 1000 < before),
            _ => {
                let all = format!("{}\n{}\n{}", header(part, "subject"), header(part, "from"), text(part));
                all.to_lowercase().contains(value)
            }
        }
    }
}
