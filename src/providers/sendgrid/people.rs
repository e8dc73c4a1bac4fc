//! Who mail goes to.

use std::{collections::HashSet, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, Result};

/// The most people one request may write to, `to`, `cc` and `bcc` together.
pub(super) const MOST: usize = 1000;

/// Somebody's address, and the name beside it. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Recipient {
    /// The e-mail address.
    pub email: String,
    /// The name that is shown beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Recipient {
    /// This address.
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: email.into(), name: None }
    }

    /// The same with a name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// As SendGrid spells it.
    pub(super) fn wire(&self) -> Value {
        match &self.name {
            Some(name) => json!({ "email": self.email, "name": name }),
            None => json!({ "email": self.email }),
        }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient(…)")
    }
}

impl<T: Into<String>> From<T> for Recipient {
    fn from(email: T) -> Self {
        Self::new(email)
    }
}

/// Whether mail could go there: one `@` with something around it, no spaces, at most 254 bytes (RFC 5321), a domain with
/// no empty part. What else is wrong with an address only SendGrid and the mail server can tell.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let plain = |part: &str| part.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>,;\"\\@".contains(c));
    text.len() <= 254
        && (1..=64).contains(&local.len())
        && plain(local)
        && plain(domain)
        && domain.contains('.')
        && domain.split('.').all(|part| !part.is_empty())
}

/// Refuses what is no address, at `field`.
pub(super) fn check_email(field: &str, email: &str) -> Result<()> {
    if is_email(email) {
        return Ok(());
    }
    Err(Error::invalid(field, "must be an e-mail address, such as name@example.com, without the name beside it"))
}

/// Refuses people whom one message cannot go to: nobody in `to`, too many, one of them twice, or no address.
pub(super) fn check_people(to: &[Recipient], cc: &[Recipient], bcc: &[Recipient]) -> Result<()> {
    if to.is_empty() {
        return Err(Error::invalid("to", "must hold at least one"));
    }
    let mut seen = HashSet::new();
    let mut count = 0;
    for (list, people) in [("to", to), ("cc", cc), ("bcc", bcc)] {
        count += people.len();
        if count > MOST {
            return Err(Error::invalid(
                list,
                format!("must bring to, cc and bcc together to at most {MOST}; sendBulkEmail splits longer lists"),
            ));
        }
        for (at, person) in people.iter().enumerate() {
            // The path is made only for an address that is refused.
            check_email("", &person.email).map_err(|error| error.with_field(format!("{list}[{at}].email")))?;
            if !seen.insert(person.email.to_lowercase()) {
                return Err(Error::invalid(
                    format!("{list}[{at}].email"),
                    "stands in to, cc or bcc before; SendGrid wants each address once",
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["a@b.co", "first.last+tag@sub.example.org", "ä@bücher.example"] {
            assert!(is_email(good), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in
            ["", "a", "a@", "@b.co", "a@b", "a b@c.de", "a@b..c", "<a@b.co>", "A <a@b.co>", "a@b@c.de", "a@b.c,", &long]
        {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn one_message_has_each_person_once_and_not_too_many() {
        let one = |email: &str| vec![Recipient::new(email)];
        assert!(check_people(&one("a@b.co"), &one("c@b.co"), &one("d@b.co")).is_ok());
        assert_eq!(check_people(&[], &[], &[]).unwrap_err().field(), Some("to"));
        assert_eq!(check_people(&one("a@b.co"), &one("A@b.co"), &[]).unwrap_err().field(), Some("cc[0].email"));
        assert_eq!(check_people(&one("a@b.co"), &[], &one("b")).unwrap_err().field(), Some("bcc[0].email"));
        let many: Vec<_> = (0..=MOST).map(|at| Recipient::new(format!("p{at}@b.co"))).collect();
        assert_eq!(check_people(&many, &[], &[]).unwrap_err().field(), Some("to"));
        assert!(check_people(&many[..MOST], &[], &[]).is_ok());
        assert!(!format!("{:?}", many[0]).contains("p0"));
    }
}
