//! What a program in any language can do to the look-alike: the part of the control API that is its own.
//!
//! | request under `/__sandbox/` | body | answer |
//! |---|---|---|
//! | `POST keys` | `{"key"}` | nothing |
//! | `GET events` | | what has happened |
//! | `POST webhook` | `{"event"}` or `{"kind", "object"}`; `secret`, `timestamp` | `{"body", "signature"}` |
//! | `POST payment_intents/{id}/authenticate` | | the intent |
//! | `POST checkout_sessions/{id}/complete` | `{"payment_method"}` | the session |
//! | `POST prices/{id}/deactivate` | | the price |

use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Stripe, WEBHOOK_SECRET, event, sign};
use crate::control::{done, json as answer, problem, read};
use crate::exchange::{Answer, Request};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Complete {
    payment_method: String,
}

/// A webhook to be signed: an event that happened, or one made of a kind and an object.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhook {
    event: Option<Value>,
    kind: Option<String>,
    #[serde(default)]
    object: Value,
    secret: Option<String>,
    timestamp: Option<i64>,
}

impl Stripe {
    pub(super) fn controlled(&self, path: &str, request: &Request) -> Option<Answer> {
        let parts: Vec<&str> = path.split('/').collect();
        let post = request.method == Method::POST;
        let done = match *parts {
            ["events"] if request.method == Method::GET => Ok(answer(&self.events())),
            ["keys"] if post => read::<Key>(request).map(|Key { key }| {
                self.add_key(&key);
                done()
            }),
            ["webhook"] if post => read::<Webhook>(request).and_then(|webhook| self.webhook(webhook, request.at)),
            ["payment_intents", id, "authenticate"] if post => self.authenticate(id).map(|intent| answer(&intent)),
            ["checkout_sessions", id, "complete"] if post => {
                read::<Complete>(request).and_then(|Complete { payment_method }| {
                    self.complete_checkout(id, &payment_method).map(|session| answer(&session))
                })
            }
            ["prices", id, "deactivate"] if post => self.deactivate_price(id).map(|price| answer(&price)),
            _ => return None,
        };
        Some(done.unwrap_or_else(|message| problem(StatusCode::BAD_REQUEST, &message)))
    }

    fn webhook(&self, webhook: Webhook, at: i64) -> Result<Answer, String> {
        let event = match (webhook.event, webhook.kind) {
            (Some(event), None) => event,
            (None, Some(kind)) => event(&kind, webhook.object),
            _ => return Err("give either an event, or a kind and an object".to_owned()),
        };
        let body = event.to_string();
        let secret = webhook.secret.as_deref().unwrap_or(WEBHOOK_SECRET);
        let signature = sign(secret, webhook.timestamp.unwrap_or(at / 1000), body.as_bytes());
        Ok(answer(&json!({ "body": body, "signature": signature })))
    }
}
