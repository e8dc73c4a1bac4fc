//! Who may do what with a file. <https://developers.google.com/workspace/drive/api/guides/manage-sharing>

use serde_json::json;

use super::{
    super::{
        GoogleWorkspace,
        define::{self, Done, check_page, operation, page},
        scopes,
        wire::{check_moment, drive},
    },
    files::{for_all_drives, url_for_all_drives},
    grant::{Share, ShareRole, ShareType},
    objects::{PERMISSION, Permission},
};
use crate::{
    error::{Error, Result},
    providers::Call,
    transport::{Repeat, Request},
};

page! {
    /// A page of those who may do something with a file.
    PermissionPage { permissions: Permission }
    for ListPermissions
}

operation! {
    /// Shares a file with a user, a group, a domain or everybody. Google writes to users and groups unless `notify` is
    /// `false`.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/create>. Access `write`. Repeated with
    /// the same idempotency key it shares once, and writes once. Errors: `not_found`; `invalid_argument` with field
    /// `emailAddress` for an address that the school's settings forbid.
    ///
    /// Example: `{"fileId": "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g", "role": "writer", "type": "user", "emailAddress": "teacher@school.edu"}`
    ShareFile = "shareFile", Write, WithKey -> Permission,
    scopes scopes::DRIVE,
    steps &["share"],
    discloses { "emailAddress": Contact(Anyone), "message": Message(Anyone) }
    path {
        /// The file's id.
        file_id: String,
    }
    required {
        /// What they may do.
        role: ShareRole,
        /// Who they are.
        r#type: ShareType,
    }
    optional {
        /// The user's or group's address.
        email_address: String,
        /// The domain, such as `school.edu`.
        domain: String,
        /// When it ends, with an offset; at most a year ahead, and only for users and groups.
        expiration_time: String,
        /// Whether Google writes to them. Default: it does, to users and groups.
        notify: bool,
        /// What stands in Google's mail to them.
        message: String,
    }
    check |this| { this.share().check()?; }
    run |this, call| {
        let share = this.share();
        let (id, permission) = share.give(call, "share", &this.file_id, false).await?;
        call.note("id", id.as_str());
        match permission {
            Some(permission) => Ok(permission),
            None => {
                let url = drive(call, &["files", &this.file_id, "permissions", &id])?;
                let request = for_all_drives(call.get(url)).query("fields", PERMISSION);
                call.read(&call.send_as(request, Repeat::Always).await?, Repeat::Always)
            }
        }
    }
}

impl ShareFile {
    fn share(&self) -> Share {
        Share {
            role: self.role,
            r#type: self.r#type,
            email_address: self.email_address.clone(),
            domain: self.domain.clone(),
            expiration_time: self.expiration_time.clone(),
            notify: self.notify,
            message: self.message.clone(),
        }
    }
}

operation! {
    /// Lists who may do what with a file.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/list>. Access `read`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"fileId": "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g"}`
    ListPermissions = "listPermissions", Read, Always -> PermissionPage,
    scopes scopes::FILES,
    discloses {}
    path {
        /// The file's id.
        file_id: String,
    }
    required {}
    optional {
        /// How many, 1 to 100.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { check_page("pageSize", this.page_size, 100)?; }
    run |this, call| { permissions(call, &this.file_id, this.page_size, this.page_token.as_deref()).await }
}

operation! {
    /// Changes what somebody may do with a file, or until when.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/update>. Access `write`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"fileId": "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g", "permissionId": "06112233445566778899", "role": "reader"}`
    UpdatePermission = "updatePermission", Write, Always -> Permission,
    scopes scopes::DRIVE,
    discloses {}
    path {
        /// The file's id.
        file_id: String,
        /// The permission's id.
        permission_id: String,
    }
    required {}
    optional {
        /// What they may do from now on.
        role: ShareRole,
        /// When it ends, with an offset.
        expiration_time: String,
        /// `true` takes the end away.
        remove_expiration: bool,
    }
    check |this| {
        if this.role.is_none() && this.expiration_time.is_none() && this.remove_expiration != Some(true) {
            return Err(Error::invalid("role", "is required, or expirationTime, or removeExpiration: nothing would change"));
        }
        if this.expiration_time.is_some() && this.remove_expiration == Some(true) {
            return Err(Error::invalid("removeExpiration", "cannot stand beside expirationTime"));
        }
        this.expiration_time.as_ref().map_or(Ok(()), |moment| check_moment("expirationTime", moment).map(|_| ()))?;
    }
    run |this, call| {
        let url = drive(call, &["files", &this.file_id, "permissions", &this.permission_id])?;
        let mut body = json!({});
        if let Some(role) = this.role {
            body["role"] = json!(role);
        }
        if let Some(moment) = &this.expiration_time {
            body["expirationTime"] = json!(moment);
        }
        let mut request = for_all_drives(call.patch(url)).query("fields", PERMISSION).json(&body);
        if this.role == Some(ShareRole::Owner) {
            request = request.query("transferOwnership", "true");
        }
        if let Some(remove) = this.remove_expiration {
            request = request.query("removeExpiration", remove.to_string());
        }
        call.fetch(request).await
    }
}

operation! {
    /// Takes a permission away.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/delete>. Access `write`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"fileId": "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g", "permissionId": "06112233445566778899"}`
    RevokePermission = "revokePermission", Write, Always -> Done,
    scopes scopes::DRIVE,
    discloses {}
    path {
        /// The file's id.
        file_id: String,
        /// The permission's id.
        permission_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let url = drive(call, &["files", &this.file_id, "permissions", &this.permission_id])?;
        define::remove(call, url_for_all_drives(url)).await
    }
}

pub(super) async fn permissions(
    call: &Call<'_, GoogleWorkspace>,
    file: &str,
    size: Option<u32>,
    token: Option<&str>,
) -> Result<PermissionPage> {
    call.read(&call.send_as(permissions_request(call, file, size, token)?, Repeat::Always).await?, Repeat::Always)
}

/// The request for a page of a file's permissions.
pub(super) fn permissions_request(
    call: &Call<'_, GoogleWorkspace>,
    file: &str,
    size: Option<u32>,
    token: Option<&str>,
) -> Result<Request> {
    let mut request = for_all_drives(call.get(drive(call, &["files", file, "permissions"])?))
        .query("fields", format!("nextPageToken,permissions({PERMISSION})"));
    if let Some(size) = size {
        request = request.query("pageSize", size.to_string());
    }
    if let Some(token) = token {
        request = request.query("pageToken", token);
    }
    Ok(request)
}
