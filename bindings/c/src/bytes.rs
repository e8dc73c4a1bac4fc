//! Strings in and out, and results.

use std::{
    ffi::{CStr, c_char},
    ptr, slice,
};

use serde_json::Value;
use sis_integrations::{Error, Result};

use crate::ffi::{infallible, null};

/// UTF-8 text as a pointer and a length in bytes; not necessarily ended by a zero byte.
///
/// As an argument it is borrowed for the call. As an answer it is borrowed from what it was asked of, and a zero byte
/// follows that `len` does not count, so that `data` may be printed with `%s`.
///
/// NULL with length 0 is the empty text; NULL with another length is an error.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sis_str {
    /// The first byte.
    pub data: *const c_char,
    /// How many bytes.
    pub len: usize,
}

impl sis_str {
    /// Text that ends in a zero byte, for as long as the program runs or its owner lives.
    pub(crate) fn fixed(text: &str) -> Self {
        debug_assert!(text.ends_with('\0'));
        Self { data: text.as_ptr().cast(), len: text.len() - 1 }
    }

    /// The text that is not there: empty, and printable.
    pub(crate) fn empty() -> Self {
        Self::fixed("\0")
    }

    /// The text, checked.
    ///
    /// # Safety
    /// `data` is NULL or points to `len` bytes that nobody writes to as long as the answer lives.
    pub(crate) unsafe fn read<'a>(self, name: &str) -> Result<&'a str> {
        if self.len == 0 {
            return Ok("");
        }
        if self.data.is_null() {
            return Err(null(name));
        }
        if isize::try_from(self.len).is_err() {
            return Err(Error::invalid(name, "is longer than memory is"));
        }
        // SAFETY: not NULL, not longer than an object can be, and by the caller's word readable and unchanging.
        let bytes = unsafe { slice::from_raw_parts(self.data.cast::<u8>(), self.len) };
        str::from_utf8(bytes)
            .map_err(|error| Error::invalid(name, format!("is not UTF-8 from byte {} on", error.valid_up_to())))
    }

    /// The JSON in the text.
    ///
    /// # Safety
    /// As for [`Self::read`].
    pub(crate) unsafe fn json(self, name: &str) -> Result<Value> {
        // SAFETY: passed on.
        let text = unsafe { self.read(name) }?;
        serde_json::from_str(text).map_err(|error| Error::invalid(name, format!("is not JSON: {error}")))
    }
}

/// The text before the first zero byte of `text`; empty for NULL. Borrows `text`.
#[unsafe(no_mangle)]
pub extern "C" fn sis_str_from(text: *const c_char) -> sis_str {
    infallible(sis_str::empty(), || {
        if text.is_null() {
            return sis_str::empty();
        }
        // SAFETY: not NULL, and C's strings end in a zero byte.
        let len = unsafe { CStr::from_ptr(text) }.count_bytes();
        sis_str { data: text, len }
    })
}

/// A result: UTF-8 text, owned by the caller, who releases it with `sis_bytes_free`.
///
/// A zero byte follows that `len` does not count. Neither member may be changed.
#[repr(C)]
pub struct sis_bytes {
    /// The first byte; NULL when there is no result.
    pub data: *const c_char,
    /// How many bytes.
    pub len: usize,
}

impl sis_bytes {
    pub(crate) fn json(value: &Value) -> Self {
        let mut text = value.to_string();
        let len = text.len();
        text.push('\0');
        let data = Box::into_raw(text.into_boxed_str().into_boxed_bytes());
        Self { data: data.cast::<c_char>().cast_const(), len }
    }
}

/// Releases a result and sets both of its members to zero, so that releasing it again does nothing.
///
/// NULL, and a result that is all zero, are left alone.
#[unsafe(no_mangle)]
pub extern "C" fn sis_bytes_free(bytes: *mut sis_bytes) {
    infallible((), || {
        // SAFETY: NULL or a struct of the caller's that no other thread uses.
        let Some(bytes) = (unsafe { bytes.as_mut() }) else { return };
        if bytes.data.is_null() {
            return;
        }
        let memory = ptr::slice_from_raw_parts_mut(bytes.data.cast_mut().cast::<u8>(), bytes.len + 1);
        bytes.data = ptr::null();
        bytes.len = 0;
        // SAFETY: `sis_bytes::json` made it a box of `len` bytes and a zero, and the members are not changed.
        drop(unsafe { Box::from_raw(memory) });
    });
}
