//! The second journal in files.

use std::{
    fs,
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use parking_lot::Mutex;

use super::Journal;
use crate::error::{Error, ErrorCode, Result};

/// What the reserve holds free: the rows of an alert to 10,000 families by two channels are some 20 MB.
const RESERVE: u64 = 32 << 20;

/// A journal in files of its own, one for each process: `sis.db.spill.` and a random name.
///
/// A process's file is made with its first line, locked for as long as the process lives, readable by its owner alone,
/// and removed when its lines are merged; whoever opens the journal later merges the file of a process that is no more.
/// A line that a crash cut short is passed over. A file `sis.db.spill.reserve` keeps 32 MiB of the disk, which are
/// given up when the disk is full (on Linux; elsewhere there is no reserve).
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    reserve: u64,
    spools: Mutex<Spools>,
}

#[derive(Debug, Default)]
struct Spools {
    /// Of processes that are no more.
    left: Vec<Spool>,
    own: Option<Spool>,
}

/// A file that nobody else uses as long as this is held.
#[derive(Debug)]
struct Spool {
    path: PathBuf,
    file: fs::File,
}

impl FileJournal {
    /// A journal whose files' names begin with `path`. Nothing is touched until the first line, but for the reserve.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), reserve: RESERVE, spools: Mutex::default() }
    }

    /// Keeps so many bytes of the disk free for lines, instead of 32 MiB. 0: none.
    pub fn reserve(mut self, bytes: u64) -> Self {
        self.reserve = bytes;
        self
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".");
        path.push(ending);
        path.into()
    }

    fn reserved(&self) -> PathBuf {
        self.beside("reserve")
    }

    fn append_once(&self, spools: &mut Spools, text: &[u8]) -> io::Result<()> {
        let own = match &mut spools.own {
            Some(own) => own,
            none => none.insert(Spool::create(self)?),
        };
        let before = own.file.metadata()?.len();
        let written = own.file.write_all(text).and_then(|()| own.file.sync_all());
        if written.is_err() {
            // Half of the lines should not stay, for the caller keeps them all. Where they do, twice merged is once.
            let _ = own.file.set_len(before);
        }
        written
    }

    /// Takes over the files of processes that are no more.
    fn adopt(&self, spools: &mut Spools) -> io::Result<()> {
        let (Some(folder), Some(name)) = (folder(&self.path), self.path.file_name()) else { return Ok(()) };
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let ending =
                path.file_name().and_then(|file| file.to_str()?.strip_prefix(name.to_str()?)?.strip_prefix('.'));
            let known = spools.own.iter().chain(&spools.left).any(|spool| spool.path == path);
            if !known && ending.is_some_and(|ending| ending.bytes().all(|byte| byte.is_ascii_hexdigit())) {
                found.push(path);
            }
        }
        found.sort();
        for path in found {
            let file = match fs::OpenOptions::new().read(true).append(true).open(&path) {
                Ok(file) => file,
                // Its process has just merged it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            match file.try_lock() {
                Ok(()) if path.exists() => spools.left.push(Spool { path, file }),
                Ok(()) | Err(fs::TryLockError::WouldBlock) => {}
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn forget_in(&self, spools: &mut Spools, mut lines: usize) -> io::Result<()> {
        while let Some(spool) = spools.left.first_mut() {
            let there = spool.lines()?;
            if lines < there.len() {
                let rest = spool.replaced(self, there.get(lines..).unwrap_or_default())?;
                return std::mem::replace(spool, rest).remove();
            }
            lines -= there.len();
            spools.left.remove(0).remove()?;
        }
        let Some(own) = spools.own.take() else { return Ok(()) };
        let there = own.lines()?;
        if lines < there.len() {
            spools.own = Some(own.replaced(self, there.get(lines..).unwrap_or_default())?);
        }
        own.remove()
    }
}

impl Spool {
    /// Made under a name that nobody adopts, and given its own when it is locked.
    fn create(journal: &FileJournal) -> io::Result<Self> {
        let name = hex::encode(crate::model::random_bytes::<8>());
        let (making, path) = (journal.beside(&format!("{name}.new")), journal.beside(&name));
        let mut options = fs::OpenOptions::new();
        options.create_new(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&making)?;
        file.lock()?;
        fs::rename(&making, &path)?;
        sync_folder(&path)?;
        Ok(Self { path, file })
    }

    fn lines(&self) -> io::Result<Vec<String>> {
        // By the same handle: where a lock binds (Windows), another is not let in.
        let (mut file, mut text) = (&self.file, Vec::new());
        file.seek(io::SeekFrom::Start(0))?;
        file.read_to_end(&mut text)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let text = String::from_utf8_lossy(text.get(..whole).unwrap_or_default());
        Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    /// A file with these lines in place of this one, which stays until it is removed: a crash between leaves lines twice,
    /// and twice merged is once.
    fn replaced(&self, journal: &FileJournal, lines: &[String]) -> io::Result<Self> {
        let mut rest = Self::create(journal)?;
        rest.file.write_all(&text(lines))?;
        rest.file.sync_all()?;
        Ok(rest)
    }

    fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// A line break before each line too: a line that a crash cut short must not swallow the next.
fn text(lines: &[String]) -> Vec<u8> {
    let mut text = Vec::with_capacity(lines.iter().map(|line| line.len() + 2).sum());
    for line in lines {
        text.push(b'\n');
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    text
}

fn folder(path: &Path) -> Option<&Path> {
    let folder = path.parent()?;
    Some(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}

/// A new name is durable only with its folder.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = folder(path) {
        fs::File::open(folder)?.sync_all()?;
    }
    let _ = path;
    Ok(())
}

#[cfg(target_os = "linux")]
fn allocate(path: &Path, bytes: u64) -> io::Result<()> {
    let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    if file.metadata()?.len() < bytes {
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes)?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn allocate(_path: &Path, _bytes: u64) -> io::Result<()> {
    Ok(())
}

fn failed(error: io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ErrorCode::StorageFull
        }
        _ => ErrorCode::StorageUnavailable,
    };
    Error::new(code, "the second journal cannot be used").with_source(error)
}

impl Journal for FileJournal {
    fn prepare(&self) -> Result<()> {
        if self.reserve == 0 {
            return Ok(());
        }
        allocate(&self.reserved(), self.reserve).map_err(failed)
    }

    fn append(&self, lines: &[String]) -> Result<()> {
        let mut spools = self.spools.lock();
        let text = text(lines);
        match self.append_once(&mut spools, &text).map_err(failed) {
            // What was kept for this very moment; where nothing was, the first error stands.
            Err(error) if error.code() == ErrorCode::StorageFull && fs::remove_file(self.reserved()).is_ok() => {
                self.append_once(&mut spools, &text).map_err(failed)
            }
            other => other,
        }
    }

    fn read(&self) -> Result<Vec<String>> {
        let mut spools = self.spools.lock();
        self.adopt(&mut spools).map_err(failed)?;
        let mut lines = Vec::new();
        for spool in spools.left.iter().chain(&spools.own) {
            lines.extend(spool.lines().map_err(failed)?);
        }
        Ok(lines)
    }

    fn forget(&self, lines: usize) -> Result<()> {
        let mut spools = self.spools.lock();
        self.forget_in(&mut spools, lines).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn lines_survive_and_a_cut_line_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sis.db.spill");
        let journal = FileJournal::at(&path);
        assert!(journal.read().unwrap().is_empty());
        journal.append(&["one".into(), "two".into()]).unwrap();
        let file = folder.path().join(&names(folder.path())[0]);
        fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(b"\nhal").unwrap();
        assert_eq!(journal.read().unwrap(), ["one", "two"]);
        journal.append(&["three".into()]).unwrap();
        assert_eq!(journal.read().unwrap(), ["one", "two", "hal", "three"]);
        journal.forget(3).unwrap();
        assert_eq!(journal.read().unwrap(), ["three"]);
        journal.forget(1).unwrap();
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_living_process_keeps_its_lines_and_those_of_a_dead_one_are_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sis.db.spill");
        let (one, two) = (FileJournal::at(&path), FileJournal::at(&path));
        one.append(&["one's".into()]).unwrap();
        two.append(&["two's".into()]).unwrap();
        assert_eq!(two.read().unwrap(), ["two's"], "the other is at work in its file");
        drop(one);
        assert_eq!(two.read().unwrap(), ["one's", "two's"]);
        two.append(&["more".into()]).unwrap();
        two.forget(2).unwrap();
        assert_eq!(two.read().unwrap(), ["more"]);
        two.forget(1).unwrap();
        assert!(names(folder.path()).is_empty());
    }

    /// A disk that is full, with what was kept free for this moment.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_reserve_is_given_up_when_the_disk_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let journal = FileJournal::at(folder.path().join("sis.db.spill")).reserve(1 << 20);
        journal.prepare().unwrap();
        use std::os::unix::fs::MetadataExt;
        let reserve = fs::metadata(journal.reserved()).unwrap();
        assert!(reserve.blocks() * 512 >= 1 << 20, "the room is taken, not only promised");
        journal.append(&["one".into()]).unwrap();
        assert!(journal.reserved().exists(), "it stays as long as there is room");
        fs::remove_file(&journal.spools.lock().own.take().unwrap().path).unwrap();
        let full = fs::OpenOptions::new().append(true).open("/dev/full").unwrap();
        journal.spools.lock().own = Some(Spool { path: "/dev/full".into(), file: full });
        assert_eq!(journal.append(&["two".into()]).unwrap_err().code(), ErrorCode::StorageFull);
        assert!(!journal.reserved().exists());
    }
}
