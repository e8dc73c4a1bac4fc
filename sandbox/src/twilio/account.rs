//! Accounts, their credentials and numbers; balance, numbers and usage as the API shows them.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::calls::CallStore;
use super::content::Content;
use super::error::ApiError;
use super::format::{date, rfc2822, sid};
use super::messaging::Service;
use super::paging::Paging;
use super::store::Store;
use super::{API_KEY, API_KEY_SECRET, API_VERSION, AUTH_TOKEN, Context, NUMBERS, WHATSAPP_NUMBER};
use crate::exchange::{Answer, Request};

/// What an account starts with, in millionths of a dollar.
const BALANCE: i64 = 100_000_000;

/// An account and all it owns.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) sid: Arc<str>,
    pub(super) token: String,
    pub(super) created: i64,
    pub(super) numbers: Vec<Number>,
    pub(super) whatsapp: Vec<Arc<str>>,
    pub(super) messages: Store,
    pub(super) calls: CallStore,
    pub(super) contents: Vec<Content>,
    pub(super) services: Vec<Service>,
    /// What messages and calls have cost, in millionths of a dollar.
    pub(super) spent: i64,
}

/// A telephone number that an account owns.
#[derive(Debug)]
pub(super) struct Number {
    pub(super) id: u128,
    pub(super) number: Arc<str>,
}

impl Account {
    fn new(sid: &str, token: &str, created: i64) -> Self {
        Self {
            sid: sid.into(),
            token: token.to_owned(),
            created,
            numbers: Vec::new(),
            whatsapp: vec![format!("whatsapp:{WHATSAPP_NUMBER}").into()],
            messages: Store::default(),
            calls: CallStore::default(),
            contents: Vec::new(),
            services: Vec::new(),
            spent: 0,
        }
        .with_numbers(NUMBERS)
    }

    fn with_numbers(mut self, numbers: &[&str]) -> Self {
        numbers.iter().for_each(|number| self.add_number(number));
        self
    }

    pub(super) fn add_number(&mut self, number: &str) {
        // A number keeps its SID from run to run: its digits stand in it.
        let digits: u128 =
            number.bytes().filter(u8::is_ascii_digit).fold(0, |id, digit| id << 4 | u128::from(digit - b'0'));
        self.numbers.push(Number { id: digits, number: number.into() });
    }

    /// The number as this account owns it.
    pub(super) fn owned(&self, number: &str) -> Option<&Arc<str>> {
        self.numbers.iter().map(|owned| &owned.number).find(|owned| &***owned == number)
    }

    pub(super) fn uri(&self, rest: &str) -> String {
        format!("/{API_VERSION}/Accounts/{}{rest}", self.sid)
    }
}

/// All accounts, found by SID and by the credentials of a request.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    by_sid: HashMap<Arc<str>, Account>,
    /// The whole `Authorization` value to the account: a request costs one look-up instead of decoding.
    by_authorization: HashMap<Vec<u8>, Arc<str>>,
}

impl Accounts {
    pub(super) fn add(&mut self, sid: &str, token: &str, now: i64) {
        let account = Account::new(sid, token, now);
        let sid = account.sid.clone();
        self.by_authorization.insert(basic(&sid, token), sid.clone());
        self.by_sid.insert(sid, account);
    }

    pub(super) fn add_key(&mut self, account: &str, key: &str, secret: &str) {
        self.by_authorization.insert(basic(key, secret), account.into());
    }

    /// The account and the key that stand ready for tests.
    pub(super) fn add_default(&mut self, now: i64) {
        self.add(super::ACCOUNT_SID, AUTH_TOKEN, now);
        self.add_key(super::ACCOUNT_SID, API_KEY, API_KEY_SECRET);
    }

    /// Empties all accounts. Those that were added stay, with their credentials: whoever started the sandbox with them
    /// goes on using them.
    pub(super) fn reset(&mut self, now: i64) {
        for account in self.by_sid.values_mut() {
            *account = Account::new(&account.sid, &account.token, now);
        }
        self.set_token(super::ACCOUNT_SID, AUTH_TOKEN);
    }

    /// Changes what secret an account takes, as an administrator who rotates it would.
    pub(super) fn set_token(&mut self, sid: &str, token: &str) {
        if let Some(account) = self.by_sid.get_mut(sid) {
            let old = basic(sid, &account.token);
            self.by_authorization.remove(&old);
            self.by_authorization.insert(basic(sid, token), account.sid.clone());
            account.token = token.to_owned();
        }
    }

    pub(super) fn authenticate(&mut self, request: &Request) -> Result<&mut Account, ApiError> {
        let authorization = request.headers.get(AUTHORIZATION).ok_or_else(ApiError::unauthenticated)?;
        let sid = self.by_authorization.get(authorization.as_bytes()).ok_or_else(ApiError::unauthenticated)?;
        self.by_sid.get_mut(sid).ok_or_else(ApiError::unauthenticated)
    }

    pub(super) fn get_mut(&mut self, sid: &str) -> Option<&mut Account> {
        self.by_sid.get_mut(sid)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Account> {
        self.by_sid.values()
    }
}

fn basic(user: &str, password: &str) -> Vec<u8> {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))).into_bytes()
}

pub(super) fn fetch(context: &Context<'_>) -> Answer {
    let account = &context.account;
    let under = |name: &str| account.uri(&format!("/{name}.json"));
    Answer::json(
        StatusCode::OK,
        &json!({
            "sid": &*account.sid,
            "owner_account_sid": &*account.sid,
            "friendly_name": "Sandbox school",
            "auth_token": account.token,
            "status": "active",
            "type": "Full",
            "date_created": rfc2822(account.created),
            "date_updated": rfc2822(account.created),
            "uri": account.uri(".json"),
            "subresource_uris": {
                "balance": under("Balance"),
                "calls": under("Calls"),
                "incoming_phone_numbers": under("IncomingPhoneNumbers"),
                "messages": under("Messages"),
                "usage": under("Usage"),
            },
        }),
    )
}

pub(super) fn balance(context: &Context<'_>) -> Answer {
    let left = BALANCE - context.account.spent;
    let sign = if left < 0 { "-" } else { "" };
    let (whole, rest) = (left.abs() / 1_000_000, left.abs() % 1_000_000 / 10);
    Answer::json(
        StatusCode::OK,
        &json!({
            "account_sid": &*context.account.sid,
            "balance": format!("{sign}{whole}.{rest:05}"),
            "currency": "USD",
        }),
    )
}

pub(super) fn numbers(context: &Context<'_>) -> Result<Answer, ApiError> {
    let query = context.request.query();
    let paging = Paging::of(context.request, &query)?;
    let account = &context.account;
    let part = query.filled("PhoneNumber").unwrap_or("").replace('*', "");
    let name = query.filled("FriendlyName");
    let matching = account.numbers.iter().filter(|owned| {
        owned.number.contains(&part) && name.is_none_or(|name| super::address::national(&owned.number) == name)
    });
    let (page, next) = paging.slice(matching);
    let items = page.into_iter().map(|owned| number_view(account, owned)).collect();
    Ok(paging.legacy("incoming_phone_numbers", items, next))
}

fn number_view(account: &Account, owned: &Number) -> Value {
    let id = sid("PN", owned.id);
    json!({
        "sid": id,
        "account_sid": &*account.sid,
        "phone_number": &*owned.number,
        "friendly_name": super::address::national(&owned.number),
        "address_requirements": "none",
        "address_sid": null,
        "api_version": API_VERSION,
        "beta": false,
        "bundle_sid": null,
        "capabilities": { "voice": true, "sms": true, "mms": true, "fax": false },
        "date_created": rfc2822(account.created),
        "date_updated": rfc2822(account.created),
        "emergency_address_sid": null,
        "emergency_address_status": "unregistered",
        "emergency_status": "Inactive",
        "identity_sid": null,
        "origin": "twilio",
        "sms_application_sid": null,
        "sms_fallback_method": "POST",
        "sms_fallback_url": "",
        "sms_method": "POST",
        "sms_url": "",
        "status": "in-use",
        "status_callback": "",
        "status_callback_method": "POST",
        "trunk_sid": null,
        "type": null,
        "uri": account.uri(&format!("/IncomingPhoneNumbers/{id}.json")),
        "voice_application_sid": null,
        "voice_caller_id_lookup": false,
        "voice_fallback_method": "POST",
        "voice_fallback_url": null,
        "voice_method": "POST",
        "voice_receive_mode": "voice",
        "voice_url": null,
    })
}

/// Usage since the account was opened, whatever dates are asked for: the look-alike lives for minutes.
pub(super) fn usage(context: &Context<'_>) -> Result<Answer, ApiError> {
    let query = context.request.query();
    let paging = Paging::of(context.request, &query)?;
    let account = &context.account;
    for bound in ["StartDate", "EndDate"] {
        if let Some(day) = query.filled(bound)
            && day.parse::<jiff::civil::Date>().is_err()
        {
            return Err(ApiError::bad(20001, format!("{bound} is not a date")));
        }
    }
    let start = query.filled("StartDate").map_or_else(|| date(account.created), str::to_owned);
    let end = query.filled("EndDate").map_or_else(|| date(context.now), str::to_owned);

    let mut sms = Tally::default();
    let mut mms = Tally::default();
    for message in account.messages.iter() {
        let tally = if message.media > 0 { &mut mms } else { &mut sms };
        tally.add(i64::from(message.segments), message.price());
    }
    let mut calls = Tally::default();
    for call in account.calls.iter() {
        calls.add(call.minutes(context.now), call.price(context.now));
    }
    let total = Tally { count: 0, usage: 0, micros: sms.micros + mms.micros + calls.micros };
    let categories = [
        ("calls", "calls", "minutes", &calls),
        ("calls-outbound", "calls", "minutes", &calls),
        ("mms", "messages", "messages", &mms),
        ("mms-outbound", "messages", "messages", &mms),
        ("sms", "messages", "segments", &sms),
        ("sms-outbound", "messages", "segments", &sms),
        ("totalprice", "", "usd", &total),
    ];
    let wanted = query.filled("Category");
    let matching = categories.iter().filter(|(category, ..)| wanted.is_none_or(|wanted| wanted == *category));
    let (page, next) = paging.slice(matching);
    let items = page.into_iter().map(|(category, count_unit, usage_unit, tally)| {
        json!({
            "account_sid": &*account.sid,
            "api_version": API_VERSION,
            "as_of": super::format::rfc3339(context.now).replace('Z', "+00:00"),
            "category": category,
            "count": tally.count.to_string(),
            "count_unit": count_unit,
            "description": category,
            "start_date": start,
            "end_date": end,
            "price": format!("{}.{:05}", tally.micros / 1_000_000, tally.micros % 1_000_000 / 10),
            "price_unit": "usd",
            "subresource_uris": {
                "daily": account.uri(&format!("/Usage/Records/Daily.json?Category={category}")),
                "monthly": account.uri(&format!("/Usage/Records/Monthly.json?Category={category}")),
            },
            "uri": account.uri(&format!("/Usage/Records.json?Category={category}&StartDate={start}&EndDate={end}")),
            "usage": tally.usage.to_string(),
            "usage_unit": usage_unit,
        })
    });
    Ok(paging.legacy("usage_records", items.collect(), next))
}

#[derive(Default)]
struct Tally {
    count: i64,
    usage: i64,
    micros: i64,
}

impl Tally {
    fn add(&mut self, usage: i64, micros: i64) {
        self.count += 1;
        self.usage += usage;
        self.micros += micros;
    }
}
