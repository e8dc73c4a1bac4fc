//! Which currencies there are, and how little and how much may be charged.

use super::error::Refusal;
use super::form::Params;

const CURRENCIES: &[&str] = &[
    "usd", "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt", "bgn", "bhd",
    "bif", "bmd", "bnd", "bob", "brl", "bsd", "bwp", "byn", "bzd", "cad", "cdf", "chf", "clp", "cny", "cop", "crc",
    "cve", "czk", "djf", "dkk", "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp", "gbp", "gel", "gip", "gmd", "gnf",
    "gtq", "gyd", "hkd", "hnl", "htg", "huf", "idr", "ils", "inr", "isk", "jmd", "jod", "jpy", "kes", "kgs", "khr",
    "kmf", "krw", "kwd", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl", "mad", "mdl", "mga", "mkd", "mmk", "mnt",
    "mop", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn", "nio", "nok", "npr", "nzd", "omr", "pab", "pen",
    "pgk", "php", "pkr", "pln", "pyg", "qar", "ron", "rsd", "rub", "rwf", "sar", "sbd", "scr", "sek", "sgd", "shp",
    "sle", "sos", "srd", "std", "szl", "thb", "tjs", "tnd", "top", "try", "ttd", "twd", "tzs", "uah", "ugx", "uyu",
    "uzs", "vnd", "vuv", "wst", "xaf", "xcd", "xof", "xpf", "yer", "zar", "zmw",
];

const ZERO_DECIMAL: &[&str] =
    &["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];
const THREE_DECIMAL: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];

/// Written with two decimals, which are always 00.
const WHOLE: &[&str] = &["isk", "ugx"];

/// The most that one charge may be, in the smallest unit.
const MOST: i64 = 99_999_999;

/// A currency that the parameter names, in lower case.
pub(super) fn read(params: &Params<'_>, name: &str) -> Result<Option<&'static str>, Refusal> {
    let Some(text) = params.text(name)? else { return Ok(None) };
    let lower = text.to_ascii_lowercase();
    match CURRENCIES.iter().find(|known| **known == lower) {
        Some(known) => Ok(Some(known)),
        None => {
            let known = CURRENCIES.join(", ");
            let message = format!("Invalid currency: {lower}. Stripe currently supports these currencies: {known}");
            Err(Refusal::about(params.path(name), message).unsaved())
        }
    }
}

pub(super) fn required(params: &Params<'_>, name: &str) -> Result<&'static str, Refusal> {
    read(params, name)?.ok_or_else(|| Refusal::missing(&params.path(name)))
}

/// Refuses what is too little or too much for one charge.
pub(super) fn chargeable(amount: i64, currency: &str, param: &str) -> Result<(), Refusal> {
    let least = least(currency);
    if amount < least {
        let message = format!("Amount must be at least {}", shown(least, currency));
        return Err(Refusal::about(param, message).code("amount_too_small"));
    }
    not_too_much(amount, currency, param)?;
    if THREE_DECIMAL.contains(&currency) && amount % 10 != 0 {
        let message = format!("Invalid amount: amounts in {currency} must be evenly divisible by 10");
        return Err(Refusal::about(param, message));
    }
    if WHOLE.contains(&currency) && amount % 100 != 0 {
        let message = format!("Invalid amount: amounts in {currency} must be evenly divisible by 100");
        return Err(Refusal::about(param, message));
    }
    Ok(())
}

pub(super) fn not_too_much(amount: i64, currency: &str, param: &str) -> Result<(), Refusal> {
    if amount > MOST {
        let message = format!("Amount must be no more than {}", shown(MOST, currency));
        return Err(Refusal::about(param, message).code("amount_too_large"));
    }
    Ok(())
}

/// The least that one charge may be. Where the vendor sets none, what fifty US cents came to, roughly.
fn least(currency: &str) -> i64 {
    match currency {
        "gbp" => 30,
        "aed" | "myr" | "pln" | "ron" => 200,
        "czk" => 1500,
        "dkk" => 250,
        "hkd" => 400,
        "huf" => 17_500,
        "mxn" => 1000,
        "nok" | "sek" => 300,
        "thb" => 1000,
        _ => 50,
    }
}

/// An amount as the vendor writes it in messages.
pub(super) fn shown(amount: i64, currency: &str) -> String {
    let sign = if currency == "usd" { "$" } else { "" };
    if ZERO_DECIMAL.contains(&currency) {
        return format!("{sign}{amount} {currency}");
    }
    let (unit, width) = if THREE_DECIMAL.contains(&currency) { (1000, 3) } else { (100, 2) };
    format!("{sign}{}.{:0width$} {currency}", amount / unit, amount % unit)
}

#[cfg(test)]
mod tests {
    use super::{chargeable, shown};

    #[test]
    fn amounts_are_shown_with_the_currencys_decimals() {
        assert_eq!(shown(1205, "usd"), "$12.05 usd");
        assert_eq!(shown(1205, "jpy"), "1205 jpy");
        assert_eq!(shown(1205, "kwd"), "1.205 kwd");
    }

    #[test]
    fn charges_have_bounds() {
        assert!(chargeable(49, "usd", "amount").is_err());
        assert!(chargeable(50, "usd", "amount").is_ok());
        assert!(chargeable(50, "jpy", "amount").is_ok());
        assert!(chargeable(99_999_999, "usd", "amount").is_ok());
        assert!(chargeable(100_000_000, "usd", "amount").is_err());
        assert!(chargeable(1001, "kwd", "amount").is_err());
        assert!(chargeable(10_050, "isk", "amount").is_err() && chargeable(10_000, "isk", "amount").is_ok());
    }
}
