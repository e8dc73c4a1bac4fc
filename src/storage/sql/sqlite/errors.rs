//! SQLite's errors to ours.

use rusqlite::ffi::{self, ErrorCode as Sqlite};

use crate::error::{Error, ErrorCode};

/// The error without the values that SQLite may have put into its words.
pub(super) fn mapped(error: rusqlite::Error) -> Error {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        // What remains are mistakes of ours in calling the driver.
        return match error.sqlite_error() {
            Some(failure) => of_code(*failure),
            None => Error::internal("SQLite was called in a way it does not take"),
        };
    };
    of_code(failure)
}

fn of_code(failure: ffi::Error) -> Error {
    let (code, message) = match failure.code {
        Sqlite::DatabaseBusy | Sqlite::DatabaseLocked => {
            (ErrorCode::StorageUnavailable, "the database is locked by somebody else")
        }
        Sqlite::ReadOnly => (ErrorCode::StorageUnavailable, "the database cannot be written"),
        Sqlite::CannotOpen | Sqlite::PermissionDenied => {
            (ErrorCode::StorageUnavailable, "the database cannot be opened")
        }
        // A page that a cut file no longer has.
        Sqlite::SystemIoFailure if failure.extended_code == ffi::SQLITE_IOERR_SHORT_READ => {
            (ErrorCode::StorageCorrupt, "the database is damaged")
        }
        Sqlite::SystemIoFailure | Sqlite::FileLockingProtocolFailed | Sqlite::OutOfMemory => {
            (ErrorCode::StorageUnavailable, "the database cannot be read or written")
        }
        Sqlite::DiskFull => (ErrorCode::StorageFull, "the disk or the database is full"),
        Sqlite::DatabaseCorrupt => (ErrorCode::StorageCorrupt, "the database is damaged"),
        Sqlite::NotADatabase => (ErrorCode::StorageCorrupt, "the file is not a SQLite database"),
        _ => (ErrorCode::Internal, "SQLite refused a statement"),
    };
    Error::new(code, message).with_source(failure)
}

/// Whether a row of that key, or of those values in a unique index, is there already.
pub(super) fn is_taken(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|failure| {
        matches!(failure.extended_code, ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE)
    })
}

/// Whether a sum went beyond 64 bits.
pub(super) fn is_overflow(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(_, Some(message)) if message == "integer overflow")
}
