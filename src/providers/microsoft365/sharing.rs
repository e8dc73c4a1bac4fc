//! Who may see what in a drive. <https://learn.microsoft.com/graph/api/resources/permission>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    batch::ItemResult,
    check,
    drive::{READS, WRITES, check_place, item, of_drive},
    error,
    graph::{Done, Graph, body},
    wire::{choice, list, object, operation},
};
use crate::{
    error::{Error, Result},
    model::Secret,
    transport::{Headers, Method, Repeat},
};

/// How many people at once.
const RECIPIENTS: usize = 100;

object! {
    /// What somebody may do with a file or folder.
    Permission {
        /// `read`, `write` or `owner`.
        roles: Vec<String>,
        /// Of a link: its address, kind and scope.
        link: Value,
        /// Whose.
        granted_to_v2: Value,
        /// Of a link for some: whose.
        granted_to_identities_v2: Value,
        /// Of an invitation: to whom.
        invitation: Value,
        /// The folder that it comes from.
        inherited_from: Value,
        /// When it ends.
        expiration_date_time: String,
        /// Whether a password is asked.
        has_password: bool,
        /// Why it was not given.
        error: Value,
    }
}

choice! {
    /// What a link is for.
    LinkKind {
        /// To look.
        View = "view",
        /// To change.
        Edit = "edit",
        /// To stand in a page.
        Embed = "embed",
    }
}

choice! {
    /// Whom a link is for.
    LinkScope {
        /// Everybody who has it, without signing in.
        Anonymous = "anonymous",
        /// Everybody of the school.
        Organization = "organization",
        /// Those who are invited.
        Users = "users",
    }
}

choice! {
    /// What somebody may do.
    Role {
        /// Look.
        Read = "read",
        /// Change.
        Write = "write",
    }
}

operation! {
    /// Makes a link to a file or folder; where there is one of that kind already, that is answered.
    ///
    /// <https://learn.microsoft.com/graph/api/driveitem-createlink>. Access `write`. Application or delegated:
    /// `Files.ReadWrite`. Errors: `not_found`, `vendor` where the school's sharing policy forbids it.
    ///
    /// Example: `{"itemId": "01BYE5RZ6QN3ZWBTUFOFD3GSPGOHDJD36K", "type": "view", "scope": "organization"}`
    CreateSharingLink = "createSharingLink", Write, Always -> Permission,
    scopes WRITES, Any,
    discloses {}
    by {
        /// The item's id.
        item_id: String,
    }
    required {
        /// `view`, `edit` or `embed`.
        r#type: LinkKind,
    }
    optional {
        /// Which drive. Default: the OneDrive of the user.
        drive_id: String,
        /// Whose OneDrive. Default: the user of the settings, or who has consented.
        user_id: String,
        /// `anonymous`, `organization` or `users`. Default: what the school has set.
        scope: LinkScope,
        /// When it ends, such as `2026-12-24T00:00:00Z`.
        expiration_date_time: String,
        /// A password that is asked; only of some drives.
        password: Secret<String>,
    }
    check |this| {
        check_place(&this.drive_id, &this.user_id)?;
        check::some_moment("expirationDateTime", &this.expiration_date_time)?;
    }
    run |this, call| {
        let graph = of_drive(call, this.drive_id.as_deref(), this.user_id.as_deref())?;
        let mut body = body(&this, &["itemId", "driveId", "userId", "password"])?;
        if let Some(password) = &this.password {
            body["password"] = json!(password.expose());
        }
        graph.make(Method::Post, &item(&this.item_id, &["createLink"]), &body, Repeat::Always).await
    }
}

/// What became of an invitation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Invited {
    /// One for each recipient, in their order: the permission's id, or why there is none.
    pub results: Vec<ItemResult>,
    /// The permissions that were given.
    pub permissions: Vec<Permission>,
}

#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    value: Vec<Permission>,
}

operation! {
    /// Lets people see or change a file or folder, and tells them by mail if wished.
    ///
    /// <https://learn.microsoft.com/graph/api/driveitem-invite>. Access `send`. Application or delegated: `Files.ReadWrite`.
    /// With a mail it is never repeated by the library, for they would get it twice. Answers what became of each recipient:
    /// one outside the school may be refused by its sharing policy. Errors: `not_found`, `vendor`.
    ///
    /// Example: `{"itemId": "01BYE5RZ6QN3ZWBTUFOFD3GSPGOHDJD36K", "recipients": ["teacher@yourschool.example"], "role": "read"}`
    InviteToDriveItem = "inviteToDriveItem", Send, Never -> Invited,
    scopes WRITES, Any,
    discloses { "recipients": Contact(Anyone), "message": Message(Anyone) }
    by {
        /// The item's id.
        item_id: String,
    }
    required {
        /// Addresses, at most 100.
        recipients: Vec<String>,
        /// `read` or `write`.
        role: Role,
    }
    optional {
        /// Which drive. Default: the OneDrive of the user.
        drive_id: String,
        /// Whose OneDrive. Default: the user of the settings, or who has consented.
        user_id: String,
        /// Whether they are told by mail. Default: no.
        send_invitation: bool,
        /// Whether they must sign in. Default: yes.
        require_sign_in: bool,
        /// What the mail says.
        message: String,
        /// When it ends, such as `2026-12-24T00:00:00Z`.
        expiration_date_time: String,
    }
    check |this| {
        check_place(&this.drive_id, &this.user_id)?;
        check::some("recipients", &this.recipients, RECIPIENTS)?;
        for (at, address) in this.recipients.iter().enumerate() {
            check::address(&format!("recipients[{at}]"), address)?;
        }
        check::some_text("message", &this.message, 2000)?;
        check::some_moment("expirationDateTime", &this.expiration_date_time)?;
    }
    run |this, call| {
        let graph = of_drive(call, this.drive_id.as_deref(), this.user_id.as_deref())?;
        let mails = this.send_invitation.unwrap_or(false);
        let recipients: Vec<Value> = this.recipients.iter().map(|address| json!({ "email": address })).collect();
        let mut body = json!({
            "recipients": recipients, "roles": [this.role], "sendInvitation": mails,
            "requireSignIn": this.require_sign_in.unwrap_or(true),
        });
        if let Some(message) = &this.message {
            body["message"] = json!(message);
        }
        if let Some(end) = &this.expiration_date_time {
            body["expirationDateTime"] = json!(end);
        }
        let repeat = if mails { Repeat::Never } else { Repeat::Always };
        let given: Result<Given> = graph.make(Method::Post, &item(&this.item_id, &["invite"]), &body, repeat).await;
        // Of one recipient there is no doubt who is meant.
        let given = given.map_err(|error| match (error.vendor(), this.recipients.len()) {
            (Some(vendor), 1) if vendor.status != 404 && error.field().is_none() => error.with_field("recipients[0]"),
            _ => error,
        })?;
        let results = (0..this.recipients.len()).map(|at| outcome(at, given.value.get(at))).collect();
        Ok(Invited { results, permissions: given.value })
    }
}

/// Microsoft answers in the order of the recipients.
fn outcome(at: usize, given: Option<&Permission>) -> ItemResult {
    let refused = given.and_then(|given| given.error.as_ref()).filter(|error| !error.is_null());
    match (given, refused) {
        (Some(given), None) => ItemResult::done(at, given.id.clone()),
        (_, Some(refused)) => {
            let error = error::read(400, &Headers::default(), &json!({ "error": refused }));
            ItemResult::failed(at, &error.with_field(format!("recipients[{at}]")))
        }
        (None, None) => {
            let why = "Microsoft does not say what became of this recipient; list the permissions";
            let error = Error::new(crate::ErrorCode::OutcomeUnknown, why).with_field(format!("recipients[{at}]"));
            ItemResult::failed(at, &error)
        }
    }
}

list! {
    /// Lists who may see or change a file or folder.
    ///
    /// <https://learn.microsoft.com/graph/api/driveitem-list-permissions>. Access `read`. Application or delegated:
    /// `Files.Read`. Errors: `not_found`.
    ///
    /// Example: `{"itemId": "01BYE5RZ6QN3ZWBTUFOFD3GSPGOHDJD36K"}`
    ListPermissions = "listPermissions" -> Permission,
    scopes READS, Any,
    discloses {}
    by {
        /// The item's id.
        item_id: String,
    }
    required {}
    optional {
        /// Which drive. Default: the OneDrive of the user.
        drive_id: String,
        /// Whose OneDrive. Default: the user of the settings, or who has consented.
        user_id: String,
    }
    check |this| { check_place(&this.drive_id, &this.user_id)?; }
    at |this, call|
        of_drive(call, this.drive_id.as_deref(), this.user_id.as_deref())?,
        &item(&this.item_id, &["permissions"]),
        Vec::new()
}

operation! {
    /// Takes a permission or a link away.
    ///
    /// <https://learn.microsoft.com/graph/api/permission-delete>. Access `write`. Application or delegated:
    /// `Files.ReadWrite`. Errors: `not_found`.
    ///
    /// Example: `{"itemId": "01BYE5RZ6QN3ZWBTUFOFD3GSPGOHDJD36K", "permissionId": "aTowIy5m…"}`
    DeletePermission = "deletePermission", Write, Always -> Done,
    scopes WRITES, Any,
    discloses {}
    by {
        /// The item's id.
        item_id: String,
        /// The permission's id.
        permission_id: String,
    }
    required {}
    optional {
        /// Which drive. Default: the OneDrive of the user.
        drive_id: String,
        /// Whose OneDrive. Default: the user of the settings, or who has consented.
        user_id: String,
    }
    check |this| { check_place(&this.drive_id, &this.user_id)?; }
    run |this, call| {
        let graph: Graph<'_> = of_drive(call, this.drive_id.as_deref(), this.user_id.as_deref())?;
        let path = item(&this.item_id, &["permissions", &this.permission_id]);
        graph.remove(Method::Delete, &path, None).await?;
        Ok(Done::of(this.permission_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::microsoft365::ItemState;

    #[test]
    fn each_recipient_has_an_outcome_of_its_own() {
        let given = |error: Option<Value>| Permission { id: Some("p".into()), error, ..Permission::default() };
        assert_eq!(outcome(0, Some(&given(None))).id.as_deref(), Some("p"));
        let refused =
            outcome(1, Some(&given(Some(json!({ "code": "sharingDisabled", "message": "External sharing is off" })))));
        assert_eq!(refused.state, ItemState::Failed);
        let error = refused.error.unwrap();
        assert_eq!(
            (error.field.as_deref(), error.vendor_code.as_deref()),
            (Some("recipients[1]"), Some("sharingDisabled"))
        );
        assert_eq!(outcome(2, None).state, ItemState::Unknown);
    }
}
