//! Drive: files, folders, who sees them, and what happens to them.

mod bulk;
mod changes;
mod download;
mod files;
mod grant;
pub(super) mod marker;
mod objects;
mod query;
mod search;
mod session;
mod sharing;
mod upload;

pub use bulk::{DeleteFiles, FileShare, GetFiles, ShareFiles};
pub use changes::{ChangePage, ListChanges};
pub use download::{DownloadFile, ExportFile};
pub use files::{
    CopyFile, CreateFolder, DeleteFile, GenerateFileIds, GetDriveAbout, GetFile, ListSharedDrives, MoveFile,
    RenameFile, SharedDrives, TrashFile,
};
pub use grant::{Share, ShareRole, ShareType};
pub use objects::{Change, DriveAbout, File, FileContent, FileIds, Owner, Permission, SharedDrive, StorageQuota};
pub use search::{FilePage, ListFiles, SearchFiles};
pub use sharing::{ListPermissions, PermissionPage, RevokePermission, ShareFile, UpdatePermission};
pub use upload::{UpdateFileContent, UploadFile};

pub(super) use bulk::check_count;
pub(super) use files::{NAME, finished, of_folder};
pub(super) use objects::FILE;

use crate::{operations, providers::OperationSpec};

pub(super) fn operations() -> Vec<OperationSpec> {
    operations![
        GetDriveAbout,
        ListFiles,
        SearchFiles,
        GetFile,
        GetFiles,
        CreateFolder,
        UploadFile,
        UpdateFileContent,
        DownloadFile,
        ExportFile,
        RenameFile,
        MoveFile,
        CopyFile,
        TrashFile,
        DeleteFile,
        DeleteFiles,
        GenerateFileIds,
        ShareFile,
        ShareFiles,
        ListPermissions,
        UpdatePermission,
        RevokePermission,
        ListSharedDrives,
        ListChanges,
    ]
}
