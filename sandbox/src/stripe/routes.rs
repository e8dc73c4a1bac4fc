//! Which paths there are, what each takes and who answers it.

use hyper::Method;

use super::store::{Ctx, Outcome};
use super::{
    balance, catalog, charges, checkout, customers, invoice_items, invoices, payment_intents, payment_methods,
};
use super::{refunds, subscriptions};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Delete,
}

impl Verb {
    fn of(method: &Method) -> Option<Self> {
        match *method {
            Method::GET => Some(Self::Get),
            Method::POST => Some(Self::Post),
            Method::DELETE => Some(Self::Delete),
            _ => None,
        }
    }
}

/// One endpoint. A part of the path in braces takes any text, which `run` is handed.
#[derive(Clone, Copy)]
pub(super) struct Endpoint {
    pub(super) verb: Verb,
    pub(super) path: &'static str,
    /// The parameters at the top that it knows beside `expand`; lists also know the common ones.
    pub(super) takes: &'static [&'static str],
    pub(super) run: fn(&mut Ctx<'_>, &str) -> Outcome,
}

impl Endpoint {
    pub(super) const fn get(path: &'static str, run: fn(&mut Ctx<'_>, &str) -> Outcome) -> Self {
        Self { verb: Verb::Get, path, takes: &[], run }
    }

    pub(super) const fn post(path: &'static str, run: fn(&mut Ctx<'_>, &str) -> Outcome) -> Self {
        Self { verb: Verb::Post, path, takes: &[], run }
    }

    pub(super) const fn delete(path: &'static str, run: fn(&mut Ctx<'_>, &str) -> Outcome) -> Self {
        Self { verb: Verb::Delete, path, takes: &[], run }
    }

    pub(super) const fn takes(self, takes: &'static [&'static str]) -> Self {
        Self { verb: self.verb, path: self.path, takes, run: self.run }
    }
}

const FAMILIES: &[&[Endpoint]] = &[
    customers::ENDPOINTS,
    payment_methods::ENDPOINTS,
    payment_intents::ENDPOINTS,
    charges::ENDPOINTS,
    checkout::ENDPOINTS,
    catalog::ENDPOINTS,
    subscriptions::ENDPOINTS,
    invoice_items::ENDPOINTS,
    invoices::ENDPOINTS,
    refunds::ENDPOINTS,
    balance::ENDPOINTS,
];

/// Every endpoint.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static Endpoint> {
    FAMILIES.iter().copied().flatten()
}

/// The endpoint of a request, and the part of its path that was in braces.
pub(super) fn find<'s>(method: &Method, segments: &'s [impl AsRef<str>]) -> Option<(&'static Endpoint, &'s str)> {
    let verb = Verb::of(method)?;
    FAMILIES.iter().copied().flatten().filter(|endpoint| endpoint.verb == verb).find_map(|endpoint| {
        let mut named = "";
        let mut pattern = endpoint.path.trim_start_matches('/').split('/');
        let fits = segments.iter().all(|segment| {
            let segment = segment.as_ref();
            pattern.next().is_some_and(|part| {
                if part.starts_with('{') {
                    named = segment;
                    !segment.is_empty()
                } else {
                    part == segment
                }
            })
        });
        (fits && pattern.next().is_none()).then_some((endpoint, named))
    })
}
