//! Sending. <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send>
//!
//! Gmail has no key that makes a repetition harmless. Each message carries a Message-ID that comes from the call's own key;
//! when an answer was lost, the mailbox is searched for it before anything is sent again.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE};
use serde_json::{Map, Value, json};

use super::{
    super::{
        GoogleWorkspace,
        define::{self, operation},
        wire::host,
    },
    READ, SEND, at,
    letter::{Attachment, Letter, MOST_BYTES, Mailbox},
    mime,
    objects::{MessageRef, MessageRefs},
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::{Method, Repeat, Request, oauth::Wanted},
};

/// What is larger goes to Gmail's other address, as bytes and not as base64 once more.
const LARGE: usize = 5 << 20;
/// How long a large message may take on its way.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often, and after how long, the mailbox is searched for a message whose answer was lost.
const LOOKS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(3)];

/// An operation that writes a message: the fields of a letter, and what it does with them.
macro_rules! writing {
    (
        $(#[$about:meta])*
        $name:ident = $wire:literal, $access:ident, $repeat:ident -> $output:ty,
        scopes $scopes:expr,
        steps $steps:expr,
        path { $($(#[$path_about:meta])* $path:ident: $path_type:ty,)* }
        check |$checked:ident| $check:block
        run |$this:ident, $call:ident| $run:block
    ) => {
        operation! {
            $(#[$about])*
            $name = $wire, $access, $repeat -> $output,
            scopes $scopes,
            steps $steps,
            deadline 120,
            discloses {
                "from": Contact(Staff), "to": Contact(Anyone), "cc": Contact(Anyone), "bcc": Contact(Anyone),
                "replyTo": Contact(Staff), "subject": Message(Anyone), "text": Message(Anyone), "html": Message(Anyone),
                "attachments": Content(Anyone)
            }
            path { $($(#[$path_about])* $path: $path_type,)* }
            required {
                /// What it is about: one line.
                subject: String,
            }
            optional {
                /// To whom.
                to: Vec<Mailbox>,
                /// To whom else.
                cc: Vec<Mailbox>,
                /// To whom in secret.
                bcc: Vec<Mailbox>,
                /// From whom: an address that the mailbox may send as. Its own without this.
                from: Mailbox,
                /// Where answers go.
                reply_to: Mailbox,
                /// The text.
                text: String,
                /// The HTML; with a text beside it, both are sent as the same in two forms.
                html: String,
                /// Files; the whole message may have 35 MB, files counted in base64 (a third more than they have).
                attachments: Vec<Attachment>,
                /// The conversation it belongs to. The subject must be that of the conversation, and `inReplyTo` be there.
                thread_id: String,
                /// The `messageId` of the mail it answers.
                in_reply_to: String,
            }
            check |$checked| {
                $checked.letter().check()?;
                $check
            }
            run |$this, $call| $run
        }

        impl $name {
            fn letter(&self) -> Letter<'_> {
                Letter {
                    from: self.from.as_ref(),
                    to: self.to.as_deref().unwrap_or_default(),
                    cc: self.cc.as_deref().unwrap_or_default(),
                    bcc: self.bcc.as_deref().unwrap_or_default(),
                    reply_to: self.reply_to.as_ref(),
                    subject: &self.subject,
                    text: self.text.as_deref(),
                    html: self.html.as_deref(),
                    attachments: self.attachments.as_deref().unwrap_or_default(),
                    in_reply_to: self.in_reply_to.as_deref(),
                }
            }
        }
    };
}

pub(super) use writing;

writing! {
    /// Sends a mail from the acting user's mailbox.
    ///
    /// <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send>. Access `send`. Above 5 MiB
    /// it goes by upload. When the answer is lost, the mailbox is searched for the message, which needs the scope
    /// `gmail.readonly`; if it is not found, the answer is `outcome_unknown`. Repeated with the same idempotency key, it is
    /// searched for first, and sent only if it is not there. Errors: `invalid_argument`, `outcome_unknown`, `rate_limited`.
    ///
    /// Example: `{"to": [{"email": "parent@example.com", "name": "Jane Smith"}], "subject": "Field trip", "text": "On Friday …"}`
    SendMail = "sendMail", Send, Never -> MessageRef,
    scopes SEND,
    steps &["send"],
    path {}
    check |this| { this.letter().check_people()?; }
    run |this, call| {
        let id = message_id(call);
        let message = Outgoing::new(call, &this.letter(), &id, this.thread_id.as_deref())?;
        let request = message.request(call, Method::Post, &["messages", "send"], false)?;
        let id = &id;
        call.step("send", |begun| async move {
            once(call, begun, || send(call, request), || sent(call, id)).await
        })
        .await
    }
}

/// A message on its way to Gmail.
pub(super) struct Outgoing {
    raw: Vec<u8>,
    thread: Option<String>,
}

impl Outgoing {
    /// Writes it. Errors: `invalid_argument` for what is larger than Gmail takes.
    pub(super) fn new(
        call: &Call<'_, GoogleWorkspace>,
        letter: &Letter<'_>,
        message_id: &str,
        thread: Option<&str>,
    ) -> Result<Self> {
        let raw = mime::write(letter, message_id, call.now(), &call.vendor_key(""));
        if raw.len() > MOST_BYTES {
            return Err(Error::invalid("attachments", "make the mail larger than the 35 MB that Gmail takes"));
        }
        Ok(Self { raw, thread: thread.map(str::to_owned) })
    }

    /// The request; a draft wraps its message once more.
    pub(super) fn request(
        &self,
        call: &Call<'_, GoogleWorkspace>,
        method: Method,
        path: &[&str],
        draft: bool,
    ) -> Result<Request> {
        let mut about = Map::new();
        if let Some(thread) = &self.thread {
            about.insert("threadId".to_owned(), json!(thread));
        }
        let wrapped = |message: Map<String, Value>| {
            if draft { json!({ "message": message }) } else { Value::Object(message) }
        };
        if self.raw.len() <= LARGE {
            about.insert("raw".to_owned(), json!(URL_SAFE.encode(&self.raw)));
            return Ok(Request::new(method, at(call, path)?).json(&wrapped(about)));
        }
        let boundary = format!("=-sis-upload-{}", call.vendor_key(""));
        let url = call.url(host::GMAIL, &[&["upload", "gmail", "v1", "users", "me"], path].concat())?;
        let mut body = format!(
            "--{boundary}\r\nContent-Type: application/json\r\n\r\n{}\r\n--{boundary}\r\nContent-Type: message/rfc822\r\n\r\n",
            wrapped(about)
        )
        .into_bytes();
        body.extend_from_slice(&self.raw);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let mut request = Request::new(method, url)
            .query("uploadType", "multipart")
            .header("content-type", format!("multipart/related; boundary=\"{boundary}\""));
        request.body = body.into();
        request.timeout = PATIENCE;
        Ok(request)
    }
}

/// The mark by which a message of this call is known again.
pub(super) fn message_id(call: &Call<'_, GoogleWorkspace>) -> String {
    format!("<{}@sis-integrations.invalid>", call.vendor_key(""))
}

/// Does what must not be done twice: looks for what an earlier try may have done, and after a lost answer for what this one
/// has.
pub(super) async fn once<T, A, L>(
    call: &Call<'_, GoogleWorkspace>,
    begun: bool,
    act: impl FnOnce() -> A,
    look: impl Fn() -> L,
) -> Result<T>
where
    A: Future<Output = Result<T>>,
    L: Future<Output = Result<Option<T>>>,
{
    if begun {
        match look().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(error) => {
                let message =
                    format!("an earlier try may have done it, and it cannot be looked for: {}", error.message());
                return Err(Error::new(ErrorCode::OutcomeUnknown, message));
            }
        }
    }
    let unknown = match act().await {
        Err(error) if error.code() == ErrorCode::OutcomeUnknown => error,
        result => return result,
    };
    for wait in LOOKS {
        if wait >= call.deadline().since(call.now()) {
            break;
        }
        call.runtime().sleep(wait).await;
        if let Ok(Some(found)) = look().await {
            return Ok(found);
        }
    }
    Err(unknown)
}

/// The call with a token that may search the mailbox.
pub(super) fn reader<'a>(call: &Call<'a, GoogleWorkspace>) -> Call<'a, GoogleWorkspace> {
    call.with_token(Wanted { scopes: READ, ..call.wanted().clone() })
}

async fn send(call: &Call<'_, GoogleWorkspace>, request: Request) -> Result<MessageRef> {
    define::write(call, request, Repeat::Never).await
}

async fn sent(call: &Call<'_, GoogleWorkspace>, message_id: &str) -> Result<Option<MessageRef>> {
    let page: MessageRefs = define::get(&reader(call), at(call, &["messages"])?, &marked(message_id)).await?;
    Ok(page.messages.into_iter().next())
}

/// Gmail's search for a message by its mark.
pub(super) fn marked(message_id: &str) -> Map<String, Value> {
    let bare = message_id.trim_matches(['<', '>']);
    Map::from_iter([("q".to_owned(), json!(format!("rfc822msgid:{bare}")))])
}
