//! Statistics, suppressions, scopes.

use std::collections::BTreeMap;

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{Context, error::ApiError, mail::strings, world::Suppressed};
use crate::exchange::Answer;

const METRICS: &[&str] = &[
    "blocks",
    "bounce_drops",
    "bounces",
    "clicks",
    "deferred",
    "delivered",
    "invalid_emails",
    "opens",
    "processed",
    "requests",
    "spam_report_drops",
    "spam_reports",
    "unique_clicks",
    "unique_opens",
    "unsubscribe_drops",
    "unsubscribes",
];

/// `/v3/stats` and `/v3/categories/stats`: counted from the messages, a day at a time.
pub(super) fn stats(context: &Context<'_>, by_category: bool) -> Result<Answer, ApiError> {
    let query = context.request.query();
    let day = |name: &str| {
        query.filled(name).map(|day| {
            (day.len() == 10).then_some(day).ok_or_else(|| ApiError::bad(name, "date must be in the format YYYY-MM-DD"))
        })
    };
    let start = day("start_date").ok_or_else(|| ApiError::bad("start_date", "start_date is required"))??.to_owned();
    let end = day("end_date").transpose()?.map(str::to_owned);
    let categories: Vec<&str> = query.all("categories").collect();
    if by_category && categories.is_empty() {
        return Err(ApiError::bad("categories", "categories is required"));
    }
    let mut days: BTreeMap<String, BTreeMap<&str, (i64, i64, i64)>> = BTreeMap::new();
    for message in &context.world.messages {
        let date = super::moment(message.at)[..10].to_owned();
        if date < start || end.as_ref().is_some_and(|end| date > *end) {
            continue;
        }
        let counted = days.entry(date).or_default();
        let names = if by_category { &categories[..] } else { &[""] };
        for name in names.iter().filter(|name| !by_category || message.categories.iter().any(|has| has == *name)) {
            let (requests, delivered, dropped) = counted.entry(name).or_default();
            *requests += 1;
            *if message.delivered { delivered } else { dropped } += 1;
        }
    }
    let answer: Vec<Value> = days
        .into_iter()
        .map(|(date, counted)| {
            let stats: Vec<Value> = counted
                .into_iter()
                .map(|(name, (requests, delivered, dropped))| {
                    let mut metrics: Map<String, Value> =
                        METRICS.iter().map(|name| ((*name).to_owned(), json!(0))).collect();
                    for (name, count) in [
                        ("requests", requests),
                        ("processed", delivered),
                        ("delivered", delivered),
                        ("bounce_drops", dropped),
                    ] {
                        metrics.insert(name.to_owned(), json!(count));
                    }
                    if by_category {
                        json!({ "metrics": metrics, "name": name, "type": "category" })
                    } else {
                        json!({ "metrics": metrics })
                    }
                })
                .collect();
            json!({ "date": date, "stats": stats })
        })
        .collect();
    Ok(Answer::json(StatusCode::OK, &answer))
}

/// `/v3/suppression/…`: five lists; `rest` follows the list's name.
pub(super) fn suppression(context: &mut Context<'_>, list: &str, rest: &[&str]) -> Result<Answer, ApiError> {
    let world = &mut context.world;
    let entries = match list {
        "bounces" => &mut world.bounces,
        "unsubscribes" => &mut world.unsubscribes,
        "spam_reports" => &mut world.spam_reports,
        "invalid_emails" => &mut world.invalid_emails,
        "blocks" => &mut world.blocks,
        _ => return Err(ApiError::not_found()),
    };
    let show = |entry: &Suppressed| {
        let mut shown = json!({ "created": entry.created, "email": entry.email });
        let (reason, status) = match list {
            "bounces" => (Some("550 5.1.1 The address does not exist"), Some("5.1.1")),
            "blocks" => (Some("550 5.7.1 Content refused"), Some("5.7.1")),
            "invalid_emails" => (Some("Mail domain mentioned in email address is unknown"), None),
            _ => (None, None),
        };
        for (name, value) in [("reason", reason), ("status", status)] {
            if let Some(value) = value {
                shown[name] = json!(value);
            }
        }
        if list == "spam_reports" {
            shown["ip"] = json!("192.0.2.1");
        }
        shown
    };
    match (&context.request.method, rest) {
        (&Method::GET, []) => {
            let query = context.request.query();
            let number = |name: &str| query.filled(name).and_then(|text| text.parse::<i64>().ok());
            let limit = number("limit").unwrap_or(500);
            if !(1..=500).contains(&limit) {
                return Err(ApiError::bad("limit", "limit must be from 1 to 500"));
            }
            let found: Vec<Value> = entries
                .iter()
                .filter(|entry| query.filled("email").is_none_or(|email| entry.email.eq_ignore_ascii_case(email)))
                .filter(|entry| number("start_time").is_none_or(|at| entry.created >= at))
                .filter(|entry| number("end_time").is_none_or(|at| entry.created <= at))
                .skip(usize::try_from(number("offset").unwrap_or(0)).unwrap_or(0))
                .take(usize::try_from(limit).unwrap_or(0))
                .map(show)
                .collect();
            Ok(Answer::json(StatusCode::OK, &found))
        }
        (&Method::DELETE, [email]) if list != "unsubscribes" => {
            let before = entries.len();
            entries.retain(|entry| !entry.email.eq_ignore_ascii_case(email));
            if entries.len() == before { Err(ApiError::not_found()) } else { Ok(Answer::empty(StatusCode::NO_CONTENT)) }
        }
        _ => Err(ApiError::not_found()),
    }
}

/// `/v3/asm/groups`; `rest` follows.
pub(super) fn groups(context: &mut Context<'_>, rest: &[&str]) -> Result<Answer, ApiError> {
    if let (&Method::GET, []) = (&context.request.method, rest) {
        let groups = context.world.groups.iter().map(|group| {
            json!({
                "id": group.id, "name": group.name, "description": "Notices of the school", "is_default": false,
                "unsubscribes": group.members.len(),
            })
        });
        return Ok(Answer::json(StatusCode::OK, &groups.collect::<Vec<_>>()));
    }
    let [id, "suppressions"] = rest else {
        return Err(ApiError::not_found());
    };
    let body = if context.request.method == Method::POST { context.json()? } else { Value::Null };
    let group = context.world.groups.iter_mut().find(|group| group.id.to_string() == *id);
    let group = group.ok_or_else(ApiError::not_found)?;
    match context.request.method {
        Method::GET => Ok(Answer::json(StatusCode::OK, &group.members)),
        Method::POST => {
            let emails = strings(body.get("recipient_emails"));
            if emails.is_empty() {
                return Err(ApiError::bad("recipient_emails", "recipient_emails is required"));
            }
            group.members.extend(emails.iter().cloned());
            Ok(Answer::json(StatusCode::CREATED, &json!({ "recipient_emails": emails })))
        }
        _ => Err(ApiError::not_found()),
    }
}
