//! What every request goes through: key, version, parameters, idempotency, endpoint, `expand`, headers.

use hyper::header::{CONTENT_TYPE, HeaderName};
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
        return not_again(answer);
    }
    answer
}

/// Says that it is of no use to try again.
pub(super) fn not_again(answer: Answer) -> Answer {
    answer.with(SHOULD_RETRY.clone(), "false")
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
    use hyper::{HeaderMap, Method};
    use proptest::prelude::*;
    use serde_json::Value;
    use url::form_urlencoded;

    use super::super::error::Refusal;
    use super::super::routes::{self, Verb};
    use super::super::{SECRET_KEY, State};
    use super::answer;
    use crate::exchange::Request;

    fn ask(state: &mut State, verb: Verb, path: &str, pairs: &[(String, String)]) -> (u16, Value) {
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, format!("Bearer {SECRET_KEY}").parse().unwrap());
        let (method, uri, body) = match verb {
            Verb::Post => {
                headers.insert(CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
                (Method::POST, path.to_owned(), Bytes::from(encoded))
            }
            Verb::Get => (Method::GET, format!("{path}?{encoded}"), Bytes::new()),
            Verb::Delete => (Method::DELETE, format!("{path}?{encoded}"), Bytes::new()),
        };
        let request = Request { method, uri: uri.parse().unwrap(), headers, body, at: 1_700_000_000_000 };
        let answer = answer(state, &request).unwrap_or_else(Refusal::answer);
        (answer.status.as_u16(), serde_json::from_slice(&answer.body).expect("JSON"))
    }

    /// An account with one object of each kind, and their ids.
    fn furnished() -> (State, Vec<String>) {
        let mut state = State::default();
        let mut ids: Vec<String> = Vec::new();
        let mut make = |path: &str, pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let (status, made) = ask(&mut state, Verb::Post, path, &pairs);
            assert_eq!(status, 200, "{path}: {made}");
            let id = made["id"].as_str().expect("an id").to_owned();
            ids.push(id.clone());
            id
        };
        let card = ("payment_method", "pm_card_visa");
        let customer = make("/v1/customers", &[card, ("invoice_settings[default_payment_method]", "pm_card_visa")]);
        let paid = make("/v1/payment_intents", &[("amount", "900"), ("currency", "usd"), card, ("confirm", "true")]);
        make("/v1/payment_intents", &[("amount", "900"), ("currency", "usd")]);
        make("/v1/refunds", &[("payment_intent", &paid), ("amount", "1")]);
        let product = make("/v1/products", &[("name", "Lunch")]);
        let price = [("currency", "usd"), ("unit_amount", "500"), ("product", &*product)];
        let once = make("/v1/prices", &price);
        let monthly = make("/v1/prices", &[price[0], price[1], price[2], ("recurring[interval]", "month")]);
        let url = ("success_url", "https://school.example/");
        let line = [("line_items[0][price]", &*once), ("line_items[0][quantity]", "1")];
        make("/v1/checkout/sessions", &[("mode", "payment"), line[0], line[1], url]);
        make("/v1/subscriptions", &[("customer", &customer), ("items[0][price]", &monthly)]);
        make("/v1/invoiceitems", &[("customer", &customer), ("amount", "900"), ("currency", "usd")]);
        make("/v1/invoices", &[("customer", &customer), ("pending_invoice_items_behavior", "include")]);
        (state, ids)
    }

    /// A parameter, whole or with something in brackets, and a value that some reader may stumble over.
    fn pair() -> impl Strategy<Value = (prop::sample::Index, &'static str, prop::sample::Index, String)> {
        let brackets =
            prop::sample::select(vec!["", "[]", "[0]", "[0][price]", "[0][quantity]", "[k]", "[enabled]", "[gt]"]);
        let value = prop_oneof![
            Just(String::new()),
            Just("true".to_owned()),
            Just("usd".to_owned()),
            any::<i64>().prop_map(|number| number.to_string()),
            Just(i64::MAX.to_string()),
            Just("pm_card_visa".to_owned()),
            ".{0,12}",
        ];
        (any::<prop::sample::Index>(), brackets, any::<prop::sample::Index>(), value)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        /// Every endpoint answers whatever its parameters are, and never as if the fault were its own.
        #[test]
        fn any_parameters_are_answered(pairs in prop::collection::vec(pair(), 0..6)) {
            let (mut state, ids) = furnished();
            for endpoint in routes::all() {
                let named: Vec<(String, String)> = pairs
                    .iter()
                    .filter(|_| !endpoint.takes.is_empty())
                    .map(|(name, brackets, id, value)| {
                        let value = if value == "true" && brackets.is_empty() { id.get(&ids).clone() } else { value.clone() };
                        (format!("{}{brackets}", name.get(endpoint.takes)), value)
                    })
                    .collect();
                for id in &ids {
                    let path = match endpoint.path.split_once('{') {
                        Some((before, after)) => format!("{before}{id}{}", &after[after.find('}').unwrap_or(0) + 1..]),
                        None => endpoint.path.to_owned(),
                    };
                    let (status, _) = ask(&mut state, endpoint.verb, &path, &named);
                    prop_assert!(matches!(status, 200 | 400 | 402 | 404), "{path} {named:?}: {status}");
                    if !endpoint.path.contains('{') {
                        break;
                    }
                }
            }
        }
    }
}
