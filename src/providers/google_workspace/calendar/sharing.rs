//! Who sees a calendar. <https://developers.google.com/workspace/calendar/api/v3/reference/acl>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{
        GoogleWorkspace,
        define::{self, check_address, check_page, operation, page},
        scopes,
        wire::{calendar, made},
    },
    PRIMARY,
    create::check_calendar,
    list::list,
    objects::AclRule,
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::Repeat,
};

/// What somebody may do with a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum CalendarRole {
    /// Nothing: takes what they have away.
    None,
    /// Seeing when it is busy.
    FreeBusyReader,
    /// Reading it.
    Reader,
    /// Changing events.
    Writer,
    /// Everything.
    Owner,
}

impl CalendarRole {
    const fn name(self) -> &'static str {
        match self {
            CalendarRole::None => "none",
            CalendarRole::FreeBusyReader => "freeBusyReader",
            CalendarRole::Reader => "reader",
            CalendarRole::Writer => "writer",
            CalendarRole::Owner => "owner",
        }
    }
}

/// Who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum GranteeType {
    /// One user, by address.
    User,
    /// A group, by address.
    Group,
    /// Everybody of a domain.
    Domain,
    /// Everybody.
    Default,
}

impl GranteeType {
    const fn name(self) -> &'static str {
        match self {
            GranteeType::User => "user",
            GranteeType::Group => "group",
            GranteeType::Domain => "domain",
            GranteeType::Default => "default",
        }
    }
}

page! {
    /// A page of those who see a calendar.
    AclPage { items: AclRule }
    for ListCalendarAcl
}

operation! {
    /// Lists who sees a calendar.
    ///
    /// <https://developers.google.com/workspace/calendar/api/v3/reference/acl/list>. Access `read`. Errors: `not_found`.
    ///
    /// Example: `{}`
    ListCalendarAcl = "listCalendarAcl", Read, Always -> AclPage,
    scopes scopes::ACL_READ,
    discloses { "calendarId": Contact(Anyone) }
    path {}
    required {}
    optional {
        /// The calendar. Default: `primary`, the user's own.
        calendar_id: String,
        /// How many, 1 to 250; Google's default is 100.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| {
        check_calendar(this.calendar_id.as_deref())?;
        check_page("pageSize", this.page_size, 250)?;
    }
    run |this, call| { list(call, calendar(call, &acl(this.calendar_id.as_deref()))?, this.rest()?).await }
}

operation! {
    /// Shares a calendar, or with the role `none` takes it away again. Google writes to them unless `notify` is `false`.
    ///
    /// <https://developers.google.com/workspace/calendar/api/v3/reference/acl/insert>. Access `write`. Repeated with the same
    /// idempotency key it shares once. Errors: `not_found`.
    ///
    /// Example: `{"role": "reader", "type": "user", "value": "teacher@school.edu"}`
    ShareCalendar = "shareCalendar", Write, WithKey -> AclRule,
    scopes scopes::ACL,
    steps &["share"],
    discloses { "value": Contact(Anyone), "calendarId": Contact(Anyone) }
    path {}
    required {
        /// What they may do.
        role: CalendarRole,
        /// Who they are.
        r#type: GranteeType,
    }
    optional {
        /// The user's or group's address, or the domain.
        value: String,
        /// The calendar. Default: `primary`, the user's own.
        calendar_id: String,
        /// Whether Google writes to them. Default: it does.
        notify: bool,
    }
    check |this| {
        check_calendar(this.calendar_id.as_deref())?;
        match (this.r#type, this.value.as_deref()) {
            (GranteeType::Default, None) => {}
            (GranteeType::Default, Some(_)) => return Err(Error::invalid("value", "has no place beside default: it is everybody")),
            (GranteeType::User | GranteeType::Group, Some(address)) => check_address("value", address)?,
            (GranteeType::Domain, Some(domain)) if domain.contains('.') && !domain.contains('@') => {}
            (GranteeType::Domain, Some(_)) => return Err(Error::invalid("value", "must be a domain, such as school.edu")),
            (_, None) => return Err(Error::invalid("value", "is required: the address, or the domain")),
        }
    }
    run |this, call| {
        let (id, rule) = made(call, "share", async |begun| {
            let earlier = if begun { this.look(call).await? } else { None };
            let rule = match earlier {
                Some(rule) => rule,
                None => match this.send(call).await {
                    Err(error) if error.code() == ErrorCode::OutcomeUnknown => {
                        this.look(call).await.ok().flatten().ok_or(error)?
                    }
                    sent => sent?,
                },
            };
            Ok((rule.id.clone().unwrap_or_default(), rule))
        })
        .await?;
        match rule {
            Some(rule) => Ok(rule),
            None => this.look(call).await?.ok_or_else(|| {
                Error::new(ErrorCode::NotFound, format!("the calendar was shared as {}, and that was taken back since", rule_kind(&id)))
            }),
        }
    }
}

/// `user` of `user:teacher@school.edu`: a message names nobody.
fn rule_kind(id: &str) -> &str {
    id.split(':').next().unwrap_or_default()
}

impl ShareCalendar {
    async fn send(&self, call: &Call<'_, GoogleWorkspace>) -> Result<AclRule> {
        let mut scope = json!({ "type": self.r#type.name() });
        if let Some(value) = &self.value {
            scope["value"] = json!(value);
        }
        let body = json!({ "role": self.role.name(), "scope": scope });
        let mut request = call.post(calendar(call, &acl(self.calendar_id.as_deref()))?).json(&body);
        if let Some(notify) = self.notify {
            request = request.query("sendNotifications", notify.to_string());
        }
        call.read(&call.send_as(request, Repeat::Never).await?, Repeat::Never)
    }

    /// The rule as it is now, if it is what this asks for.
    async fn look(&self, call: &Call<'_, GoogleWorkspace>) -> Result<Option<AclRule>> {
        let mut query = serde_json::Map::new();
        query.insert("showDeleted".to_owned(), json!(true));
        loop {
            let page: AclPage = define::get(call, calendar(call, &acl(self.calendar_id.as_deref()))?, &query).await?;
            if let Some(found) = page.items.into_iter().find(|rule| self.is(rule)) {
                return Ok(Some(found));
            }
            match page.next_page_token.filter(|token| !token.is_empty()) {
                Some(token) => query.insert("pageToken".to_owned(), json!(token)),
                None => return Ok(None),
            };
        }
    }

    fn is(&self, rule: &AclRule) -> bool {
        let Some(scope) = &rule.scope else { return false };
        let lower = |text: &Option<String>| text.as_deref().unwrap_or_default().to_lowercase();
        rule.role.as_deref() == Some(self.role.name())
            && scope.r#type.as_deref() == Some(self.r#type.name())
            && lower(&scope.value) == lower(&self.value)
    }
}

fn acl(calendar_id: Option<&str>) -> [&str; 3] {
    ["calendars", calendar_id.unwrap_or(PRIMARY), "acl"]
}
