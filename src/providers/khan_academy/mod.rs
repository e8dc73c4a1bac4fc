//! Khan Academy: reports that people export, courses and links to them, and APIs in the shape of the withdrawn v1.

mod badges;
mod catalogue;
mod cells;
mod classroom;
mod config;
mod content;
mod decode;
mod error;
mod exercises;
mod import;
mod kinds;
mod layout;
mod oauth;
mod progress;
mod report;
mod table;
mod users;
mod v1;

pub use badges::{Badge, BadgeCategories, BadgeCategory, BadgeList, ListBadgeCategories, ListBadges};
pub use catalogue::{Catalogue, CatalogueItem, ContentKind, GetDeepLink, ImportCatalogue, Link};
pub use classroom::{
    Assignment, Assignments, ClassProgress, Dashboard, EarnedBadge, EarnedBadges, GetAssignments, GetBadges,
    GetTeacherDashboard,
};
pub use config::KhanAcademyConfig;
pub use content::{
    Exercise, ExerciseList, GetExercise, GetTopic, GetTopicTree, GetVideo, ListTopicExercises, ListTopicVideos,
    TopicNode, Video, VideoList,
};
pub use exercises::{
    ExerciseLog, GetExerciseLog, GetUserExercise, ListUserExercises, ProblemDone, UserExercise, UserExercises,
};
pub use import::{ImportReport, ImportedReport, ImportedRow};
pub use kinds::ReportKind;
pub use progress::{
    ExerciseProgress, ExerciseStanding, GetExerciseProgress, GetStudentProgress, Progress, StudentProgress, Week,
};
pub use report::{Encoding, Period, Repeated, Report, ReportInfo, Student, Suspicious};
pub use users::{
    CheckConnection, Connection, GetProgressSummary, GetUser, ListStudents, ListUserVideos, ProgressSummary,
    StudentList, User, WatchedVideo, WatchedVideos,
};
pub use v1::Learner;

use crate::{
    error::{Error, Result},
    model::Timestamp,
    operations,
    providers::{HealthProbe, Limit, OperationSpec, Price, Provider, ProviderInfo, Quota},
    transport::{Headers, Request},
};

/// What every operation that needs the API says where there is none. Source: README of github.com/Khan/khan-api at
/// 1dcd9d1, read 2026-11-24.
const WITHDRAWN: &str = "Khan Academy withdrew its public API in 2020 (users, progress and exercises on 2020-01-06, \
    the rest on 2020-07-29) and has named no successor. Import the reports that a teacher or district administrator \
    downloads, or set base_url to an API of your own in the shape of v1";

/// When what is said here of limits and prices was read.
const READ: &str = "2026-11-24";

/// Khan Academy.
#[derive(Debug)]
pub struct KhanAcademy;

impl Provider for KhanAcademy {
    type Config = KhanAcademyConfig;

    const INFO: ProviderInfo = ProviderInfo {
        id: "khan_academy",
        name: "Khan Academy",
        recipient: "the operator of the v1-shaped API at base_url",
        purpose: "reads students' progress on Khan Academy for their teachers",
        // None: the vendor has no API, and requests go to the tenant's base_url alone.
        hosts: &[],
        health: HealthProbe::Operation("checkConnection"),
        quota: Quota { per_second: 5.0, burst: 10 },
        limits: &[
            Limit {
                what: "Public API",
                limit: "none: withdrawn in 2020",
                source: "https://github.com/Khan/khan-api README, HEAD 1dcd9d1",
                date: READ,
            },
            Limit {
                what: "One report",
                limit: "8 MB and 100,000 rows (this library's own)",
                source: "src/providers/khan_academy/table.rs",
                date: READ,
            },
        ],
        prices: &[Price {
            unit: "import of a report, or a request to your own API",
            micros: 0,
            currency: "USD",
            source: "https://www.khanacademy.org/about: free for teachers and learners (learning-weather-planned notes)",
            date: READ,
        }],
        docs: "https://support.khanacademy.org/hc/en-us/articles/17167578991629",
    };

    const NO_SETTINGS: &'static str = "Khan Academy withdrew its public API in 2020 (users, progress and exercises on \
        2020-01-06, the rest on 2020-07-29), so that there are no credentials to enter. Reports that a teacher or district \
        administrator downloads are imported: an administrator saves empty settings, {}, once, and importReport works";

    fn operations() -> Vec<OperationSpec> {
        operations![
            ImportReport,
            GetStudentProgress,
            GetExerciseProgress,
            GetBadges,
            GetAssignments,
            GetTeacherDashboard,
            ImportCatalogue,
            GetDeepLink,
            CheckConnection,
            GetUser,
            ListStudents,
            GetProgressSummary,
            ListUserVideos,
            ListUserExercises,
            GetUserExercise,
            GetExerciseLog,
            ListBadges,
            ListBadgeCategories,
            GetTopicTree,
            GetTopic,
            ListTopicExercises,
            ListTopicVideos,
            GetExercise,
            GetVideo,
        ]
    }

    fn authenticate(config: &KhanAcademyConfig, request: &mut Request, now: Timestamp) -> Result<()> {
        config.authenticate(request, now)
    }

    fn parse_error(status: u16, headers: &Headers, body: &[u8]) -> Error {
        error::parse(status, headers, body)
    }
}
