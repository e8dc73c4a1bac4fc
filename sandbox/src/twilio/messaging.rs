//! Messaging services, their senders and registrations.

use std::sync::Arc;

use hyper::header::LOCATION;
use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::format::{parse_sid, rfc3339, sid};
use super::paging::Paging;
use super::send::is_web_address;
use super::{Context, address};
use crate::exchange::{Answer, Pairs};

/// A messaging service: settings and a pool of senders.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) sid: String,
    created: i64,
    updated: i64,
    settings: Map<String, Value>,
    pub(super) status_callback: Option<String>,
    pub(super) senders: Vec<Arc<str>>,
}

/// Form field, JSON field and value before anybody sets it.
const SETTINGS: &[(&str, &str, Initial)] = &[
    ("FriendlyName", "friendly_name", Initial::None),
    ("InboundRequestUrl", "inbound_request_url", Initial::None),
    ("InboundMethod", "inbound_method", Initial::Text("POST")),
    ("FallbackUrl", "fallback_url", Initial::None),
    ("FallbackMethod", "fallback_method", Initial::Text("POST")),
    ("StatusCallback", "status_callback", Initial::None),
    ("StickySender", "sticky_sender", Initial::Flag(true)),
    ("MmsConverter", "mms_converter", Initial::Flag(true)),
    ("SmartEncoding", "smart_encoding", Initial::Flag(false)),
    ("ScanMessageContent", "scan_message_content", Initial::Text("inherit")),
    ("FallbackToLongCode", "fallback_to_long_code", Initial::Flag(true)),
    ("AreaCodeGeomatch", "area_code_geomatch", Initial::Flag(true)),
    ("ValidityPeriod", "validity_period", Initial::Number(36_000)),
    ("SynchronousValidation", "synchronous_validation", Initial::Flag(false)),
    ("Usecase", "usecase", Initial::Text("undeclared")),
    ("UseInboundWebhookOnNumber", "use_inbound_webhook_on_number", Initial::Flag(false)),
];

#[derive(Clone, Copy)]
enum Initial {
    None,
    Text(&'static str),
    Flag(bool),
    Number(u32),
}

impl Initial {
    fn value(self) -> Value {
        match self {
            Self::None => Value::Null,
            Self::Text(text) => text.into(),
            Self::Flag(flag) => flag.into(),
            Self::Number(number) => number.into(),
        }
    }

    /// Reads a form value as this setting's kind.
    fn read(self, text: &str) -> Option<Value> {
        match self {
            Self::None | Self::Text(_) => Some(text.into()),
            Self::Flag(_) => text.parse::<bool>().ok().map(Value::from),
            Self::Number(_) => text.parse::<u32>().ok().map(Value::from),
        }
    }
}

pub(super) fn route(context: &mut Context<'_>, rest: &[&str]) -> Result<Answer, ApiError> {
    let method = context.request.method.clone();
    match (method, rest) {
        (Method::GET, []) => list(context),
        (Method::POST, []) => create(context),
        (Method::GET, [sid]) => show(context, find(context, sid)?, StatusCode::OK),
        (Method::POST, [sid]) => {
            let position = find(context, sid)?;
            let now = context.now;
            apply(&mut context.account.services[position], &context.request.form(), now)?;
            show(context, position, StatusCode::OK)
        }
        (Method::DELETE, [sid]) => {
            let position = find(context, sid)?;
            context.account.services.remove(position);
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        (Method::GET, [sid, "PhoneNumbers"]) => senders(context, find(context, sid)?),
        (Method::POST, [sid, "PhoneNumbers"]) => add_sender(context, find(context, sid)?),
        (Method::GET, [sid, "Compliance", "Usa2p"]) => registration(context, find(context, sid)?),
        (_, [] | [_] | [_, "PhoneNumbers"] | [_, "Compliance", "Usa2p"]) => Err(ApiError::method_not_allowed()),
        _ => Err(ApiError::not_found(context.request.path())),
    }
}

fn find(context: &Context<'_>, sid: &str) -> Result<usize, ApiError> {
    let position = context.account.services.iter().position(|service| service.sid == sid);
    position.ok_or_else(|| ApiError::not_found(context.request.path()))
}

fn create(context: &mut Context<'_>) -> Result<Answer, ApiError> {
    let form = context.request.form();
    if form.filled("FriendlyName").is_none() {
        return Err(ApiError::bad(20001, "FriendlyName is required"));
    }
    let mut service = Service {
        sid: context.shared.sids.sid("MG"),
        created: context.now,
        updated: context.now,
        settings: SETTINGS.iter().map(|(_, name, default)| ((*name).to_owned(), default.value())).collect(),
        status_callback: None,
        senders: Vec::new(),
    };
    apply(&mut service, &form, context.now)?;
    context.account.services.push(service);
    show(context, context.account.services.len() - 1, StatusCode::CREATED)
}

/// All settings are read before any is changed.
fn apply(service: &mut Service, form: &Pairs<'_>, now: i64) -> Result<(), ApiError> {
    let mut changed = Vec::new();
    for (field, name, default) in SETTINGS {
        let Some(text) = form.get(field) else {
            continue;
        };
        let wrong = || ApiError::bad(20001, format!("{field} cannot be {text}"));
        let allowed = match *field {
            "InboundMethod" | "FallbackMethod" => matches!(text, "GET" | "POST"),
            "ScanMessageContent" => matches!(text, "inherit" | "enable" | "disable"),
            "InboundRequestUrl" | "FallbackUrl" | "StatusCallback" => text.is_empty() || is_web_address(text),
            _ => true,
        };
        let value = default.read(text).filter(|_| allowed).ok_or_else(wrong)?;
        let emptied = matches!(default, Initial::None) && text.is_empty();
        changed.push((*name, if emptied { Value::Null } else { value }));
    }
    for (name, value) in changed {
        service.settings.insert(name.to_owned(), value);
    }
    service.status_callback = service.settings["status_callback"].as_str().map(str::to_owned);
    service.updated = now;
    Ok(())
}

fn view(context: &Context<'_>, service: &Service) -> Value {
    let url = context.link(&format!("/v1/Services/{}", service.sid));
    let mut body = service.settings.clone();
    let links = json!({
        "alpha_senders": format!("{url}/AlphaSenders"),
        "channel_senders": format!("{url}/ChannelSenders"),
        "destination_alpha_senders": format!("{url}/DestinationAlphaSenders"),
        "messages": format!("{url}/Messages"),
        "phone_numbers": format!("{url}/PhoneNumbers"),
        "short_codes": format!("{url}/ShortCodes"),
        "us_app_to_person": format!("{url}/Compliance/Usa2p"),
        "us_app_to_person_usecases": format!("{url}/Compliance/Usa2p/Usecases"),
    });
    body.extend([
        ("sid".to_owned(), service.sid.clone().into()),
        ("account_sid".to_owned(), context.account.sid.to_string().into()),
        ("date_created".to_owned(), rfc3339(service.created).into()),
        ("date_updated".to_owned(), rfc3339(service.updated).into()),
        ("us_app_to_person_registered".to_owned(), true.into()),
        ("links".to_owned(), links),
        ("url".to_owned(), url.into()),
    ]);
    Value::Object(body)
}

fn show(context: &Context<'_>, position: usize, status: StatusCode) -> Result<Answer, ApiError> {
    Ok(Answer::json(status, &view(context, &context.account.services[position])))
}

fn list(context: &Context<'_>) -> Result<Answer, ApiError> {
    let paging = Paging::of(context.request, &context.request.query())?;
    let (page, next) = paging.slice(context.account.services.iter());
    let items = page.into_iter().map(|service| view(context, service)).collect();
    Ok(paging.modern(context.shared.stage.url(), "services", items, next))
}

fn sender_view(context: &Context<'_>, service: &Service, number: &str) -> Value {
    let id = context.account.numbers.iter().find(|owned| &*owned.number == number).map_or(0, |owned| owned.id);
    let id = sid("PN", id);
    json!({
        "sid": id,
        "account_sid": &*context.account.sid,
        "service_sid": service.sid,
        "phone_number": number,
        "country_code": address::iso_country(number),
        "capabilities": ["SMS", "MMS", "Voice"],
        "date_created": rfc3339(service.created),
        "date_updated": rfc3339(service.created),
        "url": context.link(&format!("/v1/Services/{}/PhoneNumbers/{id}", service.sid)),
    })
}

fn senders(context: &Context<'_>, position: usize) -> Result<Answer, ApiError> {
    let service = &context.account.services[position];
    let paging = Paging::of(context.request, &context.request.query())?;
    let (page, next) = paging.slice(service.senders.iter());
    let items = page.into_iter().map(|number| sender_view(context, service, number)).collect();
    Ok(paging.modern(context.shared.stage.url(), "phone_numbers", items, next))
}

fn add_sender(context: &mut Context<'_>, position: usize) -> Result<Answer, ApiError> {
    let form = context.request.form();
    let wanted = form.filled("PhoneNumberSid").ok_or_else(|| ApiError::bad(20001, "PhoneNumberSid is required"))?;
    let id = parse_sid("PN", wanted);
    let number = context.account.numbers.iter().find(|owned| Some(owned.id) == id).map(|owned| owned.number.clone());
    let number = number.ok_or_else(|| ApiError::bad(21704, format!("There is no number {wanted}")))?;
    let service = &mut context.account.services[position];
    if service.senders.contains(&number) {
        return Err(ApiError::new(StatusCode::CONFLICT, 21710, format!("{number} is in the service already")));
    }
    service.senders.push(number.clone());
    let service = &context.account.services[position];
    Ok(Answer::json(StatusCode::CREATED, &sender_view(context, service, &number)))
}

/// One verified campaign: the look-alike's services are always registered.
fn registration(context: &Context<'_>, position: usize) -> Result<Answer, ApiError> {
    let service = &context.account.services[position];
    let paging = Paging::of(context.request, &context.request.query())?;
    let at = rfc3339(service.created);
    let id = "QE2c6890da8086d771620e9b13fadeba0b";
    let campaign = json!({
        "sid": id,
        "account_sid": &*context.account.sid,
        "brand_registration_sid": sid("BN", 1),
        "messaging_service_sid": service.sid,
        "description": "Attendance and safety notices to families",
        "message_samples": ["School closes early today.", "Your child was absent today."],
        "us_app_to_person_usecase": "MIXED",
        "has_embedded_links": false,
        "has_embedded_phone": false,
        "subscriber_opt_in": true,
        "age_gated": false,
        "direct_lending": false,
        "campaign_status": "VERIFIED",
        "campaign_id": "CSANDBX",
        "is_externally_registered": false,
        "rate_limits": { "att": { "mps": 75 } },
        "message_flow": "Families agree when they enrol.",
        "opt_in_message": "You will receive school notices. Reply STOP to end.",
        "opt_out_message": "You will receive no more notices.",
        "help_message": "Call the school office.",
        "opt_in_keywords": ["START"],
        "opt_out_keywords": ["STOP"],
        "help_keywords": ["HELP"],
        "privacy_policy_url": "https://school.example/privacy",
        "terms_and_conditions_url": "https://school.example/terms",
        "date_created": at,
        "date_updated": at,
        "url": context.link(&format!("/v1/Services/{}/Compliance/Usa2p/{id}", service.sid)),
        "mock": false,
        "errors": [],
    });
    let (page, next) = paging.slice(std::iter::once(campaign));
    Ok(paging.modern(context.shared.stage.url(), "compliance", page, next))
}

/// No number has ever been put up for verification.
pub(super) fn tollfree(context: &Context<'_>) -> Result<Answer, ApiError> {
    let paging = Paging::of(context.request, &context.request.query())?;
    Ok(paging.modern(context.shared.stage.url(), "verifications", Vec::new(), None))
}

/// The vendor points to a file of numbers that were given up on a day; this one names none and serves no file.
pub(super) fn deactivations(context: &Context<'_>) -> Result<Answer, ApiError> {
    let query = context.request.query();
    let day = query.filled("Date").filter(|day| day.parse::<jiff::civil::Date>().is_ok());
    let day = day.ok_or_else(|| ApiError::bad(20001, "Date is not a day"))?;
    let target = context.link(&format!("/__sandbox/deactivations/{day}"));
    let answer = Answer::json(StatusCode::TEMPORARY_REDIRECT, &json!({ "redirect_to": target }));
    Ok(answer.with(LOCATION, &target))
}
