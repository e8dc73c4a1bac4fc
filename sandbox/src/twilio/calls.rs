//! The Calls resource.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::account::Account;
use super::address::{is_e164, national};
use super::callback::follow_call;
use super::dates::DateFilter;
use super::error::ApiError;
use super::format::{charge, parse_sid, rfc2822, sid};
use super::paging::Paging;
use super::recipient::magic_callee;
use super::send::is_web_address;
use super::{API_VERSION, Context};
use crate::exchange::{Answer, Pairs};
use crate::outgoing::is_local;

/// Price of a minute, in millionths of a dollar.
const MINUTE_PRICE: i64 = 14_000;
const LONGEST_TWIML: usize = 4000;

/// How a call to some number ends.
///
/// As JSON: `{"kind": "completed", "seconds": 12}`, `{"kind": "busy"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CallOutcome {
    /// Answered, and hung up after the given time by the sandbox's clock.
    Completed {
        /// Length of the conversation; one step when absent, counted as one second.
        #[serde(default)]
        seconds: Option<u32>,
    },
    /// The line is taken.
    Busy,
    /// Nobody picks up.
    NoAnswer,
    /// The call cannot be put through.
    Failed,
}

impl Default for CallOutcome {
    fn default() -> Self {
        Self::Completed { seconds: None }
    }
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the vendor's words, each meaning what it says")]
pub enum CallStatus {
    Queued,
    Ringing,
    InProgress,
    Completed,
    Busy,
    Failed,
    NoAnswer,
    Canceled,
}

impl CallStatus {
    /// The vendor's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }
}

/// What a test sees of a call.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Call {
    /// `CA…`.
    pub sid: String,
    /// Account that made it.
    pub account_sid: String,
    /// Called number.
    pub to: String,
    /// Calling number.
    pub from: String,
    /// Address of the instructions, if given so.
    pub url: Option<String>,
    /// The instructions themselves, if given so.
    pub twiml: Option<String>,
    /// Where it stands.
    pub status: CallStatus,
    /// Milliseconds since 1970 at its creation.
    pub created: i64,
}

/// One call.
#[derive(Debug)]
pub(super) struct Record {
    id: u128,
    created: i64,
    from: Arc<str>,
    to: String,
    url: Option<String>,
    twiml: Option<String>,
    step: i64,
    outcome: CallOutcome,
    detects_machine: bool,
    /// When it was ended or canceled through the API.
    ended: Option<i64>,
    pub(super) events: Vec<String>,
    deleted: bool,
}

impl Record {
    /// The states with the times at which the call enters them.
    pub(super) fn stages(&self) -> Vec<(i64, CallStatus)> {
        use CallStatus::*;
        let Self { created, step, .. } = *self;
        let mut stages = vec![(created, Queued), (created + step, Ringing)];
        let third = created + 2 * step;
        match self.outcome {
            CallOutcome::Completed { seconds } => {
                stages.push((third, InProgress));
                stages.push((third + seconds.map_or(step, |seconds| i64::from(seconds) * 1000), Completed));
            }
            CallOutcome::Busy => stages.push((third, Busy)),
            CallOutcome::NoAnswer => stages.push((third, NoAnswer)),
            CallOutcome::Failed => stages.push((third, Failed)),
        }
        if let Some(ended) = self.ended {
            let answered = ended >= third;
            stages.retain(|(at, _)| *at <= ended);
            stages.push((ended, if answered { Completed } else { Canceled }));
        }
        stages
    }

    pub(super) fn status(&self, now: i64) -> CallStatus {
        self.since(now).1
    }

    fn since(&self, now: i64) -> (i64, CallStatus) {
        self.stages().into_iter().rev().find(|(at, _)| *at <= now).unwrap_or((self.created, CallStatus::Queued))
    }

    fn entered(&self, wanted: CallStatus, now: i64) -> Option<i64> {
        self.stages().into_iter().find(|(at, status)| *status == wanted && *at <= now).map(|(at, _)| at)
    }

    /// When it was over, if it is.
    fn over(&self, now: i64) -> Option<i64> {
        self.stages().last().map(|(at, _)| *at).filter(|at| *at <= now)
    }

    /// Seconds of conversation once it is over; a started second counts.
    pub(super) fn duration(&self, now: i64) -> Option<i64> {
        let end = self.over(now)?;
        Some(self.entered(CallStatus::InProgress, now).map_or(0, |start| (end - start + 999) / 1000))
    }

    /// Minutes that are charged.
    pub(super) fn minutes(&self, now: i64) -> i64 {
        self.duration(now).map_or(0, |seconds| (seconds + 59) / 60)
    }

    pub(super) fn price(&self, now: i64) -> i64 {
        self.minutes(now) * MINUTE_PRICE
    }

    fn view(&self, account: &Account, now: i64) -> Value {
        let (since, status) = self.since(now);
        let id = sid("CA", self.id);
        let under = |name: &str| account.uri(&format!("/Calls/{id}/{name}.json"));
        let over = self.over(now);
        let answered = self.entered(CallStatus::InProgress, now);
        let owned = account.numbers.iter().find(|owned| owned.number == self.from);
        json!({
            "sid": id,
            "account_sid": &*account.sid,
            "answered_by": answered.filter(|_| self.detects_machine).map(|_| "human"),
            "api_version": API_VERSION,
            "caller_name": null,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(since),
            "direction": "outbound-api",
            "duration": self.duration(now).map(|seconds| seconds.to_string()),
            "end_time": over.map(rfc2822),
            "forwarded_from": null,
            "from": &*self.from,
            "from_formatted": national(&self.from),
            "group_sid": null,
            "parent_call_sid": null,
            "phone_number_sid": owned.map(|owned| sid("PN", owned.id)),
            "price": over.map(|_| charge(self.price(now))),
            "price_unit": "USD",
            "queue_time": "0",
            "start_time": answered.or(over).map(rfc2822),
            "status": status.as_str(),
            "subresource_uris": {
                "events": under("Events"),
                "notifications": under("Notifications"),
                "payments": under("Payments"),
                "recordings": under("Recordings"),
                "siprec": under("Siprec"),
                "streams": under("Streams"),
                "transcriptions": under("Transcriptions"),
                "user_defined_message_subscriptions": under("UserDefinedMessageSubscriptions"),
                "user_defined_messages": under("UserDefinedMessages"),
            },
            "to": self.to,
            "to_formatted": national(&self.to),
            "trunk_sid": null,
            "uri": account.uri(&format!("/Calls/{id}.json")),
        })
    }

    pub(super) fn snapshot(&self, account: &Account, now: i64) -> Call {
        Call {
            sid: sid("CA", self.id),
            account_sid: account.sid.to_string(),
            to: self.to.clone(),
            from: self.from.to_string(),
            url: self.url.clone(),
            twiml: self.twiml.clone(),
            status: self.status(now),
            created: self.created,
        }
    }

    pub(super) fn parameters(
        &self,
        account: &str,
        status: CallStatus,
        at: i64,
        sequence: usize,
    ) -> Vec<(String, String)> {
        let mut parameters = vec![
            ("AccountSid", account.to_owned()),
            ("ApiVersion", API_VERSION.to_owned()),
            ("CallSid", sid("CA", self.id)),
            ("CallStatus", status.as_str().to_owned()),
            ("CallbackSource", "call-progress-events".to_owned()),
            ("Direction", "outbound-api".to_owned()),
            ("From", self.from.to_string()),
            ("SequenceNumber", sequence.to_string()),
            ("Timestamp", rfc2822(at)),
            ("To", self.to.clone()),
        ];
        if let Some(seconds) = self.duration(at) {
            parameters.push(("CallDuration", seconds.to_string()));
        }
        parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// An account's calls in the order of their creation.
#[derive(Debug, Default)]
pub(super) struct CallStore {
    records: Vec<Record>,
    by_id: HashMap<u128, usize>,
}

impl CallStore {
    fn push(&mut self, record: Record) -> &Record {
        self.by_id.insert(record.id, self.records.len());
        self.records.push(record);
        &self.records[self.records.len() - 1]
    }

    pub(super) fn get(&self, id: u128) -> Option<&Record> {
        self.by_id.get(&id).map(|position| &self.records[*position]).filter(|record| !record.deleted)
    }

    fn get_mut(&mut self, id: u128) -> Option<&mut Record> {
        self.by_id.get(&id).map(|position| &mut self.records[*position]).filter(|record| !record.deleted)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.iter().filter(|record| !record.deleted)
    }
}

pub(super) fn create(context: &mut Context<'_>) -> Result<Answer, ApiError> {
    let form = context.request.form();
    let to = form.filled("To").ok_or_else(|| ApiError::bad(21201, "A To number is required"))?;
    let from = form.filled("From").ok_or_else(|| ApiError::bad(21213, "A From number is required"))?;
    magic_callee(to)?;
    // Besides numbers the vendor calls SIP addresses and apps.
    if !is_e164(to) && !to.starts_with("sip:") && !to.starts_with("client:") {
        return Err(ApiError::bad(21211, format!("The To number {to} is not valid")));
    }
    if from == "+15005550001" || !is_e164(from) {
        return Err(ApiError::bad(21212, format!("The From number {from} is not valid")));
    }
    let from = context
        .account
        .owned(from)
        .cloned()
        .ok_or_else(|| ApiError::bad(21210, format!("The From number {from} is neither owned nor verified")))?;
    check_instructions(&form, true)?;
    let outcome = context.recipients.call_outcome_of(to);
    let record = Record {
        id: context.shared.sids.next(),
        created: context.now,
        from,
        to: to.to_owned(),
        url: form.filled("Url").map(str::to_owned),
        twiml: form.filled("Twiml").map(str::to_owned),
        step: i64::from(context.step()),
        outcome,
        detects_machine: form.filled("MachineDetection").is_some(),
        ended: None,
        events: form.all("StatusCallbackEvent").map(str::to_owned).collect(),
        deleted: false,
    };
    let id = record.id;
    context.account.calls.push(record);
    if let Some(url) = form.filled("StatusCallback").filter(|url| is_local(url)) {
        tokio::spawn(follow_call(context.shared.clone(), context.account.sid.clone(), id, url.to_owned()));
    }
    show(context, id, StatusCode::CREATED)
}

/// Checks what a call is to do; creating one needs some instruction, changing one does not.
fn check_instructions(form: &Pairs<'_>, required: bool) -> Result<(), ApiError> {
    const ADDRESSES: &[&str] = &["Url", "FallbackUrl"];
    let given = |name| form.filled(name);
    if required && given("Url").or(given("Twiml")).or(given("ApplicationSid")).is_none() {
        return Err(ApiError::bad(21205, "One of Url, Twiml and ApplicationSid is required"));
    }
    for name in ADDRESSES {
        if given(name).is_some_and(|url| !is_web_address(url)) {
            return Err(ApiError::bad(21205, format!("{name} is not a valid address")));
        }
    }
    if given("StatusCallback").is_some_and(|url| !is_web_address(url)) {
        return Err(ApiError::bad(21609, "StatusCallback is not a valid address"));
    }
    if given("ApplicationSid").is_some_and(|sid| parse_sid("AP", sid).is_none()) {
        return Err(ApiError::bad(21218, "ApplicationSid is not valid"));
    }
    if given("Twiml").is_some_and(|twiml| twiml.chars().count() > LONGEST_TWIML) {
        return Err(ApiError::bad(21222, format!("Twiml is longer than {LONGEST_TWIML} characters")));
    }
    let timeout = given("Timeout").map(|text| text.parse().is_ok_and(|seconds: u32| (1..=600).contains(&seconds)));
    if timeout == Some(false) {
        return Err(ApiError::bad(20001, "Timeout is not between 1 and 600 seconds"));
    }
    let digits = given("SendDigits").is_some_and(|digits| !digits.chars().all(|c| "0123456789#*wW,".contains(c)));
    if digits {
        return Err(ApiError::bad(21206, "SendDigits has characters that cannot be dialled"));
    }
    for name in ["Method", "FallbackMethod", "StatusCallbackMethod"] {
        if given(name).is_some_and(|method| !matches!(method, "GET" | "POST")) {
            return Err(ApiError::bad(20001, format!("{name} is neither GET nor POST")));
        }
    }
    Ok(())
}

fn show(context: &Context<'_>, id: u128, status: StatusCode) -> Result<Answer, ApiError> {
    let record = context.account.calls.get(id).ok_or_else(|| ApiError::not_found(context.request.path()))?;
    Ok(Answer::json(status, &record.view(context.account, context.now)))
}

pub(super) fn list(context: &mut Context<'_>) -> Result<Answer, ApiError> {
    let query = context.request.query();
    let paging = Paging::of(context.request, &query)?;
    let now = context.now;
    let (started, ended) = (DateFilter::of(&query, "StartTime")?, DateFilter::of(&query, "EndTime")?);
    let (to, from, status) = (query.filled("To"), query.filled("From"), query.filled("Status"));
    // A parent call exists only for calls that TwiML makes, which the look-alike does not run.
    let no_parent = query.filled("ParentCallSid").is_none();
    let matching = context.account.calls.iter().rev().filter(|call| {
        no_parent
            && to.is_none_or(|to| call.to == to)
            && from.is_none_or(|from| &*call.from == from)
            && status.is_none_or(|status| call.status(now).as_str() == status)
            && started.contains(call.entered(CallStatus::InProgress, now).unwrap_or(call.created))
            && (ended.is_open() || call.over(now).is_some_and(|at| ended.contains(at)))
    });
    let (page, next) = paging.slice(matching);
    let items = page.into_iter().map(|call| call.view(context.account, now)).collect();
    Ok(paging.legacy("calls", items, next))
}

/// Fetches, ends or deletes one call.
pub(super) fn one(context: &mut Context<'_>, sid: &str) -> Result<Answer, ApiError> {
    let missing = || ApiError::not_found(context.request.path());
    let id = parse_sid("CA", sid).filter(|id| context.account.calls.get(*id).is_some()).ok_or_else(missing)?;
    let now = context.now;
    let form = context.request.form();
    let method = &context.request.method;
    let Some(record) = context.account.calls.get_mut(id) else {
        return Err(ApiError::not_found(sid));
    };
    match *method {
        Method::GET => {}
        Method::POST => update(record, &form, now)?,
        Method::DELETE if record.over(now).is_some() => {
            record.deleted = true;
            return Ok(Answer::empty(StatusCode::NO_CONTENT));
        }
        Method::DELETE => {
            return Err(ApiError::new(StatusCode::CONFLICT, 20009, "The call is not over"));
        }
        _ => return Err(ApiError::method_not_allowed()),
    }
    show(context, id, StatusCode::OK)
}

fn update(record: &mut Record, form: &Pairs<'_>, now: i64) -> Result<(), ApiError> {
    check_instructions(form, false)?;
    if record.over(now).is_some() {
        return Err(ApiError::bad(21220, "The call is over"));
    }
    let answered = record.status(now) == CallStatus::InProgress;
    match form.filled("Status") {
        Some("completed") => record.ended = Some(now),
        // What has been answered can no longer be canceled; the vendor lets such a request pass.
        Some("canceled") if answered => {}
        Some("canceled") => record.ended = Some(now),
        Some(status) => return Err(ApiError::bad(20001, format!("Status cannot be {status}"))),
        None => {}
    }
    if let Some(twiml) = form.filled("Twiml") {
        record.twiml = Some(twiml.to_owned());
    }
    if let Some(url) = form.filled("Url") {
        record.url = Some(url.to_owned());
    }
    Ok(())
}
