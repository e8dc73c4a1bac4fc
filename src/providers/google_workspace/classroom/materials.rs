//! What goes with course work and announcements: files, links, videos.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::super::define::check_id;
use crate::error::{Error, Result};

/// How many things may go with one piece of course work.
const MOST: usize = 20;

/// Something that goes with course work or an announcement: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Material {
    /// A file in Drive.
    DriveFile(DriveMaterial),
    /// A page: its address.
    Link(String),
    /// A video on YouTube: its id.
    YoutubeVideo(String),
}

/// A file in Drive, and how students get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct DriveMaterial {
    /// The file's id.
    pub id: String,
    /// How students get it; Google's default is `VIEW`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_mode: Option<ShareMode>,
}

/// How students get a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum ShareMode {
    /// They read it.
    View,
    /// All of them change the one file.
    Edit,
    /// Each gets a copy.
    StudentCopy,
}

impl Material {
    /// A file in Drive.
    pub fn drive_file(id: impl Into<String>, share_mode: impl Into<Option<ShareMode>>) -> Self {
        Material::DriveFile(DriveMaterial { id: id.into(), share_mode: share_mode.into() })
    }

    fn wire(&self) -> Value {
        match self {
            Material::DriveFile(file) => {
                let mut shared = json!({ "driveFile": { "id": file.id } });
                if let Some(mode) = file.share_mode {
                    shared["shareMode"] = json!(mode);
                }
                json!({ "driveFile": shared })
            }
            Material::Link(url) => json!({ "link": { "url": url } }),
            Material::YoutubeVideo(id) => json!({ "youtubeVideo": { "id": id } }),
        }
    }
}

/// Refuses materials that cannot be, with their place in the list.
pub(super) fn check(materials: Option<&[Material]>) -> Result<()> {
    let materials = materials.unwrap_or_default();
    if materials.len() > MOST {
        return Err(Error::invalid("materials", format!("must be at most {MOST}")));
    }
    for (at, material) in materials.iter().enumerate() {
        let path = |name: &str| format!("materials[{at}].{name}");
        match material {
            Material::DriveFile(file) => check_id(&path("driveFile.id"), &file.id)?,
            Material::YoutubeVideo(id) => check_id(&path("youtubeVideo"), id)?,
            Material::Link(url) => {
                if !url.parse::<Url>().is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
                    return Err(Error::invalid(path("link"), "must be the address of a page"));
                }
            }
        }
    }
    Ok(())
}

/// Puts the materials into the body as Google spells them.
pub(super) fn put(body: &mut Map<String, Value>, materials: Option<&[Material]>) {
    if let Some(materials) = materials {
        body.insert("materials".to_owned(), materials.iter().map(Material::wire).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn materials_are_as_google_spells_them() {
        let materials: Vec<Material> = serde_json::from_value(json!([
            { "driveFile": { "id": "f1", "shareMode": "STUDENT_COPY" } },
            { "link": "https://school.example/a" },
            { "youtubeVideo": "v1" },
        ]))
        .unwrap();
        check(Some(&materials)).unwrap();
        let mut body = Map::new();
        put(&mut body, Some(&materials));
        assert_eq!(
            body["materials"],
            json!([
                { "driveFile": { "driveFile": { "id": "f1" }, "shareMode": "STUDENT_COPY" } },
                { "link": { "url": "https://school.example/a" } },
                { "youtubeVideo": { "id": "v1" } },
            ])
        );
    }

    #[test]
    fn what_cannot_be_one_is_named_by_its_place() {
        let good = || Material::Link("https://school.example".to_owned());
        for (bad, field) in [
            (Material::Link("javascript:alert(1)".to_owned()), "materials[1].link"),
            (Material::drive_file("", None), "materials[1].driveFile.id"),
            (Material::YoutubeVideo(" ".to_owned()), "materials[1].youtubeVideo"),
        ] {
            assert_eq!(check(Some(&[good(), bad])).unwrap_err().field(), Some(field));
        }
        assert_eq!(check(Some(&vec![good(); 21])).unwrap_err().field(), Some("materials"));
    }
}
