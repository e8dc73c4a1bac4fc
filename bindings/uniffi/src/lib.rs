//! The Python and Kotlin binding: one object, JSON in and JSON out, and no logic of its own.
//!
//! Everything a call does is in `sis_integrations::manager::edge`. What is here carries text over the boundary, runs
//! the work on threads of the manager's own, and turns the library's error into one that crosses.

#![allow(unsafe_code, reason = "what uniffi generates is the boundary")]

mod engine;
mod error;
mod gate;
mod json;
mod manager;

pub use error::ManagerError;
pub use gate::shut_gate;
pub use manager::{BegunCall, Manager, RunningCall};

uniffi::setup_scaffolding!();
