//! The second journal: where an emergency alert's intents go when the storage cannot be written.

#[cfg(not(target_family = "wasm"))]
use std::{fs, io::Write, path::PathBuf};

use parking_lot::Mutex;

use crate::error::Result;
#[cfg(not(target_family = "wasm"))]
use crate::error::{Error, ErrorCode};

/// An append-only list of lines, kept apart from the storage so that it works when the storage does not.
///
/// Lines are whole or not there; [`append`](Journal::append) returns when they are durable.
pub trait Journal: Send + Sync + 'static {
    /// Adds lines; none holds a line break.
    fn append(&self, lines: &[String]) -> Result<()>;

    /// Every whole line, oldest first.
    fn read(&self) -> Result<Vec<String>>;

    /// Forgets the first `lines` lines: they are merged back into the storage.
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

/// A journal in a file of its own.
///
/// The file is made with the first line; a line that a crash cut short is passed over. The file is readable by its
/// owner alone.
#[cfg(not(target_family = "wasm"))]
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    lock: Mutex<()>,
}

#[cfg(not(target_family = "wasm"))]
impl FileJournal {
    /// A journal at `path`. Nothing is touched until the first line.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), lock: Mutex::new(()) }
    }

    fn failed(error: std::io::Error) -> Error {
        let code = match error.kind() {
            std::io::ErrorKind::StorageFull => ErrorCode::StorageFull,
            _ => ErrorCode::StorageUnavailable,
        };
        Error::new(code, "the second journal cannot be used").with_source(error)
    }

    fn write(path: &PathBuf, append: bool, lines: &[String]) -> std::io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.create(true).write(true).append(append).truncate(!append);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let mut text = String::new();
        // A line break before each line too: a line that a crash cut short must not swallow the next.
        for line in lines {
            text.push('\n');
            text.push_str(line);
            text.push('\n');
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    fn lines(&self) -> Result<Vec<String>> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Self::failed(error)),
        };
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let text = String::from_utf8_lossy(&text[..whole]);
        Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }
}

#[cfg(not(target_family = "wasm"))]
impl Journal for FileJournal {
    fn append(&self, lines: &[String]) -> Result<()> {
        let _one_at_a_time = self.lock.lock();
        Self::write(&self.path, true, lines).map_err(Self::failed)
    }

    fn read(&self) -> Result<Vec<String>> {
        let _one_at_a_time = self.lock.lock();
        self.lines()
    }

    fn forget(&self, lines: usize) -> Result<()> {
        let _one_at_a_time = self.lock.lock();
        let rest = self.lines()?.split_off(lines);
        if rest.is_empty() {
            return fs::remove_file(&self.path).map_err(Self::failed);
        }
        // A new file beside it, then a rename: a crash leaves the one or the other whole.
        let beside = self.path.with_extension("merging");
        Self::write(&beside, false, &rest).and_then(|()| fs::rename(&beside, &self.path)).map_err(Self::failed)
    }
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;

    #[test]
    fn lines_survive_and_a_cut_line_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.spill");
        let journal = FileJournal::at(&path);
        assert!(journal.read().unwrap().is_empty());
        journal.append(&["one".into(), "two".into()]).unwrap();
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"\nhal").unwrap();
        assert_eq!(FileJournal::at(&path).read().unwrap(), ["one", "two"]);
        journal.append(&["three".into()]).unwrap();
        assert_eq!(journal.read().unwrap(), ["one", "two", "hal", "three"]);
        journal.forget(3).unwrap();
        assert_eq!(journal.read().unwrap(), ["three"]);
        journal.forget(1).unwrap();
        assert!(!path.exists());
    }
}
