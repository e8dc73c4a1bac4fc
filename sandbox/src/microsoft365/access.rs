//! What a request needs of its token: scopes when a user speaks, roles when the app does.

use std::collections::BTreeSet;

use hyper::{Method, StatusCode};

use super::auth::Caller;
use super::error::GraphError;

/// One line of the table: methods, path, scopes, roles. One of the scopes or roles is enough; without any, tokens of
/// that kind are not taken at all. `*` is one part of the path, `**` any number of them at its end.
struct Rule {
    methods: &'static [&'static str],
    path: &'static str,
    scopes: &'static [&'static str],
    roles: &'static [&'static str],
}

const READ: &[&str] = &["GET"];
const POST: &[&str] = &["POST"];
const WRITE: &[&str] = &["POST", "PUT", "PATCH", "DELETE"];
const ANY: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

/// The same names for a user and for the app.
const fn both(methods: &'static [&'static str], path: &'static str, names: &'static [&'static str]) -> Rule {
    Rule { methods, path, scopes: names, roles: names }
}

const fn rule(
    methods: &'static [&'static str],
    path: &'static str,
    scopes: &'static [&'static str],
    roles: &'static [&'static str],
) -> Rule {
    Rule { methods, path, scopes, roles }
}

const FILES_READ: &[&str] = &["Files.Read", "Files.Read.All", "Sites.Read.All"];
const FILES_READ_ALL: &[&str] = &["Files.Read.All", "Sites.Read.All"];
const FILES_WRITE: &[&str] = &["Files.ReadWrite", "Files.ReadWrite.All", "Sites.ReadWrite.All"];
const FILES_WRITE_ALL: &[&str] = &["Files.ReadWrite.All", "Sites.ReadWrite.All"];
const MEETINGS_READ: &[&str] = &["OnlineMeetings.Read.All"];
const MEETINGS_WRITE: &[&str] = &["OnlineMeetings.ReadWrite.All"];
const ROSTER_READ: &[&str] = &["EduRoster.ReadBasic", "EduRoster.Read", "EduRoster.Read.All"];
const ROSTER_READ_ALL: &[&str] = &["EduRoster.ReadBasic.All", "EduRoster.Read.All"];
const ROSTER_WRITE_ALL: &[&str] = &["EduRoster.ReadWrite.All"];
const GRADES_WRITE: &[&str] = &["EduAssignments.ReadWrite", "EduAssignments.ReadWrite.All"];
const WORK_READ: &[&str] = &["EduAssignments.ReadBasic", "EduAssignments.ReadBasic.All"];
const WORK_WRITE: &[&str] = &["EduAssignments.ReadWriteBasic", "EduAssignments.ReadWriteBasic.All"];
const CHANNEL_READ: &[&str] = &["ChannelMessage.Read.All"];
const CHANNELS_READ: &[&str] = &["Channel.ReadBasic.All", "ChannelSettings.Read.All", "Group.Read.All"];
const TEAM_READ: &[&str] = &["Team.ReadBasic.All", "TeamSettings.Read.All"];
const TEAM_SETTINGS: &[&str] = &["TeamSettings.ReadWrite.All"];
const TEAM_MEMBERS: &[&str] = &["TeamMember.ReadWrite.All", "TeamMember.ReadWriteNonOwnerRole.All"];

/// The first line that fits counts.
const RULES: &[Rule] = &[
    both(READ, "organization/**", &["User.Read", "Organization.Read.All"]),
    both(READ, "groups/*/drive/**", FILES_READ_ALL),
    both(WRITE, "groups/*/drive/**", FILES_WRITE_ALL),
    both(&["PUT"], "groups/*/team", &["Group.ReadWrite.All", "Team.Create"]),
    both(ANY, "groups/*/team/**", &["Team.ReadBasic.All", "Group.Read.All"]),
    both(READ, "groups/*/members/**", &["GroupMember.Read.All", "Group.Read.All"]),
    both(READ, "groups/**", &["Group.Read.All", "GroupMember.Read.All"]),
    both(WRITE, "groups/*/members/**", &["GroupMember.ReadWrite.All", "Group.ReadWrite.All"]),
    both(POST, "groups", &["Group.ReadWrite.All", "Group.Create"]),
    both(WRITE, "groups/**", &["Group.ReadWrite.All"]),
    rule(READ, "users/*/drive/**", FILES_READ, FILES_READ_ALL),
    rule(WRITE, "users/*/drive/**", FILES_WRITE, FILES_WRITE_ALL),
    both(READ, "users/*/joinedTeams", &["Team.ReadBasic.All"]),
    rule(READ, "users/*/chats/**", &["Chat.ReadBasic", "Chat.Read"], &["Chat.ReadBasic.All", "Chat.Read.All"]),
    both(POST, "users/*/sendMail", &["Mail.Send"]),
    both(POST, "users/*/messages/*/send", &["Mail.Send"]),
    both(READ, "users/*/messages/**", &["Mail.ReadBasic", "Mail.ReadBasic.All", "Mail.Read"]),
    both(WRITE, "users/*/messages/**", &["Mail.ReadWrite"]),
    both(READ, "users/*/mailFolders/**", &["Mail.ReadBasic", "Mail.ReadBasic.All", "Mail.Read"]),
    both(WRITE, "users/*/mailFolders/**", &["Mail.ReadWrite"]),
    both(POST, "users/*/calendar/getSchedule", &["Calendars.ReadBasic", "Calendars.Read"]),
    both(READ, "users/*/calendarView", &["Calendars.ReadBasic", "Calendars.Read"]),
    both(READ, "users/*/events/**", &["Calendars.ReadBasic", "Calendars.Read"]),
    both(WRITE, "users/*/events/**", &["Calendars.ReadWrite"]),
    both(READ, "users/*/calendars/**", &["Calendars.ReadBasic", "Calendars.Read"]),
    both(WRITE, "users/*/calendars/**", &["Calendars.ReadWrite"]),
    both(READ, "users/*/calendar/**", &["Calendars.ReadBasic", "Calendars.Read"]),
    both(WRITE, "users/*/calendar/**", &["Calendars.ReadWrite"]),
    rule(READ, "users/*/onlineMeetings/**", &["OnlineMeetings.Read"], MEETINGS_READ),
    rule(WRITE, "users/*/onlineMeetings/**", &["OnlineMeetings.ReadWrite"], MEETINGS_WRITE),
    rule(
        READ,
        "users/*",
        &["User.Read", "User.ReadBasic.All", "User.Read.All"],
        &["User.ReadBasic.All", "User.Read.All"],
    ),
    both(READ, "users", &["User.ReadBasic.All", "User.Read.All"]),
    both(&["DELETE"], "users/*", &["User.DeleteRestore.All", "User.ReadWrite.All"]),
    both(WRITE, "users/**", &["User.ReadWrite.All"]),
    both(POST, "teams", &["Team.Create", "Group.ReadWrite.All"]),
    both(READ, "teams", TEAM_READ),
    both(POST, "teams/*/archive", TEAM_SETTINGS),
    both(POST, "teams/*/unarchive", TEAM_SETTINGS),
    both(READ, "teams/*/operations/*", &["Team.ReadBasic.All", "Team.Create"]),
    both(READ, "teams/*/members/**", &["TeamMember.Read.All"]),
    both(WRITE, "teams/*/members/**", TEAM_MEMBERS),
    // The app may read messages but not write any: that is the user's voice.
    both(READ, "teams/*/channels/*/messages/**", CHANNEL_READ),
    rule(POST, "teams/*/channels/*/messages/**", &["ChannelMessage.Send"], &["Teamwork.Migrate.All"]),
    both(READ, "teams/*/channels/**", CHANNELS_READ),
    both(READ, "teams/*/primaryChannel", &["Channel.ReadBasic.All", "ChannelSettings.Read.All"]),
    both(POST, "teams/*/channels", &["Channel.Create", "Group.ReadWrite.All"]),
    both(&["DELETE"], "teams/*/channels/*", &["Channel.Delete.All"]),
    both(READ, "teams/*", &["Team.ReadBasic.All", "TeamSettings.Read.All", "Group.Read.All"]),
    both(READ, "teams/**", TEAM_READ),
    both(WRITE, "teams/**", TEAM_SETTINGS),
    both(POST, "chats", &["Chat.Create"]),
    rule(POST, "chats/*/messages", &["ChatMessage.Send"], &["Teamwork.Migrate.All"]),
    rule(READ, "chats/**", &["Chat.Read", "Chat.ReadBasic"], &["Chat.Read.All", "Chat.ReadBasic.All"]),
    rule(READ, "drives/**", FILES_READ, FILES_READ_ALL),
    rule(WRITE, "drives/**", FILES_WRITE, FILES_WRITE_ALL),
    both(READ, "sites/*/drives", FILES_READ_ALL),
    both(READ, "sites/*/drive/**", FILES_READ_ALL),
    both(WRITE, "sites/*/drive/**", FILES_WRITE_ALL),
    both(READ, "sites/**", &["Sites.Read.All"]),
    both(WRITE, "sites/**", &["Sites.ReadWrite.All"]),
    rule(READ, "education/me/**", ROSTER_READ, &[]),
    rule(READ, "education/schools/**", ROSTER_READ, ROSTER_READ_ALL),
    rule(READ, "education/users/**", &[], ROSTER_READ_ALL),
    both(READ, "education/classes/*/assignments/*/submissions/*/outcomes", &["EduAssignments.Read"]),
    both(READ, "education/classes/*/assignments/**", WORK_READ),
    both(&["PATCH"], "education/classes/*/assignments/*/submissions/*/outcomes/*", GRADES_WRITE),
    both(POST, "education/classes/*/assignments/*/submissions/*/return", GRADES_WRITE),
    both(POST, "education/classes/*/assignments/*/submissions/*/reassign", GRADES_WRITE),
    both(WRITE, "education/classes/*/assignments/**", WORK_WRITE),
    rule(READ, "education/classes/**", ROSTER_READ, ROSTER_READ_ALL),
    rule(WRITE, "education/classes/**", &[], ROSTER_WRITE_ALL),
];

/// All that a person can consent to here.
pub(super) fn scopes() -> BTreeSet<&'static str> {
    RULES.iter().flat_map(|rule| rule.scopes).copied().chain(["offline_access", "User.Read"]).collect()
}

/// Whether the caller may ask this. Paths without a line need no more than a token.
pub(super) fn check(caller: &Caller, method: &Method, path: &[&str]) -> Result<(), GraphError> {
    let Some(rule) = RULES.iter().find(|rule| rule.methods.contains(&method.as_str()) && fits(rule.path, path)) else {
        return Ok(());
    };
    let (granted, needed) = match caller {
        Caller::App { roles } => (roles, rule.roles),
        Caller::User { scopes, .. } => (scopes, rule.scopes),
    };
    if !needed.is_empty() && granted.any(needed) {
        // Only a migration writes messages as the app, and no migration is going on here.
        if needed != ["Teamwork.Migrate.All"] {
            return Ok(());
        }
    }
    Err(denied(path))
}

/// Each part of Graph refuses in its own words.
fn denied(path: &[&str]) -> GraphError {
    let code = match path {
        [
            "users",
            _,
            "messages" | "sendMail" | "mailFolders" | "events" | "calendar" | "calendars" | "calendarView",
            ..,
        ] => "ErrorAccessDenied",
        ["drives" | "sites", ..] | [_, _, "drive", ..] => "accessDenied",
        ["teams" | "chats", ..] | ["users", _, "onlineMeetings" | "joinedTeams" | "chats", ..] => "Forbidden",
        ["education", ..] => "AccessDenied",
        _ => "Authorization_RequestDenied",
    };
    GraphError::new(StatusCode::FORBIDDEN, code, "Insufficient privileges to complete the operation.")
}

fn fits(pattern: &str, path: &[&str]) -> bool {
    let mut parts = path.iter();
    for part in pattern.split('/') {
        match (part, parts.next()) {
            ("**", _) => return true,
            ("*", Some(_)) => {}
            (name, Some(has)) if name == *has => {}
            _ => return false,
        }
    }
    parts.next().is_none()
}

/// Whether a permission includes another of the same family: writing includes reading, the whole includes the basic,
/// and all of the tenant includes one's own.
pub(super) fn covers(granted: &str, needed: &str) -> bool {
    if granted == needed {
        return true;
    }
    match (Reach::of(granted), Reach::of(needed)) {
        (Some(granted), Some(needed)) => {
            granted.family == needed.family
                && granted.write >= needed.write
                && granted.full >= needed.full
                && granted.all >= needed.all
        }
        _ => false,
    }
}

#[derive(Debug)]
struct Reach<'a> {
    family: &'a str,
    write: bool,
    full: bool,
    all: bool,
}

impl<'a> Reach<'a> {
    fn of(permission: &'a str) -> Option<Self> {
        let (family, rest) = permission.split_once('.')?;
        let (level, all) = match rest.split_once('.') {
            Some((level, "All")) => (level, true),
            Some(_) => return None,
            None => (rest, false),
        };
        let (write, full) = match level {
            "ReadBasic" => (false, false),
            "Read" => (false, true),
            "ReadWriteBasic" => (true, false),
            "ReadWrite" => (true, true),
            _ => return None,
        };
        Some(Self { family, write, full, all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::microsoft365::auth::Granted;

    #[test]
    fn more_includes_less() {
        for (granted, needed) in [
            ("Mail.ReadWrite", "Mail.Read"),
            ("Mail.Read", "Mail.ReadBasic"),
            ("Files.ReadWrite.All", "Files.Read"),
            ("EduAssignments.ReadWriteBasic.All", "EduAssignments.ReadBasic"),
        ] {
            assert!(covers(granted, needed), "{granted} {needed}");
        }
        for (granted, needed) in [
            ("Mail.Read", "Mail.ReadWrite"),
            ("Mail.ReadWrite", "Mail.Send"),
            ("Files.Read", "Files.Read.All"),
            ("EduAssignments.ReadWriteBasic", "EduAssignments.Read"),
            ("Calendars.Read", "Mail.Read"),
        ] {
            assert!(!covers(granted, needed), "{granted} {needed}");
        }
    }

    #[test]
    fn some_doors_open_only_to_users_and_others_only_to_the_app() {
        let app = Caller::App { roles: Granted::Everything };
        let user = Caller::User { id: String::new(), scopes: Granted::Everything };
        let message = ["teams", "t", "channels", "c", "messages"];
        assert!(check(&app, &Method::POST, &message).is_err());
        assert!(check(&user, &Method::POST, &message).is_ok());
        assert!(check(&app, &Method::POST, &["education", "classes"]).is_ok());
        assert!(check(&user, &Method::POST, &["education", "classes"]).is_err());
        assert!(check(&user, &Method::GET, &["education", "users"]).is_err());
    }
}
