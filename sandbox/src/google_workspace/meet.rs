//! Meet v2.

use hyper::Method;
use serde_json::{Map, Value, json};

use super::call::{Call, Reply, Result, instant, moment, object, with_next};
use super::error::ApiError;
use super::people::People;
use super::world::World;

const READ: &[&str] = &["meetings.space.created", "meetings.space.readonly", "meetings.space.settings"];
const CREATED: &[&str] = &["meetings.space.created"];
const SETTINGS: &[&str] = &["meetings.space.created", "meetings.space.settings"];
const RECORDS: &[&str] = &["meetings.space.created", "meetings.space.readonly"];
/// How long the record of a conference is kept, in milliseconds.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;

/// A meeting space.
#[derive(Debug, Clone)]
pub(super) struct Space {
    id: String,
    pub(super) code: String,
    owner: String,
    config: Map<String, Value>,
}

impl Space {
    /// Where the meeting is joined.
    pub(super) fn uri(&self) -> String {
        format!("https://meet.google.com/{}", self.code)
    }
}

/// A conference that has taken place in a space, or does.
#[derive(Debug, Clone)]
struct Conference {
    id: String,
    space: String,
    start: i64,
    end: Option<i64>,
    participants: Vec<Value>,
}

/// Everything that Meet keeps.
#[derive(Debug, Default)]
pub(super) struct Meet {
    spaces: Vec<Space>,
    conferences: Vec<Conference>,
}

/// Makes a space of a user.
pub(super) fn new_space(world: &mut World, owner: &str, given: &Map<String, Value>) -> Space {
    let mut config =
        object(br#"{"accessType":"TRUSTED","entryPointAccess":"ALL","moderation":"OFF"}"#).unwrap_or_default();
    config.extend(given.clone());
    let space = Space { id: world.ids.word(12), code: world.ids.meeting(), owner: owner.to_owned(), config };
    world.meet.spaces.push(space.clone());
    space
}

/// Lets people meet in a space from `at` on, until `end`; says the conference's name.
pub(super) fn meet(world: &mut World, code: &str, people: &[&str], at: i64, end: Option<i64>) -> Option<String> {
    let space = world.meet.spaces.iter().find(|space| space.code == code)?.id.clone();
    let id = world.ids.word(20);
    let participants = people.iter().enumerate().map(|(index, email)| {
        let mut one = json!({
            "name": format!("conferenceRecords/{id}/participants/{}", index + 1),
            "earliestStartTime": moment(at),
        });
        if let Some(end) = end {
            one["latestEndTime"] = json!(moment(end));
        }
        joined(&mut one, &world.people, email);
        one
    });
    let participants = participants.collect();
    world.meet.conferences.push(Conference { id: id.clone(), space, start: at, end, participants });
    Some(format!("conferenceRecords/{id}"))
}

/// Whoever has no account joins without a name of record.
fn joined(participant: &mut Value, people: &People, email: &str) {
    match people.find(email) {
        Some(person) => {
            participant["signedinUser"] =
                json!({ "user": format!("users/{}", person.id), "displayName": person.name() });
        }
        None => participant["anonymousUser"] = json!({ "displayName": email }),
    }
}

/// Answers behind `/v2/`.
pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    match (&method, path) {
        (&Method::POST, ["spaces"]) => create(call),
        (&Method::GET, ["spaces", id]) => {
            call.needs(READ)?;
            // The code of the meeting names it as well, but only here.
            let found = call.world.meet.spaces.iter().find(|space| space.id == *id || space.code == *id);
            let space = found.filter(|space| space.owner == call.user()).ok_or_else(missing)?;
            Ok(Reply::Json(shown(call.world, space)))
        }
        (&Method::PATCH, ["spaces", id]) => update(call, id),
        (&Method::POST, ["spaces", name]) => match name.rsplit_once(':') {
            Some((id, "endActiveConference")) => end(call, id),
            _ => Err(ApiError::not_found("Not Found")),
        },
        (&Method::GET, ["conferenceRecords"]) => list(call),
        (&Method::GET, ["conferenceRecords", id]) => {
            call.needs(RECORDS)?;
            Ok(Reply::Json(record(conference(call, id)?)))
        }
        (&Method::GET, ["conferenceRecords", id, rest @ ..]) => {
            call.needs(RECORDS)?;
            let held = conference(call, id)?.clone();
            of_conference(call, &held, rest)
        }
        _ => Err(ApiError::not_found("Not Found")),
    }
}

fn missing() -> ApiError {
    ApiError::not_found("Requested entity was not found.")
}

fn create(call: &mut Call<'_>) -> Result {
    call.needs(CREATED)?;
    let body = call.body()?;
    let config = config(&body)?;
    let user = call.user().to_owned();
    let space = new_space(call.world, &user, &config);
    Ok(Reply::Json(shown(call.world, &space)))
}

fn config(body: &Map<String, Value>) -> Result<Map<String, Value>> {
    let config = body.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
    let one_of = |name: &str, known: &[&str]| match config.get(name) {
        Some(value) if !value.as_str().is_some_and(|value| known.contains(&value)) => {
            Err(ApiError::invalid(format!("Invalid value at 'space.config.{name}'")))
        }
        _ => Ok(()),
    };
    one_of("accessType", &["ACCESS_TYPE_UNSPECIFIED", "OPEN", "TRUSTED", "RESTRICTED"])?;
    one_of("entryPointAccess", &["ENTRY_POINT_ACCESS_UNSPECIFIED", "ALL", "CREATOR_APP_ONLY"])?;
    Ok(config)
}

fn shown(world: &World, space: &Space) -> Value {
    let mut shown = json!({
        "name": format!("spaces/{}", space.id),
        "meetingUri": space.uri(),
        "meetingCode": space.code,
        "config": space.config,
    });
    let active = world.meet.conferences.iter().find(|held| held.space == space.id && held.end.is_none());
    if let Some(active) = active {
        shown["activeConference"] = json!({ "conferenceRecord": format!("conferenceRecords/{}", active.id) });
    }
    shown
}

/// A space that the user owns.
fn own<'w>(call: &'w mut Call<'_>, id: &str) -> Result<&'w mut Space> {
    let user = call.grant.user.clone();
    let found = call.world.meet.spaces.iter_mut().find(|space| space.id == id && space.owner == user);
    found.ok_or_else(missing)
}

fn update(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(SETTINGS)?;
    let config = config(&call.body()?)?;
    let mask = call.query.filled("updateMask").map(str::to_owned);
    let space = own(call, id)?;
    let names = mask.as_deref().map(|mask| mask.split(',').map(str::trim).collect::<Vec<_>>());
    if names.as_ref().is_some_and(|names| names.iter().any(|name| *name != "*" && !name.starts_with("config"))) {
        return Err(ApiError::invalid("Invalid update mask: only config can be updated."));
    }
    let wanted = |name: &str| {
        let whole = |mask: &&str| ["*", "config"].contains(mask);
        let own = |mask: &&str| mask.strip_prefix("config.").and_then(|rest| rest.split('.').next()) == Some(name);
        names.as_ref().is_none_or(|names| names.iter().any(|mask| whole(mask) || own(mask)))
    };
    space.config.extend(config.into_iter().filter(|(name, _)| wanted(name)));
    let space = space.clone();
    Ok(Reply::Json(shown(call.world, &space)))
}

fn end(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(CREATED)?;
    let at = call.at();
    let id = own(call, id)?.id.clone();
    let active = call.world.meet.conferences.iter_mut().find(|held| held.space == id && held.end.is_none());
    let active = active.ok_or_else(|| ApiError::precondition("There is no active conference for the given space."))?;
    active.end = Some(at);
    for participant in &mut active.participants {
        participant["latestEndTime"] = json!(moment(at));
    }
    Ok(Reply::Json(json!({})))
}

fn visible<'w>(call: &'w Call<'_>) -> impl Iterator<Item = (&'w Conference, &'w Space)> {
    let meet = &call.world.meet;
    let user = call.user();
    meet.conferences.iter().filter_map(move |held| {
        let space = meet.spaces.iter().find(|space| space.id == held.space && space.owner == user)?;
        Some((held, space))
    })
}

fn conference<'w>(call: &'w Call<'_>, id: &str) -> Result<&'w Conference> {
    visible(call).find(|(held, _)| held.id == id).map(|(held, _)| held).ok_or_else(missing)
}

fn record(held: &Conference) -> Value {
    let mut shown = json!({
        "name": format!("conferenceRecords/{}", held.id),
        "space": format!("spaces/{}", held.space),
        "startTime": moment(held.start),
        "expireTime": moment(held.end.unwrap_or(held.start) + KEPT_MS),
    });
    if let Some(end) = held.end {
        shown["endTime"] = json!(moment(end));
    }
    shown
}

/// Answers what lies below the record of a conference.
fn of_conference(call: &Call<'_>, held: &Conference, path: &[&str]) -> Result {
    let name = |participant: &str| format!("conferenceRecords/{}/participants/{participant}", held.id);
    let find =
        |participant: &str| held.participants.iter().find(|one| one["name"] == name(participant)).ok_or_else(missing);
    match path {
        ["participants"] => {
            let total = held.participants.len();
            let (page, next) = call.page(held.participants.clone(), call.size("pageSize", 100, 250)?)?;
            Ok(Reply::Json(with_next(json!({ "participants": page, "totalSize": total }), next)))
        }
        ["participants", participant] => find(participant).cloned().map(Reply::Json),
        ["participants", participant, "participantSessions"] => {
            let one = find(participant)?;
            let mut session = json!({
                "name": format!("{}/participantSessions/1", name(participant)),
                "startTime": one["earliestStartTime"],
            });
            if let Some(end) = one.get("latestEndTime") {
                session["endTime"] = end.clone();
            }
            Ok(Reply::Json(json!({ "participantSessions": [session] })))
        }
        ["recordings"] => artefacts(call, held, "recordings", "recordingConfig"),
        ["transcripts"] => artefacts(call, held, "transcripts", "transcriptionConfig"),
        _ => Err(ApiError::not_found("Not Found")),
    }
}

/// What the space's configuration had made of a conference: one file once it has ended, if it was switched on.
fn artefacts(call: &Call<'_>, held: &Conference, kind: &str, config: &str) -> Result {
    let space = call.world.meet.spaces.iter().find(|space| space.id == held.space).ok_or_else(missing)?;
    let on = space.config.get("artifactConfig").and_then(|artefacts| artefacts[config].as_object());
    let on = on.is_some_and(|config| config.values().any(|value| value == "ON"));
    let (true, Some(end)) = (on, held.end) else { return Ok(Reply::Json(json!({}))) };
    let mut one = json!({
        "name": format!("conferenceRecords/{}/{kind}/1", held.id),
        "state": "FILE_GENERATED",
        "startTime": moment(held.start),
        "endTime": moment(end),
    });
    let file = format!("{}-{kind}", held.id);
    let (name, place) =
        if kind == "recordings" { ("driveDestination", "file") } else { ("docsDestination", "document") };
    one[name] = json!({ place: file, "exportUri": format!("https://drive.google.com/file/d/{file}/view") });
    Ok(Reply::Json(json!({ kind: [one] })))
}

fn list(call: &mut Call<'_>) -> Result {
    call.needs(RECORDS)?;
    let size = call.size("pageSize", 25, 100)?;
    let terms = terms(call.query.filled("filter").unwrap_or(""))?;
    let mut all: Vec<Value> = visible(call)
        .filter(|(held, space)| terms.iter().all(|term| term.matches(held, space)))
        .map(|(held, _)| record(held))
        .collect();
    // The latest comes first.
    all.reverse();
    let (page, next) = call.page(all, size)?;
    Ok(Reply::Json(with_next(json!({ "conferenceRecords": page }), next)))
}

/// One comparison of a filter.
struct Term {
    field: String,
    sign: &'static str,
    value: String,
}

/// `space.name = "spaces/x" AND start_time >= "2026-11-25T00:00:00Z"`.
fn terms(filter: &str) -> Result<Vec<Term>> {
    let parts = filter.split(" AND ").map(str::trim).filter(|part| !part.is_empty());
    let term = |part: &str| {
        let invalid = || ApiError::invalid(format!("Invalid filter: {filter}"));
        if part.eq_ignore_ascii_case("end_time IS NULL") {
            return Ok(Term { field: "end_time".to_owned(), sign: "IS", value: String::new() });
        }
        let sign = [">=", "<=", "=", ">", "<"].into_iter().find(|sign| part.contains(sign)).ok_or_else(invalid)?;
        let (field, value) = part.split_once(sign).ok_or_else(invalid)?;
        let term = Term { field: field.trim().to_owned(), sign, value: value.trim().trim_matches('"').to_owned() };
        let timed = ["start_time", "end_time"].contains(&term.field.as_str());
        let named = ["space.name", "space.meeting_code"].contains(&term.field.as_str()) && sign == "=";
        if named || (timed && instant(&term.value).is_some()) { Ok(term) } else { Err(invalid()) }
    };
    parts.map(term).collect()
}

impl Term {
    fn matches(&self, held: &Conference, space: &Space) -> bool {
        let time = match self.field.as_str() {
            "space.name" => return self.value == format!("spaces/{}", space.id),
            "space.meeting_code" => return self.value == space.code,
            "start_time" => Some(held.start),
            _ if self.sign == "IS" => return held.end.is_none(),
            _ => held.end,
        };
        let (Some(time), Some(value)) = (time, instant(&self.value)) else { return false };
        match self.sign {
            ">=" => time >= value,
            "<=" => time <= value,
            "=" => time == value,
            ">" => time > value,
            _ => time < value,
        }
    }
}

/// All spaces, as tests see them.
pub(super) fn all(world: &World) -> Vec<Value> {
    let with_owner = |space: &Space| {
        let mut shown = shown(world, space);
        shown["owner"] = json!(space.owner);
        shown
    };
    world.meet.spaces.iter().map(with_owner).collect()
}
