//! Making users.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    super::{
        GoogleWorkspace,
        define::{self, check_address, check_text, operation},
        wire::made,
    },
    USERS, at,
    objects::User,
    users::UpdateUser,
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Secret,
    providers::Call,
    transport::{Repeat, Request},
};

/// A user to be made, one of many. `Debug` shows no password.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct NewUser {
    /// The address to sign in with, in a domain of the school's.
    pub primary_email: String,
    /// The first name, up to 60 characters.
    pub given_name: String,
    /// The last name, up to 60 characters.
    pub family_name: String,
    /// The first password, 8 to 100 characters. It is never shown.
    pub password: Secret<String>,
    /// Whether the user must choose another password at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_password_at_next_login: Option<bool>,
    /// Where in the tree of organizational units; `/` without this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_unit_path: Option<String>,
    /// The school's own id for the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Where Google writes when the user cannot sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_email: Option<String>,
}

impl NewUser {
    /// With what Google needs of a user.
    pub fn new(
        primary_email: impl Into<String>,
        given_name: impl Into<String>,
        family_name: impl Into<String>,
        password: impl Into<Secret<String>>,
    ) -> Self {
        Self {
            primary_email: primary_email.into(),
            given_name: given_name.into(),
            family_name: family_name.into(),
            password: password.into(),
            change_password_at_next_login: None,
            org_unit_path: None,
            external_id: None,
            recovery_email: None,
        }
    }

    /// Refuses what cannot be made, with its path.
    pub(super) fn check(&self, path: &str) -> Result<()> {
        Profile::from(self).check(path)?;
        check_password(&format!("{path}password"), &self.password)
    }

    /// The request that makes the user.
    pub(super) fn request(&self, call: &Call<'_, GoogleWorkspace>) -> Result<Request> {
        let mut body = Profile::from(self).wire();
        body.insert("password".to_owned(), json!(self.password.expose()));
        Ok(call.post(at(call, &["users"])?).json(&Value::Object(body)))
    }
}

operation! {
    /// Makes a user.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/insert>. Access `manage`. Repeated
    /// with the same idempotency key it makes one. The password is sent to Google, and kept nowhere. Errors: `conflict` where
    /// somebody has the address, `invalid_argument`.
    ///
    /// Example: `{"primaryEmail": "jane@school.example", "givenName": "Jane", "familyName": "Smith", "password": "Change-me-1", "orgUnitPath": "/Students"}`
    CreateUser = "createUser", Manage, WithKey -> User,
    scopes USERS,
    steps &["create"],
    discloses { "primaryEmail": Contact(Anyone), "givenName": Identity(Anyone), "familyName": Identity(Anyone), "externalId": Identity(Anyone), "recoveryEmail": Contact(Anyone) }
    path {}
    required {
        /// The address to sign in with, in a domain of the school's.
        primary_email: String,
        /// The first name, up to 60 characters.
        given_name: String,
        /// The last name, up to 60 characters.
        family_name: String,
        /// The first password, 8 to 100 characters. It is never shown.
        password: Secret<String>,
    }
    optional {
        /// Whether the user must choose another password at once.
        change_password_at_next_login: bool,
        /// Where in the tree of organizational units; `/` without this.
        org_unit_path: String,
        /// The school's own id for the user.
        external_id: String,
        /// Where Google writes when the user cannot sign in.
        recovery_email: String,
    }
    check |this| { this.user().check("")?; }
    run |this, call| {
        let here = at(call, &["users", &this.primary_email])?;
        let address = here.clone();
        let (_, user) = made(call, "create", |begun| async move {
            // Whoever has the address before the first try is somebody else; after it, it is whom that try has made.
            if !begun && is_there(call, here.clone()).await? {
                return Err(taken());
            }
            let found = define::read(call, here);
            let made = define::made_or_found(call, this.user().request(call)?, Repeat::WithKey, found).await;
            let user: User = made.map_err(|error| elsewhere(error, "primaryEmail"))?;
            Ok((user.id.clone().unwrap_or_default(), user))
        })
        .await?;
        match user {
            Some(user) => Ok(user),
            None => define::read(call, address).await,
        }
    }
}

impl CreateUser {
    fn user(&self) -> NewUser {
        NewUser {
            primary_email: self.primary_email.clone(),
            given_name: self.given_name.clone(),
            family_name: self.family_name.clone(),
            password: self.password.clone(),
            change_password_at_next_login: self.change_password_at_next_login,
            org_unit_path: self.org_unit_path.clone(),
            external_id: self.external_id.clone(),
            recovery_email: self.recovery_email.clone(),
        }
    }
}

/// Somebody else has the address.
pub(super) fn taken() -> Error {
    Error::new(ErrorCode::Conflict, "somebody has this address already").with_field("primaryEmail")
}

/// Google finds no domain of the school's in the address.
pub(super) fn elsewhere(error: Error, field: &str) -> Error {
    if error.code() != ErrorCode::NotFound {
        return error;
    }
    let ours = Error::invalid(field, "must be in a domain of the school's");
    match error.vendor().cloned() {
        Some(vendor) => ours.with_vendor(vendor),
        None => ours,
    }
}

/// Whether the directory has something at this address.
pub(super) async fn is_there(call: &Call<'_, GoogleWorkspace>, url: url::Url) -> Result<bool> {
    let response = call.exchange(call.get(url), Repeat::Always).await?;
    match response.status {
        200..=299 => Ok(true),
        404 => Ok(false),
        _ => Err(call.refusal(&response)),
    }
}

/// What may be said of a user, whether it is made or changed.
#[derive(Debug, Default)]
pub(super) struct Profile<'a> {
    primary_email: Option<&'a str>,
    given_name: Option<&'a str>,
    family_name: Option<&'a str>,
    change_password: Option<bool>,
    org_unit_path: Option<&'a str>,
    external_id: Option<&'a str>,
    recovery_email: Option<&'a str>,
}

impl<'a> From<&'a NewUser> for Profile<'a> {
    fn from(user: &'a NewUser) -> Self {
        Self {
            primary_email: Some(&user.primary_email),
            given_name: Some(&user.given_name),
            family_name: Some(&user.family_name),
            change_password: user.change_password_at_next_login,
            org_unit_path: user.org_unit_path.as_deref(),
            external_id: user.external_id.as_deref(),
            recovery_email: user.recovery_email.as_deref(),
        }
    }
}

impl<'a> From<&'a UpdateUser> for Profile<'a> {
    fn from(user: &'a UpdateUser) -> Self {
        Self {
            primary_email: user.primary_email.as_deref(),
            given_name: user.given_name.as_deref(),
            family_name: user.family_name.as_deref(),
            change_password: user.change_password_at_next_login,
            org_unit_path: user.org_unit_path.as_deref(),
            external_id: user.external_id.as_deref(),
            recovery_email: user.recovery_email.as_deref(),
        }
    }
}

impl Profile<'_> {
    pub(super) fn check(&self, path: &str) -> Result<()> {
        for (field, address) in [("primaryEmail", self.primary_email), ("recoveryEmail", self.recovery_email)] {
            address.map_or(Ok(()), |address| check_address(&format!("{path}{field}"), address))?;
        }
        for (field, name) in [("givenName", self.given_name), ("familyName", self.family_name)] {
            name.map_or(Ok(()), |name| check_text(&format!("{path}{field}"), name, 60))?;
        }
        if self.org_unit_path.is_some_and(|unit| !unit.starts_with('/')) {
            return Err(Error::invalid(format!("{path}orgUnitPath"), "must begin with /"));
        }
        self.external_id.map_or(Ok(()), |id| check_text(&format!("{path}externalId"), id, 100))
    }

    pub(super) fn wire(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let mut name = Map::new();
        for (field, value) in [("givenName", self.given_name), ("familyName", self.family_name)] {
            value.and_then(|value| name.insert(field.to_owned(), json!(value)));
        }
        if !name.is_empty() {
            body.insert("name".to_owned(), Value::Object(name));
        }
        let ids = self.external_id.map(|id| json!([{ "type": "organization", "value": id }]));
        for (field, value) in [
            ("primaryEmail", self.primary_email.map(Value::from)),
            ("orgUnitPath", self.org_unit_path.map(Value::from)),
            ("recoveryEmail", self.recovery_email.map(Value::from)),
            ("changePasswordAtNextLogin", self.change_password.map(Value::from)),
            ("externalIds", ids),
        ] {
            value.and_then(|value| body.insert(field.to_owned(), value));
        }
        body
    }
}

pub(super) fn check_password(field: &str, password: &Secret<String>) -> Result<()> {
    let password = password.expose();
    if (8..=100).contains(&password.chars().count()) && password.is_ascii() && !password.contains(char::is_control) {
        Ok(())
    } else {
        Err(Error::invalid(field, "must have 8 to 100 characters of ASCII"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Operation;

    fn jane() -> CreateUser {
        CreateUser::new("jane@school.example", "Jane", "Smith", "s3cret-pass")
    }

    #[test]
    fn a_password_is_nowhere_to_be_seen() {
        let jane = jane();
        assert!(!format!("{jane:?}").contains("s3cret-pass"));
        assert!(!serde_json::to_string(&jane).unwrap().contains("s3cret-pass"));
        let short = CreateUser { password: "s3cret".into(), ..jane };
        let error = short.validate().unwrap_err();
        assert_eq!(error.field(), Some("password"));
        assert!(!error.to_string().contains("s3cret"));
    }

    #[test]
    fn a_user_is_as_google_spells_it() {
        let user = jane().org_unit_path("/Students").external_id("sis-7").user();
        let expected = json!({
            "primaryEmail": "jane@school.example",
            "name": { "givenName": "Jane", "familyName": "Smith" },
            "orgUnitPath": "/Students",
            "externalIds": [{ "type": "organization", "value": "sis-7" }],
        });
        assert_eq!(Value::Object(Profile::from(&user).wire()), expected);
    }

    #[test]
    fn what_cannot_be_a_user_is_named() {
        for (user, field) in [
            (CreateUser { primary_email: "jane".into(), ..jane() }, "primaryEmail"),
            (CreateUser { given_name: String::new(), ..jane() }, "givenName"),
            (CreateUser { family_name: "x".repeat(61), ..jane() }, "familyName"),
            (jane().org_unit_path("Students"), "orgUnitPath"),
            (jane().recovery_email("nobody"), "recoveryEmail"),
        ] {
            assert_eq!(user.validate().unwrap_err().field(), Some(field));
        }
        assert_eq!(UpdateUser::new("jane").validate().unwrap_err().field(), Some("orgUnitPath"));
    }
}
