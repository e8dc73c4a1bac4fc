//! Directory v1.

use super::world::World;

/// Everything that Directory keeps beside the accounts.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) groups: Vec<Group>,
}

/// A group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) description: String,
    /// Address and role of each member.
    pub(super) members: Vec<(String, String)>,
}

impl Directory {
    pub(super) fn ready() -> Self {
        Self { groups: Vec::new() }
    }
}

/// Whether a user belongs to a group.
pub(super) fn is_member(world: &World, group: &str, user: &str) -> bool {
    let found = world.directory.groups.iter().find(|known| known.email.eq_ignore_ascii_case(group));
    found.is_some_and(|group| group.members.iter().any(|(email, _)| email.eq_ignore_ascii_case(user)))
}
