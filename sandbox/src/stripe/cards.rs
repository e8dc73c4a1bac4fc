//! The vendor's test payment methods: <https://docs.stripe.com/testing>.

/// What a card's issuer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Issuer {
    Approves,
    Asks,
    Declines { code: &'static str, decline_code: Option<&'static str>, message: &'static str },
}

/// One test payment method.
#[derive(Debug)]
pub(super) struct Card {
    pub(super) token: &'static str,
    pub(super) brand: &'static str,
    pub(super) last4: &'static str,
    pub(super) issuer: Issuer,
}

const fn approved(token: &'static str, brand: &'static str, last4: &'static str) -> Card {
    Card { token, brand, last4, issuer: Issuer::Approves }
}

const fn declined(
    token: &'static str,
    last4: &'static str,
    code: &'static str,
    decline_code: Option<&'static str>,
    message: &'static str,
) -> Card {
    Card { token, brand: "visa", last4, issuer: Issuer::Declines { code, decline_code, message } }
}

const DECLINED: &str = "Your card was declined.";

const CARDS: &[Card] = &[
    approved("pm_card_visa", "visa", "4242"),
    approved("pm_card_visa_debit", "visa", "5556"),
    approved("pm_card_mastercard", "mastercard", "4444"),
    approved("pm_card_amex", "amex", "0005"),
    approved("pm_card_discover", "discover", "1117"),
    approved("pm_card_diners", "diners", "0004"),
    approved("pm_card_jcb", "jcb", "0505"),
    approved("pm_card_unionpay", "unionpay", "0005"),
    Card { token: "pm_card_authenticationRequired", brand: "visa", last4: "3155", issuer: Issuer::Asks },
    Card { token: "pm_card_threeDSecure2Required", brand: "visa", last4: "3220", issuer: Issuer::Asks },
    declined("pm_card_chargeDeclined", "0002", "card_declined", Some("generic_decline"), DECLINED),
    declined("pm_card_visa_chargeDeclined", "0002", "card_declined", Some("generic_decline"), DECLINED),
    declined("pm_card_chargeCustomerFail", "0341", "card_declined", Some("generic_decline"), DECLINED),
    declined("pm_card_chargeDeclinedFraudulent", "0019", "card_declined", Some("fraudulent"), DECLINED),
    declined(
        "pm_card_chargeDeclinedInsufficientFunds",
        "9995",
        "card_declined",
        Some("insufficient_funds"),
        "Your card has insufficient funds.",
    ),
    declined(
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "9995",
        "card_declined",
        Some("insufficient_funds"),
        "Your card has insufficient funds.",
    ),
    declined("pm_card_visa_chargeDeclinedLostCard", "9987", "card_declined", Some("lost_card"), DECLINED),
    declined("pm_card_visa_chargeDeclinedStolenCard", "9979", "card_declined", Some("stolen_card"), DECLINED),
    declined("pm_card_chargeDeclinedExpiredCard", "0069", "expired_card", None, "Your card has expired."),
    declined(
        "pm_card_chargeDeclinedIncorrectCvc",
        "0127",
        "incorrect_cvc",
        None,
        "Your card's security code is incorrect.",
    ),
    declined(
        "pm_card_chargeDeclinedProcessingError",
        "0119",
        "processing_error",
        None,
        "An error occurred while processing your card. Try again in a little bit.",
    ),
];

/// The test payment method of a name.
pub(super) fn card(token: &str) -> Option<&'static Card> {
    CARDS.iter().find(|card| card.token == token)
}
