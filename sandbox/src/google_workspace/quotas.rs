//! Quotas that are used up, said as each product says it.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde::Deserialize;

use super::call::moment;
use super::error::ApiError;

/// How far ahead Gmail's limits end, in milliseconds: here a passing one soon, so that a test can wait for it.
const MINUTE_MS: i64 = 1_000;
const DAY_MS: i64 = 6 * 3_600_000;

/// What is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quota {
    /// What a product allows in a minute: it passes.
    Minute,
    /// What it allows in a day: it does not pass soon.
    Day,
}

impl Quota {
    fn refusal(self, product: &str, at: i64) -> ApiError {
        let (reason, message) = match (product, self) {
            // Gmail names the moment in words, and in no header. Of what can be sent in a day it says the same.
            ("gmail", _) => {
                let ahead = if self == Self::Day { DAY_MS } else { MINUTE_MS };
                let until = moment(at + ahead);
                let why = format!("User-rate limit exceeded.  Retry after {until}");
                return ApiError::forbidden("userRateLimitExceeded", why).said_at(at);
            }
            ("docs" | "classroom" | "meet" | "events", _) => return self.newer(product),
            // One reason, and the opposite meaning: only the product tells them apart.
            ("calendar", Self::Day) => ("quotaExceeded", "Calendar usage limits exceeded."),
            ("directory", Self::Minute) => ("quotaExceeded", "Quota exceeded."),
            (_, Self::Day) => ("dailyLimitExceeded", "Daily Limit Exceeded"),
            (_, Self::Minute) => ("userRateLimitExceeded", "User Rate Limit Exceeded"),
        };
        ApiError::forbidden(reason, message)
    }

    fn newer(self, product: &str) -> ApiError {
        let (words, limit) = match self {
            Self::Minute => ("Queries per minute per user", "QueriesPerMinutePerUser"),
            Self::Day => ("Queries per day", "QueriesPerDayPerProject"),
        };
        let message = format!(
            "Quota exceeded for quota metric 'Queries' and limit '{words}' of service '{product}.googleapis.com' for \
             consumer 'project_number:104729104729'."
        );
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rateLimitExceeded", message).of_quota(limit)
    }
}

/// How many requests each product still refuses, and for what.
#[derive(Debug, Default)]
pub(super) struct Quotas(BTreeMap<String, (Quota, u64)>);

impl Quotas {
    pub(super) fn use_up(&mut self, product: &str, quota: Quota, requests: u64) {
        self.0.insert(product.to_owned(), (quota, requests));
    }

    /// The refusal of one request of the product, if its quota is used up.
    pub(super) fn refuse(&mut self, product: &str, at: i64) -> Option<ApiError> {
        let (quota, left) = self.0.get_mut(product)?;
        *left = left.checked_sub(1)?;
        Some(quota.refusal(product, at))
    }
}
