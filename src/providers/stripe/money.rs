//! Amounts are whole numbers of a currency's smallest unit. <https://docs.stripe.com/currencies>

/// The most that one amount may be: eight digits.
pub(super) const MOST: i64 = 99_999_999;

/// Currencies whose smallest unit is the whole: 500 is 500 JPY.
const ZERO: &[&str] =
    &["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];
/// Currencies with a thousandth; Stripe wants the last digit to be 0: see [`step`].
const THREE: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];
/// Currencies with a hundredth. Those of Iceland, Hungary, Taiwan and Uganda count as such for payments.
const TWO: &[&str] = &[
    "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt", "bgn", "bmd", "bnd",
    "bob", "brl", "bsd", "btn", "bwp", "byn", "bzd", "cad", "cdf", "chf", "cny", "cop", "crc", "cve", "czk", "dkk",
    "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp", "gbp", "gel", "ghs", "gip", "gmd", "gtq", "gyd", "hkd", "hnl",
    "hrk", "htg", "huf", "idr", "ils", "inr", "isk", "jmd", "kes", "kgs", "khr", "kyd", "kzt", "lak", "lbp", "lkr",
    "lrd", "lsl", "mad", "mdl", "mkd", "mmk", "mnt", "mop", "mro", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad",
    "ngn", "nio", "nok", "npr", "nzd", "pab", "pen", "pgk", "php", "pkr", "pln", "qar", "ron", "rsd", "rub", "sar",
    "sbd", "scr", "sek", "sgd", "shp", "sle", "sll", "sos", "srd", "std", "szl", "thb", "tjs", "top", "try", "ttd",
    "twd", "tzs", "uah", "ugx", "usd", "uyu", "uzs", "wst", "xcd", "yer", "zar", "zmw",
];

/// How many digits come after the point in amounts of this currency; `None` for one that Stripe does not take.
pub fn exponent(currency: &str) -> Option<u32> {
    if TWO.contains(&currency) {
        Some(2)
    } else if ZERO.contains(&currency) {
        Some(0)
    } else if THREE.contains(&currency) {
        Some(3)
    } else {
        None
    }
}

/// Of what an amount must be a multiple. Iceland's and Uganda's currencies have no hundredths any more, but are written with
/// two digits, 00. (Hungary's and Taiwan's are so in payouts alone, of which there are none here.)
pub(super) fn step(currency: &str) -> i64 {
    match currency {
        "isk" | "ugx" => 100,
        _ if THREE.contains(&currency) => 10,
        _ => 1,
    }
}

/// An amount as people write it: `format_amount(2500, "usd")` is `25.00 USD`, `format_amount(2500, "jpy")` is `2500 JPY`.
///
/// ```
/// use sis_integrations::providers::stripe::format_amount;
///
/// assert_eq!(format_amount(2500, "usd").as_deref(), Some("25.00 USD"));
/// assert_eq!(format_amount(2500, "jpy").as_deref(), Some("2500 JPY"));
/// assert_eq!(format_amount(-5, "kwd").as_deref(), Some("-0.005 KWD"));
/// assert_eq!(format_amount(1, "xxx"), None);
/// ```
pub fn format_amount(amount: i64, currency: &str) -> Option<String> {
    let digits = exponent(currency)?;
    let one = 10_u64.pow(digits);
    let (sign, size) = (if amount < 0 { "-" } else { "" }, amount.unsigned_abs());
    let code = currency.to_ascii_uppercase();
    Some(match digits {
        0 => format!("{sign}{size} {code}"),
        digits => format!("{sign}{}.{:0width$} {code}", size / one, size % one, width = digits as usize),
    })
}

/// What Stripe takes of a card payment, in millionths of the currency: 2.9 % and, where we know it, a fixed 0.30.
pub(super) fn fee_micros(amount: i64, currency: &str) -> i64 {
    let digits = exponent(currency).unwrap_or(2);
    let micros = amount.saturating_mul(10_i64.pow(6 - digits));
    let fixed = if matches!(currency, "usd" | "cad" | "aud" | "eur") { 300_000 } else { 0 };
    micros / 1000 * 29 + fixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_currency_stands_twice() {
        let mut all: Vec<_> = [ZERO, THREE, TWO].concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|code| code.len() == 3));
    }

    #[test]
    fn fees_follow_the_currency() {
        // 100.00 USD: 2.90 + 0.30
        assert_eq!(fee_micros(10_000, "usd"), 3_200_000);
        // 1000 JPY: 29
        assert_eq!(fee_micros(1000, "jpy"), 29_000_000);
    }
}
