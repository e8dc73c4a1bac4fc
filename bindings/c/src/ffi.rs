//! What every function here leans on: who owns what is behind a pointer, and nothing unwinding into C.

use std::{
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::NonNull,
    sync::Arc,
};

use sis_integrations::{Error, Result};

use crate::{error::sis_error, status::sis_status};

/// The pointer that C holds is the one owner.
pub(crate) struct Sole;

/// The pointer that C holds is one of several owners: a call in progress is another.
pub(crate) struct Shared;

/// A type that C knows by pointer only. Each has one ownership, and the helpers for the other do not compile.
pub(crate) trait Opaque {
    /// [`Sole`] or [`Shared`].
    type Ownership;
    /// What is behind the pointer.
    type Inside;
}

/// Hands `inside` to C, which gives it back through [`take`].
pub(crate) fn give<T: Opaque<Ownership = Sole>>(inside: T::Inside) -> *mut T {
    Box::into_raw(Box::new(inside)).cast()
}

/// Takes back what [`give`] handed out; `None` for NULL.
///
/// # Safety
/// `pointer` is NULL or came from [`give`], was not taken yet, and nobody uses it any more.
pub(crate) unsafe fn take<T: Opaque<Ownership = Sole>>(pointer: *mut T) -> Option<Box<T::Inside>> {
    // SAFETY: by the caller's word it is a box that nobody else owns.
    (!pointer.is_null()).then(|| unsafe { Box::from_raw(pointer.cast()) })
}

/// Looks at what [`give`] handed out; `None` for NULL.
///
/// # Safety
/// `pointer` is NULL or came from [`give`] and is not taken as long as the answer lives.
pub(crate) unsafe fn look<'a, T: Opaque<Ownership = Sole>>(pointer: *const T) -> Option<&'a T::Inside> {
    // SAFETY: by the caller's word it is alive, and nothing here makes a mutable reference to it.
    unsafe { pointer.cast::<T::Inside>().as_ref() }
}

/// Hands one share of `inside` to C, which gives it back through [`take_share`].
pub(crate) fn give_share<T: Opaque<Ownership = Shared>>(inside: T::Inside) -> *mut T {
    Arc::into_raw(Arc::new(inside)).cast_mut().cast()
}

/// A share of one's own in what [`give_share`] handed out: it stays alive though C may give its share back meanwhile.
///
/// # Safety
/// `pointer` is NULL or came from [`give_share`] and was not taken yet.
pub(crate) unsafe fn share<T: Opaque<Ownership = Shared>>(pointer: *const T, name: &str) -> Result<Arc<T::Inside>> {
    if pointer.is_null() {
        return Err(null(name));
    }
    let pointer = pointer.cast::<T::Inside>();
    // SAFETY: by the caller's word the count is at least one, C's own.
    unsafe {
        Arc::increment_strong_count(pointer);
        Ok(Arc::from_raw(pointer))
    }
}

/// Takes C's share back; `None` for NULL.
///
/// # Safety
/// `pointer` is NULL or came from [`give_share`], was not taken yet, and no new call begins with it.
pub(crate) unsafe fn take_share<T: Opaque<Ownership = Shared>>(pointer: *mut T) -> Option<Arc<T::Inside>> {
    // SAFETY: by the caller's word this share is C's, and C gives it up here.
    (!pointer.is_null()).then(|| unsafe { Arc::from_raw(pointer.cast_const().cast()) })
}

/// A place of the caller's where a result goes, checked before the work begins.
pub(crate) struct Out<'a, T>(NonNull<T>, PhantomData<&'a mut T>);

impl<T> Out<'_, T> {
    /// # Safety
    /// `pointer` is NULL or may be written to until the function that was called returns.
    pub(crate) unsafe fn new(pointer: *mut T, name: &str) -> Result<Self> {
        NonNull::new(pointer).map(|pointer| Self(pointer, PhantomData)).ok_or_else(|| null(name))
    }

    /// Writes the result. What stood there is overwritten, not dropped: it may never have been set.
    pub(crate) fn write(self, value: T) {
        // SAFETY: `new` was promised a writable place.
        unsafe { self.0.write(value) }
    }
}

/// The error for a pointer that may not be NULL.
pub(crate) fn null(name: &str) -> Error {
    Error::invalid(name, "must not be NULL")
}

/// Runs the body of a function that can fail: its status is the answer, its error goes to `error` unless that is NULL,
/// and a panic is an error like any other.
pub(crate) fn fallible(error: *mut *mut sis_error, body: impl FnOnce() -> Result<()>) -> sis_status {
    // Unwind safety: on a panic, what the body touched is either dropped with it or behind locks that are not poisoned.
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return sis_status::Ok,
        Ok(Err(failure)) => failure,
        Err(_) => Error::internal("the library panicked; the message is on the standard error output"),
    };
    let status = sis_status::from(failure.code());
    // SAFETY: every function documents that `error` is NULL or may be written to.
    if let Ok(out) = unsafe { Out::new(error, "error") } {
        out.write(give(failure.into()));
    }
    status
}

/// Runs the body of a function that cannot fail; after a panic the answer is `otherwise`.
pub(crate) fn infallible<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    #[test]
    fn a_panic_becomes_internal() {
        let mut error = ptr::null_mut();
        let status = fallible(&mut error, || panic!("on purpose"));
        assert_eq!(status, sis_status::Internal);
        // SAFETY: `fallible` has set it, and nobody else has it.
        let error = unsafe { take(error) }.expect("an error is set");
        assert!(error.json().contains("panicked"));
        assert_eq!(fallible(ptr::null_mut(), || panic!("on purpose")), sis_status::Internal);
        assert_eq!(infallible(7, || panic!("on purpose")), 7);
    }

    struct Handle;

    impl Opaque for Handle {
        type Ownership = Shared;
        type Inside = Arc<()>;
    }

    #[test]
    fn a_call_in_progress_outlives_the_handle() {
        let inside = Arc::new(());
        let handle = give_share::<Handle>(inside.clone());
        // SAFETY: the handle is not taken yet.
        let call = unsafe { share(handle, "handle") }.unwrap();
        // SAFETY: it is taken once, and not used afterwards.
        drop(unsafe { take_share(handle) });
        assert_eq!(Arc::strong_count(&inside), 2, "the call still holds it");
        drop(call);
        assert_eq!(Arc::strong_count(&inside), 1, "the call was the last");
    }

    #[test]
    fn success_leaves_the_error_alone() {
        let mut error = ptr::dangling_mut();
        assert_eq!(fallible(&mut error, || Ok(())), sis_status::Ok);
        assert_eq!(error, ptr::dangling_mut());
    }
}
