//! Courses of a v1-shaped API: the topic tree and what hangs in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    KhanAcademy, KhanAcademyConfig,
    v1::{check_id, fetch, request, with_address},
};
use crate::{
    error::Result,
    manifest,
    model::Manifest,
    providers::{Access, Call, Capability, Operation},
    transport::Repeat,
};

/// The most bytes of a topic tree: the whole of it had tens of megabytes.
const LARGEST_TREE: usize = 48 << 20;

/// Reads the tree of topics: subjects, courses, units, lessons and what is in them.
///
/// v1 `GET /topictree`, withdrawn by Khan Academy on 2020-07-29; it is asked at `base_url`. Access `read`. The whole tree is
/// large; `topicsOnly` leaves videos and exercises out. Errors: `unsupported_operation` without a `base_url` (see
/// `importCatalogue`), `needs_reconnect`, `too_large`.
///
/// Example: `{"topicsOnly": true}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetTopicTree {
    /// Whether to leave videos, exercises and articles out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topics_only: Option<bool>,
}

impl GetTopicTree {
    /// The whole tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Without videos, exercises and articles.
    pub fn topics_only(mut self) -> Self {
        self.topics_only = Some(true);
        self
    }
}

/// A topic, or what hangs at the end of a branch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TopicNode {
    /// `Topic`, `Video`, `Exercise`, `Article`.
    pub kind: String,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name in addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its page.
    #[serde(default, alias = "ka_url", skip_serializing_if = "Option::is_none")]
    pub ka_url: Option<String>,
    /// What is in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<TopicNode>,
    /// Every other field, as the API spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Operation for GetTopicTree {
    type Provider = KhanAcademy;
    type Output = TopicNode;

    const NAME: &'static str = "getTopicTree";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::ImportOnly)
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<TopicNode> {
        let mut request = request(call, &["topictree"], None)?;
        request.max_body = LARGEST_TREE;
        if self.topics_only == Some(true) {
            request = request.query("kind", "Topic");
        }
        call.fetch(request).await
    }
}

/// Reads one topic and what is directly in it.
///
/// v1 `GET /topic/{slug}`, withdrawn by Khan Academy on 2020-07-29; it is asked at `base_url`. Access `read`. Errors:
/// `unsupported_operation` without a `base_url` (see `importCatalogue`), `not_found`, `needs_reconnect`.
///
/// Example: `{"slug": "early-math"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetTopic {
    /// The topic's slug, such as `early-math`.
    pub slug: String,
}

impl GetTopic {
    /// Of that topic.
    pub fn new(slug: impl Into<String>) -> Self {
        Self { slug: slug.into() }
    }
}

impl Operation for GetTopic {
    type Provider = KhanAcademy;
    type Output = TopicNode;

    const NAME: &'static str = "getTopic";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::ImportOnly)
    }

    fn validate(&self) -> Result<()> {
        check_id("slug", &self.slug)
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<TopicNode> {
        fetch(call, &["topic", &self.slug], None).await
    }
}

/// An exercise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Exercise {
    /// Its name in addresses.
    pub name: String,
    /// What people call it.
    #[serde(default, alias = "display_name", skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its page.
    #[serde(default, alias = "ka_url", skip_serializing_if = "Option::is_none")]
    pub ka_url: Option<String>,
    /// Exercises to be done before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prerequisites: Vec<String>,
    /// Every other field, as the API spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Exercises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExerciseList {
    /// The exercises.
    pub exercises: Vec<Exercise>,
}

/// Lists the exercises of a topic.
///
/// v1 `GET /topic/{slug}/exercises`, withdrawn by Khan Academy on 2020-07-29; it is asked at `base_url`. Access `read`. Errors:
/// `unsupported_operation` without a `base_url` (see `importCatalogue`), `not_found`, `needs_reconnect`.
///
/// Example: `{"slug": "early-math"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListTopicExercises {
    /// The topic's slug, such as `early-math`.
    pub slug: String,
}

impl ListTopicExercises {
    /// Of that topic.
    pub fn new(slug: impl Into<String>) -> Self {
        Self { slug: slug.into() }
    }
}

impl Operation for ListTopicExercises {
    type Provider = KhanAcademy;
    type Output = ExerciseList;

    const NAME: &'static str = "listTopicExercises";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::ImportOnly)
    }

    fn validate(&self) -> Result<()> {
        check_id("slug", &self.slug)
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<ExerciseList> {
        Ok(ExerciseList { exercises: fetch(call, &["topic", &self.slug, "exercises"], None).await? })
    }
}

/// A video.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Video {
    /// Its id.
    pub id: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How long it is, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// Its page.
    #[serde(default, alias = "ka_url", skip_serializing_if = "Option::is_none")]
    pub ka_url: Option<String>,
    /// Every other field, as the API spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Videos.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VideoList {
    /// The videos.
    pub videos: Vec<Video>,
}

/// Lists the videos of a topic.
///
/// v1 `GET /topic/{slug}/videos`, withdrawn by Khan Academy on 2020-07-29; it is asked at `base_url`. Access `read`. Errors:
/// `unsupported_operation` without a `base_url` (see `importCatalogue`), `not_found`, `needs_reconnect`.
///
/// Example: `{"slug": "early-math"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListTopicVideos {
    /// The topic's slug, such as `early-math`.
    pub slug: String,
}

impl ListTopicVideos {
    /// Of that topic.
    pub fn new(slug: impl Into<String>) -> Self {
        Self { slug: slug.into() }
    }
}

impl Operation for ListTopicVideos {
    type Provider = KhanAcademy;
    type Output = VideoList;

    const NAME: &'static str = "listTopicVideos";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::ImportOnly)
    }

    fn validate(&self) -> Result<()> {
        check_id("slug", &self.slug)
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<VideoList> {
        Ok(VideoList { videos: fetch(call, &["topic", &self.slug, "videos"], None).await? })
    }
}

/// Reads what an exercise is.
///
/// v1 `GET /exercises/{name}`, withdrawn by Khan Academy on 2020-07-29; it is asked at `base_url`. Access `read`. Errors:
/// `unsupported_operation` without a `base_url`, `not_found`, `needs_reconnect`.
///
/// Example: `{"exercise": "addition_1"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetExercise {
    /// The exercise's name, such as `addition_1`.
    pub exercise: String,
}

impl GetExercise {
    /// Of that name.
    pub fn new(exercise: impl Into<String>) -> Self {
        Self { exercise: exercise.into() }
    }
}

impl Operation for GetExercise {
    type Provider = KhanAcademy;
    type Output = Exercise;

    const NAME: &'static str = "getExercise";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::ImportOnly)
    }

    fn validate(&self) -> Result<()> {
        check_id("exercise", &self.exercise)
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<Exercise> {
        fetch(call, &["exercises", &self.exercise], None).await
    }
}

/// Reads what a video is.
///
/// v1 `GET /videos/{id}`, withdrawn by Khan Academy on 2020-07-29; it is asked at `base_url`. Access `read`. Errors:
/// `unsupported_operation` without a `base_url`, `not_found`, `needs_reconnect`.
///
/// Example: `{"id": "counting-with-small-numbers"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetVideo {
    /// The video's id or slug.
    pub id: String,
}

impl GetVideo {
    /// Of that id.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into() }
    }
}

impl Operation for GetVideo {
    type Provider = KhanAcademy;
    type Output = Video;

    const NAME: &'static str = "getVideo";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::ImportOnly)
    }

    fn validate(&self) -> Result<()> {
        check_id("id", &self.id)
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<Video> {
        fetch(call, &["videos", &self.id], None).await
    }
}
