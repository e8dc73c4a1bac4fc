//! Users of a v1-shaped API: the coach, the coach's students, and their progress.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    KhanAcademy, KhanAcademyConfig,
    v1::{Learner, check_learner, fetch, request, with_address},
};
use crate::{
    error::Result,
    manifest,
    model::Manifest,
    providers::{Access, Call, Capability, Operation},
    transport::Repeat,
};

/// Tells whether the API at `base_url` answers and accepts the credentials. Also the health probe.
///
/// `GET {base_url}/api/v1/user`, or `/badges/categories` where the settings hold no credentials. Access `read`. Errors:
/// `not_configured` without a `base_url`, saying that Khan Academy has withdrawn its API; `needs_reconnect`.
///
/// Example: `{}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct CheckConnection {}

impl CheckConnection {
    /// Asks.
    pub fn new() -> Self {
        Self::default()
    }
}

/// What answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Connection {
    /// Whether credentials were sent, and accepted.
    pub authenticated: bool,
    /// In whose name requests are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

impl Operation for CheckConnection {
    type Provider = KhanAcademy;
    type Output = Connection;

    const NAME: &'static str = "checkConnection";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<Connection> {
        let config = call.config();
        if config.access_token.is_none() && config.consumer_key.is_none() {
            let _: Vec<Map<String, Value>> = fetch(call, &["badges", "categories"], None).await?;
            return Ok(Connection { authenticated: false, user_id: None });
        }
        let user: User = fetch(call, &["user"], None).await?;
        Ok(Connection { authenticated: true, user_id: Some(user.user_id) })
    }
}

/// Reads a user of a v1-shaped API: points, badges earned by category, when they joined.
///
/// v1 `GET /user`, withdrawn by Khan Academy on 2020-01-06; it is asked at `base_url`. Access `read`. Errors:
/// `unsupported_operation` without a `base_url`, `not_found`, `needs_reconnect`.
///
/// Example: `{"student": {"userId": "kaid_1001"}}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetUser {
    /// Whom; the coach without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub student: Option<Learner>,
}

impl GetUser {
    /// The coach in whose name requests are made.
    pub fn new() -> Self {
        Self::default()
    }

    /// A student of the coach's.
    pub fn student(mut self, student: Learner) -> Self {
        self.student = Some(student);
        self
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct User {
    /// Khan Academy's id of the user.
    #[serde(alias = "user_id")]
    pub user_id: String,
    /// The name that others see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// The user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The account's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Energy points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<i64>,
    /// How many badges were earned of each category, by the category's number.
    #[serde(default, alias = "badge_counts", skip_serializing_if = "Option::is_none")]
    pub badge_counts: Option<Map<String, Value>>,
    /// When the account was made, as the API writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<String>,
    /// Every other field, as the API spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Operation for GetUser {
    type Provider = KhanAcademy;
    type Output = User;

    const NAME: &'static str = "getUser";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "student": Identity(Student), "student": Contact(Student) };
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::Unsupported)
    }

    fn validate(&self) -> Result<()> {
        check_learner(self.student.as_ref())
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<User> {
        fetch(call, &["user"], self.student.as_ref()).await
    }
}

/// Lists the students of the coach in whose name requests are made.
///
/// v1 `GET /user/students`, withdrawn by Khan Academy on 2020-01-06; it is asked at `base_url`. Access `read`. Errors:
/// `unsupported_operation` without a `base_url` (import a report of the teacher's dashboard then), `needs_reconnect`.
///
/// Example: `{}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListStudents {}

impl ListStudents {
    /// All of them.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A coach's students.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StudentList {
    /// The students.
    pub students: Vec<User>,
}

impl Operation for ListStudents {
    type Provider = KhanAcademy;
    type Output = StudentList;

    const NAME: &'static str = "listStudents";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::ImportOnly)
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<StudentList> {
        Ok(StudentList { students: fetch(call, &["user", "students"], None).await? })
    }
}

/// Reads what a user has started, mastered and is struggling with.
///
/// v1 `GET /user/progress_summary`, withdrawn by Khan Academy on 2020-01-06; it is asked at `base_url`. Access `read`.
/// Errors: `unsupported_operation` without a `base_url` (see `getStudentProgress`), `not_found`, `needs_reconnect`.
///
/// Example: `{"student": {"userId": "kaid_1001"}}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetProgressSummary {
    /// Whose; the coach's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub student: Option<Learner>,
}

impl GetProgressSummary {
    /// The coach's own.
    pub fn new() -> Self {
        Self::default()
    }

    /// A student's of the coach.
    pub fn student(mut self, student: Learner) -> Self {
        self.student = Some(student);
        self
    }
}

/// What a user has done, by the ids of content; what was started stands under `started`, what was finished under
/// `complete`, each a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProgressSummary {
    /// Content that was started and is not finished.
    pub started: Vec<String>,
    /// Content that is finished.
    pub complete: Vec<String>,
    /// Every other field, as the API spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Operation for GetProgressSummary {
    type Provider = KhanAcademy;
    type Output = ProgressSummary;

    const NAME: &'static str = "getProgressSummary";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "student": Identity(Student), "student": Contact(Student) };
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::ImportOnly)
    }

    fn validate(&self) -> Result<()> {
        check_learner(self.student.as_ref())
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<ProgressSummary> {
        fetch(call, &["user", "progress_summary"], self.student.as_ref()).await
    }
}

/// Lists the videos that a user has watched, and how far.
///
/// v1 `GET /user/videos`, withdrawn by Khan Academy on 2020-01-06; it is asked at `base_url`. Access `read`. Errors:
/// `unsupported_operation` without a `base_url`: no report that is exported tells of videos. `not_found`,
/// `needs_reconnect`.
///
/// Example: `{"student": {"userId": "kaid_1001"}}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListUserVideos {
    /// Whose; the coach's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub student: Option<Learner>,
}

impl ListUserVideos {
    /// The coach's own.
    pub fn new() -> Self {
        Self::default()
    }

    /// A student's of the coach.
    pub fn student(mut self, student: Learner) -> Self {
        self.student = Some(student);
        self
    }
}

/// A video that was watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WatchedVideo {
    /// The video, as the API describes it.
    pub video: Map<String, Value>,
    /// Whether it was watched to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<bool>,
    /// Points earned by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<i64>,
    /// When it was last watched, as the API writes it.
    #[serde(default, alias = "last_watched", skip_serializing_if = "Option::is_none")]
    pub last_watched: Option<String>,
    /// Every other field, as the API spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Videos that were watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WatchedVideos {
    /// The videos.
    pub videos: Vec<WatchedVideo>,
}

impl Operation for ListUserVideos {
    type Provider = KhanAcademy;
    type Output = WatchedVideos;

    const NAME: &'static str = "listUserVideos";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "student": Identity(Student), "student": Contact(Student) };
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::Unsupported)
    }

    fn validate(&self) -> Result<()> {
        check_learner(self.student.as_ref())
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<WatchedVideos> {
        let request = request(call, &["user", "videos"], self.student.as_ref())?;
        Ok(WatchedVideos { videos: call.fetch(request).await? })
    }
}
