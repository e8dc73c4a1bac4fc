//! Users. <https://developers.google.com/workspace/admin/directory/reference/rest/v1/users>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::define::{self, Done, operation},
    USERS, USERS_READ, at,
    create::{Profile, check_password},
    list_query,
    objects::{User, Users},
};
use crate::{error::Error, model::Secret, transport::Repeat};

/// What a list of users is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum UserOrder {
    /// The address.
    Email,
    /// The last name.
    FamilyName,
    /// The first name.
    GivenName,
}

operation! {
    /// Lists the users of the school.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/list>. Access `read`.
    ///
    /// Example: `{"query": "orgUnitPath='/Students'", "pageSize": 500}`
    ListUsers = "listUsers", Read, Always -> Users,
    scopes USERS_READ,
    discloses { "query": Identity(Anyone) }
    path {}
    required {}
    optional {
        /// Only those of this domain; of the whole account without it.
        domain: String,
        /// Google's query, such as `orgUnitPath='/Students' isSuspended=false`.
        /// <https://developers.google.com/workspace/admin/directory/v1/guides/search-users>
        query: String,
        /// What they are sorted by.
        order_by: UserOrder,
        /// Only those deleted in the last 20 days.
        show_deleted: bool,
        /// How many on a page, 1 to 500; Google's default is 100.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { define::check_page("pageSize", this.page_size, 500)?; }
    run |this, call| { define::get(call, at(call, &["users"])?, &list_query(call, this.rest()?)).await }
}

operation! {
    /// Reads a user.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/get>. Access `read`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"userKey": "student@school.example"}`
    GetUser = "getUser", Read, Always -> User,
    scopes USERS_READ,
    discloses { "userKey": Identity(Anyone) }
    path {
        /// Who: an id, an address, or another address of theirs.
        user_key: String,
    }
    required {}
    optional {}
    run |this, call| { define::read(call, at(call, &["users", &this.user_key])?).await }
}

operation! {
    /// Changes a user: what is named is set, the rest stays.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/update>. Access `manage`. Errors:
    /// `not_found`, `conflict` for an address that somebody has.
    ///
    /// Example: `{"userKey": "student@school.example", "orgUnitPath": "/Students/Grade 8"}`
    UpdateUser = "updateUser", Manage, Always -> User,
    scopes USERS,
    discloses { "userKey": Identity(Anyone), "primaryEmail": Contact(Anyone), "givenName": Identity(Anyone), "familyName": Identity(Anyone), "externalId": Identity(Anyone), "recoveryEmail": Contact(Anyone) }
    path {
        /// Who: an id or an address.
        user_key: String,
    }
    required {}
    optional {
        /// Another address to sign in with; the old one stays as an alias.
        primary_email: String,
        /// The first name.
        given_name: String,
        /// The last name.
        family_name: String,
        /// Another password, 8 to 100 characters. It is never shown.
        password: Secret<String>,
        /// Whether the user must choose another password.
        change_password_at_next_login: bool,
        /// Where in the tree of organizational units.
        org_unit_path: String,
        /// The school's own id for the user; it replaces all others.
        external_id: String,
        /// Where Google writes when the user cannot sign in.
        recovery_email: String,
    }
    check |this| {
        let profile = Profile::from(this);
        profile.check("")?;
        if profile.wire().is_empty() && this.password.is_none() {
            return Err(Error::invalid("orgUnitPath", "at least one thing to change must be named"));
        }
        if let Some(password) = &this.password {
            check_password("password", password)?;
        }
    }
    run |this, call| {
        let mut body = Profile::from(this).wire();
        if let Some(password) = &this.password {
            body.insert("password".to_owned(), json!(password.expose()));
        }
        let request = call.put(at(call, &["users", &this.user_key])?).json(&Value::Object(body));
        define::write(call, request, Repeat::Always).await
    }
}

operation! {
    /// Keeps a user from signing in, or lets them again. Nothing of theirs is lost.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/update>. Access `manage`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"userKey": "student@school.example"}`
    SuspendUser = "suspendUser", Manage, Always -> User,
    scopes USERS,
    discloses { "userKey": Identity(Anyone) }
    path {
        /// Who: an id or an address.
        user_key: String,
    }
    required {}
    optional {
        /// `false` lets the user sign in again; `true` without this.
        suspended: bool,
    }
    run |this, call| {
        let body = json!({ "suspended": this.suspended.unwrap_or(true) });
        define::write(call, call.put(at(call, &["users", &this.user_key])?).json(&body), Repeat::Always).await
    }
}

operation! {
    /// Deletes a user with all that is theirs. For 20 days an administrator can bring them back in Google's console.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/delete>. Access `manage`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"userKey": "student@school.example"}`
    DeleteUser = "deleteUser", Manage, Always -> Done,
    scopes USERS,
    discloses { "userKey": Identity(Anyone) }
    path {
        /// Who: an id or an address.
        user_key: String,
    }
    required {}
    optional {}
    run |this, call| { define::remove(call, at(call, &["users", &this.user_key])?).await }
}
