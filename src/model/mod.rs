//! The words everyone uses: who asks, for which school, when, about whom, and what must never be shown.

mod actor;
mod clock;
mod disclosure;
mod ids;
mod phone;
mod redact;
mod runtime;
mod secret;

pub use actor::{Actor, Role};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use disclosure::{Basis, Category, Disclosed, Disclosure, Manifest, Subject, Whose};
pub use ids::{RequestId, TenantId, random_bytes};
pub use phone::PhoneNumber;
pub use redact::Redactor;
pub use runtime::{Executor, Runtime};
pub use secret::{MASK, Secret, exposing};
