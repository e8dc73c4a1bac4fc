//! Channels of a team, and what is written in them. <https://learn.microsoft.com/graph/api/resources/channel>
//!
//! Only a person may write into a channel: Microsoft has no permission by which an application could.

use serde_json::{Value, json};

use super::{
    Microsoft365, check,
    graph::{Graph, Page, found, quoted, same_name},
    wire::{choice, list, object, operation, paged, record},
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::{Method, Repeat},
};

/// How long a message may be; Microsoft refuses those of more than about 28 KB with its own framing.
const LONGEST: usize = 28_000;

/// What lists channels, and reads one.
const READS: &[&str] = &[
    "Channel.ReadBasic.All",
    "ChannelSettings.Read.All",
    "ChannelSettings.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

object! {
    /// A channel of a team.
    Channel {
        /// Its name.
        display_name: String,
        /// What it is for.
        description: String,
        /// Its page.
        web_url: String,
        /// Its mail address.
        email: String,
        /// `standard`, `private` or `shared`.
        membership_type: String,
        /// When it was made.
        created_date_time: String,
    }
}

record! {
    /// What a message says.
    ItemBody {
        /// The text.
        content: String,
        /// `text` or `html`.
        content_type: String,
    }
}

object! {
    /// A message in a channel.
    ChannelMessage {
        /// What it says.
        body: ItemBody,
        /// Its subject.
        subject: String,
        /// Of which message it is a reply.
        reply_to_id: String,
        /// `message`, or what Teams itself wrote.
        message_type: String,
        /// `normal`, `high` or `urgent`.
        importance: String,
        /// Its page.
        web_url: String,
        /// Who wrote it.
        from: Value,
        /// When it was written.
        created_date_time: String,
        /// When it was deleted.
        deleted_date_time: String,
    }
}

choice! {
    /// Who sees a channel.
    ChannelKind {
        /// The whole team.
        Standard = "standard",
        /// Some of the team.
        Private = "private",
    }
}

choice! {
    /// How a text is written.
    ContentType {
        /// Plain text.
        Text = "text",
        /// HTML.
        Html = "html",
    }
}

choice! {
    /// How much a message matters.
    Importance {
        /// As usual.
        Normal = "normal",
        /// It is marked as important.
        High = "high",
        /// Its readers are told again and again.
        Urgent = "urgent",
    }
}

operation! {
    /// Lists the channels of a team. Microsoft says how many stand on a page.
    ///
    /// <https://learn.microsoft.com/graph/api/channel-list>. Access `read`. Application or delegated:
    /// `Channel.ReadBasic.All`. Errors: `not_found`.
    ///
    /// Example: `{"teamId": "02bd9fd6-8f93-4758-87c3-1fb73740a315"}`
    ListChannels = "listChannels", Read, Always -> Page<Channel>,
    scopes &[READS], Any,
    discloses {}
    by {
        /// The team's id.
        team_id: String,
    }
    required {}
    optional {
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    run |this, call| {
        let graph = Graph::root(call).in_every_word();
        graph.page(&["teams", &this.team_id, "channels"], &[], None, this.page_token.as_deref()).await
    }
}

paged!(ListChannels -> Channel);

operation! {
    /// Makes a channel. A name is there once in a team: if the channel was made and the answer lost, the call repeated
    /// with the same idempotency key finds it.
    ///
    /// <https://learn.microsoft.com/graph/api/channel-post>. Access `write`. Application or delegated:
    /// `Channel.Create`, and `Channel.ReadBasic.All` to look for it. Errors: `conflict` where there is a channel of
    /// that name, `not_found`.
    ///
    /// Example: `{"teamId": "02bd9fd6-8f93-4758-87c3-1fb73740a315", "displayName": "Homework"}`
    CreateChannel = "createChannel", Write, WithKey -> Channel,
    scopes &[&["Channel.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"], READS], Any,
    discloses { "ownerId": Identity(Staff) }
    by {
        /// The team's id.
        team_id: String,
    }
    required {
        /// Its name: at most 50 characters, none of `~ # % & * { } / \ : < > ? + | ' "`.
        display_name: String,
    }
    optional {
        /// What it is for.
        description: String,
        /// `standard` or `private`. Default: standard.
        membership_type: ChannelKind,
        /// Who owns a private channel: their id, or what they sign in with.
        owner_id: String,
    }
    steps ["create"]
    check |this| {
        check::text("displayName", &this.display_name, 50)?;
        if this.display_name.contains(['~', '#', '%', '&', '*', '{', '}', '/', '\\', ':', '<', '>', '?', '+', '|', '\'', '"']) {
            return Err(Error::invalid("displayName", "must have none of ~ # % & * { } / \\ : < > ? + | ' \""));
        }
        check::some_text("description", &this.description, 1024)?;
        check::some_id("ownerId", &this.owner_id)?;
        if this.membership_type == Some(ChannelKind::Private) && this.owner_id.is_none() {
            return Err(Error::invalid("ownerId", "is required for a private channel"));
        }
    }
    run |this, call| {
        let graph = Graph::root(call).below(&["teams", &this.team_id, "channels"]).in_every_word();
        let mut body = super::graph::body(&this, &["teamId", "ownerId"])?;
        if let Some(owner) = &this.owner_id {
            body["members"] = json!([{
                "@odata.type": "#microsoft.graph.aadUserConversationMember",
                "user@odata.bind": Graph::key_of("users", owner)?,
                "roles": ["owner"],
            }]);
        }
        let named = async || -> Result<Option<String>> {
            let filter = [("$filter", format!("displayName eq {}", quoted(&this.display_name)))];
            let channels: Vec<Channel> = graph.all(&[], &filter).await?;
            let ours = channels.into_iter().find(|channel| same_name(&channel.display_name, &this.display_name));
            Ok(ours.and_then(|channel| channel.id))
        };
        let id: String = call.step("create", async |begun| {
            if begun && let Some(id) = named().await? {
                return Ok(id);
            }
            match graph.make::<Channel>(Method::Post, &[], &body, Repeat::Never).await {
                Ok(channel) => Ok(channel.id.unwrap_or_default()),
                Err(error) if error.code() == ErrorCode::OutcomeUnknown => found(named().await, error),
                Err(error) => Err(error),
            }
        }).await?;
        graph.get(&[&id], &[]).await
    }
}

operation! {
    /// Writes a message into a channel, in the name of the person who has consented.
    ///
    /// <https://learn.microsoft.com/graph/api/chatmessage-post>. Access `send`. Delegated only: `ChannelMessage.Send`;
    /// an application cannot. Never repeated by the library: a lost answer ends as `outcome_unknown`, and
    /// `listChannelMessages` shows whether it stands there. Errors: `not_configured` without a consent, `not_found`.
    ///
    /// Example: `{"teamId": "02bd9fd6-8f93-4758-87c3-1fb73740a315", "channelId": "19:561f…@thread.tacv2", "content": "Hello"}`
    SendChannelMessage = "sendChannelMessage", Send, Never -> ChannelMessage,
    scopes &[&["ChannelMessage.Send", "Group.ReadWrite.All"]], Delegated,
    discloses { "content": Message(Anyone), "subject": Message(Anyone) }
    by {
        /// The team's id.
        team_id: String,
        /// The channel's id.
        channel_id: String,
    }
    required {
        /// The text.
        content: String,
    }
    optional {
        /// `text` or `html`. Default: text.
        content_type: ContentType,
        /// The subject.
        subject: String,
        /// `normal`, `high` or `urgent`.
        importance: Importance,
    }
    check |this| {
        check::text("content", &this.content, LONGEST)?;
        check::some_text("subject", &this.subject, 255)?;
    }
    run |this, call| {
        let path = ["teams", &this.team_id, "channels", &this.channel_id, "messages"];
        let message = message(&this.content, this.content_type, this.subject.as_deref(), this.importance);
        write(call, &path, &message).await
    }
}

operation! {
    /// Answers a message in a channel, in the name of the person who has consented.
    ///
    /// <https://learn.microsoft.com/graph/api/chatmessage-post-replies>. Access `send`. Delegated only:
    /// `ChannelMessage.Send`. Never repeated by the library, as `sendChannelMessage`. Errors: `not_found`.
    ///
    /// Example: `{"teamId": "02bd…", "channelId": "19:561f…@thread.tacv2", "messageId": "1590776551682", "content": "Yes"}`
    ReplyToChannelMessage = "replyToChannelMessage", Send, Never -> ChannelMessage,
    scopes &[&["ChannelMessage.Send", "Group.ReadWrite.All"]], Delegated,
    discloses { "content": Message(Anyone) }
    by {
        /// The team's id.
        team_id: String,
        /// The channel's id.
        channel_id: String,
        /// The id of the message that is answered.
        message_id: String,
    }
    required {
        /// The text.
        content: String,
    }
    optional {
        /// `text` or `html`. Default: text.
        content_type: ContentType,
        /// `normal`, `high` or `urgent`.
        importance: Importance,
    }
    check |this| { check::text("content", &this.content, LONGEST)?; }
    run |this, call| {
        let path = ["teams", &this.team_id, "channels", &this.channel_id, "messages", &this.message_id, "replies"];
        write(call, &path, &message(&this.content, this.content_type, None, this.importance)).await
    }
}

list! {
    /// Lists the messages of a channel without their replies, the newest first.
    ///
    /// <https://learn.microsoft.com/graph/api/channel-list-messages>. Access `read`. Delegated or application:
    /// `ChannelMessage.Read.All`, which Microsoft has to approve for an application. Errors: `not_found`.
    ///
    /// Example: `{"teamId": "02bd9fd6-8f93-4758-87c3-1fb73740a315", "channelId": "19:561f…@thread.tacv2", "pageSize": 20}`
    ListChannelMessages = "listChannelMessages" -> ChannelMessage,
    scopes &[&["ChannelMessage.Read.All", "Group.Read.All", "Group.ReadWrite.All"]], Any,
    discloses {}
    by {
        /// The team's id.
        team_id: String,
        /// The channel's id.
        channel_id: String,
    }
    required {}
    optional {}
    check |this| {
        if this.page_size.is_some_and(|size| size > 50) {
            return Err(Error::invalid("pageSize", "must be 1 to 50 for messages"));
        }
    }
    at |this, call| Graph::root(call).in_every_word().below(&["teams", &this.team_id, "channels"]),
        &[&this.channel_id, "messages"], Vec::new()
}

fn message(content: &str, kind: Option<ContentType>, subject: Option<&str>, importance: Option<Importance>) -> Value {
    let mut message = json!({ "body": { "content": content, "contentType": kind.unwrap_or(ContentType::Text) } });
    if let Some(subject) = subject {
        message["subject"] = json!(subject);
    }
    if let Some(importance) = importance {
        message["importance"] = json!(importance);
    }
    message
}

async fn write(call: &Call<'_, Microsoft365>, path: &[&str], message: &Value) -> Result<ChannelMessage> {
    Graph::root(call).in_every_word().make(Method::Post, path, message, Repeat::Never).await
}
