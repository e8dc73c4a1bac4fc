//! Many sends in one call: each its own intent and outcome, a result for every recipient.

use std::{
    collections::HashMap,
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use futures::{StreamExt, future::BoxFuture, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Semaphore;

use super::{
    Twilio,
    calls::{PhoneCall, voice},
    deliver::deliver,
    messages::{Message, charged_segments, sms, whatsapp},
    prices, twiml,
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::PhoneNumber,
    providers::Call,
};

/// The most recipients of one call.
pub(super) const MOST: usize = 100_000;
/// Requests on their way at once. Twilio answers 429 above an account's own number, and those are repeated.
const AT_ONCE: usize = 64;
/// Sends begun at once: those that wait to look at Twilio's list do not hold the others back.
const OPEN: usize = 512;

/// How somebody is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Channel {
    /// A text message.
    Sms,
    /// A call that speaks the text.
    Voice,
    /// A WhatsApp message.
    WhatsApp,
}

impl Channel {
    /// As JSON spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Channel::Sms => "sms",
            Channel::Voice => "voice",
            Channel::WhatsApp => "whatsapp",
        }
    }
}

/// What became of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeliveryState {
    /// Twilio has taken it.
    Accepted,
    /// It was not sent.
    Failed,
    /// It may have been sent: it is not sent again, and only looking at Twilio can tell.
    Unknown,
    /// The same was for somebody before in the list.
    Duplicate,
}

/// Why something was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeliveryError {
    /// Our code, such as `invalid_argument`.
    pub code: String,
    /// In words.
    pub message: String,
    /// The argument at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Twilio's own code, such as `21610`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_code: Option<String>,
}

impl From<&Error> for DeliveryError {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code().name().to_owned(),
            message: error.message().to_owned(),
            field: error.field().map(str::to_owned),
            vendor_code: error.vendor().and_then(|vendor| vendor.code.clone()),
        }
    }
}

/// What became of one recipient's send by one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChannelResult {
    /// The channel.
    pub channel: Channel,
    /// `accepted`, `failed` or `unknown`.
    pub state: DeliveryState,
    /// Twilio's id of the message or call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Twilio's word for where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Why not, or why it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<DeliveryError>,
}

/// What became of one recipient.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RecipientResult {
    /// The position in the list of recipients.
    pub index: usize,
    /// The number, as it was given.
    pub phone: String,
    /// The name, as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `accepted` when at least one channel was, else `unknown` when one is, else `failed`; or `duplicate`.
    pub state: DeliveryState,
    /// For a duplicate: the position of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<usize>,
    /// Why not, or why it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<DeliveryError>,
    /// Each channel that was tried.
    pub channels: Vec<ChannelResult>,
}

/// Name and number are personal: `Debug` shows neither.
impl fmt::Debug for RecipientResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecipientResult")
            .field("index", &self.index)
            .field("state", &self.state)
            .field("duplicate_of", &self.duplicate_of)
            .field("error", &self.error)
            .field("channels", &self.channels)
            .finish_non_exhaustive()
    }
}

/// How many recipients ended in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) accepted: usize,
    pub(super) failed: usize,
    pub(super) unknown: usize,
    pub(super) duplicates: usize,
}

/// One recipient as a caller gives it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) phone: &'a str,
    pub(super) name: Option<&'a str>,
    pub(super) text: &'a str,
}

impl<'a> Target<'a> {
    /// This text to this number.
    pub(super) fn new(phone: &'a str, text: &'a str) -> Self {
        Self { phone, name: None, text }
    }
}

/// What is to be done about a recipient.
enum Fate {
    Send,
    Duplicate(usize),
    Invalid(Error),
}

fn fates(targets: &[Target<'_>], field: &(dyn Fn(usize) -> String + Sync)) -> Vec<Fate> {
    let mut first = HashMap::with_capacity(targets.len());
    targets
        .iter()
        .enumerate()
        .map(|(index, target)| match target.phone.parse::<PhoneNumber>() {
            Err(error) => Fate::Invalid(error.with_field(field(index))),
            Ok(_) => match first.entry((target.phone, target.text)) {
                std::collections::hash_map::Entry::Occupied(first) => Fate::Duplicate(*first.get()),
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(index);
                    Fate::Send
                }
            },
        })
        .collect()
}

/// Refuses a list without anybody in it, with too many, or with nobody who can be reached.
pub(super) fn check_targets<'a>(
    list: &str,
    length: usize,
    mut phones: impl Iterator<Item = &'a str>,
    field: impl Fn(usize) -> String,
) -> Result<()> {
    if length == 0 {
        return Err(Error::invalid(list, "must hold at least one"));
    }
    if length > MOST {
        return Err(Error::invalid(list, format!("must hold at most {MOST}, not {length}")));
    }
    let Some(first) = phones.next() else {
        return Ok(());
    };
    match first.parse::<PhoneNumber>() {
        Err(error) if phones.all(|phone| phone.parse::<PhoneNumber>().is_err()) => Err(error.with_field(field(0))),
        _ => Ok(()),
    }
}

/// What a send was answered with.
struct Taken {
    sid: String,
    status: Option<String>,
}

struct Shared<'a> {
    call: &'a Call<'a, Twilio>,
    gate: Semaphore,
    /// The credentials were refused: what is left would be too.
    refused: AtomicBool,
    field: &'a (dyn Fn(usize) -> String + Sync),
    list: &'a str,
}

/// Sends `targets` by every channel: the first channel to everybody, then the next.
///
/// Only when nothing at all could be sent because of the tenant's settings is that an error of the whole.
pub(super) async fn send_all(
    call: &Call<'_, Twilio>,
    list: &str,
    targets: &[Target<'_>],
    channels: &[Channel],
    field: &(dyn Fn(usize) -> String + Sync),
) -> Result<(Counts, Vec<RecipientResult>)> {
    let fates = fates(targets, field);
    let refused = AtomicBool::new(false);
    let shared = Shared { call, gate: Semaphore::new(AT_ONCE), refused, field, list };
    let jobs = channels.iter().flat_map(|channel| {
        fates.iter().enumerate().filter(|(_, fate)| matches!(fate, Fate::Send)).map(|(index, _)| (index, *channel))
    });
    let mut results: Vec<Vec<ChannelResult>> = vec![Vec::new(); targets.len()];
    let mut whole: Option<Error> = None;
    let mut any = false;
    let mut done = stream::iter(jobs.map(|(index, channel)| job(&shared, index, channel, targets[index])))
        .buffer_unordered(OPEN)
        .boxed();
    while let Some((index, channel, outcome)) = done.next().await {
        let result = match outcome {
            Ok(taken) => ChannelResult {
                channel,
                state: DeliveryState::Accepted,
                sid: Some(taken.sid),
                status: taken.status,
                error: None,
            },
            Err(error) => {
                let state = match error.code() {
                    ErrorCode::OutcomeUnknown => DeliveryState::Unknown,
                    _ => DeliveryState::Failed,
                };
                let result = ChannelResult { channel, state, sid: None, status: None, error: Some((&error).into()) };
                if matches!(error.code(), ErrorCode::NeedsReconnect | ErrorCode::NotConfigured) {
                    whole.get_or_insert(error);
                } else {
                    any = true;
                }
                result
            }
        };
        any |= result.state != DeliveryState::Failed;
        results[index].push(result);
    }
    drop(done);
    if let (Some(error), false) = (whole, any) {
        return Err(error);
    }
    Ok(report(targets, channels, fates, results))
}

fn report(
    targets: &[Target<'_>],
    channels: &[Channel],
    fates: Vec<Fate>,
    results: Vec<Vec<ChannelResult>>,
) -> (Counts, Vec<RecipientResult>) {
    let mut counts = Counts::default();
    let order = |result: &ChannelResult| channels.iter().position(|channel| *channel == result.channel);
    let recipients = fates
        .into_iter()
        .zip(results)
        .enumerate()
        .map(|(index, (fate, mut channels))| {
            let (state, duplicate_of, error) = match fate {
                Fate::Duplicate(first) => (DeliveryState::Duplicate, Some(first), None),
                Fate::Invalid(error) => (DeliveryState::Failed, None, Some((&error).into())),
                Fate::Send => {
                    channels.sort_by_key(order);
                    let has = |state| channels.iter().find(|result| result.state == state);
                    match (has(DeliveryState::Accepted), has(DeliveryState::Unknown), has(DeliveryState::Failed)) {
                        (Some(_), ..) => (DeliveryState::Accepted, None, None),
                        (None, Some(result), _) => (DeliveryState::Unknown, None, result.error.clone()),
                        (None, None, result) => {
                            (DeliveryState::Failed, None, result.and_then(|result| result.error.clone()))
                        }
                    }
                }
            };
            match state {
                DeliveryState::Accepted => counts.accepted += 1,
                DeliveryState::Failed => counts.failed += 1,
                DeliveryState::Unknown => counts.unknown += 1,
                DeliveryState::Duplicate => counts.duplicates += 1,
            }
            let Target { phone, name, .. } = targets[index];
            let (phone, name) = (phone.to_owned(), name.map(str::to_owned));
            RecipientResult { index, phone, name, state, duplicate_of, error, channels }
        })
        .collect();
    (counts, recipients)
}

fn job<'a>(
    shared: &'a Shared<'a>,
    index: usize,
    channel: Channel,
    target: Target<'a>,
) -> BoxFuture<'a, (usize, Channel, Result<Taken>)> {
    Box::pin(async move {
        let outcome = send_one(shared, index, channel, target).await.map_err(|error| match error.field() {
            Some("to") => error.with_field((shared.field)(index)),
            _ => error,
        });
        if outcome.as_ref().is_err_and(|error| error.code() == ErrorCode::NeedsReconnect) {
            shared.refused.store(true, Ordering::Relaxed);
        }
        (index, channel, outcome)
    })
}

async fn send_one(shared: &Shared<'_>, index: usize, channel: Channel, target: Target<'_>) -> Result<Taken> {
    if shared.refused.load(Ordering::Relaxed) {
        return Err(Error::new(ErrorCode::NeedsReconnect, "not sent: Twilio refused the credentials just before"));
    }
    let config = shared.call.config();
    let mut dispatch = match channel {
        Channel::Sms => sms(config, target.phone, Some(target.text), None)?,
        Channel::WhatsApp => whatsapp(config, target.phone, Some(target.text))?,
        Channel::Voice => voice(config, target.phone, None)?,
    };
    if channel == Channel::Voice {
        dispatch.form.push(("Twiml", spoken(target.text)));
    }
    let mut outcome = None;
    let part = format!("{}[{index}]/{}", shared.list, channel.name());
    let work = async {
        let result = transmit(shared, channel, &dispatch, target.text).await;
        let note = match &result {
            Ok(taken) => Ok(((), json!({ "sid": taken.sid, "status": taken.status }))),
            Err(error) => Err(error.clone()),
        };
        outcome = Some(result);
        note
    };
    let recorded = shared.call.part(&part, work).await;
    match (outcome, recorded) {
        (Some(Ok(_)), Err(error)) => Err(Error::new(
            ErrorCode::OutcomeUnknown,
            format!("it was sent, but that could not be recorded: {}", error.message()),
        )),
        // What became of it is told also where writing it down failed.
        (Some(result), _) => result,
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(Error::internal("a part ended without having begun")),
    }
}

/// What a call says: twice, for whoever answers late.
pub(super) fn spoken(text: &str) -> String {
    twiml::say(text, 2, None, None)
}

async fn transmit(
    shared: &Shared<'_>,
    channel: Channel,
    dispatch: &super::deliver::Dispatch,
    text: &str,
) -> Result<Taken> {
    let (call, gate) = (shared.call, Some(&shared.gate));
    match channel {
        Channel::Voice => {
            let made: PhoneCall = deliver(call, dispatch, gate).await?;
            call.charge(1, prices::VOICE, prices::CURRENCY);
            Ok(Taken { sid: made.sid, status: made.status })
        }
        Channel::Sms | Channel::WhatsApp => {
            let message: Message = deliver(call, dispatch, gate).await?;
            let (units, price) = match channel {
                Channel::Sms => (charged_segments(&message, text), prices::SMS),
                _ => (1, prices::WHATSAPP),
            };
            call.charge(units, units.saturating_mul(price), prices::CURRENCY);
            Ok(Taken { sid: message.sid, status: message.status })
        }
    }
}
