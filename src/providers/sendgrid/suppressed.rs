//! Who gets no mail: SendGrid takes a message for them, and drops it.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Sendgrid, people::Recipient, v3};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::{Repeat, Request},
};

/// Up to so many addresses are asked for one by one; more are looked for in the whole lists.
const FEW: usize = 5;
/// What SendGrid gives of a list at once.
const PAGE: usize = 500;
/// How much of a list is read: what lies beyond is not found, and SendGrid drops the mail as it always does.
const PAGES: usize = 40;

/// Why somebody gets no mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Bounced,
    Unsubscribed,
    LeftGroup,
    Reported,
    Invalid,
}

impl Reason {
    pub(super) fn words(self) -> &'static str {
        match self {
            Reason::Bounced => {
                "has bounced before, and SendGrid drops mail for it; when the address is right after all, removeBounce lifts that"
            }
            Reason::Unsubscribed => "has unsubscribed from all mail of this account; only its holder can undo that",
            Reason::Reported => {
                "has called a mail of this account spam, and SendGrid drops mail for it; when its holder wants mail again, removeSuppressed lifts that"
            }
            Reason::Invalid => {
                "is no address that mail can be sent to, and SendGrid drops mail for it; when it is right after all, removeSuppressed lifts that"
            }
            Reason::LeftGroup => "has unsubscribed from this group; only its holder can undo that",
        }
    }
}

/// What was found about some addresses.
#[derive(Debug, Default)]
pub(super) struct Looked(HashMap<String, Reason>);

#[derive(Deserialize)]
struct Entry {
    email: String,
}

impl Looked {
    /// Reads the account's lists of whom SendGrid sends nothing, and that of the group. Blocks are none of them: a mail
    /// server turned one message away, and SendGrid goes on trying with the next.
    pub(super) async fn up(call: &Call<'_, Sendgrid>, emails: Vec<&str>, group: Option<u64>) -> Result<Self> {
        let mut wanted: Vec<String> = emails.into_iter().map(str::to_lowercase).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut found = HashMap::new();
        for (list, reason) in [
            ("bounces", Reason::Bounced),
            ("invalid_emails", Reason::Invalid),
            ("spam_reports", Reason::Reported),
            ("unsubscribes", Reason::Unsubscribed),
        ] {
            let emails = match listed(call, list, &wanted).await {
                // A restricted key may do without: SendGrid then drops such mail, as it always does.
                Err(error)
                    if error.code() == ErrorCode::NotConfigured
                        && matches!(reason, Reason::Invalid | Reason::Reported) =>
                {
                    continue;
                }
                emails => emails?,
            };
            found.extend(emails.into_iter().map(|email| (email, reason)));
        }
        if let Some(group) = group {
            let url = v3(call, &["asm", "groups", &group.to_string(), "suppressions"])?;
            let emails: Vec<String> = read(call, call.get(url)).await?;
            found.extend(emails.into_iter().map(|email| (email.to_lowercase(), Reason::LeftGroup)));
        }
        found.retain(|email, _| wanted.binary_search(email).is_ok());
        Ok(Self(found))
    }

    pub(super) fn reason(&self, email: &str) -> Option<Reason> {
        self.0.get(&email.to_lowercase()).copied()
    }
}

async fn read<T: serde::de::DeserializeOwned>(call: &Call<'_, Sendgrid>, request: Request) -> Result<T> {
    let response = call.send_as(request.header("accept", "application/json"), Repeat::Always).await?;
    call.read(&response, Repeat::Always)
}

async fn listed(call: &Call<'_, Sendgrid>, list: &str, wanted: &[String]) -> Result<Vec<String>> {
    let request = || Ok::<_, Error>(call.get(v3(call, &["suppression", list])?));
    let mut found = Vec::new();
    if wanted.len() <= FEW {
        for email in wanted {
            found.extend(read::<Vec<Entry>>(call, request()?.query("email", email)).await?);
        }
    } else {
        for page in 0..PAGES {
            let request = request()?.query("limit", PAGE.to_string()).query("offset", (page * PAGE).to_string());
            let entries: Vec<Entry> = read(call, request).await?;
            let last = entries.len() < PAGE;
            found.extend(entries);
            if last {
                break;
            }
        }
    }
    Ok(found.into_iter().map(|entry| entry.email.to_lowercase()).collect())
}

/// Refuses a message to somebody who would not get it, at the path of the address.
pub(super) fn refuse_suppressed(looked: &Looked, people: &[(&str, &[Recipient])]) -> Result<()> {
    for (list, people) in people {
        for (at, person) in people.iter().enumerate() {
            if let Some(reason) = looked.reason(&person.email) {
                return Err(Error::invalid(format!("{list}[{at}].email"), reason.words()));
            }
        }
    }
    Ok(())
}
