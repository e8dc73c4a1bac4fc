//! All that the look-alike keeps.

use std::collections::BTreeSet;

use super::channels::Channel;
use super::ids::Ids;
use super::people::People;
use super::quotas::Quotas;
use super::subscriptions::Subscription;
use super::tokens::Tokens;
use super::{calendar, classroom, directory, drive, gmail, meet, upload};

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
    pub(super) calendar: calendar::Calendars,
    pub(super) gmail: gmail::Gmail,
    pub(super) classroom: classroom::Classroom,
    pub(super) meet: meet::Meet,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) directory: directory::Directory,
    /// Products whose quota is used up.
    pub(super) quotas: Quotas,
    /// How often an upload is still answered with how far it is after all of it has arrived.
    pub(super) uploads_pend: u64,
    /// How many parts of batches are carried out and answered as if Google had failed.
    pub(super) parts_lost: u64,
}

impl World {
    pub(super) fn ready() -> Self {
        Self {
            ids: Ids::default(),
            people: People::ready(),
            tokens: Tokens::ready(),
            disabled: BTreeSet::new(),
            quotas: Quotas::default(),
            uploads_pend: 0,
            parts_lost: 0,
            uploads: upload::Sessions::default(),
            channels: Vec::new(),
            drive: drive::Drive::ready(),
            calendar: calendar::Calendars::default(),
            gmail: gmail::Gmail::default(),
            classroom: classroom::Classroom::default(),
            meet: meet::Meet::default(),
            subscriptions: Vec::new(),
            directory: directory::Directory::ready(),
        }
    }
}
