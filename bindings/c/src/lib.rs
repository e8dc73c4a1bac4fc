//! The C binding: functions of C over the edge of the core, JSON in and JSON out.
//!
//! The conventions stand in this folder's `README.md`; the documentation of every item here is the text of
//! `include/sis_integrations.h`, so it is written for a reader of C.

#![expect(unsafe_code, reason = "pointers come from C")]
#![expect(clippy::not_unsafe_ptr_arg_deref, reason = "C is the caller; what its pointers must be is documented")]
#![allow(non_camel_case_types, reason = "types are named as C names them")]

pub mod bytes;
pub mod error;
mod ffi;
pub mod manager;
pub mod status;
#[cfg(test)]
mod tests;

use bytes::sis_str;

/// The version of the library that is linked, such as `0.1.0`; SIS_VERSION is that of the header.
///
/// The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn sis_version() -> sis_str {
    sis_str::fixed(concat!(env!("CARGO_PKG_VERSION"), "\0"))
}
