//! The names that `fields` may select: the vendor refuses any other.

use crate::google_workspace::call::Result;
use crate::google_workspace::error::ApiError;

const FILE: &[&str] = &[
    "appProperties",
    "capabilities",
    "clientEncryptionDetails",
    "contentHints",
    "contentRestrictions",
    "copyRequiresWriterPermission",
    "createdTime",
    "description",
    "downloadRestrictions",
    "driveId",
    "explicitlyTrashed",
    "exportLinks",
    "fileExtension",
    "folderColorRgb",
    "fullFileExtension",
    "hasAugmentedPermissions",
    "hasThumbnail",
    "headRevisionId",
    "iconLink",
    "id",
    "imageMediaMetadata",
    "inheritedPermissionsDisabled",
    "isAppAuthorized",
    "kind",
    "labelInfo",
    "lastModifyingUser",
    "linkShareMetadata",
    "md5Checksum",
    "mimeType",
    "modifiedByMe",
    "modifiedByMeTime",
    "modifiedTime",
    "name",
    "originalFilename",
    "ownedByMe",
    "owners",
    "parents",
    "permissionIds",
    "permissions",
    "properties",
    "quotaBytesUsed",
    "resourceKey",
    "sha1Checksum",
    "sha256Checksum",
    "shared",
    "sharedWithMeTime",
    "sharingUser",
    "shortcutDetails",
    "size",
    "spaces",
    "starred",
    "teamDriveId",
    "thumbnailLink",
    "thumbnailVersion",
    "trashed",
    "trashedTime",
    "trashingUser",
    "version",
    "videoMediaMetadata",
    "viewedByMe",
    "viewedByMeTime",
    "viewersCanCopyContent",
    "webContentLink",
    "webViewLink",
    "writersCanShare",
];
const PERMISSION: &[&str] = &[
    "allowFileDiscovery",
    "deleted",
    "displayName",
    "domain",
    "emailAddress",
    "expirationTime",
    "id",
    "inheritedPermissionsDisabled",
    "kind",
    "pendingOwner",
    "permissionDetails",
    "photoLink",
    "role",
    "teamDrivePermissionDetails",
    "type",
    "view",
];
const CHANGE: &[&str] = &[
    "changeType",
    "drive",
    "driveId",
    "file",
    "fileId",
    "kind",
    "removed",
    "teamDrive",
    "teamDriveId",
    "time",
    "type",
];

/// Refuses a selection of what the vendor does not know. `kind` says what is selected from; each path is a name, and the
/// name inside of it where there is one.
pub(in crate::google_workspace) fn check(kind: &str, paths: &[Vec<String>]) -> Result<()> {
    let (own, inner): (&[&str], &[&str]) = match kind {
        "drive#file" => (FILE, &[]),
        "drive#permission" => (PERMISSION, &[]),
        "drive#fileList" => (&["kind", "nextPageToken", "incompleteSearch", "files"], FILE),
        "drive#permissionList" => (&["kind", "nextPageToken", "permissions"], PERMISSION),
        "drive#changeList" => (&["kind", "nextPageToken", "newStartPageToken", "changes"], CHANGE),
        _ => return Ok(()),
    };
    for path in paths {
        let Some(first) = path.first() else { continue };
        let second = path.get(1).filter(|_| ["files", "permissions", "changes"].contains(&first.as_str()));
        let wrong = match second {
            _ if !own.contains(&first.as_str()) => Some(first),
            Some(name) if !inner.is_empty() && !inner.contains(&name.as_str()) => Some(name),
            _ => None,
        };
        if let Some(wrong) = wrong {
            return Err(ApiError::parameter("fields", format!("Invalid field selection {wrong}")));
        }
    }
    Ok(())
}
