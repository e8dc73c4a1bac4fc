//! Chats: of two, or of a group.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::TENANT_ID;
use super::super::context::{Context, Outcome, items, text};
use super::super::error::GraphError;
use super::super::odata::Listing;
use super::super::table::{Kind, Row};
use super::messages::{self, Thread};

const CHATS: Listing<'_> = Listing::new("chats").size(20).expanded(&["members"]);

pub(in super::super) fn route(context: &mut Context<'_>, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::POST, []) => create(context),
        (Method::GET, [id]) => {
            let chat = find(context, id)?;
            context.one(chat.value, &CHATS)
        }
        (Method::GET, [id, "members"]) => {
            let chat = find(context, id)?;
            context.page(items(&chat.value, "members").to_vec(), &Listing::new("chats('id')/members"))
        }
        (_, [id, "messages", rest @ ..]) => {
            let chat = find(context, id)?;
            messages::route(context, &Thread::Chat { chat: chat.id }, rest)
        }
        _ => Err(GraphError::no_route()),
    }
}

/// The chats that a user is in.
pub(in super::super) fn of_user(context: &Context<'_>, user: &str) -> Outcome {
    let chats = context.world.table.under(Kind::Chat, "").filter(|row| has(row, user));
    context.page(chats.map(|row| row.value.clone()).collect(), &CHATS)
}

fn has(chat: &Row, user: &str) -> bool {
    items(&chat.value, "members").iter().any(|member| text(member, "userId") == Some(user))
}

/// A chat, which a user sees only from within.
fn find(context: &Context<'_>, id: &str) -> Result<Row, GraphError> {
    let chat = context.world.table.get(Kind::Chat, "", id).cloned().ok_or_else(GraphError::not_found)?;
    match context.user() {
        Some(user) if !has(&chat, user) => {
            let message = "The user is not a member of the chat.";
            Err(GraphError::new(StatusCode::FORBIDDEN, "Forbidden", message))
        }
        _ => Ok(chat),
    }
}

fn create(context: &mut Context<'_>) -> Outcome {
    let body = context.body()?;
    let kind = text(&body, "chatType").unwrap_or_default();
    let mut people = Vec::new();
    for member in items(&body, "members") {
        people.push(context.bound_user(member.get("user@odata.bind"))?);
    }
    let enough = match kind {
        "oneOnOne" => people.len() == 2,
        "group" => people.len() >= 2,
        _ => return Err(GraphError::bad("Invalid chatType.")),
    };
    if !enough {
        return Err(GraphError::bad("The number of members does not fit the chatType."));
    }
    if context.user().is_some_and(|user| !people.iter().any(|person| person == user)) {
        return Err(GraphError::bad("The caller must be one of the members."));
    }
    // Two people have one chat.
    if kind == "oneOnOne" {
        let same =
            |row: &&Row| text(&row.value, "chatType") == Some(kind) && people.iter().all(|person| has(row, person));
        if let Some(chat) = context.world.table.under(Kind::Chat, "").find(same) {
            return whole(context, chat.value.clone());
        }
    }
    let number = context.world.number();
    let id = match kind {
        "oneOnOne" => format!("19:sandbox{number:024x}@unq.gbl.spaces"),
        _ => format!("19:sandbox{number:024x}@thread.v2"),
    };
    let members = people.iter().map(|user| member(context, user)).collect::<Vec<_>>();
    let now = context.now();
    let chat = json!({
        "id": id,
        "topic": body.get("topic"),
        "chatType": kind,
        "createdDateTime": now,
        "lastUpdatedDateTime": now,
        "tenantId": TENANT_ID,
        "webUrl": format!("https://teams.microsoft.com/l/chat/{number}"),
        "members": members,
    });
    context.world.add(Kind::Chat, "", chat.clone());
    whole(context, chat)
}

fn whole(context: &Context<'_>, mut chat: Value) -> Outcome {
    if let Some(fields) = chat.as_object_mut() {
        fields.remove("members");
    }
    context.whole(StatusCode::CREATED, CHATS.set, chat)
}

fn member(context: &Context<'_>, user: &str) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "id": format!("MCMjMCMj{user}"),
        "roles": ["owner"],
        "userId": user,
        "displayName": context.world.user_text(user, "displayName"),
        "email": context.world.user_text(user, "mail"),
        "tenantId": TENANT_ID,
    })
}
