//! What Drive answers with: what we name of it, and in `more` all else.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::define::{long, object};

/// The members of a file that are always asked for: without them Drive answers four.
pub(in super::super) const FILE: &str = "id,name,mimeType,description,parents,driveId,size,md5Checksum,createdTime,modifiedTime,\
                               trashed,webViewLink,webContentLink,owners(displayName,emailAddress),permissionIds,\
                               appProperties";
/// The members of a permission.
pub(super) const PERMISSION: &str = "id,type,role,emailAddress,domain,displayName,expirationTime,deleted";

object! {
    /// A file or a folder in Drive.
    File {
        /// Google's id.
        id: String,
        /// The name; several files of a folder may have the same.
        name: String,
        /// The media type; Google's own begin with `application/vnd.google-apps.`.
        mime_type: String,
        /// What somebody wrote about it.
        description: String,
        /// The folder it is in; a list for historical reasons.
        parents: Vec<String>,
        /// The shared drive it is in.
        drive_id: String,
        /// How many bytes; folders and Google's own documents have none.
        #[serde(deserialize_with = "long")]
        size: u64,
        /// MD5 of the content, in hex.
        md5_checksum: String,
        /// When it was made.
        created_time: String,
        /// When it was last changed.
        modified_time: String,
        /// Whether it is in the bin.
        trashed: bool,
        /// Where people open it.
        web_view_link: String,
        /// Where its content can be downloaded in a browser.
        web_content_link: String,
        /// Who owns it; nobody, in a shared drive.
        owners: Vec<Owner>,
        /// The ids of its permissions.
        permission_ids: Vec<String>,
        /// What this application noted on it.
        app_properties: BTreeMap<String, String>,
    }
    /// Somebody who owns a file.
    Owner {
        /// The name.
        display_name: String,
        /// The address.
        email_address: String,
    }
    /// Who may do what with a file.
    Permission {
        /// Google's id; the same for the same person on every file.
        id: String,
        /// `owner`, `organizer`, `fileOrganizer`, `writer`, `commenter` or `reader`.
        role: String,
        /// `user`, `group`, `domain` or `anyone`.
        r#type: String,
        /// The user's or group's address.
        email_address: String,
        /// The domain.
        domain: String,
        /// The name.
        display_name: String,
        /// When it ends.
        expiration_time: String,
        /// Whether the account is gone.
        deleted: bool,
    }
    /// A shared drive.
    SharedDrive {
        /// Google's id.
        id: String,
        /// The name.
        name: String,
    }
    /// One thing that happened in Drive.
    Change {
        /// `file` or `drive`.
        change_type: String,
        /// When.
        time: String,
        /// Whether it is gone, or out of this user's sight.
        removed: bool,
        /// Of which file.
        file_id: String,
        /// The file as it is now.
        file: File,
        /// Of which shared drive.
        drive_id: String,
    }
    /// The user's Drive.
    DriveAbout {
        /// Whose it is.
        user: Owner,
        /// How much room there is.
        storage_quota: StorageQuota,
    }
    /// How much room there is, in bytes.
    StorageQuota {
        /// In all; none where there is no limit.
        #[serde(deserialize_with = "long")]
        limit: u64,
        /// Used, over all products.
        #[serde(deserialize_with = "long")]
        usage: u64,
        /// Used in Drive.
        #[serde(deserialize_with = "long")]
        usage_in_drive: u64,
        /// Used in Drive's bin.
        #[serde(deserialize_with = "long")]
        usage_in_drive_trash: u64,
    }
}

/// Ids to be given to files that are yet to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FileIds {
    /// The ids.
    #[serde(default)]
    pub ids: Vec<String>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FileContent {
    /// The bytes.
    pub content: super::super::Base64,
    /// How many they are.
    pub size: u64,
    /// Their media type, as Google says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
}
