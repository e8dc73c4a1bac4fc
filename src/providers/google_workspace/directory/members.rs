//! Members of groups. <https://developers.google.com/workspace/admin/directory/reference/rest/v1/members>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    super::define::{self, Done, operation},
    MEMBERS, MEMBERS_READ, at,
    objects::{GroupMember, GroupMembers},
};
use crate::transport::Repeat;

/// What a member may do in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum MemberRole {
    /// Everything.
    Owner,
    /// Nearly everything.
    Manager,
    /// Read and write.
    Member,
}

operation! {
    /// Lists the members of a group.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/members/list>. Access `read`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"groupKey": "math-7@school.example", "pageSize": 200}`
    ListGroupMembers = "listGroupMembers", Read, Always -> GroupMembers,
    scopes MEMBERS_READ,
    discloses {}
    path {
        /// The group's id or address.
        group_key: String,
    }
    required {}
    optional {
        /// Only those who may do this.
        role: MemberRole,
        /// Also the members of groups that are members.
        include_derived_membership: bool,
        /// How many on a page, 1 to 200; Google's default is 200.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { define::check_page("pageSize", this.page_size, 200)?; }
    run |this, call| {
        let mut query = this.rest()?;
        for (ours, theirs) in [("pageSize", "maxResults"), ("role", "roles")] {
            if let Some(value) = query.remove(ours) {
                query.insert(theirs.to_owned(), value);
            }
        }
        define::get(call, at(call, &["groups", &this.group_key, "members"])?, &query).await
    }
}

operation! {
    /// Puts somebody into a group. Who is in it already, stays as they are.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/members/insert>. Access `manage`. Errors:
    /// `not_found` for the group or the person.
    ///
    /// Example: `{"groupKey": "math-7@school.example", "email": "student@school.example"}`
    AddGroupMember = "addGroupMember", Manage, Always -> GroupMember,
    scopes MEMBERS,
    discloses { "email": Contact(Anyone) }
    path {
        /// The group's id or address.
        group_key: String,
    }
    required {
        /// The address of the person, or of a group.
        email: String,
    }
    optional {
        /// What they may do; `MEMBER` without this.
        role: MemberRole,
    }
    check |this| { define::check_address("email", &this.email)?; }
    run |this, call| {
        let request = call.post(at(call, &["groups", &this.group_key, "members"])?).json(&Value::Object(this.rest()?));
        let there = at(call, &["groups", &this.group_key, "members", &this.email])?;
        define::made_or_found(call, request, Repeat::Always, define::read(call, there)).await
    }
}

operation! {
    /// Takes somebody out of a group.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/members/delete>. Access `manage`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"groupKey": "math-7@school.example", "memberKey": "student@school.example"}`
    RemoveGroupMember = "removeGroupMember", Manage, Always -> Done,
    scopes MEMBERS,
    discloses { "memberKey": Identity(Anyone) }
    path {
        /// The group's id or address.
        group_key: String,
        /// The member's id or address.
        member_key: String,
    }
    required {}
    optional {}
    run |this, call| {
        define::remove(call, at(call, &["groups", &this.group_key, "members", &this.member_key])?).await
    }
}
