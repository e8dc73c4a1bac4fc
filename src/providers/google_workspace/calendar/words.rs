//! What is said of an event: who comes, who is reminded, who is told.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::define::{check_address, check_text};
use crate::error::{Error, Result};

/// The longest that we let through of a title and of a description; Google states no limit for the first.
const TITLE: usize = 1024;
const TEXT: usize = 8192;
/// The most guests of an event.
const GUESTS: usize = 200;

/// Whom Google writes to about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum SendUpdates {
    /// All guests.
    All,
    /// Guests who do not use Google Calendar.
    ExternalOnly,
    /// Nobody. Calendars outside may then lose the event.
    None,
}

impl SendUpdates {
    pub(super) const fn name(self) -> &'static str {
        match self {
            SendUpdates::All => "all",
            SendUpdates::ExternalOnly => "externalOnly",
            SendUpdates::None => "none",
        }
    }
}

/// Somebody who is invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Attendee {
    /// The address.
    pub email: String,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether they may stay away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
    /// Whether it is a room or a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<bool>,
}

impl Attendee {
    /// Somebody who is invited.
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: email.into(), display_name: None, optional: None, resource: None }
    }

    /// The same, by name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// The same, who may stay away.
    pub fn optional(mut self) -> Self {
        self.optional = Some(true);
        self
    }
}

/// How people are reminded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ReminderMethod {
    /// By e-mail.
    Email,
    /// By a notice on their screen.
    Popup,
}

/// One reminder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Reminder {
    /// How.
    pub method: ReminderMethod,
    /// How long before, up to four weeks.
    pub minutes: u32,
}

impl Reminder {
    /// So long before.
    pub fn new(method: ReminderMethod, minutes: u32) -> Self {
        Self { method, minutes }
    }
}

/// When people are reminded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Reminders {
    /// Whether the calendar's own reminders apply; then there are no `overrides`.
    pub use_default: bool,
    /// The reminders in their place, up to 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Reminder>,
}

impl Reminders {
    /// These and no others.
    pub fn of(overrides: impl IntoIterator<Item = Reminder>) -> Self {
        Self { use_default: false, overrides: overrides.into_iter().collect() }
    }
}

/// Notes of the application on an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ExtendedProperties {
    /// On this calendar's copy alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub private: BTreeMap<String, String>,
    /// On every guest's copy.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shared: BTreeMap<String, String>,
}

impl ExtendedProperties {
    /// Notes on this calendar's copy.
    pub fn private<K: Into<String>, V: Into<String>>(notes: impl IntoIterator<Item = (K, V)>) -> Self {
        let private = notes.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { private, shared: BTreeMap::new() }
    }
}

/// What is checked of a new event and of a change of one alike.
pub(super) struct Said<'a> {
    pub(super) summary: Option<&'a str>,
    pub(super) description: Option<&'a str>,
    pub(super) attendees: Option<&'a [Attendee]>,
    pub(super) recurrence: Option<&'a [String]>,
    pub(super) reminders: Option<&'a Reminders>,
}

impl Said<'_> {
    pub(super) fn check(&self) -> Result<()> {
        self.summary.map_or(Ok(()), |text| check_text("summary", text, TITLE))?;
        if self.description.is_some_and(|text| text.chars().count() > TEXT) {
            return Err(Error::invalid("description", format!("must have at most {TEXT} characters")));
        }
        self.check_guests()?;
        for (at, rule) in self.recurrence.unwrap_or_default().iter().enumerate() {
            let begins = ["RRULE:", "EXRULE:", "RDATE", "EXDATE"].iter().any(|start| rule.starts_with(start));
            if !begins || rule.contains(char::is_control) {
                let why = "must be a line of RFC 5545, such as RRULE:FREQ=WEEKLY;COUNT=10, without DTSTART and DTEND";
                return Err(Error::invalid(format!("recurrence[{at}]"), why));
            }
        }
        self.reminders.map_or(Ok(()), check_reminders)
    }

    fn check_guests(&self) -> Result<()> {
        let guests = self.attendees.unwrap_or_default();
        if guests.len() > GUESTS {
            let why = format!("has at most {GUESTS} guests; a group counts as one");
            return Err(Error::invalid("attendees", why));
        }
        let mut known = BTreeSet::new();
        for (at, guest) in guests.iter().enumerate() {
            let field = format!("attendees[{at}].email");
            check_address(&field, &guest.email)?;
            if !known.insert(guest.email.to_lowercase()) {
                return Err(Error::invalid(field, "stands there twice"));
            }
        }
        Ok(())
    }
}

fn check_reminders(reminders: &Reminders) -> Result<()> {
    const FOUR_WEEKS: u32 = 40_320;
    if reminders.use_default && !reminders.overrides.is_empty() {
        return Err(Error::invalid("reminders.overrides", "cannot stand beside useDefault"));
    }
    if reminders.overrides.len() > 5 {
        return Err(Error::invalid("reminders.overrides", "has at most 5 items"));
    }
    for (at, reminder) in reminders.overrides.iter().enumerate() {
        if reminder.minutes > FOUR_WEEKS {
            let why = format!("must be at most {FOUR_WEEKS}, which is four weeks");
            return Err(Error::invalid(format!("reminders.overrides[{at}].minutes"), why));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_google_would_refuse_is_refused_by_name() {
        let nothing = || Said { summary: None, description: None, attendees: None, recurrence: None, reminders: None };
        let field = |said: &Said<'_>| said.check().unwrap_err().field().map(str::to_owned);
        assert!(nothing().check().is_ok());
        assert_eq!(field(&Said { summary: Some(" "), ..nothing() }).as_deref(), Some("summary"));
        let twice = [Attendee::new("a@school.edu"), Attendee::new("A@school.edu")];
        assert_eq!(field(&Said { attendees: Some(&twice), ..nothing() }).as_deref(), Some("attendees[1].email"));
        let nobody = [Attendee::new("nobody")];
        assert_eq!(field(&Said { attendees: Some(&nobody), ..nothing() }).as_deref(), Some("attendees[0].email"));
        let rules = ["RRULE:FREQ=DAILY".to_owned(), "DTSTART:20260901".to_owned()];
        assert_eq!(field(&Said { recurrence: Some(&rules), ..nothing() }).as_deref(), Some("recurrence[1]"));
        let late = Reminders::of([Reminder::new(ReminderMethod::Email, 50_000)]);
        assert_eq!(
            field(&Said { reminders: Some(&late), ..nothing() }).as_deref(),
            Some("reminders.overrides[0].minutes")
        );
        let both = Reminders { use_default: true, ..Reminders::of([Reminder::new(ReminderMethod::Popup, 5)]) };
        assert_eq!(field(&Said { reminders: Some(&both), ..nothing() }).as_deref(), Some("reminders.overrides"));
    }
}
