//! Teams: made, read, kept away. <https://learn.microsoft.com/graph/api/resources/teams-api-overview>
//!
//! Graph makes a team in the background and gives no key by which it would know a repetition. The ids of the teams of that
//! name are therefore noted first: if the answer is lost, the one that has come since is ours.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Microsoft365, check,
    graph::{Done, Graph, Listed, quoted},
    wire::{choice, list, object, operation},
};
use crate::{
    error::{Error, ErrorCode, Result, Retry},
    providers::Call,
    transport::{Headers, Method, Repeat, Response, oauth::Scopes},
};

/// Between two looks at how far a team has come. Microsoft asks for half a minute in the long run; small teams are quicker.
const LOOK: Duration = Duration::from_secs(5);
/// A group that was just made is not known everywhere: this often, this far apart.
const NOT_YET: (u32, Duration) = (3, Duration::from_secs(10));

const READS: Scopes =
    &[&["Team.ReadBasic.All", "TeamSettings.Read.All", "TeamSettings.ReadWrite.All", "Group.Read.All"]];

object! {
    /// A team.
    Team {
        /// Its name.
        display_name: String,
        /// What it is for.
        description: String,
        /// Its page.
        web_url: String,
        /// `private`, `public` or `hiddenMembership`.
        visibility: String,
        /// Whether it can only be read.
        is_archived: bool,
        /// `educationClass` for a class.
        specialization: String,
        /// When it was made.
        created_date_time: String,
    }
}

choice! {
    /// Who sees a team.
    TeamVisibility {
        /// Its members.
        Private = "private",
        /// Everybody in the school.
        Public = "public",
    }
}

/// A team that Microsoft is making, or has made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    team_id: String,
    operation_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    #[serde(default)]
    status: String,
    #[serde(default)]
    error: Value,
}

operation! {
    /// Makes a team, and waits until it stands.
    ///
    /// <https://learn.microsoft.com/graph/api/team-post>. Access `write`. Application or delegated: `Team.Create`. Takes
    /// steps: if it fails half-way, the error holds the team's id, and the call repeated with the same idempotency key goes
    /// on and makes no second one. Errors: `in_progress` when Microsoft is not done by the deadline.
    ///
    /// Example: `{"displayName": "Chess club", "ownerId": "teacher@yourschool.example"}`
    CreateTeam = "createTeam", Write, WithKey -> Team,
    scopes &[&["Team.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"]], Any,
    discloses { "ownerId": Identity(Staff) }
    by {
        /// Who owns it: their id, or what they sign in with.
        owner_id: String,
    }
    required {
        /// Its name.
        display_name: String,
    }
    optional {
        /// What it is for.
        description: String,
        /// `private` or `public`; Microsoft's default is public.
        visibility: TeamVisibility,
    }
    steps ["before", "create", "ready"]
    within 120
    check |this| {
        check::text("displayName", &this.display_name, 256)?;
        check::some_text("description", &this.description, 1024)?;
    }
    run |this, call| {
        let mut body = json!({
            "template@odata.bind": template("standard"), "displayName": this.display_name,
            "members": [{
                "@odata.type": "#microsoft.graph.aadUserConversationMember",
                "roles": ["owner"],
                "user@odata.bind": format!("https://graph.microsoft.com/v1.0/users({})", quoted(&this.owner_id)),
            }],
        });
        if let Some(description) = &this.description {
            body["description"] = json!(description);
        }
        if let Some(visibility) = this.visibility {
            body["visibility"] = json!(visibility);
        }
        let graph = Graph::root(call);
        let before: Vec<String> = call.step("before", |_| named(&graph, &this.display_name)).await?;
        let begun = call
            .step("create", async |begun| {
                if begun && let Some(ours) = come(&graph, &this.display_name, &before).await? {
                    return Ok(ours);
                }
                match begin(&graph, &body).await {
                    Err(error) if error.code() == ErrorCode::OutcomeUnknown => {
                        come(&graph, &this.display_name, &before).await?.ok_or(error)
                    }
                    begun => begun,
                }
            })
            .await?;
        finish(&graph, begun).await
    }
}

operation! {
    /// Makes the team of a class, or of a Microsoft 365 group, and waits until it stands. Where it stands already, it is
    /// answered.
    ///
    /// <https://learn.microsoft.com/graph/api/team-post>, template `educationClass`. Access `write`. Application or
    /// delegated: `Team.Create`. A class that was just made is not known everywhere for some minutes: it is tried three
    /// times, ten seconds apart. Takes steps. Errors: `not_found`, `in_progress` when Microsoft is not done by the deadline.
    ///
    /// Example: `{"classId": "11014"}`
    CreateTeamFromClass = "createTeamFromClass", Write, WithKey -> Team,
    scopes &[&["Team.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"]], Any,
    discloses {}
    by {
        /// The class's id, which is its group's.
        class_id: String,
    }
    required {}
    optional {}
    steps ["create", "ready"]
    within 120
    run |this, call| {
        let graph = Graph::root(call);
        let body = json!({
            "template@odata.bind": template("educationClass"),
            "group@odata.bind": format!("https://graph.microsoft.com/v1.0/groups({})", quoted(&this.class_id)),
        });
        let there = || async {
            let team: Option<Team> = graph.find(&["teams", &this.class_id], &[]).await?;
            Ok(team.map(|_| Begun { team_id: this.class_id.clone(), operation_id: String::new() }))
        };
        let begun = call
            .step("create", async |_| {
                if let Some(there) = there().await? {
                    return Ok(there);
                }
                let mut tries = 1;
                loop {
                    match begin(&graph, &body).await {
                        Err(error) if error.code() == ErrorCode::NotFound && tries < NOT_YET.0 => {
                            tries += 1;
                            call.runtime().sleep(NOT_YET.1).await;
                        }
                        Err(error) if matches!(error.code(), ErrorCode::Conflict | ErrorCode::OutcomeUnknown) => {
                            return there().await?.ok_or(error);
                        }
                        begun => return begun,
                    }
                }
            })
            .await?;
        finish(&graph, begun).await
    }
}

operation! {
    /// Reads one team.
    ///
    /// <https://learn.microsoft.com/graph/api/team-get>. Access `read`. Application or delegated: `Team.ReadBasic.All`.
    /// Errors: `not_found`.
    ///
    /// Example: `{"teamId": "02bd9fd6-8f93-4758-87c3-1fb73740a315"}`
    GetTeam = "getTeam", Read, Always -> Team,
    scopes READS, Any,
    discloses {}
    by {
        /// The team's id.
        team_id: String,
    }
    required {}
    optional {}
    run |this, call| { Graph::root(call).get(&["teams", &this.team_id], &[]).await }
}

list! {
    /// Lists the teams of the school, or those that a person belongs to.
    ///
    /// <https://learn.microsoft.com/graph/api/teams-list>, <https://learn.microsoft.com/graph/api/user-list-joinedteams>.
    /// Access `read`. Application or delegated: `Team.ReadBasic.All`.
    ///
    /// Example: `{"userId": "teacher@yourschool.example"}`
    ListTeams = "listTeams" -> Team,
    scopes READS, Any,
    discloses { "userId": Identity(Anyone) }
    by {}
    required {}
    optional {
        /// Only those that this person belongs to: their id, or what they sign in with.
        user_id: String,
        /// A filter in OData, such as `startswith(displayName, 'Class')`. Not beside `userId`.
        filter: String,
    }
    check |this| {
        check::some_id("userId", &this.user_id)?;
        if this.user_id.is_some() && this.filter.is_some() {
            return Err(Error::invalid("filter", "cannot stand beside userId"));
        }
    }
    at |this, call| match &this.user_id {
        Some(user) => Graph::root(call).below(&["users", user, "joinedTeams"]),
        None => Graph::root(call).below(&["teams"]),
    }, &[], super::graph::query(&[("$filter", this.filter.as_deref())])
}

operation! {
    /// Archives a team: its channels can be read and no longer written into.
    ///
    /// <https://learn.microsoft.com/graph/api/team-archive>. Access `write`. Application or delegated:
    /// `TeamSettings.ReadWrite.All`. Microsoft does it in the background. Errors: `not_found`.
    ///
    /// Example: `{"teamId": "02bd9fd6-8f93-4758-87c3-1fb73740a315"}`
    ArchiveTeam = "archiveTeam", Manage, Always -> Done,
    scopes &[&["TeamSettings.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"]], Any,
    discloses {}
    by {
        /// The team's id.
        team_id: String,
    }
    required {}
    optional {
        /// Whether members can only read the team's SharePoint site, too.
        read_only_site: bool,
    }
    run |this, call| {
        let body = json!({ "shouldSetSpoSiteReadOnlyForMembers": this.read_only_site.unwrap_or(false) });
        let path = ["teams", &this.team_id, "archive"];
        Graph::root(call).act(Method::Post, &path, Some(&body), Repeat::Always).await?;
        Ok(Done::of(this.team_id))
    }
}

fn template(name: &str) -> String {
    format!("https://graph.microsoft.com/v1.0/teamsTemplates('{name}')")
}

/// The ids of the teams of that name.
async fn named(graph: &Graph<'_>, name: &str) -> Result<Vec<String>> {
    let filter = [("$filter", format!("displayName eq {}", quoted(name)))];
    let listed: Listed<Team> = graph.list(&["teams"], &filter, None, None).await?;
    Ok(listed.value.into_iter().filter_map(|team| team.id).collect())
}

/// The team of that name that has come since.
async fn come(graph: &Graph<'_>, name: &str, before: &[String]) -> Result<Option<Begun>> {
    let new: Vec<String> = named(graph, name).await?.into_iter().filter(|id| !before.contains(id)).collect();
    match <[String; 1]>::try_from(new) {
        Ok([team_id]) => Ok(Some(Begun { team_id, operation_id: String::new() })),
        Err(none) if none.is_empty() => Ok(None),
        Err(_) => Err(Error::new(
            ErrorCode::OutcomeUnknown,
            "several teams of that name have come since the first try; one of them may be this one",
        )),
    }
}

/// Asks for a team: where it will be, and what makes it.
async fn begin(graph: &Graph<'_>, body: &Value) -> Result<Begun> {
    let request = graph.request(Method::Post, &["teams"])?.json(body);
    let response: Response = graph.send(request, Repeat::Never).await?;
    begun(&response.headers).ok_or_else(|| {
        Error::new(ErrorCode::OutcomeUnknown, "Microsoft is making the team, and did not say under which id")
    })
}

/// `Location: /teams('{id}')/operations('{id}')`: a path in OData's own syntax, without the version.
fn begun(headers: &Headers) -> Option<Begun> {
    let mut keys = headers.get("location")?.split('\'').skip(1).step_by(2);
    Some(Begun { team_id: keys.next()?.to_owned(), operation_id: keys.next()?.to_owned() })
}

/// Waits until the team stands, and reads it.
async fn finish(graph: &Graph<'_>, begun: Begun) -> Result<Team> {
    let call: &Call<'_, Microsoft365> = &graph.call;
    call.note("id", begun.team_id.clone());
    call.step("ready", async |_| {
        // Some operations are named by zeros alone, which nothing answers to: then the team itself is looked for.
        let watched = begun.operation_id.bytes().any(|byte| !matches!(byte, b'0' | b'-'));
        loop {
            let ended = if watched { made(graph, &begun).await? } else { stands(graph, &begun.team_id).await? };
            if ended {
                return Ok(true);
            }
            if call.deadline().since(call.now()) <= LOOK {
                return Err(Error::new(
                    ErrorCode::InProgress,
                    "Microsoft is still making the team; repeat the call with the same idempotency key to wait for it",
                )
                .with_retry(Retry::After(Duration::from_secs(30))));
            }
            call.runtime().sleep(LOOK).await;
        }
    })
    .await?;
    graph.get(&["teams", &begun.team_id], &[]).await
}

async fn stands(graph: &Graph<'_>, team: &str) -> Result<bool> {
    Ok(graph.find::<Team>(&["teams", team], &[]).await?.is_some())
}

async fn made(graph: &Graph<'_>, begun: &Begun) -> Result<bool> {
    let path = ["teams", &begun.team_id, "operations", &begun.operation_id];
    let Some(progress) = graph.find::<Progress>(&path, &[]).await? else { return Ok(false) };
    match progress.status.as_str() {
        "succeeded" => Ok(true),
        "failed" => {
            let words = progress.error.get("message").and_then(Value::as_str).unwrap_or("it does not say why");
            Err(Error::new(ErrorCode::Vendor, format!("Microsoft could not make the team: {words}")))
        }
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_are_read_out_of_odata_keys() {
        let mut headers = Headers::default();
        assert!(begun(&headers).is_none());
        headers.set("location", "/teams('t-1')/operations('o-2')");
        let ids = begun(&headers).unwrap();
        assert_eq!((ids.team_id.as_str(), ids.operation_id.as_str()), ("t-1", "o-2"));
        headers.set("location", "/teams/t-1");
        assert!(begun(&headers).is_none());
    }
}
