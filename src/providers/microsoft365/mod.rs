//! Microsoft 365 through Graph: Teams, meetings, mail, calendars, OneDrive and SharePoint, the directory, and Education.
//!
//! The application acts by itself where Microsoft allows it, and by a person's consent where only people may act. What
//! takes several requests is done in steps that can be resumed.

mod agenda;
mod assignments;
mod batch;
mod calendar;
mod channels;
mod check;
mod config;
mod copying;
mod directory;
mod drive;
mod education;
mod error;
mod event;
mod files;
mod graph;
mod groups;
mod mail;
mod making;
mod meeting_text;
mod meetings;
mod members;
mod message;
mod moving;
mod roster;
mod sharing;
mod sites;
mod submissions;
mod subscriptions;
mod teams;
mod unique;
mod upload;
mod webhook;
mod wire;

pub use agenda::{CalendarView, GetSchedule, Schedule, Schedules};
pub use assignments::{Assignment, CreateAssignment, GetAssignment, ListAssignments, PublishAssignment};
pub use batch::{ItemError, ItemResult, ItemState, Outcomes};
pub use calendar::{
    Attendee, AttendeeKind, Calendar, CancelCalendarEvent, CreateCalendarEvent, DeleteCalendarEvent, Event, EventTime,
    ListCalendarEvents, ListCalendars, UpdateCalendarEvent, When,
};
pub use channels::{
    Channel, ChannelKind, ChannelMessage, ContentType, CreateChannel, Importance, ItemBody, ListChannelMessages,
    ListChannels, ReplyToChannelMessage, SendChannelMessage,
};
pub use config::Microsoft365Config;
pub use copying::{CopyDriveItem, DriveChanges, DriveDelta};
pub use directory::{
    CreateUser, CreateUsers, DeleteUser, GetOrganization, GetUser, ListUsers, NewUser, Organization, UpdateUser, User,
};
pub use drive::{CreateFolder, DeleteDriveItem, DriveItem, GetDriveItem, ListDriveItems, SearchDrive};
pub use education::{
    CreateClass, DeleteClass, EducationClass, GetClass, ListClasses, ListSchools, School, UpdateClass,
};
pub use event::{ChangeNotification, GraphEvent, LifecycleNotification, ResourceData};
pub use files::{DownloadFile, DownloadedFile, OnConflict, UploadFile};
pub use graph::{Done, Page};
pub use groups::{
    AddGroupMember, AddGroupMembers, BindGroupMembers, CreateGroup, DirectoryMember, GetGroup, Group, GroupKind,
    ListGroupMembers, ListGroups, RemoveGroupMember,
};
pub use mail::{CreateDraft, GetMessage, ListMailFolders, ListMessages, MailFolder, SendDraft, SendMail, SentMail};
pub use meetings::{CreateOnlineMeeting, GetOnlineMeeting, OnlineMeeting};
pub use members::{
    AddTeamMember, AddTeamMembers, ListTeamMembers, NewTeamMember, RemoveTeamMember, TeamMember, TeamRole,
};
pub use message::{Attachment, Correspondent, MailImportance, MailMessage, Mailbox, NewMessage};
pub use moving::MoveDriveItem;
pub use roster::{
    AddClassMember, AddClassMembers, AddClassTeacher, EducationUser, ListClassMembers, ListClassTeachers,
    RemoveClassMember,
};
pub use sharing::{
    CreateSharingLink, DeletePermission, InviteToDriveItem, Invited, LinkKind, LinkScope, ListPermissions, Permission,
    Role,
};
pub use sites::{
    CreateListItem, Drive, GetList, GetSite, ListItem, ListListItems, ListLists, ListSiteDrives, SearchSites, Site,
    SiteList, UpdateListItem,
};
pub use submissions::{
    GetSubmission, GradeSubmission, ListSubmissions, ReassignSubmission, ReturnSubmission, Submission,
};
pub use subscriptions::{Subscribe, Subscription, Unsubscribe};
pub use teams::{ArchiveTeam, CreateTeam, CreateTeamFromClass, GetTeam, ListTeams, Team, TeamVisibility};

use std::borrow::Cow;

use url::Url;

use crate::{
    error::{Error, Result},
    model::Timestamp,
    operations,
    providers::{HealthProbe, Incoming, Limit, OperationSpec, Price, Provider, ProviderInfo, Quota, Webhook},
    transport::{
        Decision, Headers, Repeat, Request, Seen,
        oauth::{ConsentPage, TokenGrant, Wanted},
    },
};

/// When the notes on limits and prices were read.
const READ: &str = "2026-11-25";

const fn limit(what: &'static str, limit: &'static str, source: &'static str) -> Limit {
    Limit { what, limit, source, date: READ }
}

/// Microsoft 365.
#[derive(Debug)]
pub struct Microsoft365;

impl Provider for Microsoft365 {
    type Config = Microsoft365Config;

    const INFO: ProviderInfo = ProviderInfo {
        id: "microsoft365",
        name: "Microsoft 365",
        recipient: "Microsoft Corporation",
        purpose: "runs the school's classes, mail, calendars and files",
        hosts: &[
            "graph.microsoft.com",
            "login.microsoftonline.com",
            // Where Graph sends for uploads and downloads.
            "*.sharepoint.com",
            "*.up.1drv.com",
            "*.files.1drv.com",
            "*.svc.ms",
            "outlook.office.com",
            "outlook.office365.com",
        ],
        health: HealthProbe::Operation("getOrganization"),
        quota: Quota { per_second: 20.0, burst: 40 },
        limits: &[
            limit(
                "Requests of one application, over all schools",
                "2000 a second",
                "https://learn.microsoft.com/graph/throttling-limits",
            ),
            limit(
                "Mail and calendar, for one mailbox",
                "4 at once, 10000 in ten minutes, 150 MB of uploads in five minutes",
                "https://learn.microsoft.com/graph/throttling-limits",
            ),
            limit(
                "Messages into a channel",
                "4 a second for a channel, 3000 a day",
                "https://learn.microsoft.com/graph/throttling-limits",
            ),
            limit("Teams made", "10 a second", "https://learn.microsoft.com/graph/throttling-limits"),
            limit(
                "Assignments",
                "500 in ten seconds, 15000 an hour",
                "https://learn.microsoft.com/graph/throttling-limits",
            ),
            limit("Requests in a batch", "20", "https://learn.microsoft.com/graph/json-batching"),
            limit(
                "A file in OneDrive",
                "250 GB",
                "not yet confirmed at https://learn.microsoft.com/graph/api/driveitem-createuploadsession",
            ),
            limit(
                "An attachment",
                "3 MB in the message, 150 MB by upload session",
                "not yet confirmed at https://learn.microsoft.com/graph/outlook-large-attachments",
            ),
        ],
        prices: &[Price {
            unit: "request",
            micros: 0,
            currency: "USD",
            source: "included in the school's licences; https://learn.microsoft.com/graph/metered-api-list names what is not",
            date: READ,
        }],
        docs: "https://learn.microsoft.com/graph/api/overview",
    };

    fn operations() -> Vec<OperationSpec> {
        let mut operations = operations![
            CreateTeam,
            CreateTeamFromClass,
            GetTeam,
            ListTeams,
            ArchiveTeam,
            ListTeamMembers,
            AddTeamMember,
            AddTeamMembers,
            RemoveTeamMember,
            ListChannels,
            CreateChannel,
            SendChannelMessage,
            ReplyToChannelMessage,
            ListChannelMessages,
            CreateOnlineMeeting,
            GetOnlineMeeting,
            SendMail,
            CreateDraft,
            SendDraft,
            ListMessages,
            GetMessage,
            ListMailFolders,
            ListCalendars,
            CreateCalendarEvent,
            UpdateCalendarEvent,
            CancelCalendarEvent,
            DeleteCalendarEvent,
            ListCalendarEvents,
            CalendarView,
            GetSchedule,
            ListDriveItems,
            GetDriveItem,
            SearchDrive,
            CreateFolder,
            UploadFile,
            DownloadFile,
            MoveDriveItem,
            CopyDriveItem,
            DeleteDriveItem,
            DriveDelta,
            CreateSharingLink,
            InviteToDriveItem,
            ListPermissions,
            DeletePermission,
            SearchSites,
            GetSite,
            ListSiteDrives,
            ListLists,
            GetList,
            ListListItems,
            CreateListItem,
            UpdateListItem,
            GetOrganization,
            ListUsers,
            GetUser,
            CreateUser,
            CreateUsers,
            UpdateUser,
            DeleteUser,
            ListGroups,
            GetGroup,
            CreateGroup,
            ListGroupMembers,
            AddGroupMember,
            AddGroupMembers,
            BindGroupMembers,
            RemoveGroupMember,
            ListSchools,
            ListClasses,
            GetClass,
            CreateClass,
            UpdateClass,
            DeleteClass,
            ListClassMembers,
            ListClassTeachers,
            AddClassMember,
            AddClassMembers,
            AddClassTeacher,
            RemoveClassMember,
            ListAssignments,
            GetAssignment,
            CreateAssignment,
            PublishAssignment,
            ListSubmissions,
            GetSubmission,
            GradeSubmission,
            ReturnSubmission,
            ReassignSubmission,
        ];
        operations.extend(subscriptions::operations());
        operations
    }

    /// The access token is all that Graph wants.
    fn authenticate(_config: &Microsoft365Config, _request: &mut Request, _now: Timestamp) -> Result<()> {
        Ok(())
    }

    fn token_grant(config: &Microsoft365Config, wanted: &Wanted) -> Result<Option<TokenGrant>> {
        config.grant(wanted).map(Some)
    }

    fn consent_page(config: &Microsoft365Config) -> Result<Option<ConsentPage>> {
        config.consent_page().map(Some)
    }

    fn key_set(config: &Microsoft365Config, incoming: &Incoming<'_>) -> Option<Url> {
        webhook::key_set(config, incoming)
    }

    fn key_set_token<'a>(incoming: &Incoming<'a>) -> Option<Cow<'a, str>> {
        webhook::token(incoming)
    }

    fn webhook(config: &Microsoft365Config, incoming: &Incoming<'_>) -> Result<Webhook> {
        webhook::read(config, incoming)
    }

    fn parse_error(status: u16, headers: &Headers, body: &[u8]) -> Error {
        error::parse(status, headers, body)
    }

    fn decide(seen: Seen<'_>, repeat: Repeat, now: Timestamp) -> Decision {
        error::decide(seen, repeat, now)
    }

    /// Change notifications name the directory.
    fn account(config: &Microsoft365Config) -> Option<String> {
        Some(config.tenant_id.clone())
    }
}
