//! The directory: users, groups and organizational units. <https://developers.google.com/workspace/admin/directory/reference/rest/v1>
//!
//! The acting user must be an administrator with the right for it.

mod bulk;
mod create;
mod groups;
mod members;
mod objects;
mod org_units;
mod users;

pub use bulk::{AddGroupMembers, CreateUsers, NewMember};
pub use create::{CreateUser, NewUser};
pub use groups::{CreateGroup, GetGroup, ListGroups};
pub use members::{AddGroupMember, ListGroupMembers, MemberRole, RemoveGroupMember};
pub use objects::{Group, GroupMember, GroupMembers, Groups, OrgUnit, OrgUnits, User, Users};
pub use org_units::{CreateOrgUnit, ListOrgUnits, OrgUnitDepth};
pub use users::{DeleteUser, GetUser, ListUsers, SuspendUser, UpdateUser, UserOrder};

use serde_json::{Map, Value};
use url::Url;

use super::{GoogleWorkspace, batch::Endpoint, define::scope, wire::host};
use crate::{
    error::Result,
    operations,
    providers::{Call, OperationSpec},
    transport::oauth::Scopes,
};

/// The directory takes 1000 requests in one; fewer keep the answer within what a request may bring.
const BATCH: Endpoint = Endpoint { host: host::ADMIN, path: &["batch"], most: 100 };

const USERS: Scopes = &[&[scope!("admin.directory.user")]];
const USERS_READ: Scopes = &[&[scope!("admin.directory.user.readonly"), scope!("admin.directory.user")]];
const GROUPS: Scopes = &[&[scope!("admin.directory.group")]];
const GROUPS_READ: Scopes = &[&[scope!("admin.directory.group.readonly"), scope!("admin.directory.group")]];
const MEMBERS: Scopes = &[&[scope!("admin.directory.group.member"), scope!("admin.directory.group")]];
const MEMBERS_READ: Scopes = &[&[
    scope!("admin.directory.group.member.readonly"),
    scope!("admin.directory.group.member"),
    scope!("admin.directory.group.readonly"),
    scope!("admin.directory.group"),
]];
const ORG_UNITS: Scopes = &[&[scope!("admin.directory.orgunit")]];
const ORG_UNITS_READ: Scopes = &[&[scope!("admin.directory.orgunit.readonly"), scope!("admin.directory.orgunit")]];

/// The address of something in the directory.
fn at(call: &Call<'_, GoogleWorkspace>, path: &[&str]) -> Result<Url> {
    call.url(host::ADMIN, &[&["admin", "directory", "v1"], path].concat())
}

/// The query of a list. The directory calls the size of a page `maxResults`, and wants to be told of which account or
/// domain.
fn list_query(call: &Call<'_, GoogleWorkspace>, mut query: Map<String, Value>) -> Map<String, Value> {
    if let Some(size) = query.remove("pageSize") {
        query.insert("maxResults".to_owned(), size);
    }
    if !query.contains_key("domain") && !query.contains_key("userKey") {
        query.insert("customer".to_owned(), call.config().customer_or_own().into());
    }
    query
}

/// What can be done in the directory.
pub(super) fn operations() -> Vec<OperationSpec> {
    operations![
        ListUsers,
        GetUser,
        CreateUser,
        CreateUsers,
        UpdateUser,
        SuspendUser,
        DeleteUser,
        ListGroups,
        GetGroup,
        CreateGroup,
        ListGroupMembers,
        AddGroupMember,
        AddGroupMembers,
        RemoveGroupMember,
        ListOrgUnits,
        CreateOrgUnit,
    ]
}
