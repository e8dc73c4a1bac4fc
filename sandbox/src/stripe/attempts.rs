//! Attempts to take a payment intent's money: what the card's issuer says, and what that makes of the intent.

use serde_json::{Value, json};

use super::cards::Issuer;
use super::error::Refusal;
use super::form::Params;
use super::store::{Ctx, Kind, Outcome, shown, unexpected};
use super::{charges, payment_methods};

/// How a confirmation is meant.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked {
    pub(super) off_session: bool,
    pub(super) error_on_requires_action: bool,
}

impl Asked {
    pub(super) fn by(params: &Params<'_>) -> Result<Self, Refusal> {
        let off_session = match params.text("off_session")? {
            Some("one_off" | "recurring") => true,
            _ => params.boolean("off_session")?.unwrap_or(false),
        };
        Ok(Self { off_session, error_on_requires_action: params.boolean("error_on_requires_action")?.unwrap_or(false) })
    }
}

/// Asks the card's issuer. The intent is kept whatever the answer is.
pub(super) fn attempt(ctx: &mut Ctx<'_>, mut intent: Value, asked: Asked) -> Outcome {
    if intent["payment_method"].is_null() {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method.";
        return Err(unexpected("payment_intent_unexpected_state", message.to_owned()));
    }
    let method = intent["payment_method"].as_str().unwrap_or_default().to_owned();
    match payment_methods::issuer(ctx, &method) {
        Issuer::Approves => succeed(ctx, intent),
        Issuer::Asks if asked.off_session || asked.error_on_requires_action => {
            let message = "Your card was declined. This transaction requires authentication.";
            refuse(ctx, intent, "authentication_required", Some("authentication_required"), message)
        }
        Issuer::Asks => {
            intent["status"] = json!("requires_action");
            intent["next_action"] = json!({
                "type": "use_stripe_sdk",
                "use_stripe_sdk": { "source": format!("src_{}", ctx.text_id()), "type": "three_d_secure_redirect" },
            });
            ctx.emit("payment_intent.requires_action", &intent);
            ctx.keep(Kind::PaymentIntent, intent)
        }
        Issuer::Declines { code, decline_code, message } => refuse(ctx, intent, code, decline_code, message),
    }
}

fn refuse(
    ctx: &mut Ctx<'_>,
    mut intent: Value,
    code: &'static str,
    decline_code: Option<&'static str>,
    message: &'static str,
) -> Outcome {
    let charge = charges::make(ctx, &intent, Issuer::Declines { code, decline_code, message }, false);
    let mut error = json!({ "charge": charge["id"], "code": code, "message": message, "type": "card_error" });
    error["doc_url"] = json!(format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")));
    if let Some(decline_code) = decline_code {
        error["decline_code"] = json!(decline_code);
    }
    if let Some(method) = intent["payment_method"].as_str().and_then(|id| ctx.book.get(Kind::PaymentMethod, id)) {
        error["payment_method"] = shown(method);
    }
    intent["last_payment_error"] = error;
    intent["latest_charge"] = charge["id"].clone();
    intent["payment_method"] = Value::Null;
    intent["next_action"] = Value::Null;
    intent["status"] = json!("requires_payment_method");
    ctx.emit("payment_intent.payment_failed", &intent);
    ctx.book.put(Kind::PaymentIntent, intent.clone());
    let refusal = Refusal::card(code, decline_code, message).with("charge", charge["id"].clone());
    Err(refusal.with("payment_intent", shown(&intent)))
}

fn succeed(ctx: &mut Ctx<'_>, mut intent: Value) -> Outcome {
    let manual = intent["capture_method"] == "manual";
    let charge = charges::make(ctx, &intent, Issuer::Approves, !manual);
    intent["latest_charge"] = charge["id"].clone();
    intent["last_payment_error"] = Value::Null;
    intent["next_action"] = Value::Null;
    let amount = intent["amount"].clone();
    if manual {
        intent["status"] = json!("requires_capture");
        intent["amount_capturable"] = amount;
        ctx.emit("payment_intent.amount_capturable_updated", &intent);
    } else {
        intent["status"] = json!("succeeded");
        intent["amount_received"] = amount;
        ctx.emit("payment_intent.succeeded", &intent);
    }
    ctx.keep(Kind::PaymentIntent, intent)
}

/// The customer answers the bank's question with yes.
pub(super) fn authenticate(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let intent = ctx.named(Kind::PaymentIntent, id, "intent")?;
    if intent["status"] != "requires_action" {
        return Err(Refusal::state(format!("This PaymentIntent has a status of {}", intent["status"])));
    }
    succeed(ctx, intent)
}
