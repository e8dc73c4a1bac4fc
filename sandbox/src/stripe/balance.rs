//! The balance, and what has happened.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::list::list;
use super::routes::Endpoint;
use super::store::{Ctx, Kind, Outcome};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::get("/v1/balance", balance),
    Endpoint::get("/v1/events", |ctx, _| list(ctx, Kind::Event, "/v1/events", &["type"])).takes(&["type"]),
    Endpoint::get("/v1/events/{id}", |ctx, id| ctx.named(Kind::Event, id, "id")),
];

/// How long a payment is pending, in seconds.
const SETTLES: i64 = 2 * 24 * 60 * 60;

/// The sums of what was captured and not refunded. Fees are not taken off.
fn balance(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let mut sums: BTreeMap<&str, (i64, i64)> = BTreeMap::from([("usd", (0, 0))]);
    let captured = ctx.book.rows(Kind::Charge).iter().filter(|charge| charge["captured"] == true);
    for charge in captured {
        let number = |name: &str| charge[name].as_i64().unwrap_or(0);
        let (pending, available) = sums.entry(charge["currency"].as_str().unwrap_or_default()).or_default();
        let amount = number("amount") - number("amount_refunded");
        if number("created") + SETTLES <= ctx.now { *available += amount } else { *pending += amount }
    }
    let list = |pick: fn(&(i64, i64)) -> i64| -> Vec<Value> {
        sums.iter()
            .map(|(currency, sum)| {
                json!({ "amount": pick(sum), "currency": currency, "source_types": { "card": pick(sum) } })
            })
            .collect()
    };
    Ok(json!({
        "object": "balance",
        "available": list(|sum| sum.1),
        "livemode": ctx.livemode,
        "pending": list(|sum| sum.0),
    }))
}
