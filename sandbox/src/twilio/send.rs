//! Sending: who may send what to whom, checked as the vendor checks it.

use std::ops::RangeInclusive;
use std::sync::Arc;

use hyper::StatusCode;

use super::account::Account;
use super::address::{Channel, is_e164, is_short_code, split};
use super::callback::follow_message;
use super::error::ApiError;
use super::message::{Extras, Outcome, Record};
use super::messages::View;
use super::recipient::{magic_recipient, magic_sender, opted_out};
use super::{Context, content, segments};
use crate::exchange::{Answer, Pairs};
use crate::outgoing::is_local;

const LONGEST_BODY: usize = 1600;
const MOST_MEDIA: usize = 10;
const MINUTE: i64 = 60_000;
/// How far ahead a message may be scheduled: 15 minutes to 35 days.
const SCHEDULE: RangeInclusive<i64> = 15 * MINUTE..=35 * 24 * 60 * MINUTE;
/// How long a message may wait in the queue, in seconds.
const VALIDITY: RangeInclusive<u32> = 1..=36_000;

pub(super) fn create(context: &mut Context<'_>) -> Result<Answer, ApiError> {
    let form = context.request.form();
    let to = form.filled("To").ok_or_else(|| ApiError::bad(21604, "A To number is required"))?;
    let sender = Sender::find(context, &form, to)?;
    let content = match form.filled("ContentSid") {
        Some(sid) => Some(content::render(context.account, sid, form.filled("ContentVariables"))?),
        None => None,
    };
    let media: Vec<&str> = form.all("MediaUrl").filter(|url| !url.is_empty()).collect();
    let body = content.as_deref().or(form.filled("Body")).unwrap_or("");
    check_content(body, &media, content.is_some())?;
    check_options(&form)?;
    let send_at = schedule(&form, sender.service.is_some(), context.now)?;
    let (channel, number) = split(to);
    check_recipient(context, channel, to, number, &sender.from)?;

    let mut outcome = context.recipients.outcome_of(to);
    if channel == Channel::WhatsApp && content.is_none() && !window_is_open(context, to) {
        outcome = Outcome::Undelivered { code: 63016 };
    }
    let callback = form.filled("StatusCallback").map(str::to_owned).or_else(|| sender.status_callback.clone());
    let plain = sender.service.is_none() && media.is_empty() && content.is_none() && callback.is_none();
    let extras = (!plain).then(|| {
        Box::new(Extras {
            from_given: sender.given,
            content: form.filled("ContentSid").map(str::to_owned),
            content_variables: form.filled("ContentVariables").map(str::to_owned),
            media_urls: media.iter().map(|url| (*url).to_owned()).collect(),
            status_callback: callback.clone(),
            send_at,
            canceled: None,
            service: sender.service,
        })
    });
    let (to, body) = context.account.messages.share(to, body);
    let step = context.step();
    let account = &mut *context.account;
    let record = account.messages.push(Record {
        id: context.shared.sids.next(),
        created: context.now,
        segments: segments::count(&body),
        media: u8::try_from(media.len()).unwrap_or(u8::MAX),
        whatsapp: channel == Channel::WhatsApp,
        from: sender.from,
        to,
        body,
        step,
        deleted: false,
        outcome,
        previous: None,
        extras,
    });
    account.spent += record.price();
    let answer = Answer::json(StatusCode::CREATED, &View::of(&account.sid, record, context.now));
    let (id, prefix) = (record.id, record.prefix());
    if let Some(url) = callback.filter(|url| is_local(url)) {
        tokio::spawn(follow_message(context.shared.clone(), account.sid.clone(), prefix, id, url));
    }
    Ok(answer)
}

/// Who a message comes from.
struct Sender {
    from: Arc<str>,
    given: bool,
    service: Option<String>,
    status_callback: Option<String>,
}

impl Sender {
    fn find(context: &Context<'_>, form: &Pairs<'_>, to: &str) -> Result<Self, ApiError> {
        let account = &context.account;
        // A service's SID is taken in either place.
        let (mut from, mut service) = (form.filled("From"), form.filled("MessagingServiceSid"));
        if service.is_none() && from.is_some_and(|from| from.starts_with("MG")) {
            service = from.take();
        }
        let (channel, _) = split(to);
        let Some(service) = service else {
            let from = from.ok_or_else(|| ApiError::bad(21603, "A From number is required"))?;
            let from = Self::owned(account, from, channel)?;
            return Ok(Self { from, given: true, service: None, status_callback: None });
        };
        let service = account
            .services
            .iter()
            .find(|known| known.sid == service)
            .ok_or_else(|| ApiError::bad(21701, format!("There is no messaging service {service}")))?;
        let given = from.is_some();
        let from = match (from, channel) {
            (Some(from), _) => Self::owned(account, from, channel)?,
            (None, Channel::WhatsApp) => account.whatsapp.first().cloned().ok_or_else(no_senders)?,
            (None, Channel::Sms) => service.senders.first().cloned().ok_or_else(no_senders)?,
        };
        if given && channel == Channel::Sms && !service.senders.contains(&from) {
            return Err(ApiError::bad(
                21712,
                format!("{from} is not a sender of the messaging service {}", service.sid),
            ));
        }
        let status_callback = service.status_callback.clone();
        Ok(Self { from, given, service: Some(service.sid.clone()), status_callback })
    }

    fn owned(account: &Account, from: &str, channel: Channel) -> Result<Arc<str>, ApiError> {
        let (from_channel, number) = split(from);
        if from_channel != channel {
            return Err(ApiError::bad(21910, "From and To are not of the same channel"));
        }
        if channel == Channel::WhatsApp {
            let sender = account.whatsapp.iter().find(|owned| &***owned == from);
            return sender.cloned().ok_or_else(|| ApiError::bad(63007, format!("There is no WhatsApp sender {from}")));
        }
        magic_sender(number)?;
        if let Some(owned) = account.owned(number) {
            return Ok(owned.clone());
        }
        if !is_e164(number) && !is_short_code(number) && !is_alphanumeric_sender(number) {
            return Err(ApiError::bad(21212, format!("The From number {from} is not valid")));
        }
        Err(ApiError::bad(21606, format!("The From number {from} is not an SMS-capable number of this account")))
    }
}

/// Up to eleven letters, digits and spaces, at least one of them a letter.
fn is_alphanumeric_sender(text: &str) -> bool {
    text.len() <= 11
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ')
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn no_senders() -> ApiError {
    ApiError::bad(21703, "The messaging service has no sender for this message")
}

fn check_content(body: &str, media: &[&str], template: bool) -> Result<(), ApiError> {
    if body.is_empty() && media.is_empty() && !template {
        return Err(ApiError::bad(21602, "A message body is required"));
    }
    if body.chars().count() > LONGEST_BODY {
        return Err(ApiError::bad(21617, format!("The message body is longer than {LONGEST_BODY} characters")));
    }
    if media.len() > MOST_MEDIA {
        return Err(ApiError::bad(21623, format!("A message takes at most {MOST_MEDIA} media files")));
    }
    match media.iter().find(|url| !is_web_address(url)) {
        Some(url) => Err(ApiError::bad(21620, format!("The media address {url} is not valid"))),
        None => Ok(()),
    }
}

pub(super) fn is_web_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn check_options(form: &Pairs<'_>) -> Result<(), ApiError> {
    const CHOICES: &[(&str, &[&str])] = &[
        ("ContentRetention", &["retain", "discard"]),
        ("AddressRetention", &["retain", "obfuscate"]),
        ("RiskCheck", &["enable", "disable"]),
        ("TrafficType", &["free"]),
        ("SmartEncoded", &["true", "false"]),
        ("ShortenUrls", &["true", "false"]),
        ("SendAsMms", &["true", "false"]),
        ("ProvideFeedback", &["true", "false"]),
        ("ForceDelivery", &["true", "false"]),
    ];
    if let Some(url) = form.filled("StatusCallback").filter(|url| !is_web_address(url)) {
        return Err(ApiError::bad(21609, format!("The status callback {url} is not a valid address")));
    }
    for (name, values) in CHOICES {
        if let Some(value) = form.filled(name).filter(|value| !values.contains(&value.to_lowercase().as_str())) {
            return Err(ApiError::bad(20001, format!("{name} cannot be {value}")));
        }
    }
    let validity =
        form.filled("ValidityPeriod").map(|text| text.parse().ok().filter(|seconds| VALIDITY.contains(seconds)));
    if validity == Some(None) {
        return Err(ApiError::bad(20001, "ValidityPeriod is not between 1 and 36000 seconds"));
    }
    let price =
        form.filled("MaxPrice").map(|text| text.parse().ok().filter(|price: &f64| price.is_finite() && *price >= 0.0));
    if price == Some(None) {
        return Err(ApiError::bad(20001, "MaxPrice is not a price"));
    }
    Ok(())
}

/// When the message is to leave, if it is scheduled.
fn schedule(form: &Pairs<'_>, has_service: bool, now: i64) -> Result<Option<i64>, ApiError> {
    let Some(kind) = form.filled("ScheduleType") else {
        // The vendor overlooks `SendAt` alone and sends at once.
        return Ok(None);
    };
    if kind != "fixed" {
        return Err(ApiError::bad(35126, format!("ScheduleType cannot be {kind}")));
    }
    let send_at = form.filled("SendAt").ok_or_else(|| ApiError::bad(35111, "A scheduled message needs SendAt"))?;
    if !has_service {
        return Err(ApiError::bad(35118, "A scheduled message needs a messaging service"));
    }
    let at = send_at.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond());
    let in_range = at.filter(|at| SCHEDULE.contains(&(at - now)));
    in_range.map(Some).ok_or_else(|| ApiError::bad(35114, "SendAt is not between 15 minutes and 35 days ahead"))
}

fn check_recipient(
    context: &Context<'_>,
    channel: Channel,
    to: &str,
    number: &str,
    from: &str,
) -> Result<(), ApiError> {
    magic_recipient(number)?;
    if !is_e164(number) {
        return Err(ApiError::bad(21211, format!("The To number {to} is not valid")));
    }
    if to == from {
        return Err(ApiError::bad(21266, "To and From are the same number"));
    }
    let Some(recipient) = context.recipients.get(to) else {
        return Ok(());
    };
    if recipient.opted_out {
        return Err(opted_out(number));
    }
    if channel == Channel::Sms && recipient.line_type.as_deref() == Some("landline") {
        return Err(ApiError::bad(21614, format!("{number} is not a mobile number")));
    }
    Ok(())
}

fn window_is_open(context: &Context<'_>, to: &str) -> bool {
    context.recipients.get(to).is_some_and(|recipient| recipient.window_until > context.now)
}
