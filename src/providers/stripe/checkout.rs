//! Checkout: a page of Stripe's on which something is paid, the safest way to take money.
//! <https://docs.stripe.com/api/checkout/sessions>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    check,
    objects::{CheckoutSession, Metadata},
    wire::operation,
};
use crate::error::{Error, Result};

/// One line of what is paid: a price that is there, or one made for this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct LineItem {
    /// The id of a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// A price made for this line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_data: Option<PriceData>,
    /// How many of it. Default: 1.
    #[serde(default = "one")]
    pub quantity: u32,
}

fn one() -> u32 {
    1
}

impl LineItem {
    /// So many at a price that is there.
    pub fn price(price: impl Into<String>, quantity: u32) -> Self {
        Self { price: Some(price.into()), price_data: None, quantity }
    }

    /// So many at a price made for this.
    pub fn of(name: impl Into<String>, unit_amount: i64, currency: impl Into<String>, quantity: u32) -> Self {
        let product_data = ProductData { name: name.into(), description: None };
        let data = PriceData { currency: currency.into(), unit_amount, product_data };
        Self { price: None, price_data: Some(data), quantity }
    }

    fn check(&self, at: &str) -> Result<()> {
        match (&self.price, &self.price_data) {
            (Some(price), None) => check::id(&format!("{at}.price"), price)?,
            (None, Some(data)) => {
                let (amount, currency) = (format!("{at}.priceData.unitAmount"), format!("{at}.priceData.currency"));
                check::price(&amount, data.unit_amount, &currency, &data.currency)?;
            }
            _ => return Err(Error::invalid(at, "must have either price or priceData")),
        }
        if self.quantity == 0 {
            return Err(Error::invalid(format!("{at}.quantity"), "must be at least 1"));
        }
        Ok(())
    }
}

/// A price made for one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct PriceData {
    /// The currency, in lower case.
    pub currency: String,
    /// How much one costs, in the currency's smallest unit.
    pub unit_amount: i64,
    /// What it is.
    pub product_data: ProductData,
}

/// What a line is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ProductData {
    /// Its name, as the payer reads it.
    pub name: String,
    /// What it is, as the payer reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

operation! {
    /// Makes a page of Stripe's on which something is paid; send the payer to its `url`. Whether it was paid comes by
    /// webhook (`checkout.session.completed`), not by the payer's coming back.
    ///
    /// <https://docs.stripe.com/api/checkout/sessions/create>. Access `pay`. Repeated with the same idempotency key it makes
    /// one. Error: `invalid_argument` at `expiresAt`, by Stripe's clock.
    ///
    /// Example: `{"mode": "payment", "lineItems": [{"price": "price_1MoBy5LkdIwHu7ixZhnattbh", "quantity": 1}], "successUrl": "https://school.example/paid"}`
    CreateCheckoutSession = "createCheckoutSession", Pay, WithKey -> CheckoutSession,
    discloses { "customer": Financial(Guardian), "customerEmail": Contact(Guardian), "clientReferenceId": Financial(Guardian), "lineItems": Financial(Guardian), "metadata": Financial(Guardian) }
    Post |this| ["checkout", "sessions"]
    by {}
    required {
        /// `payment` for something paid once, `subscription` for something paid again and again.
        mode: String,
        /// What is paid, 1 to 100 lines.
        line_items: Vec<LineItem>,
        /// Where the payer goes afterwards; Stripe fills in `{CHECKOUT_SESSION_ID}`.
        success_url: String,
    }
    optional {
        /// Where the payer goes who changes their mind.
        cancel_url: String,
        /// Who pays: a customer's id.
        customer: String,
        /// The payer's e-mail address, where there is no customer.
        customer_email: String,
        /// The school's own reference: a student's account, an order.
        client_reference_id: String,
        /// When the page ends, in seconds since 1970: half an hour to 24 hours from now.
        expires_at: i64,
        /// Notes of the school's own. Never a card's data.
        metadata: Metadata,
    }
    check |this| {
        if !matches!(this.mode.as_str(), "payment" | "subscription") {
            return Err(Error::invalid("mode", "must be payment or subscription"));
        }
        check::some("lineItems", &this.line_items, 100)?;
        for (at, item) in this.line_items.iter().enumerate() {
            item.check(&format!("lineItems[{at}]"))?;
        }
        check::web("successUrl", &Some(this.success_url.clone()))?;
        check::web("cancelUrl", &this.cancel_url)?;
        check::some_id("customer", &this.customer)?;
        if this.customer.is_some() && this.customer_email.is_some() {
            return Err(Error::invalid("customerEmail", "is not wanted beside customer, who has one"));
        }
        check::metadata(&this.metadata)?;
    }
}

operation! {
    /// Reads a checkout page: whether it was paid.
    ///
    /// <https://docs.stripe.com/api/checkout/sessions/retrieve>. Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"session": "cs_test_a11YYufWQzNY63zpQ6QSNRQhkUpVph4WRmzW0zWJO2znZKdVujZ0N0S22u"}`
    GetCheckoutSession = "getCheckoutSession", Read, Always -> CheckoutSession,
    discloses {}
    Get |this| ["checkout", "sessions", &this.session]
    by {
        /// The page's id.
        session: String,
    }
    required {}
    optional {}
}

operation! {
    /// Ends a checkout page that is still open: nothing can be paid there any more.
    ///
    /// <https://docs.stripe.com/api/checkout/sessions/expire>. Access `pay`. Errors: `not_found`; `invalid_argument` for one
    /// that is not open.
    ///
    /// Example: `{"session": "cs_test_a11YYufWQzNY63zpQ6QSNRQhkUpVph4WRmzW0zWJO2znZKdVujZ0N0S22u"}`
    ExpireCheckoutSession = "expireCheckoutSession", Pay, WithKey -> CheckoutSession,
    discloses {}
    Post |this| ["checkout", "sessions", &this.session, "expire"]
    by {
        /// The page's id.
        session: String,
    }
    required {}
    optional {}
}
