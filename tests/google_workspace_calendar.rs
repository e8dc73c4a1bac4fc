//! Calendar through the whole road, against the look-alike.
#![allow(missing_docs, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use std::time::Duration;

use every::{School, builder};
use sandbox::{Fault, Rule, google_workspace as google};
use serde_json::{Value, json};
use sis_integrations::{CallOptions, Error, ErrorCode, storage::MemoryStorage, transport::Backoff};
