//! What every request goes through: key, version, parameters, idempotency, endpoint, `expand`, headers.

use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::Value;

use super::error::Refusal;
use super::form::{self, Params};
use super::store::{Ctx, shown};
use super::{State, VERSION, ids, list, routes};
use crate::exchange::{Answer, Request, is_form};

static STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
static REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
static IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
static SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");

/// The longest idempotency key.
const LONGEST_KEY: usize = 255;

pub(super) fn answer(state: &mut State, request: &Request) -> Result<Answer, Refusal> {
    let owner = state.keys.owner(request)?;
    version(request)?;
    let segments = request.segments();
    let Some((endpoint, named)) = routes::find(&request.method, &segments) else {
        return Err(Refusal::no_route(request.method.as_str(), request.path()));
    };
    if !request.body.is_empty() && !request.header(&CONTENT_TYPE).is_some_and(is_form) {
        let message = "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you \
                       have any questions, we can help at https://support.stripe.com/.";
        return Err(Refusal::state(message).unsaved());
    }
    let (query, form) = (request.query(), request.form());
    let tree = form::tree(query.iter().chain(form.iter()))?;
    let params = Params::new(&tree);
    let is_list = request.method == Method::GET && !endpoint.path.ends_with('}');
    for name in params.names() {
        let common = name == "expand" || (is_list && list::PARAMS.contains(&name));
        if !common && !endpoint.takes.contains(&name) {
            return Err(Refusal::unknown(name));
        }
    }
    let key = match request.header(&IDEMPOTENCY_KEY).filter(|_| request.method == Method::POST) {
        Some(key) if key.len() > LONGEST_KEY => {
            let message = format!("Idempotency keys must be at most {LONGEST_KEY} characters long.");
            return Err(Refusal::idempotency(message));
        }
        key => key,
    };
    let fingerprint = ids::hash(format!("{} {}", request.path(), Value::Object(tree.clone())).as_bytes());
    let State { books, counter, .. } = state;
    let (account, livemode) = (owner.account.clone(), owner.livemode);
    let book = books.entry(owner).or_default();
    if let Some(key) = key
        && let Some(saved) = book.saved(key, request.at)
    {
        if saved.fingerprint != fingerprint {
            let message = format!(
                "Keys for idempotent requests can only be used with the same endpoint and the same parameters they were \
                 first used with. Try using a key other than '{key}' if you meant to execute a different request."
            );
            return Err(Refusal::idempotency(message));
        }
        return Ok(saved.answer.clone().with(IDEMPOTENT_REPLAYED.clone(), "true"));
    }
    let now = request.at / 1000;
    let mut ctx = Ctx { book, params, now, livemode, account: &account, counter };
    let outcome = (endpoint.run)(&mut ctx, named).and_then(|mut object| {
        list::expand(ctx.book, &ctx.params, &mut object)?;
        Ok(Answer::json(StatusCode::OK, &shown(&object)))
    });
    let (answer, kept) = match outcome {
        Ok(answer) => (answer, true),
        Err(refusal) => {
            let kept = refusal.saved;
            (refusal.answer(), kept)
        }
    };
    if let Some(key) = key.filter(|_| kept) {
        ctx.book.save(key, fingerprint, answer.clone(), request.at);
    }
    Ok(answer)
}

/// Puts the headers on that every answer carries.
pub(super) fn stamp(state: &mut State, request: &Request, answer: Answer) -> Answer {
    state.counter += 1;
    let id = format!("req_{}", ids::text(state.counter));
    let version = request.header(&STRIPE_VERSION).filter(|version| is_version(version)).unwrap_or(VERSION);
    let mut answer = answer.with(REQUEST_ID.clone(), &id).with(STRIPE_VERSION.clone(), version);
    if request.method == Method::POST
        && let Some(key) = request.headers.get(&IDEMPOTENCY_KEY)
    {
        answer.headers.insert(IDEMPOTENCY_KEY.clone(), key.clone());
    }
    if answer.status == StatusCode::BAD_REQUEST || answer.status == StatusCode::PAYMENT_REQUIRED {
        answer.headers.insert(SHOULD_RETRY.clone(), HeaderValue::from_static("false"));
    }
    answer
}

fn version(request: &Request) -> Result<(), Refusal> {
    match request.header(&STRIPE_VERSION) {
        Some(version) if !is_version(version) => {
            Err(Refusal::state(format!("Invalid Stripe API version: {version}")).unsaved())
        }
        _ => Ok(()),
    }
}

/// A date, with a release's name after it or without.
fn is_version(text: &str) -> bool {
    let (date, name) = text.split_once('.').unwrap_or((text, "a"));
    let date: Vec<&str> = date.split('-').collect();
    date.iter().map(|part| part.len()).eq([4, 2, 2])
        && date.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
