//! Meeting spaces. <https://developers.google.com/workspace/meet/api/reference/rest/v2/spaces>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    super::define::{self, Done, operation},
    CREATED, READ, SETTINGS, at, check_name, id_of,
    objects::Space,
};
use crate::{error::Error, transport::Repeat};

/// What Google says where no conference is on.
const NOT_ON: &str = "FAILED_PRECONDITION";

/// Who may join without knocking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum AccessType {
    /// Whoever has the address.
    Open,
    /// The domain, and who was invited.
    Trusted,
    /// Who was invited.
    Restricted,
}

/// From where one may join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum EntryPointAccess {
    /// From anywhere.
    All,
    /// From the application that made the space.
    CreatorAppOnly,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum OnOff {
    /// On.
    On,
    /// Off.
    Off,
}

/// Who may join a space, and what they may do there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SpaceConfig {
    /// Who may join without knocking; the user's own default without this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_type: Option<AccessType>,
    /// From where one may join; `ALL` without this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_point_access: Option<EntryPointAccess>,
    /// Whether hosts decide what others may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moderation: Option<OnOff>,
    /// Whether Google writes down who was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attendance_report: Option<OnOff>,
    /// Whether conferences are recorded as they begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_recording: Option<OnOff>,
    /// Whether what is said is written down as they begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_transcription: Option<OnOff>,
}

impl SpaceConfig {
    /// The settings as Google spells them, and the mask that names them.
    fn wire(&self) -> (Value, Vec<&'static str>) {
        let attendance = self.attendance_report.map(|report| match report {
            OnOff::On => "GENERATE_REPORT",
            OnOff::Off => "DO_NOT_GENERATE",
        });
        let mut config = Map::new();
        let mut mask = Vec::new();
        for (path, value) in [
            ("config.accessType", self.access_type.map(|value| json!(value))),
            ("config.entryPointAccess", self.entry_point_access.map(|value| json!(value))),
            ("config.moderation", self.moderation.map(|value| json!(value))),
            ("config.attendanceReportGenerationType", attendance.map(|value| json!(value))),
        ] {
            if let (Some(value), Some(name)) = (value, path.strip_prefix("config.")) {
                config.insert(name.to_owned(), value);
                mask.push(path);
            }
        }
        let mut artifacts = Map::new();
        for (path, section, member, value) in [
            (
                "config.artifactConfig.recordingConfig.autoRecordingGeneration",
                "recordingConfig",
                "autoRecordingGeneration",
                self.auto_recording,
            ),
            (
                "config.artifactConfig.transcriptionConfig.autoTranscriptionGeneration",
                "transcriptionConfig",
                "autoTranscriptionGeneration",
                self.auto_transcription,
            ),
        ] {
            if let Some(value) = value {
                artifacts.insert(section.to_owned(), json!({ member: value }));
                mask.push(path);
            }
        }
        if !artifacts.is_empty() {
            config.insert("artifactConfig".to_owned(), Value::Object(artifacts));
        }
        (json!({ "config": config }), mask)
    }
}

operation! {
    /// Makes a space to meet in, owned by the acting user.
    ///
    /// <https://developers.google.com/workspace/meet/api/reference/rest/v2/spaces/create>. Access `write`. Google has no key
    /// for this, and cannot list spaces: after `outcome_unknown` there may be an empty one that nobody knows of, which does
    /// no harm. Errors: `rate_limited` above 10 a minute for one user.
    ///
    /// Example: `{"config": {"accessType": "TRUSTED"}}`
    CreateMeetingSpace = "createMeetingSpace", Write, Never -> Space,
    scopes CREATED,
    discloses {}
    path {}
    required {}
    optional {
        /// Who may join, and what they may do there.
        config: SpaceConfig,
    }
    run |this, call| {
        let (body, _) = this.config.clone().unwrap_or_default().wire();
        define::write(call, call.post(at(call, &["spaces"])?).json(&body), Self::REPEAT).await
    }
}

operation! {
    /// Reads a space, and whether a conference is on in it.
    ///
    /// <https://developers.google.com/workspace/meet/api/reference/rest/v2/spaces/get>. Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"space": "spaces/jQCFfuBOdN5z"}`
    GetMeetingSpace = "getMeetingSpace", Read, Always -> Space,
    scopes READ,
    discloses {}
    path {}
    required {
        /// The space's name or id, or its meeting code.
        space: String,
    }
    optional {}
    check |this| { check_name("space", &this.space, "spaces")?; }
    run |this, call| { define::read(call, at(call, &["spaces", id_of(&this.space, "spaces")])?).await }
}

operation! {
    /// Changes who may join a space, and what they may do there: what is named is set, the rest stays.
    ///
    /// <https://developers.google.com/workspace/meet/api/reference/rest/v2/spaces/patch>. Access `write`. A meeting code does
    /// not do here. Errors: `not_found`.
    ///
    /// Example: `{"space": "spaces/jQCFfuBOdN5z", "config": {"accessType": "RESTRICTED"}}`
    UpdateMeetingSpace = "updateMeetingSpace", Write, Always -> Space,
    scopes SETTINGS,
    discloses {}
    path {}
    required {
        /// The space's name or id.
        space: String,
        /// What to change.
        config: SpaceConfig,
    }
    optional {}
    check |this| {
        check_name("space", &this.space, "spaces")?;
        if this.config == SpaceConfig::default() {
            return Err(Error::invalid("config", "at least one thing to change must be named"));
        }
    }
    run |this, call| {
        let (body, mask) = this.config.wire();
        let url = at(call, &["spaces", id_of(&this.space, "spaces")])?;
        define::write(call, call.patch(url).query("updateMask", mask.join(",")).json(&body), Self::REPEAT).await
    }
}

operation! {
    /// Ends the conference that is on in a space: everybody is put out. Where none is on, nothing happens.
    ///
    /// <https://developers.google.com/workspace/meet/api/reference/rest/v2/spaces/endActiveConference>. Access `write`.
    /// Errors: `not_found`.
    ///
    /// Example: `{"space": "spaces/jQCFfuBOdN5z"}`
    EndActiveConference = "endActiveConference", Write, Always -> Done,
    scopes CREATED,
    discloses {}
    path {}
    required {
        /// The space's name or id.
        space: String,
    }
    optional {}
    check |this| { check_name("space", &this.space, "spaces")?; }
    run |this, call| {
        let verb = format!("{}:endActiveConference", id_of(&this.space, "spaces"));
        let request = call.post(at(call, &["spaces", &verb])?).json(&json!({}));
        let response = call.exchange(request, Repeat::Always).await?;
        match response.status {
            200..=299 => Ok(Done { done: true }),
            // No conference is on: it has ended, perhaps by a try whose answer was lost.
            400 if call.refusal(&response).vendor().and_then(|vendor| vendor.code.as_deref()) == Some(NOT_ON) => {
                Ok(Done { done: true })
            }
            _ => Err(call.refusal(&response)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Operation;

    #[test]
    fn only_what_is_named_is_set() {
        let config: SpaceConfig = serde_json::from_value(json!({
            "accessType": "TRUSTED", "attendanceReport": "ON", "autoRecording": "OFF",
        }))
        .unwrap();
        let (body, mask) = config.wire();
        assert_eq!(
            body,
            json!({ "config": {
                "accessType": "TRUSTED",
                "attendanceReportGenerationType": "GENERATE_REPORT",
                "artifactConfig": { "recordingConfig": { "autoRecordingGeneration": "OFF" } },
            } })
        );
        assert_eq!(
            mask,
            [
                "config.accessType",
                "config.attendanceReportGenerationType",
                "config.artifactConfig.recordingConfig.autoRecordingGeneration",
            ]
        );
        let nothing = UpdateMeetingSpace::new("spaces/a", SpaceConfig::default());
        assert_eq!(nothing.validate().unwrap_err().field(), Some("config"));
        UpdateMeetingSpace::new("spaces/a", config).validate().unwrap();
    }
}
