//! What Twilio knows of a number, and what it charges in a country.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Twilio,
    wire::{Fields, FromWire, decode},
};
use crate::{
    error::{Error, Result},
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::Repeat,
};

const LOOKUPS: &str = "https://lookups.twilio.com";
const PRICING: &str = "https://pricing.twilio.com";

fn check_country(field: &str, country: &str) -> Result<()> {
    if country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(Error::invalid(field, "must be a country's two letters, such as US"))
}

/// Finds out whether a number can be somebody's, and on request of what kind its line is.
///
/// <https://www.twilio.com/docs/lookup/v2-api>. Access `read`. A number that cannot be is an answer (`valid: false`),
/// not an error. `lineType` is charged by Twilio for every look-up.
///
/// Example: `{"phoneNumber": "(555) 123-4567", "countryCode": "US"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct LookupPhoneNumber {
    /// The number, in E.164 form, or as it is written in `countryCode`.
    pub phone_number: String,
    /// The country of a number without its country code, two letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
    /// Whether to find out the carrier and the kind of line (`mobile`, `landline`, …).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub line_type: bool,
}

impl LookupPhoneNumber {
    /// Whether this number can be somebody's.
    pub fn new(phone_number: impl Into<String>) -> Self {
        Self { phone_number: phone_number.into(), country_code: None, line_type: false }
    }

    /// The same, as it is written in this country.
    pub fn country_code(mut self, country: impl Into<String>) -> Self {
        self.country_code = Some(country.into());
        self
    }

    /// The same, and of what kind its line is.
    pub fn line_type(mut self) -> Self {
        self.line_type = true;
        self
    }
}

/// What Twilio knows of a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NumberInfo {
    /// Whether it can be somebody's.
    pub valid: bool,
    /// The number in E.164 form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// As it is written in its country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub national_format: Option<String>,
    /// Its country, two letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
    /// Its country's prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calling_country_code: Option<String>,
    /// Why not: `TOO_SHORT`, `TOO_LONG`, `INVALID_BUT_POSSIBLE`, `INVALID_COUNTRY_CODE`, `INVALID_LENGTH`,
    /// `NOT_A_NUMBER`.
    #[serde(default)]
    pub validation_errors: Vec<String>,
    /// Carrier and kind of line, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_type_intelligence: Option<Map<String, Value>>,
    /// Every other field, as Twilio spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl FromWire for NumberInfo {
    fn from_wire(mut fields: Fields) -> Option<Self> {
        Some(Self {
            valid: fields.flag("valid")?,
            phone_number: fields.text("phone_number"),
            national_format: fields.text("national_format"),
            country_code: fields.text("country_code"),
            calling_country_code: fields.text("calling_country_code"),
            validation_errors: fields.texts("validation_errors").unwrap_or_default(),
            line_type_intelligence: fields.map("line_type_intelligence"),
            extra: fields.0,
        })
    }
}

impl Operation for LookupPhoneNumber {
    type Provider = Twilio;
    type Output = NumberInfo;

    const NAME: &'static str = "lookupPhoneNumber";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "phoneNumber": Contact(Guardian) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        let number = &self.phone_number;
        let written = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')' | '.' | ' ' | '/');
        if number.len() > 40 || !number.chars().all(written) || !number.contains(|c: char| c.is_ascii_digit()) {
            return Err(Error::invalid("phoneNumber", "must be a telephone number: digits and what parts them"));
        }
        self.country_code.as_deref().map_or(Ok(()), |country| check_country("countryCode", country))
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<NumberInfo> {
        let mut request = call.get(call.url(LOOKUPS, &["v2", "PhoneNumbers", &self.phone_number])?);
        if let Some(country) = &self.country_code {
            request = request.query("CountryCode", country);
        }
        if self.line_type {
            request = request.query("Fields", "line_type_intelligence");
        }
        let response = call.send(request).await?;
        decode(call, &response, Self::REPEAT)
    }
}

/// For what a price is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PriceKind {
    /// Text messages.
    #[default]
    Messaging,
    /// Calls.
    Voice,
}

/// Reads Twilio's current prices for a country.
///
/// <https://www.twilio.com/docs/messaging/api/pricing>, <https://www.twilio.com/docs/voice/pricing>. Access `read`.
/// Errors: `not_found` (no such country).
///
/// Example: `{"country": "US", "kind": "messaging"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetPricing {
    /// The country's two letters.
    pub country: String,
    /// Prices of what; `messaging` unless given.
    #[serde(default)]
    pub kind: PriceKind,
}

impl GetPricing {
    /// Prices of text messages in this country.
    pub fn new(country: impl Into<String>) -> Self {
        Self { country: country.into(), kind: PriceKind::default() }
    }

    /// The same for this kind.
    pub fn kind(mut self, kind: PriceKind) -> Self {
        self.kind = kind;
        self
    }
}

/// What Twilio charges in a country.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CountryPrices {
    /// The country's two letters.
    pub iso_country: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The currency of the prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_unit: Option<String>,
    /// Texts sent, by carrier: `carrier`, `mcc`, `mnc`, `prices`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outbound_sms_prices: Vec<Value>,
    /// Texts received, by the kind of number: `basePrice`, `currentPrice`, `numberType`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inbound_sms_prices: Vec<Value>,
    /// Calls made, by prefix: `prefixes`, `friendlyName`, `basePrice`, `currentPrice`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outbound_prefix_prices: Vec<Value>,
    /// Calls received, by the kind of number: `basePrice`, `currentPrice`, `numberType`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inbound_call_prices: Vec<Value>,
    /// Every other field, as Twilio spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl FromWire for CountryPrices {
    fn from_wire(mut fields: Fields) -> Option<Self> {
        Some(Self {
            iso_country: fields.text("iso_country")?,
            country: fields.text("country"),
            price_unit: fields.text("price_unit"),
            outbound_sms_prices: fields.camel("outbound_sms_prices"),
            inbound_sms_prices: fields.camel("inbound_sms_prices"),
            outbound_prefix_prices: fields.camel("outbound_prefix_prices"),
            inbound_call_prices: fields.camel("inbound_call_prices"),
            extra: fields.0,
        })
    }
}

impl Operation for GetPricing {
    type Provider = Twilio;
    type Output = CountryPrices;

    const NAME: &'static str = "getPricing";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_country("country", &self.country)
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<CountryPrices> {
        let kind = match self.kind {
            PriceKind::Messaging => "Messaging",
            PriceKind::Voice => "Voice",
        };
        let response = call.send(call.get(call.url(PRICING, &["v1", kind, "Countries", &self.country])?)).await?;
        decode(call, &response, Self::REPEAT)
    }
}
