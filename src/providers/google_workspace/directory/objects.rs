//! What the directory answers with. Values are Google's; what is not named here is in `more`.

use serde_json::Value;

use super::{
    super::define::{object, page},
    groups::ListGroups,
    members::ListGroupMembers,
    users::ListUsers,
};

object! {
    /// A user of the domain.
    User {
        /// Google's id.
        id: String,
        /// The address the user signs in with.
        primary_email: String,
        /// `givenName`, `familyName`, `fullName`.
        name: Value,
        /// Where in the tree of organizational units.
        org_unit_path: String,
        /// Whether the user cannot sign in.
        suspended: bool,
        /// Whether the user is archived.
        archived: bool,
        /// Whether the user may do everything.
        is_admin: bool,
        /// Whether the user must choose another password.
        change_password_at_next_login: bool,
        /// The school's own ids: `type` and `value`.
        external_ids: Value,
        /// Where the user belongs: `department`, `title` and the like.
        organizations: Value,
        /// Who belongs to the user: `type` and `value`, such as a student's guardians.
        relations: Value,
        /// Other addresses.
        aliases: Vec<String>,
        /// When the user was made.
        creation_time: String,
        /// When the user signed in last; 1970 for never.
        last_login_time: String,
        /// When the user was deleted, of a list of those.
        deletion_time: String,
    }

    /// A group of the domain.
    Group {
        /// Google's id.
        id: String,
        /// The group's address.
        email: String,
        /// The name.
        name: String,
        /// What it is for.
        description: String,
        /// How many members it has.
        #[serde(deserialize_with = "super::super::define::long")]
        direct_members_count: u64,
        /// Whether an administrator has made it.
        admin_created: bool,
        /// Other addresses.
        aliases: Vec<String>,
    }

    /// A member of a group.
    GroupMember {
        /// Google's id.
        id: String,
        /// The member's address.
        email: String,
        /// `OWNER`, `MANAGER` or `MEMBER`.
        role: String,
        /// `USER`, `GROUP`, `CUSTOMER` or `EXTERNAL`.
        r#type: String,
        /// `ACTIVE`, `SUSPENDED` and the like.
        status: String,
    }

    /// An organizational unit.
    OrgUnit {
        /// Google's id.
        org_unit_id: String,
        /// The name.
        name: String,
        /// Where it is in the tree, such as `/Students/Grade 7`.
        org_unit_path: String,
        /// What it is under: an id.
        parent_org_unit_id: String,
        /// What it is under.
        parent_org_unit_path: String,
        /// What it is for.
        description: String,
    }

    /// All organizational units that were asked for.
    OrgUnits {
        /// They.
        organization_units: Vec<OrgUnit>,
    }
}

page! {
    /// A page of users.
    Users { users: User } for ListUsers
}
page! {
    /// A page of groups.
    Groups { groups: Group } for ListGroups
}
page! {
    /// A page of a group's members.
    GroupMembers { members: GroupMember } for ListGroupMembers
}
