//! The Stripe look-alike, over the wire.

mod account;
mod billing;
mod payments;
mod school;
