//! Scripted misbehaviour: which requests go wrong, and how.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hyper::Method;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// One way in which a vendor, or the network before it, misbehaves.
///
/// As JSON: `{"kind": "status", "status": 429, "retry_after": 2}`, `{"kind": "cut_after"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// Refuses with this status and the vendor's error body; the request takes no effect.
    Status {
        /// HTTP status.
        status: u16,
        /// The vendor's error code; the one usual for the status when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u32>,
        /// Value of `Retry-After`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<RetryAfter>,
    },
    /// Answers with this status although the request took effect.
    StatusAfter {
        /// HTTP status.
        status: u16,
    },
    /// Processes at once, but holds the answer back. A caller that gives up meanwhile has still been served.
    Delay {
        /// Milliseconds of real time.
        ms: u64,
    },
    /// Waits before processing. A caller that gives up meanwhile has changed nothing.
    DelayBefore {
        /// Milliseconds of real time.
        ms: u64,
    },
    /// Closes the connection before the request takes effect.
    CutBefore,
    /// Processes, then closes the connection without a byte of answer.
    CutAfter,
    /// Processes, then closes the connection in the middle of the answer's body.
    CutDuring,
    /// Processes, then sends half of the body as if it were all.
    Truncate,
    /// Processes, then answers with a web page, as a proxy in trouble does.
    Html {
        /// HTTP status of the page.
        #[serde(default = "ok")]
        status: u16,
    },
    /// Processes, then answers with a body of this size.
    Huge {
        /// Size of the body.
        bytes: u64,
    },
    /// Processes, and labels the right body wrongly.
    ContentType {
        /// Value of `Content-Type`.
        value: String,
    },
    /// Sends the caller elsewhere; the request takes no effect.
    Redirect {
        /// Value of `Location`.
        location: String,
        /// HTTP status.
        #[serde(default = "temporary_redirect")]
        status: u16,
    },
    /// Processes, and gives every field of this name a value of another type.
    WrongType {
        /// Name of the field, at any depth.
        field: String,
    },
}

fn ok() -> u16 {
    200
}

fn temporary_redirect() -> u16 {
    307
}

impl Fault {
    /// Refuses with a status before processing.
    pub fn status(status: u16) -> Self {
        Self::Status { status, code: None, retry_after: None }
    }

    /// `429`, with `Retry-After` in seconds when given.
    pub fn too_many(retry_after: Option<u64>) -> Self {
        Self::Status { status: 429, code: None, retry_after: retry_after.map(RetryAfter::Seconds) }
    }

    /// The name under which the recorder and the control API know it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::StatusAfter { .. } => "status_after",
            Self::Delay { .. } => "delay",
            Self::DelayBefore { .. } => "delay_before",
            Self::CutBefore => "cut_before",
            Self::CutAfter => "cut_after",
            Self::CutDuring => "cut_during",
            Self::Truncate => "truncate",
            Self::Html { .. } => "html",
            Self::Huge { .. } => "huge",
            Self::ContentType { .. } => "content_type",
            Self::Redirect { .. } => "redirect",
            Self::WrongType { .. } => "wrong_type",
        }
    }
}

/// The value of a `Retry-After` header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RetryAfter {
    /// Whole seconds.
    Seconds(u64),
    /// Anything else: an HTTP date, or nonsense.
    Text(String),
}

impl RetryAfter {
    pub(crate) fn header(&self) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// Which of the matching requests a rule strikes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// The next `count`, then the rule is spent.
    Next {
        /// How many.
        count: u64,
    },
    /// Every `nth`: with 10 the tenth, the twentieth and so on.
    Every {
        /// Distance between strikes; 0 strikes none.
        nth: u64,
    },
    /// Each with this probability, drawn from `seed`: the same seed strikes the same places in the sequence.
    Chance {
        /// From 0 to 1.
        probability: f64,
        /// Seed of the draw.
        #[serde(default)]
        seed: u64,
    },
    /// All.
    Always,
}

impl Default for When {
    fn default() -> Self {
        Self::Next { count: 1 }
    }
}

impl When {
    /// Whether the `number`th matching request, counted from 0, is struck.
    fn strikes(&self, number: u64) -> bool {
        match *self {
            Self::Next { count } => number < count,
            Self::Every { nth } => nth != 0 && (number + 1).is_multiple_of(nth),
            Self::Chance { probability, seed } => unit(seed, number) < probability,
            Self::Always => true,
        }
    }

    fn is_spent(&self, seen: u64) -> bool {
        matches!(self, Self::Next { count } if seen >= *count)
    }
}

/// A fault and the requests it strikes.
///
/// ```
/// # use sandbox::{Fault, Rule};
/// let lost_answers = Rule::every(10, Fault::CutAfter).method("POST").path("/Messages");
/// let one_unlucky_parent = Rule::next(3, Fault::status(503)).to("+14155550100");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What goes wrong.
    pub fault: Fault,
    /// For which of the matching requests. By default the next one.
    #[serde(default)]
    pub when: When,
    /// Only requests of this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only requests whose path contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Not requests whose path contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<String>,
    /// Only requests that would reach this recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl Rule {
    /// Strikes as `when` says.
    pub fn new(when: When, fault: Fault) -> Self {
        Self { fault, when, method: None, path: None, except: None, to: None }
    }

    /// Strikes the next `count` matching requests.
    pub fn next(count: u64, fault: Fault) -> Self {
        Self::new(When::Next { count }, fault)
    }

    /// Strikes every `nth` matching request.
    pub fn every(nth: u64, fault: Fault) -> Self {
        Self::new(When::Every { nth }, fault)
    }

    /// Strikes each matching request with a probability under a seed.
    pub fn chance(probability: f64, seed: u64, fault: Fault) -> Self {
        Self::new(When::Chance { probability, seed }, fault)
    }

    /// Strikes all matching requests.
    pub fn always(fault: Fault) -> Self {
        Self::new(When::Always, fault)
    }

    /// Only requests of this method.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only requests whose path contains this.
    #[must_use]
    pub fn path(mut self, part: impl Into<String>) -> Self {
        self.path = Some(part.into());
        self
    }

    /// Not requests whose path contains this.
    #[must_use]
    pub fn except(mut self, part: impl Into<String>) -> Self {
        self.except = Some(part.into());
        self
    }

    /// Only requests that would reach this recipient.
    #[must_use]
    pub fn to(mut self, recipient: impl Into<String>) -> Self {
        self.to = Some(recipient.into());
        self
    }

    fn matches(&self, target: &Target<'_>) -> bool {
        self.method.as_ref().is_none_or(|method| target.method.as_str().eq_ignore_ascii_case(method))
            && self.path.as_ref().is_none_or(|part| target.path.contains(part.as_str()))
            && self.except.as_ref().is_none_or(|part| !target.path.contains(part.as_str()))
            && self.to.as_ref().is_none_or(|to| (target.recipient)().as_deref() == Some(to.as_str()))
    }
}

/// How many requests an account may make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Requests per second.
    pub per_second: f64,
    /// How many may come at once; one second's worth when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<f64>,
    /// Value of `Retry-After` on a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
    /// Only requests of this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

impl RateLimit {
    /// Allows `per_second` requests, as many at once, and sends no `Retry-After`.
    pub fn per_second(per_second: f64) -> Self {
        Self { per_second, burst: None, retry_after: None, method: None }
    }
}

/// What a rule is matched against. The recipient is asked for only by rules that name one.
pub(crate) struct Target<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) recipient: &'a dyn Fn() -> Option<String>,
}

/// The faults in force on one vendor's look-alike.
#[derive(Debug, Default)]
pub struct Faults {
    /// False while nothing is scripted, so that the ordinary road takes no lock.
    armed: AtomicBool,
    struck: AtomicU64,
    script: Mutex<Script>,
}

#[derive(Debug, Default)]
struct Script {
    rules: Vec<(Rule, u64)>,
    limit: Option<RateLimit>,
    buckets: HashMap<String, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: i64,
}

impl Faults {
    /// Adds a rule behind those in force. The first rule that strikes decides; delays add to it.
    pub fn add(&self, rule: Rule) {
        self.script.lock().rules.push((rule, 0));
        self.armed.store(true, Ordering::Release);
    }

    /// Limits every account's rate, or lifts the limit.
    pub fn rate_limit(&self, limit: Option<RateLimit>) {
        let mut script = self.script.lock();
        script.buckets.clear();
        script.limit = limit;
        self.armed.store(script.limit.is_some() || !script.rules.is_empty(), Ordering::Release);
    }

    /// Removes all rules and the rate limit.
    pub fn clear(&self) {
        let mut script = self.script.lock();
        *script = Script::default();
        self.armed.store(false, Ordering::Release);
    }

    /// The rules still in force.
    pub fn rules(&self) -> Vec<Rule> {
        self.script.lock().rules.iter().map(|(rule, _)| rule.clone()).collect()
    }

    /// How many faults have struck, refusals by the rate limit included.
    pub fn struck(&self) -> u64 {
        self.struck.load(Ordering::Relaxed)
    }

    /// What is to go wrong with this request, in the order of the rules.
    pub(crate) fn take(&self, target: &Target<'_>) -> Strike {
        let mut strike = Strike::default();
        if !self.armed.load(Ordering::Acquire) {
            return strike;
        }
        let mut script = self.script.lock();
        for (rule, seen) in &mut script.rules {
            // A rule behind the one that decided has not met this request: its own count stays exact.
            if strike.fault.is_some() {
                break;
            }
            if !rule.matches(target) {
                continue;
            }
            let number = *seen;
            *seen += 1;
            if !rule.when.strikes(number) {
                continue;
            }
            self.struck.fetch_add(1, Ordering::Relaxed);
            match rule.fault {
                Fault::Delay { ms } => strike.after += Duration::from_millis(ms),
                Fault::DelayBefore { ms } => strike.before += Duration::from_millis(ms),
                ref fault => strike.fault = Some(fault.clone()),
            }
        }
        script.rules.retain(|(rule, seen)| !rule.when.is_spent(*seen));
        let armed = script.limit.is_some() || !script.rules.is_empty();
        self.armed.store(armed, Ordering::Release);
        strike
    }

    /// Takes one request from the account's allowance; a refusal when it is used up.
    pub(crate) fn over_limit(&self, method: &Method, account: &dyn Fn() -> Option<String>, now: i64) -> Option<Fault> {
        if !self.armed.load(Ordering::Acquire) {
            return None;
        }
        let mut script = self.script.lock();
        let Script { limit, buckets, .. } = &mut *script;
        let limit = limit.as_ref()?;
        if limit.method.as_ref().is_some_and(|only| !method.as_str().eq_ignore_ascii_case(only)) {
            return None;
        }
        let account = account()?;
        let burst = limit.burst.unwrap_or(limit.per_second).max(1.0);
        let bucket = buckets.entry(account).or_insert(Bucket { tokens: burst, at: now });
        let gained = (now - bucket.at).max(0) as f64 / 1000.0 * limit.per_second;
        bucket.tokens = (bucket.tokens + gained).min(burst);
        bucket.at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return None;
        }
        self.struck.fetch_add(1, Ordering::Relaxed);
        Some(Fault::Status { status: 429, code: None, retry_after: limit.retry_after.clone() })
    }
}

/// The outcome of asking the rules.
#[derive(Debug, Default)]
pub(crate) struct Strike {
    pub(crate) before: Duration,
    pub(crate) after: Duration,
    pub(crate) fault: Option<Fault>,
}

/// A number in [0, 1) from a seed and a position: SplitMix64, so that it needs no state and no crate.
fn unit(seed: u64, number: u64) -> f64 {
    (mix(seed ^ mix(number)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// SplitMix64's step: a bijection, so that distinct inputs never collide.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(faults: &Faults, times: usize) -> Vec<bool> {
        let method = Method::POST;
        let recipient = || Some("+1".to_owned());
        let target = Target { method: &method, path: "/Messages.json", recipient: &recipient };
        (0..times).map(|_| faults.take(&target).fault.is_some()).collect()
    }

    #[test]
    fn next_strikes_that_many_and_is_spent() {
        let faults = Faults::default();
        faults.add(Rule::next(2, Fault::status(500)));
        assert_eq!(run(&faults, 4), [true, true, false, false]);
        assert!(faults.rules().is_empty());
        assert_eq!(faults.struck(), 2);
    }

    #[test]
    fn every_third_strikes_the_third_and_the_sixth() {
        let faults = Faults::default();
        faults.add(Rule::every(3, Fault::CutAfter));
        assert_eq!(run(&faults, 7), [false, false, true, false, false, true, false]);
    }

    #[test]
    fn chance_repeats_under_its_seed_and_comes_near_its_probability() {
        let draw = |seed| {
            let faults = Faults::default();
            faults.add(Rule::chance(0.1, seed, Fault::CutBefore));
            run(&faults, 10_000)
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let struck = draw(7).into_iter().filter(|struck| *struck).count();
        assert!((900..1100).contains(&struck), "{struck}");
    }

    #[test]
    fn a_rule_counts_only_what_it_matches() {
        let faults = Faults::default();
        faults.add(Rule::next(1, Fault::status(500)).method("GET"));
        faults.add(Rule::next(1, Fault::status(500)).path("/Calls"));
        faults.add(Rule::next(1, Fault::status(500)).to("+2"));
        assert_eq!(run(&faults, 2), [false, false]);
        assert_eq!(faults.rules().len(), 3);
        faults.add(Rule::next(1, Fault::status(500)).method("post").path("Mess").to("+1"));
        assert_eq!(run(&faults, 2), [true, false]);
    }

    #[test]
    fn delays_add_to_the_fault_that_decides() {
        let faults = Faults::default();
        faults.add(Rule::next(1, Fault::Delay { ms: 5 }));
        faults.add(Rule::next(1, Fault::DelayBefore { ms: 7 }));
        faults.add(Rule::next(1, Fault::CutAfter));
        let method = Method::GET;
        let target = Target { method: &method, path: "/", recipient: &|| None };
        let strike = faults.take(&target);
        assert_eq!(strike.after, Duration::from_millis(5));
        assert_eq!(strike.before, Duration::from_millis(7));
        assert_eq!(strike.fault, Some(Fault::CutAfter));
    }

    #[test]
    fn the_rate_limit_refills_with_time_and_counts_accounts_apart() {
        let faults = Faults::default();
        faults.rate_limit(Some(RateLimit::per_second(2.0)));
        let refused = |account: &str, now| faults.over_limit(&Method::GET, &|| Some(account.to_owned()), now).is_some();
        assert_eq!([refused("a", 0), refused("a", 0), refused("a", 0)], [false, false, true]);
        assert!(!refused("b", 0));
        assert!(refused("a", 400));
        assert!(!refused("a", 500));
    }

    #[test]
    fn rules_read_from_json_with_the_next_request_as_default() {
        let rule: Rule =
            serde_json::from_str(r#"{"fault": {"kind": "status", "status": 429, "retry_after": 2}}"#).unwrap();
        assert_eq!(rule, Rule::next(1, Fault::too_many(Some(2))));
        assert!(serde_json::from_str::<Rule>(r#"{"fault": {"kind": "explode"}}"#).is_err());
    }
}
