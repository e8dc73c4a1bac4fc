//! Courses without an API: a catalogue that the school keeps, and links into Khan Academy.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{
    KhanAcademy,
    cells::tame,
    report::{Encoding, Report},
    table,
};
use crate::{
    error::{Error, Result},
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// Where Khan Academy's pages are.
const SITE: &str = "https://www.khanacademy.org";

/// Reads a catalogue of courses from CSV: which course has which units and skills, and where each is.
///
/// Access `read`. Khan Academy exports no such file; the school keeps it, with a column `Course` and, where it has them,
/// `Unit`, `Skill` and `URL`. Nothing is sent. Errors: `invalid_argument` naming the line or header that is wrong; a link
/// that leads elsewhere than to Khan Academy is refused.
///
/// Example: `{"report": {"asOf": "2026-09-01", "text": "Course,Unit,Skill,URL\nAlgebra 1,Lines,Slope,https://www.khanacademy.org/math/algebra\n"}}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ImportCatalogue {
    /// The catalogue. Its fields for `columns` are `course`, `unit`, `skill`, `url`.
    pub report: Report,
}

impl ImportCatalogue {
    /// Of that file.
    pub fn new(report: Report) -> Self {
        Self { report }
    }
}

/// A catalogue of courses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Catalogue {
    /// Always `import`.
    pub source: String,
    /// Of when it is.
    pub as_of: String,
    /// The encoding the file had.
    pub encoding: Encoding,
    /// SHA-256 of the file.
    pub fingerprint: String,
    /// Its rows, without those that stand there twice.
    pub items: Vec<CatalogueItem>,
}

/// A course, unit or skill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CatalogueItem {
    /// The row's line in the file.
    pub line: u64,
    /// The course.
    pub course: String,
    /// The unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The skill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// Its page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Every other column, by its header.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// The fields of a catalogue, and the headers they may have.
const FIELDS: [(&str, &[&str]); 4] = [
    ("course", &["Course", "Course Name"]),
    ("unit", &["Unit", "Unit Name"]),
    ("skill", &["Skill", "Skill Name", "Exercise"]),
    ("url", &["URL", "Link"]),
];

fn column(field: &str, headers: &[String], names: &[&str], named: &BTreeMap<String, String>) -> Result<Option<usize>> {
    let at = |name: &str| headers.iter().position(|header| header.eq_ignore_ascii_case(name));
    match named.get(field) {
        Some(header) if header.is_empty() => Ok(None),
        Some(header) => match at(&table::squeezed(header)) {
            Some(at) => Ok(Some(at)),
            None => {
                Err(Error::invalid(format!("report.columns.{field}"), "names a header that the file does not have"))
            }
        },
        None => Ok(names.iter().find_map(|name| at(name))),
    }
}

fn read(report: &Report) -> Result<Catalogue> {
    let (text, encoding, field, fingerprint) = report.decoded()?;
    let as_of = report.as_of.clone().ok_or_else(|| Error::invalid("report.asOf", "is required: of when it is"))?;
    if report.columns.keys().any(|name| !FIELDS.iter().any(|(known, _)| known == name)) {
        return Err(Error::invalid("report.columns", "may name course, unit, skill and url"));
    }
    let table = table::read(field, &text)?;
    let mut places = Vec::new();
    for (name, names) in FIELDS {
        places.push(column(name, &table.headers, names, &report.columns)?);
    }
    let [Some(course), unit, skill, url] = places[..] else {
        let headers: Vec<_> = table.headers.iter().take(30).map(String::as_str).collect();
        let message = format!("has no column 'Course', which a catalogue needs; found are '{}'", headers.join("', '"));
        return Err(Error::invalid(field, message));
    };
    let taken = [Some(course), unit, skill, url];
    let mut items: Vec<CatalogueItem> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for row in &table.rows {
        if !seen.insert(row.cells.clone()) {
            continue;
        }
        let cell = |at: Option<usize>| at.map(|at| tame(&row.cells[at]).0).filter(|text| !text.is_empty());
        let wrong = |what: &str| Error::invalid(field, format!("line {}: {what}; nothing was imported", row.line));
        let page =
            cell(url).map(|text| page(&text).ok_or_else(|| wrong("the link must lead to https://www.khanacademy.org")));
        let others = row.cells.iter().enumerate().filter(|(at, _)| !taken.contains(&Some(*at)));
        items.push(CatalogueItem {
            line: row.line,
            course: cell(Some(course)).ok_or_else(|| wrong("the course must not be empty"))?,
            unit: cell(unit),
            skill: cell(skill),
            url: page.transpose()?,
            extra: others.map(|(at, text)| (table.headers[at].clone(), tame(text).0.into())).collect(),
        });
    }
    Ok(Catalogue { source: "import".into(), as_of, encoding, fingerprint, items })
}

/// A link as it is, if it leads to Khan Academy.
fn page(text: &str) -> Option<String> {
    let url: Url = text.parse().ok()?;
    let host = url.host_str()?;
    let good = url.scheme() == "https"
        && (host == "khanacademy.org" || host.ends_with(".khanacademy.org"))
        && url.username().is_empty()
        && url.password().is_none()
        && url.port().is_none();
    good.then(|| url.to_string())
}

impl Operation for ImportCatalogue {
    type Provider = KhanAcademy;
    type Output = Catalogue;

    const NAME: &'static str = "importCatalogue";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        self.report.validate()
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<Catalogue> {
        let catalogue = read(&self.report)?;
        call.note("reportSha256", catalogue.fingerprint.as_str());
        call.note("rows", catalogue.items.len());
        Ok(catalogue)
    }
}

/// What a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ContentKind {
    /// A subject, course, unit or lesson: the slugs from the subject down.
    Topic,
    /// An exercise: the slugs of its topics, then its own.
    Exercise,
    /// A video: the slugs of its topics, then its own.
    Video,
    /// An article: the slugs of its topics, then its own.
    Article,
    /// A search for words.
    Search,
}

/// Makes a link to a page of Khan Academy, to put into an assignment or a message.
///
/// Access `read`. Nothing is sent, so that it is not known whether the page is there. Errors: `invalid_argument`.
///
/// Example: `{"kind": "exercise", "path": ["math", "algebra", "slope"]}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetDeepLink {
    /// What it leads to.
    pub kind: ContentKind,
    /// The slugs from the subject down, at most 8; for a search its words.
    pub path: Vec<String>,
}

impl GetDeepLink {
    /// To that page.
    pub fn new<S: Into<String>>(kind: ContentKind, path: impl IntoIterator<Item = S>) -> Self {
        Self { kind, path: path.into_iter().map(Into::into).collect() }
    }
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Link {
    /// The address.
    pub url: String,
}

impl Operation for GetDeepLink {
    type Provider = KhanAcademy;
    type Output = Link;

    const NAME: &'static str = "getDeepLink";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        if self.path.is_empty() || self.path.len() > 8 {
            return Err(Error::invalid("path", "must have 1 to 8 parts"));
        }
        for (at, part) in self.path.iter().enumerate() {
            let slug = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte));
            let good = match self.kind {
                ContentKind::Search => !part.chars().any(char::is_control),
                _ => slug && !matches!(part.as_str(), "." | ".."),
            };
            if part.trim().is_empty() || part.len() > 200 || !good {
                return Err(Error::invalid(
                    format!("path[{at}]"),
                    "must be a slug such as early-math, from an address",
                ));
            }
        }
        Ok(())
    }

    async fn run(self, _call: &Call<'_, KhanAcademy>) -> Result<Link> {
        let mut url: Url = SITE.parse().map_err(|_| Error::internal("the site is not an address"))?;
        if self.kind == ContentKind::Search {
            url.set_path("search");
            url.query_pairs_mut().append_pair("page_search_query", &self.path.join(" "));
            return Ok(Link { url: url.into() });
        }
        let mark = match self.kind {
            ContentKind::Exercise => Some("e"),
            ContentKind::Video => Some("v"),
            ContentKind::Article => Some("a"),
            ContentKind::Topic | ContentKind::Search => None,
        };
        let (last, topics) = self.path.split_last().ok_or_else(|| Error::invalid("path", "must have 1 to 8 parts"))?;
        url.path_segments_mut()
            .map_err(|()| Error::internal("the site is not an address"))?
            .extend(topics)
            .extend(mark)
            .push(last);
        Ok(Link { url: url.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Result<Vec<CatalogueItem>> {
        read(&Report::text(text).as_of("2026-09-01")).map(|catalogue| catalogue.items)
    }

    #[test]
    fn links_lead_to_khan_academy_alone() {
        let good = items("Course,URL,Hours\nAlgebra 1,https://www.khanacademy.org/math/algebra,40\nArt,,\n").unwrap();
        assert_eq!(good[0].url.as_deref(), Some("https://www.khanacademy.org/math/algebra"));
        assert_eq!((good[0].extra["Hours"].as_str(), good[1].url.as_deref()), (Some("40"), None));
        for url in [
            "https://evil.example/math",
            "http://www.khanacademy.org/",
            "https://www.khanacademy.org@evil.example/",
            "https://x:y@www.khanacademy.org/",
            "https://khanacademy.org.evil.example/",
            "javascript:alert(1)",
            "=HYPERLINK(1)",
        ] {
            let error = items(&format!("Course,URL\nAlgebra 1,{url}\n")).unwrap_err();
            assert!(error.message().starts_with("line 2: the link"), "{url}: {error}");
        }
        let error = items("Kurs,URL\nAlgebra 1,\n").unwrap_err();
        assert!(error.message().contains("'Course'") && error.message().contains("'Kurs'"), "{error}");
        assert!(items("Course\n\" \"\nx\n").is_ok_and(|items| items.len() == 1));
    }
}
