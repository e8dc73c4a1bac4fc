//! Sending. <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send>
//!
//! Gmail has no key that makes a repetition harmless, and puts a Message-ID of its own in the place of ours. What it uses
//! up is a draft: so a mail is written as a draft and that is sent. A draft that is gone was sent, one that is still there
//! was not.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{
    super::{
        GoogleWorkspace,
        define::{self, operation},
        wire::host,
    },
    COMPOSE, METADATA, SEND, SEND_ALONE, at,
    letter::{Attachment, Letter, MOST_BYTES, Mailbox},
    mime,
    objects::{Draft, Drafts, MessageRef, MessageRefs},
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
/// After how long a draft is looked for whose sending brought no word.
const LOOKS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(3)];
/// How often a draft is sent that is still there.
const TRIES: u32 = 2;
/// How often a draft is written of which nothing is found.
const WRITES: u32 = 3;
/// After how long a draft is looked for whose writing brought no word.
const DRAFT_LOOKS: [Duration; 2] = [Duration::ZERO, Duration::from_secs(1)];
/// Among how many of the last drafts it is looked for.
const NEWEST: u32 = 10;
/// Among how many of the last sent messages that of a draft is looked for.
const RECENT: u32 = 100;
/// Of how many of those of its conversation the head is read.
const CANDIDATES: usize = 10;

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
    /// <https://developers.google.com/workspace/gmail/api/guides/drafts>. Access `send`. It is written as a draft, and the
    /// draft is sent, which uses it up: so it is known after a lost answer whether it was sent, and the call can be repeated
    /// with its idempotency key. The answer then has no `id` where the scopes let nobody look for it. Where `gmail.send` is
    /// the only scope, it is sent at once: after a lost answer it stays `outcome_unknown`, and is not sent again. Above 5 MiB
    /// it goes by upload. Errors: `invalid_argument`, `outcome_unknown`, `rate_limited`.
    ///
    /// Example: `{"to": [{"email": "parent@example.com", "name": "Jane Smith"}], "subject": "Field trip", "text": "On Friday …"}`
    SendMail = "sendMail", Send, Never -> MessageRef,
    scopes SEND,
    steps &["draft", "send"],
    path {}
    check |this| { this.letter().check_people()?; }
    run |this, call| {
        let id = message_id(call);
        let message = Outgoing::new(call, &this.letter(), &id, this.thread_id.as_deref())?;
        let composing = call.with_token(Wanted { scopes: COMPOSE, ..call.wanted().clone() });
        match call.step("draft", |begun| written(&composing, &message, begun)).await? {
            Some(draft) => call.step("send", |begun| draft.send(&composing, begun)).await,
            None => {
                let sending = call.with_token(Wanted { scopes: SEND_ALONE, ..call.wanted().clone() });
                let request = message.request(call, Method::Post, &["messages", "send"], false)?;
                call.step("send", |begun| once(&sending, begun, request)).await
            }
        }
    }
}

/// A draft of a mail that is to be sent.
#[derive(Serialize, Deserialize)]
struct Written {
    draft: String,
    thread: Option<String>,
}

/// Writes the mail as a draft. None where these scopes let nobody write drafts. A draft whose answer was lost is found by its
/// mark: another one would stay in the user's way.
async fn written(call: &Call<'_, GoogleWorkspace>, message: &Outgoing, begun: bool) -> Result<Option<Written>> {
    if let Err(error) = call.token(None).await {
        if !matches!(error.code(), ErrorCode::NeedsReconnect | ErrorCode::NotConfigured) {
            return Err(error);
        }
        let sending = call.with_token(Wanted { scopes: SEND_ALONE, ..call.wanted().clone() });
        return sending.token(None).await.map(|_| None);
    }
    Written::of(draft(call, message, begun).await?).map(Some)
}

/// Writes a draft. One whose answer was lost is found by its mark, and not written twice.
pub(super) async fn draft(call: &Call<'_, GoogleWorkspace>, message: &Outgoing, begun: bool) -> Result<Draft> {
    let request = message.request(call, Method::Post, &["drafts"], true)?;
    let mut lost: Option<Error> = None;
    for _ in 0..WRITES {
        if (begun || lost.is_some())
            && let Some(draft) = find(call).await?
        {
            return Ok(draft);
        }
        match define::write(call, request.clone(), Repeat::Never).await {
            Err(error) if error.code() == ErrorCode::OutcomeUnknown => lost = Some(error),
            result => return result,
        }
    }
    let found = find(call).await?;
    found.ok_or_else(|| lost.unwrap_or_else(|| unsure("the draft is not found")))
}

/// The draft that this call, or an earlier try of it, has written without hearing of it.
async fn find(call: &Call<'_, GoogleWorkspace>) -> Result<Option<Draft>> {
    let newest = Map::from_iter([("maxResults".to_owned(), json!(NEWEST))]);
    let heads = Map::from_iter([("format".to_owned(), json!("metadata"))]);
    for wait in DRAFT_LOOKS {
        call.runtime().sleep(wait).await;
        let page: Drafts = define::get(call, at(call, &["drafts"])?, &newest).await?;
        for draft in page.drafts {
            let there = at(call, &["drafts", draft.id.as_deref().unwrap_or_default()])?;
            match define::get::<Value>(call, there, &heads).await {
                Ok(head) if head.get("message").is_some_and(|message| is_marked(message, &call.vendor_key(""))) => {
                    return Ok(Some(draft));
                }
                // The user deletes and sends drafts meanwhile.
                Err(error) if error.code() != ErrorCode::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(None)
}

impl Written {
    fn of(draft: Draft) -> Result<Self> {
        let lacking = || Error::new(ErrorCode::InvalidResponse, "Gmail gave no id of the draft");
        let thread = draft.message.and_then(|message| message.thread_id);
        Ok(Self { draft: draft.id.ok_or_else(lacking)?, thread })
    }

    async fn send(self, call: &Call<'_, GoogleWorkspace>, begun: bool) -> Result<MessageRef> {
        match dispatch(call, begun, &self.draft).await {
            Ok(Some(sent)) => Ok(sent),
            Ok(None) => Ok(self.sent(call).await),
            Err(error) => {
                if !begun && is_refused(&error) {
                    // What stays would only be in the user's way; what could not be taken away is used by the next try.
                    match define::remove(call, at(call, &["drafts", &self.draft])?).await {
                        Ok(_) => call.undo_step("draft").await?,
                        Err(error) => {
                            tracing::warn!(code = %error.code(), "the draft of a mail that was refused could not be deleted");
                        }
                    }
                }
                Err(error)
            }
        }
    }

    /// The sent message of the draft's conversation that carries the call's mark; only the conversation where it cannot be
    /// found. The newest there may be another mail.
    async fn sent(self, call: &Call<'_, GoogleWorkspace>) -> MessageRef {
        let looking = call.with_token(Wanted { scopes: METADATA, ..call.wanted().clone() });
        let query = Map::from_iter([("labelIds".to_owned(), json!("SENT")), ("maxResults".to_owned(), json!(RECENT))]);
        let page: MessageRefs = match at(call, &["messages"]) {
            Ok(url) => define::get(&looking, url, &query).await.unwrap_or_default(),
            Err(_) => MessageRefs::default(),
        };
        let heads = Map::from_iter([("format".to_owned(), json!("metadata"))]);
        let of_thread = |message: &MessageRef| self.thread.is_some() && message.thread_id == self.thread;
        for message in page.messages.into_iter().filter(of_thread).take(CANDIDATES) {
            let Ok(url) = at(call, &["messages", message.id.as_deref().unwrap_or_default()]) else { continue };
            let head = define::get::<Value>(&looking, url, &heads).await;
            if head.is_ok_and(|head| is_marked(&head, &call.vendor_key(""))) {
                return message;
            }
        }
        MessageRef { thread_id: self.thread, ..MessageRef::default() }
    }
}

/// Whether Google has refused a mail for good: not for a limit that passes, nor for a consent that can be mended.
fn is_refused(error: &Error) -> bool {
    let passes = matches!(
        error.code(),
        ErrorCode::OutcomeUnknown | ErrorCode::RateLimited | ErrorCode::NeedsReconnect | ErrorCode::NotConfigured
    );
    !passes && error.vendor().is_some_and(|vendor| (400..500).contains(&vendor.status))
}

/// Sends a draft. `None`: it was sent, and what Google answered was lost.
pub(super) async fn dispatch(call: &Call<'_, GoogleWorkspace>, begun: bool, draft: &str) -> Result<Option<MessageRef>> {
    let mut lost: Option<Error> = None;
    if begun {
        match is_gone(call, draft).await {
            Ok(true) => return Ok(None),
            Ok(false) => {}
            Err(error) => return Err(unsure(&format!("the draft cannot be looked for: {}", error.message()))),
        }
    }
    for _ in 0..TRIES {
        let request = call.post(at(call, &["drafts", "send"])?).json(&json!({ "id": draft }));
        match define::write(call, request, Repeat::Never).await {
            Ok(sent) => return Ok(Some(sent)),
            Err(error) if error.code() == ErrorCode::NotFound && (begun || lost.is_some()) => return Ok(None),
            Err(error) if error.code() == ErrorCode::OutcomeUnknown => lost = Some(lost.unwrap_or(error)),
            Err(error) => return Err(lost.unwrap_or(error)),
        }
        let mut there = false;
        for wait in LOOKS.into_iter().filter(|wait| *wait < call.deadline().since(call.now())) {
            call.runtime().sleep(wait).await;
            match is_gone(call, draft).await {
                Ok(true) => return Ok(None),
                Ok(false) => there = true,
                Err(_) => there = false,
            }
        }
        if !there {
            break;
        }
    }
    Err(lost.unwrap_or_else(|| unsure("the draft is still there")))
}

/// Whether a draft has the mark.
fn is_marked(message: &Value, mark: &str) -> bool {
    let headers = message.pointer("/payload/headers").and_then(Value::as_array);
    let text = |header: &Value, name: &str| header.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    headers
        .into_iter()
        .flatten()
        .any(|header| text(header, "name").eq_ignore_ascii_case(mime::MARK) && text(header, "value").trim() == mark)
}

/// A draft that is gone was sent; one that is there was not.
async fn is_gone(call: &Call<'_, GoogleWorkspace>, draft: &str) -> Result<bool> {
    let look = call.get(at(call, &["drafts", draft])?).query("format", "minimal");
    let response = call.exchange(look, Repeat::Always).await?;
    match response.status {
        200..=299 => Ok(false),
        404 => Ok(true),
        _ => Err(call.refusal(&response)),
    }
}

/// Does what must not be done twice and leaves nothing by which it could be known again: what an earlier try has begun
/// stays unknown.
pub(super) async fn once<T: DeserializeOwned>(
    call: &Call<'_, GoogleWorkspace>,
    begun: bool,
    request: Request,
) -> Result<T> {
    if begun {
        return Err(unsure("Gmail cannot be asked about it; look into the mailbox"));
    }
    define::write(call, request, Repeat::Never).await
}

fn unsure(why: &str) -> Error {
    Error::new(ErrorCode::OutcomeUnknown, format!("an earlier try may have done it: {why}"))
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

/// The Message-ID of a message of this call. Gmail may put its own in its place.
pub(super) fn message_id(call: &Call<'_, GoogleWorkspace>) -> String {
    format!("<{}@sis-integrations.invalid>", call.vendor_key(""))
}
