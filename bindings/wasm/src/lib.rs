//! sis-integrations for JavaScript. What is exported here is called by the hand-written `js/manager.js`, and speaks JSON
//! as text; `js/index.d.ts` has the types that a program sees.
#![cfg(target_family = "wasm")]

mod fetch;
mod manager;
mod panic;
mod thread_bound;

pub use fetch::FetchHttp;
pub use manager::{Manager, error_codes};
pub use panic::on_panic;
pub use thread_bound::ThreadBound;
