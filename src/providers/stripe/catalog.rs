//! What is sold, and what it costs. <https://docs.stripe.com/api/products>, <https://docs.stripe.com/api/prices>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    check,
    objects::{Listed, Metadata, Price, Product},
    wire::operation,
};
use crate::error::Error;

/// How often a price is due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Recurring {
    /// `day`, `week`, `month` or `year`.
    pub interval: String,
    /// Every so many of them. Default: 1. At most three years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_count: Option<u32>,
}

impl Recurring {
    /// Every `day`, `week`, `month` or `year`.
    pub fn every(interval: impl Into<String>) -> Self {
        Self { interval: interval.into(), interval_count: None }
    }
}

operation! {
    /// Makes a product: something that is sold.
    ///
    /// <https://docs.stripe.com/api/products/create>. Access `write`. Repeated with the same idempotency key it makes one.
    ///
    /// Example: `{"name": "School lunch", "description": "One warm meal"}`
    CreateProduct = "createProduct", Write, WithKey -> Product,
    discloses {}
    Post |this| ["products"]
    by {}
    required {
        /// Its name, as payers read it.
        name: String,
    }
    optional {
        /// What it is, as payers read it.
        description: String,
        /// Whether it can be bought. Default: yes.
        active: bool,
        /// Notes of the school's own.
        metadata: Metadata,
    }
    check |this| {
        if this.name.trim().is_empty() {
            return Err(Error::invalid("name", "must not be empty"));
        }
        check::metadata(&this.metadata)?;
    }
}

operation! {
    /// Makes a price of a product. A price does not change: make another, and switch this one off.
    ///
    /// <https://docs.stripe.com/api/prices/create>. Access `write`. Repeated with the same idempotency key it makes one.
    ///
    /// Example: `{"product": "prod_NWjs8kKbJWmuuc", "currency": "usd", "unitAmount": 350}`
    CreatePrice = "createPrice", Write, WithKey -> Price,
    discloses {}
    Post |this| ["prices"]
    by {}
    required {
        /// The product's id.
        product: String,
        /// The currency, in lower case.
        currency: String,
        /// How much, in the currency's smallest unit.
        unit_amount: i64,
    }
    optional {
        /// How often it is due; for something paid once, nothing.
        recurring: Recurring,
        /// The school's own name for it, by which `listPrices` finds it.
        lookup_key: String,
        /// What staff read; payers do not.
        nickname: String,
        /// Whether it can be used. Default: yes.
        active: bool,
        /// Notes of the school's own.
        metadata: Metadata,
    }
    check |this| {
        check::id("product", &this.product)?;
        check::price("unitAmount", this.unit_amount, "currency", &this.currency)?;
        if let Some(recurring) = &this.recurring
            && !matches!(recurring.interval.as_str(), "day" | "week" | "month" | "year")
        {
            return Err(Error::invalid("recurring.interval", "must be day, week, month or year"));
        }
        check::metadata(&this.metadata)?;
    }
}

operation! {
    /// Lists prices, the newest first.
    ///
    /// <https://docs.stripe.com/api/prices/list>. Access `read`.
    ///
    /// Example: `{"product": "prod_NWjs8kKbJWmuuc", "active": true}`
    ListPrices = "listPrices", Read, Always -> Listed<Price>,
    discloses {}
    Get |this| ["prices"]
    by {}
    required {}
    optional {
        /// Only those of this product.
        product: String,
        /// Only those that can be used, or that cannot.
        active: bool,
        /// Only those with one of these names of the school's own, up to 10.
        lookup_keys: Vec<String>,
        /// How many, 1 to 100; Stripe's default is 10.
        limit: u8,
        /// Only those after this id.
        starting_after: String,
    }
    check |this| {
        check::page(this.limit)?;
        check::some_id("product", &this.product)?;
        check::some_id("startingAfter", &this.starting_after)?;
        if let Some(keys) = &this.lookup_keys {
            check::some("lookupKeys", keys, 10)?;
        }
    }
}
