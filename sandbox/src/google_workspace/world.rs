//! All that the look-alike keeps.

use std::collections::BTreeSet;

use super::channels::Channel;
use super::ids::Ids;
use super::people::People;
use super::tokens::Tokens;
use super::{directory, drive, upload};

/// The state of the school's domain.
#[derive(Debug)]
pub(super) struct World {
    pub(super) ids: Ids,
    pub(super) people: People,
    pub(super) tokens: Tokens,
    /// Products that the project has not switched on.
    pub(super) disabled: BTreeSet<String>,
    pub(super) uploads: upload::Sessions,
    pub(super) channels: Vec<Channel>,
    pub(super) drive: drive::Drive,
    pub(super) directory: directory::Directory,
}

impl World {
    pub(super) fn ready() -> Self {
        Self {
            ids: Ids::default(),
            people: People::ready(),
            tokens: Tokens::ready(),
            disabled: BTreeSet::new(),
            uploads: upload::Sessions::default(),
            channels: Vec::new(),
            drive: drive::Drive::ready(),
            directory: directory::Directory::ready(),
        }
    }
}
