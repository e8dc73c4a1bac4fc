//! Whom a file is shared with, as the caller says it.

use std::ops::ControlFlow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        GoogleWorkspace,
        define::{check_address, check_text},
        wire::{check_moment, drive, known, made},
    },
    files::for_all_drives,
    objects::{PERMISSION, Permission},
    sharing::{PermissionPage, permissions},
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::{Repeat, Request},
};

/// How many permissions of a file are looked through at once: the most that Google lists.
pub(super) const PAGE: u32 = 100;

/// What somebody may do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ShareRole {
    /// Everything; the present owner becomes a writer.
    Owner,
    /// Everything in a shared drive.
    Organizer,
    /// Putting files in order in a shared drive.
    FileOrganizer,
    /// Changing it.
    Writer,
    /// Writing comments.
    Commenter,
    /// Reading it.
    Reader,
}

/// Who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ShareType {
    /// One user, by `emailAddress`.
    User,
    /// A group, by `emailAddress`.
    Group,
    /// Everybody of a `domain`.
    Domain,
    /// Everybody who has the link.
    Anyone,
}

/// Whom a file is shared with, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Share {
    /// What they may do.
    pub role: ShareRole,
    /// Who they are.
    pub r#type: ShareType,
    /// The user's or group's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_address: Option<String>,
    /// The domain, such as `school.edu`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// When it ends, with an offset; at most a year ahead, and only for users and groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<String>,
    /// Whether Google writes to them. Default: it does, to users and groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<bool>,
    /// What stands in Google's mail to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Share {
    /// With one user.
    pub fn user(role: ShareRole, address: impl Into<String>) -> Self {
        Self { email_address: Some(address.into()), ..Self::of(role, ShareType::User) }
    }

    /// With a group.
    pub fn group(role: ShareRole, address: impl Into<String>) -> Self {
        Self { email_address: Some(address.into()), ..Self::of(role, ShareType::Group) }
    }

    /// With everybody of a domain.
    pub fn domain(role: ShareRole, domain: impl Into<String>) -> Self {
        Self { domain: Some(domain.into()), ..Self::of(role, ShareType::Domain) }
    }

    /// With everybody who has the link.
    pub fn anyone(role: ShareRole) -> Self {
        Self::of(role, ShareType::Anyone)
    }

    fn of(role: ShareRole, r#type: ShareType) -> Self {
        let (email_address, domain, expiration_time, notify, message) = (None, None, None, None, None);
        Self { role, r#type, email_address, domain, expiration_time, notify, message }
    }

    /// The same, with a moment at which it ends.
    pub fn until(mut self, moment: impl Into<String>) -> Self {
        self.expiration_time = Some(moment.into());
        self
    }

    /// The same, with or without a mail of Google's.
    pub fn notify(mut self, notify: bool) -> Self {
        self.notify = Some(notify);
        self
    }

    /// The same, with words for Google's mail.
    pub fn message(mut self, words: impl Into<String>) -> Self {
        self.message = Some(words.into());
        self
    }

    fn is_person(&self) -> bool {
        matches!(self.r#type, ShareType::User | ShareType::Group)
    }

    /// Refuses what Google would.
    pub(in super::super) fn check(&self) -> Result<()> {
        match (&self.email_address, self.is_person()) {
            (Some(address), true) => check_address("emailAddress", address)?,
            (None, true) => return Err(Error::invalid("emailAddress", "is required for a user and for a group")),
            (Some(_), false) => return Err(Error::invalid("emailAddress", "is only for a user and for a group")),
            (None, false) => {}
        }
        match (&self.domain, self.r#type == ShareType::Domain) {
            (Some(domain), true) => {
                let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-');
                if !domain.contains('.') || !domain.chars().all(plain) {
                    return Err(Error::invalid("domain", "must be a domain, such as school.edu"));
                }
            }
            (None, true) => return Err(Error::invalid("domain", "is required for the type domain")),
            (Some(_), false) => return Err(Error::invalid("domain", "is only for the type domain")),
            (None, false) => {}
        }
        if self.role == ShareRole::Owner && self.r#type != ShareType::User {
            return Err(Error::invalid("type", "must be user: nobody else can own a file"));
        }
        if self.role == ShareRole::Owner && self.notify == Some(false) {
            return Err(Error::invalid("notify", "must not be false: Google always writes to a new owner"));
        }
        if let Some(moment) = &self.expiration_time {
            if !self.is_person() {
                return Err(Error::invalid("expirationTime", "is only for a user and for a group"));
            }
            check_moment("expirationTime", moment)?;
        }
        if let Some(words) = &self.message {
            check_text("message", words, 2000)?;
            if !self.is_person() || self.notify == Some(false) {
                return Err(Error::invalid("message", "is for Google's mail, and none is sent"));
            }
        }
        Ok(())
    }

    fn body(&self) -> Value {
        let mut body = json!({ "role": self.role, "type": self.r#type });
        let members = [
            ("emailAddress", &self.email_address),
            ("domain", &self.domain),
            ("expirationTime", &self.expiration_time),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                body[name] = json!(value);
            }
        }
        body
    }

    /// The request that shares the file.
    pub(super) fn request(&self, call: &Call<'_, GoogleWorkspace>, file: &str) -> Result<Request> {
        let mut request = for_all_drives(call.post(drive(call, &["files", file, "permissions"])?))
            .query("fields", PERMISSION)
            .json(&self.body());
        if self.is_person() {
            request = request.query("sendNotificationEmail", self.notify.unwrap_or(true).to_string());
        }
        if let Some(words) = &self.message {
            request = request.query("emailMessage", words);
        }
        if self.role == ShareRole::Owner {
            request = request.query("transferOwnership", "true");
        }
        Ok(request)
    }

    /// Whether a permission is what this asks for.
    fn is(&self, permission: &Permission) -> bool {
        let same = |wanted: &Option<String>, there: &Option<String>| {
            let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
            wanted.is_none() || lower(wanted) == lower(there)
        };
        let name = |value: Value| value.as_str().map(str::to_owned);
        name(json!(self.role)) == permission.role
            && name(json!(self.r#type)) == permission.r#type
            && same(&self.email_address, &permission.email_address)
            && same(&self.domain, &permission.domain)
            && self.ends_with(permission)
    }

    /// Whether it ends when this asks for, or never; in however many words Google says so.
    fn ends_with(&self, permission: &Permission) -> bool {
        // Google keeps milliseconds.
        let moment = |text: &Option<String>| {
            text.as_ref().and_then(|text| text.parse::<jiff::Timestamp>().ok()).map(|moment| moment.as_millisecond())
        };
        moment(&self.expiration_time) == moment(&permission.expiration_time)
    }

    /// What is wrong, where it is whom the file is to be shared with and not the file.
    pub(super) fn explained(&self, error: Error) -> Error {
        let Some(vendor) = error.vendor().cloned() else { return error };
        let code = vendor.code.as_deref().unwrap_or_default();
        if code != "outsideDomain" && !code.starts_with("shareOut") && !code.starts_with("publishOut") {
            return error;
        }
        let (field, why) = match self.r#type {
            ShareType::User | ShareType::Group => ("emailAddress", "is outside the school's domain"),
            ShareType::Domain => ("domain", "is outside the school's domain"),
            ShareType::Anyone => ("type", "opens the file to people outside the school's domain"),
        };
        let why = format!(
            "{why}, and the school's settings in the Admin console forbid sharing with them; share within the domain, or let an \
             administrator allow that one"
        );
        Error::invalid(field, why).with_vendor(vendor)
    }

    /// Shares the file, as a step. After a try of which it is not known how it ended, who has the file is looked up first:
    /// sharing twice would write to people twice. A `new` file that Google does not find yet is asked for again.
    pub(in super::super) async fn give(
        &self,
        call: &Call<'_, GoogleWorkspace>,
        step: &str,
        file: &str,
        new: bool,
    ) -> Result<(String, Option<Permission>)> {
        let send = || async { call.send_as(self.request(call, file)?, Repeat::Never).await };
        made(call, step, async |begun| {
            let earlier = if begun { self.look(call, file).await? } else { None };
            let permission = match earlier {
                Some(permission) => permission,
                None => match if new { known(call, send).await } else { send().await } {
                    Ok(response) => call.read(&response, Repeat::Never)?,
                    Err(error) if error.code() == ErrorCode::OutcomeUnknown => {
                        self.look(call, file).await.ok().flatten().ok_or(error)?
                    }
                    Err(error) => return Err(self.explained(error)),
                },
            };
            Ok((permission.id.clone().unwrap_or_default(), permission))
        })
        .await
    }

    async fn look(&self, call: &Call<'_, GoogleWorkspace>, file: &str) -> Result<Option<Permission>> {
        let mut after = None;
        loop {
            match self.seek(permissions(call, file, Some(PAGE), after.as_deref()).await?) {
                ControlFlow::Break(found) => return Ok(found),
                ControlFlow::Continue(next) => after = Some(next),
            }
        }
    }

    /// What of a page of a file's permissions is what this asks for, or the token of the page to look at next.
    pub(super) fn seek(&self, page: PermissionPage) -> ControlFlow<Option<Permission>, String> {
        if let Some(found) = page.permissions.into_iter().find(|permission| self.is(permission)) {
            return ControlFlow::Break(Some(found));
        }
        match page.next_page_token.filter(|token| !token.is_empty()) {
            Some(next) => ControlFlow::Continue(next),
            None => ControlFlow::Break(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Share {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_seeds_permission_is_one() {
        let seed = read(json!({ "role": "writer", "type": "user", "emailAddress": "teacher@school.edu" }));
        assert_eq!(seed, Share::user(ShareRole::Writer, "teacher@school.edu"));
        assert!(seed.check().is_ok());
        assert_eq!(seed.body(), json!({ "role": "writer", "type": "user", "emailAddress": "teacher@school.edu" }));
    }

    #[test]
    fn what_google_would_refuse_is_refused_by_name() {
        let person = "a@school.edu";
        for (share, field) in [
            (json!({ "role": "writer", "type": "user" }), "emailAddress"),
            (json!({ "role": "writer", "type": "user", "emailAddress": "nobody" }), "emailAddress"),
            (json!({ "role": "reader", "type": "anyone", "emailAddress": person }), "emailAddress"),
            (json!({ "role": "reader", "type": "domain" }), "domain"),
            (json!({ "role": "reader", "type": "domain", "domain": "school edu" }), "domain"),
            (json!({ "role": "reader", "type": "anyone", "domain": "school.edu" }), "domain"),
            (json!({ "role": "owner", "type": "group", "emailAddress": person }), "type"),
            (json!({ "role": "owner", "type": "user", "emailAddress": person, "notify": false }), "notify"),
            (
                json!({ "role": "reader", "type": "user", "emailAddress": person, "expirationTime": "soon" }),
                "expirationTime",
            ),
            (json!({ "role": "reader", "type": "anyone", "expirationTime": "2026-12-01T00:00:00Z" }), "expirationTime"),
            (json!({ "role": "reader", "type": "anyone", "message": "Look" }), "message"),
        ] {
            assert_eq!(read(share.clone()).check().unwrap_err().field(), Some(field), "{share}");
        }
        assert!(Share::anyone(ShareRole::Reader).check().is_ok());
        assert!(Share::domain(ShareRole::Commenter, "school.edu").check().is_ok());
        assert!(Share::group(ShareRole::Reader, person).until("2026-12-01T00:00:00Z").message("Look").check().is_ok());
    }

    #[test]
    fn a_permission_is_known_again() {
        let share = Share::user(ShareRole::Writer, "Teacher@school.edu");
        let permission = |role: &str, address: &str| -> Permission {
            serde_json::from_value(json!({ "id": "1", "role": role, "type": "user", "emailAddress": address })).unwrap()
        };
        assert!(share.is(&permission("writer", "teacher@school.edu")));
        assert!(!share.is(&permission("reader", "teacher@school.edu")));
        assert!(!share.is(&permission("writer", "other@school.edu")));
        let until = Share::group(ShareRole::Reader, "g@school.edu").until("2026-12-01T01:00:00+01:00");
        let ending = |moment: &str| -> Permission {
            let there =
                json!({ "role": "reader", "type": "group", "emailAddress": "g@school.edu", "expirationTime": moment });
            serde_json::from_value(there).unwrap()
        };
        assert!(until.is(&ending("2026-12-01T00:00:00.000Z")));
        assert!(!until.is(&ending("2026-12-02T00:00:00.000Z")));
        assert!(!Share::group(ShareRole::Reader, "g@school.edu").is(&ending("2026-12-02T00:00:00.000Z")));
    }
}
