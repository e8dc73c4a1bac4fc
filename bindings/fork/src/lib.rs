//! What the bindings need where a host forks.
#![allow(unsafe_code, reason = "a value that is dropped by hand")]

use std::{
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    process,
};

/// What is dropped by the process alone that made it.
///
/// In a child of a fork there are none of the parent's threads, and a lock that one of them held is held for ever: to
/// drop what the threads share could be to wait for ever. There it is only forgotten.
///
/// ```
/// use sis_integrations_fork::OfProcess;
///
/// let name = OfProcess::new(String::from("of this process"));
/// assert_eq!(name.len(), 15);
/// assert!(!name.is_forked());
/// ```
pub struct OfProcess<T> {
    value: ManuallyDrop<T>,
    process: u32,
}

impl<T> OfProcess<T> {
    /// Of this process.
    pub fn new(value: T) -> Self {
        Self { value: ManuallyDrop::new(value), process: process::id() }
    }

    /// Whether this is a child of the process that made it.
    pub fn is_forked(&self) -> bool {
        self.process != process::id()
    }
}

impl<T> Deref for OfProcess<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for OfProcess<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for OfProcess<T> {
    fn drop(&mut self) {
        if !self.is_forked() {
            // SAFETY: it is dropped here alone, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.value) }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_child_drops_nothing_of_its_parent() {
        let value = Arc::new(());
        drop(OfProcess::new(value.clone()));
        assert_eq!(Arc::strong_count(&value), 1);
        let mut of_parent = OfProcess::new(value.clone());
        of_parent.process += 1;
        drop(of_parent);
        assert_eq!(Arc::strong_count(&value), 2);
    }
}
