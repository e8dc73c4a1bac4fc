use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What kind of data an argument carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Category {
    /// Names and ids.
    Identity,
    /// Telephone numbers, e-mail and postal addresses.
    Contact,
    /// The text of a message, which may say anything.
    Message,
    /// Files and documents, which may hold anything.
    Content,
    /// Courses, classes and rosters.
    Enrolment,
    /// Marks, submissions and feedback.
    Grades,
    /// Progress on a learning platform.
    Progress,
    /// Times and appointments.
    Schedule,
    /// Where somebody is.
    Location,
    /// What somebody owes or has paid.
    Financial,
    /// Health, including allergies and accommodations.
    Health,
}

impl Category {
    /// The category as JSON and SQL spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Category::Identity => "identity",
            Category::Contact => "contact",
            Category::Message => "message",
            Category::Content => "content",
            Category::Enrolment => "enrolment",
            Category::Grades => "grades",
            Category::Progress => "progress",
            Category::Schedule => "schedule",
            Category::Location => "location",
            Category::Financial => "financial",
            Category::Health => "health",
        }
    }
}

/// Whose data an argument carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Whose {
    /// A student's.
    Student,
    /// A parent's or guardian's.
    Guardian,
    /// A member of staff's.
    Staff,
    /// Anybody's: the argument may carry a student's data, and is treated as if it did.
    Anyone,
}

/// One argument that carries personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Disclosed {
    /// The argument's path, with `[]` for the items of a list: `recipients[].phone`.
    pub argument: &'static str,
    /// What it carries.
    pub category: Category,
    /// Whose it is.
    pub whose: Whose,
}

/// Whose data each argument of an operation carries; empty for an operation that sends nobody's.
///
/// Written with [`manifest!`](crate::manifest).
pub type Manifest = &'static [Disclosed];

/// Says whose data each argument of an operation carries.
///
/// ```
/// use sis_integrations::{manifest, Category, Manifest};
///
/// const SMS: Manifest = manifest! { "to": Contact(Guardian), "body": Message(Anyone) };
/// const NOTHING: Manifest = manifest! {};
/// assert_eq!(SMS[0].category, Category::Contact);
/// ```
#[macro_export]
macro_rules! manifest {
    ($($argument:literal : $category:ident($whose:ident)),* $(,)?) => {
        &[$($crate::Disclosed {
            argument: $argument,
            category: $crate::Category::$category,
            whose: $crate::Whose::$whose,
        },)*]
    };
}

/// The ground in 34 CFR 99.31 on which education records may leave without consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Basis {
    /// 99.31(a)(1)(i)(B): a contractor doing what the school would use its own employees for. The default.
    #[default]
    SchoolOfficial,
    /// 99.31(a)(10) and 99.36: a health or safety emergency.
    HealthOrSafetyEmergency,
    /// 99.31(a)(11): what the school has designated as directory information.
    DirectoryInformation,
    /// 99.30: the parent, or the student of age, has consented in writing.
    Consent,
}

impl Basis {
    /// The basis as JSON and SQL spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Basis::SchoolOfficial => "school_official",
            Basis::HealthOrSafetyEmergency => "health_or_safety_emergency",
            Basis::DirectoryInformation => "directory_information",
            Basis::Consent => "consent",
        }
    }
}

/// The student, or other person, that the data of a call is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subject {
    /// The host application's id of the person.
    pub id: String,
    /// Whether the person is under 13 (COPPA, 16 CFR 312).
    #[serde(default)]
    pub under13: bool,
}

impl Subject {
    /// A person of 13 or over, or whose age the host does not say.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), under13: false }
    }
}

const MOST_SUBJECTS: usize = 10_000;

/// About whom a call is, and what for: kept as 34 CFR 99.32 wants it.
///
/// ```
/// use sis_integrations::{Disclosure, Subject};
///
/// let about = Disclosure::of([Subject::new("student-42")]).purpose("absence notice to the guardian");
/// assert_eq!(about.subjects().len(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Disclosure {
    #[serde(default)]
    subjects: Vec<Subject>,
    #[serde(default)]
    purpose: Option<String>,
    #[serde(default)]
    basis: Option<Basis>,
}

impl Disclosure {
    /// Data about these people, at most 10,000.
    pub fn of(subjects: impl IntoIterator<Item = Subject>) -> Self {
        Self { subjects: subjects.into_iter().collect(), purpose: None, basis: None }
    }

    /// What the data leaves for: the legitimate interest, in a person's words, at most 500 characters.
    pub fn purpose(mut self, purpose: impl Into<String>) -> Self {
        self.purpose = Some(purpose.into());
        self
    }

    /// On what ground. Without this the operation's own, which for most is [`Basis::SchoolOfficial`].
    pub fn basis(mut self, basis: Basis) -> Self {
        self.basis = Some(basis);
        self
    }

    /// The people the data is about.
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// The purpose, if the host named one.
    pub fn purpose_text(&self) -> Option<&str> {
        self.purpose.as_deref()
    }

    /// The ground, if the host named one.
    pub fn named_basis(&self) -> Option<Basis> {
        self.basis
    }

    /// Refuses what no record of disclosure could hold: each person gets a row, and each row the purpose.
    pub(crate) fn check(&self) -> Result<()> {
        if self.subjects.len() > MOST_SUBJECTS {
            return Err(Error::invalid("disclosure.subjects", format!("has at most {MOST_SUBJECTS} people")));
        }
        let unfit =
            |text: &str, most| text.is_empty() || text.chars().count() > most || text.chars().any(char::is_control);
        for (at, subject) in self.subjects.iter().enumerate() {
            if unfit(&subject.id, 256) {
                return Err(Error::invalid(
                    format!("disclosure.subjects[{at}].id"),
                    "must have 1 to 256 characters and no control characters",
                ));
            }
        }
        if self.purpose.as_ref().is_some_and(|purpose| unfit(purpose, 500)) {
            return Err(Error::invalid("disclosure.purpose", "must have 1 to 500 characters, in one line"));
        }
        Ok(())
    }
}
