//! Badges of a v1-shaped API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    KhanAcademy, KhanAcademyConfig,
    v1::{Learner, check_learner, fetch, with_address},
};
use crate::{
    error::Result,
    manifest,
    model::Manifest,
    providers::{Access, Call, Capability, Operation},
    transport::Repeat,
};

/// Lists every badge there is; of a user, also which ones are earned.
///
/// v1 `GET /badges`, withdrawn by Khan Academy on 2020-07-29; it is asked at `base_url`. Access `read`. Errors:
/// `unsupported_operation` without a `base_url` (see `getBadges`), `not_found`, `needs_reconnect`.
///
/// Example: `{"student": {"userId": "kaid_1001"}}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListBadges {
    /// Whose; the coach's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub student: Option<Learner>,
}

impl ListBadges {
    /// With what the coach has earned.
    pub fn new() -> Self {
        Self::default()
    }

    /// A student's of the coach.
    pub fn student(mut self, student: Learner) -> Self {
        self.student = Some(student);
        self
    }
}

/// A badge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Badge {
    /// Its name, as the API knows it.
    pub name: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it is given for.
    #[serde(default, alias = "safe_extended_description", skip_serializing_if = "Option::is_none")]
    pub safe_extended_description: Option<String>,
    /// The number of its category.
    #[serde(default, alias = "badge_category", skip_serializing_if = "Option::is_none")]
    pub badge_category: Option<i64>,
    /// Points that it brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<i64>,
    /// Whether the user has it; absent where nobody is logged in.
    #[serde(default, alias = "is_owned", skip_serializing_if = "Option::is_none")]
    pub is_owned: Option<bool>,
    /// Every other field, as the API spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Badges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BadgeList {
    /// The badges.
    pub badges: Vec<Badge>,
}

impl Operation for ListBadges {
    type Provider = KhanAcademy;
    type Output = BadgeList;

    const NAME: &'static str = "listBadges";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "student": Identity(Student), "student": Contact(Student) };
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::ImportOnly)
    }

    fn validate(&self) -> Result<()> {
        check_learner(self.student.as_ref())
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<BadgeList> {
        Ok(BadgeList { badges: fetch(call, &["badges"], self.student.as_ref()).await? })
    }
}

/// Lists the categories of badges: Meteorite, Moon, Earth, Sun, Black Hole, Challenge Patches.
///
/// v1 `GET /badges/categories`, withdrawn by Khan Academy on 2020-07-29; it is asked at `base_url`. Access `read`.
/// Errors: `unsupported_operation` without a `base_url`, `needs_reconnect`.
///
/// Example: `{}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListBadgeCategories {}

impl ListBadgeCategories {
    /// All of them.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A category of badges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BadgeCategory {
    /// Its number.
    pub category: i64,
    /// What people call it.
    #[serde(default, alias = "type_label", skip_serializing_if = "Option::is_none")]
    pub type_label: Option<String>,
    /// What belongs into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Every other field, as the API spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Categories of badges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BadgeCategories {
    /// The categories.
    pub categories: Vec<BadgeCategory>,
}

impl Operation for ListBadgeCategories {
    type Provider = KhanAcademy;
    type Output = BadgeCategories;

    const NAME: &'static str = "listBadgeCategories";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::Unsupported)
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<BadgeCategories> {
        Ok(BadgeCategories { categories: fetch(call, &["badges", "categories"], None).await? })
    }
}
