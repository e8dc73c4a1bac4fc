//! What arguments must be before they leave.

use std::collections::BTreeMap;

use super::money;
use crate::error::{Error, ErrorCode, Result};

/// An id of Stripe's: letters, digits and underscores.
pub(super) fn id(field: &str, value: &str) -> Result<()> {
    let good = !value.is_empty()
        && value.len() <= 255
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if good {
        Ok(())
    } else {
        Err(Error::invalid(camel(field), "must be an id of Stripe's, such as cus_NffrFeUfNV2Hib"))
    }
}

/// `payment_intent` is `paymentIntent` to the caller.
fn camel(field: &str) -> String {
    super::wire::path(field)
}

/// The same where there may be none.
pub(super) fn some_id(field: &str, value: &Option<String>) -> Result<()> {
    value.as_ref().map_or(Ok(()), |value| id(field, value))
}

/// An amount of a currency, both as the vendor takes them.
pub(super) fn price(amount_field: &str, value: i64, currency_field: &str, code: &str) -> Result<()> {
    currency(currency_field, code)?;
    amount(amount_field, value)?;
    step(amount_field, value, code)
}

/// An amount that the currency has coins for, as Stripe counts them.
pub(super) fn step(field: &str, amount: i64, currency: &str) -> Result<()> {
    let step = money::step(currency);
    if amount % step == 0 {
        return Ok(());
    }
    let code = currency.to_ascii_uppercase();
    Err(Error::invalid(field, format!("must be a multiple of {step} in {code}: Stripe takes nothing smaller of it")))
}

/// An amount to be paid, in the currency's smallest unit.
pub(super) fn amount(field: &str, amount: i64) -> Result<()> {
    if (1..=money::MOST).contains(&amount) {
        return Ok(());
    }
    Err(Error::invalid(
        field,
        format!(
            "must be 1 to {}, in the currency's smallest unit (2500 is 25.00 USD, or 2500 JPY): Stripe takes no more \
             than eight digits",
            money::MOST
        ),
    ))
}

/// A currency that Stripe knows.
pub(super) fn currency(field: &str, code: &str) -> Result<()> {
    if money::exponent(code).is_some() {
        return Ok(());
    }
    let why = match money::exponent(&code.to_ascii_lowercase()) {
        Some(_) => "must be in lower case, such as usd",
        None => "must be a currency that Stripe takes, by its three letters (ISO 4217) in lower case, such as usd",
    };
    Err(Error::invalid(field, why))
}

/// At least one item.
pub(super) fn some<T>(field: &str, items: &[T], most: usize) -> Result<()> {
    match items.len() {
        0 => Err(Error::invalid(field, "must have at least one item")),
        count if count > most => Err(Error::invalid(field, format!("has at most {most} items"))),
        _ => Ok(()),
    }
}

/// How many to a page.
pub(super) fn page(limit: Option<u8>) -> Result<()> {
    match limit {
        Some(limit) if !(1..=100).contains(&limit) => Err(Error::invalid("limit", "must be 1 to 100")),
        _ => Ok(()),
    }
}

/// Notes of the caller's own on an object: never a card's number or code.
pub(super) fn metadata(metadata: &Option<BTreeMap<String, String>>) -> Result<()> {
    const CARD: &[&str] = &["cvc", "cvv", "cvc2", "cvv2", "csc", "cardnumber", "pan", "securitycode", "cardcode"];
    let Some(metadata) = metadata else { return Ok(()) };
    if metadata.len() > 50 {
        return Err(Error::invalid("metadata", "has at most 50 keys"));
    }
    for (key, value) in metadata {
        let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        if CARD.contains(&plain.as_str()) {
            return Err(Error::new(
                ErrorCode::CardDataRefused,
                "metadata must not hold a card's number or security code",
            )
            .with_field(format!("metadata.{key}")));
        }
        if key.is_empty() || key.chars().count() > 40 || key.contains(['[', ']']) {
            return Err(Error::invalid("metadata", "has keys of 1 to 40 characters, without brackets"));
        }
        if value.chars().count() > 500 {
            return Err(Error::invalid(format!("metadata.{key}"), "has at most 500 characters"));
        }
    }
    Ok(())
}

/// An address that a browser can be sent to.
pub(super) fn web(field: &str, url: &Option<String>) -> Result<()> {
    match url {
        // `{CHECKOUT_SESSION_ID}` is Stripe's to fill in, and no URL's character.
        Some(text)
            if !text.replace(['{', '}'], "").parse::<url::Url>().is_ok_and(|url| url.scheme().starts_with("http")) =>
        {
            Err(Error::invalid(field, "must be an https address"))
        }
        _ => Ok(()),
    }
}
