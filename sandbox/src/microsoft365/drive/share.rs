//! Who else may see an item: people who were invited, and links.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::super::context::{Context, Outcome, items as list, text};
use super::super::error::GraphError;
use super::super::odata::Listing;
use super::super::table::Kind;
use super::address::Destination;
use super::items::invalid;
use crate::exchange::Answer;

const PERMISSIONS: Listing<'_> = Listing::new("drives('id')/items('id')/permissions");

pub(super) fn create_link(context: &mut Context<'_>, place: &Destination) -> Outcome {
    let (row, body) = (place.row(context)?, context.body()?);
    let kind = text(&body, "type").unwrap_or("view");
    let scope = text(&body, "scope").unwrap_or("organization");
    if !matches!(kind, "view" | "edit" | "embed") || !matches!(scope, "anonymous" | "organization" | "users") {
        return Err(invalid("The kind or the scope of the link is not valid."));
    }
    let same = |value: &Value| {
        let link = |name: &str| value.pointer(&format!("/link/{name}")).and_then(Value::as_str);
        link("type") == Some(kind) && link("scope") == Some(scope)
    };
    let known = context.world.table.under(Kind::Permission, &row.id).find(|row| same(&row.value));
    if let Some(known) = known {
        return context.whole(StatusCode::OK, PERMISSIONS.set, known.value.clone());
    }
    let id = context.world.guid();
    let mut permission = json!({
        "id": id,
        "roles": [if kind == "edit" { "write" } else { "read" }],
        "hasPassword": body.get("password").is_some(),
        "link": {
            "type": kind,
            "scope": scope,
            "webUrl": format!("https://yourschool-my.sharepoint.example/:x:/{id}"),
            "preventsDownload": false,
        },
    });
    if let Some(until) = body.get("expirationDateTime") {
        permission["expirationDateTime"] = until.clone();
    }
    context.world.add(Kind::Permission, &row.id, permission.clone());
    context.whole(StatusCode::CREATED, PERMISSIONS.set, permission)
}

pub(super) fn invite(context: &mut Context<'_>, place: &Destination) -> Outcome {
    let (row, body) = (place.row(context)?, context.body()?);
    let recipients = list(&body, "recipients");
    if recipients.is_empty() {
        return Err(invalid("There are no recipients."));
    }
    let roles = list(&body, "roles");
    if roles.is_empty() || !roles.iter().all(|role| matches!(role.as_str(), Some("read" | "write" | "owner"))) {
        return Err(invalid("The roles are not valid."));
    }
    let sign_in = body.get("requireSignIn").and_then(Value::as_bool).unwrap_or(true);
    let (mut permissions, mut status) = (Vec::new(), StatusCode::OK);
    for recipient in recipients {
        let named = text(recipient, "email").or(text(recipient, "alias"));
        let user = match text(recipient, "objectId") {
            Some(id) => context.world.user_id(id),
            None => named.and_then(|address| context.world.user_of_mail(address)),
        };
        let mut permission = json!({ "id": context.world.guid(), "roles": roles });
        match (&user, named) {
            (Some(user), _) => {
                let mail = context.world.user_text(user, "mail");
                let name = context.world.user_text(user, "displayName");
                permission["grantedToV2"] = json!({ "user": { "id": user, "displayName": name, "email": mail } });
            }
            (None, Some(address)) if address.contains('@') && context.world.settings.inside_only => {
                let message = "Sharing with people outside the organization is not allowed.";
                let error = json!({ "code": "notAllowed", "message": message });
                permissions.push(json!({ "roles": roles, "invitation": { "email": address }, "error": error }));
                status = StatusCode::MULTI_STATUS;
                continue;
            }
            (None, Some(address)) if address.contains('@') => {
                permission["invitation"] = json!({ "email": address, "signInRequired": sign_in });
                permission["grantedToV2"] = json!({ "user": { "displayName": address, "email": address } });
            }
            _ => return Err(invalid("A recipient cannot be found.")),
        }
        context.world.add(Kind::Permission, &row.id, permission.clone());
        permissions.push(permission);
    }
    context.values(status, &permissions)
}

pub(super) fn permissions(context: &Context<'_>, place: &Destination) -> Outcome {
    let row = place.row(context)?;
    context.list(Kind::Permission, &row.id, &PERMISSIONS)
}

pub(super) fn remove(context: &mut Context<'_>, place: &Destination, id: &str) -> Outcome {
    let row = place.row(context)?;
    context.world.table.remove(Kind::Permission, &row.id, id).ok_or_else(GraphError::no_item)?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
