//! The second journal: where an emergency alert's rows go when the storage cannot be written.

use parking_lot::Mutex;

use crate::error::Result;

/// An append-only list of lines, kept apart from the storage so that it works when the storage does not.
///
/// Lines are whole or not there; [`append`](Journal::append) returns when they are durable. Every function may block: each
/// is called from a thread of its own.
pub trait Journal: Send + Sync + 'static {
    /// Makes sure, as far as that can be, that there will be room. Called when a manager is built.
    fn prepare(&self) -> Result<()> {
        Ok(())
    }

    /// Adds lines; none holds a line break. After an error none of them is there.
    fn append(&self, lines: &[String]) -> Result<()>;

    /// Every whole line, oldest first; also those that a process left which is no more.
    fn read(&self) -> Result<Vec<String>>;

    /// Forgets the first `lines` lines of those read: they are merged back into the storage.
    fn forget(&self, lines: usize) -> Result<()>;
}

/// A journal in memory: for hosts that have no disk, and for tests. It dies with the process.
#[derive(Debug, Default)]
pub struct MemoryJournal(Mutex<Vec<String>>);

impl Journal for MemoryJournal {
    fn append(&self, lines: &[String]) -> Result<()> {
        self.0.lock().extend_from_slice(lines);
        Ok(())
    }

    fn read(&self) -> Result<Vec<String>> {
        Ok(self.0.lock().clone())
    }

    fn forget(&self, lines: usize) -> Result<()> {
        self.0.lock().drain(..lines);
        Ok(())
    }
}
