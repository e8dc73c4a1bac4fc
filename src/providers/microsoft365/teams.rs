//! Teams: made, read, kept away. <https://learn.microsoft.com/graph/api/resources/teams-api-overview>

use serde_json::json;

use super::{
    Microsoft365, check,
    education::{self, EducationClass},
    graph::{Done, Graph},
    groups::{self, Group},
    making,
    wire::{choice, list, object, operation},
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Timestamp,
    providers::Call,
    transport::{Method, Repeat, oauth::Scopes},
};

const READS: Scopes =
    &[&["Team.ReadBasic.All", "TeamSettings.Read.All", "TeamSettings.ReadWrite.All", "Group.Read.All"]];
/// What makes a team, and what looks for it by its name.
const MAKES: Scopes = &[
    &["Team.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"],
    &["Team.ReadBasic.All", "TeamSettings.Read.All", "TeamSettings.ReadWrite.All"],
];
/// What makes the team of a class, what looks whether it is there, and what tells a class from a plain group.
const OF_CLASS: Scopes = &[
    &["Team.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"],
    &[
        "Team.ReadBasic.All",
        "TeamSettings.Read.All",
        "TeamSettings.ReadWrite.All",
        "Group.Read.All",
        "Group.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    education::READ,
];

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

operation! {
    /// Makes a team, and waits until it stands.
    ///
    /// <https://learn.microsoft.com/graph/api/team-post>. Access `write`. Application or delegated: `Team.Create`, and
    /// `Team.ReadBasic.All` to look for it. Takes steps: if it fails half-way, the error holds the team's id, and the
    /// call repeated with the same idempotency key goes on and makes no second one. After a lost answer the team of
    /// that name that has come since is looked for, and asked for again only when none has come within a quarter of an
    /// hour. Errors: `in_progress` when Microsoft is not done by the deadline, `outcome_unknown` when it does not show
    /// by then whether it has begun.
    ///
    /// Example: `{"displayName": "Chess club", "ownerId": "teacher@yourschool.example"}`
    CreateTeam = "createTeam", Write, WithKey -> Team,
    scopes MAKES, Any,
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
    steps ["before", "asked", "create", "ready"]
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
                "user@odata.bind": Graph::key_of("users", &this.owner_id)?,
            }],
        });
        if let Some(description) = &this.description {
            body["description"] = json!(description);
        }
        if let Some(visibility) = this.visibility {
            body["visibility"] = json!(visibility);
        }
        making::named(&Graph::root(call).in_every_word(), &this.display_name, &body).await
    }
}

operation! {
    /// Makes the team of a class, or of a Microsoft 365 group, and waits until it stands. Where it stands already, it
    /// is answered.
    ///
    /// <https://learn.microsoft.com/graph/api/team-post>, template `educationClass` for a class and `standard` for
    /// another group. Access `write`. Application or delegated: `Team.Create`, `Team.ReadBasic.All` to look for it, and
    /// `EduRoster.ReadBasic` to tell what it is; for a group that is no class, `GroupMember.Read.All` too. A class that
    /// was just made is not known everywhere for some minutes: it is tried three times, ten seconds apart. Takes steps.
    /// Errors: `not_found`, `invalid_argument` with `classId` for a group that is no Microsoft 365 group, `in_progress`
    /// when Microsoft is not done by the deadline.
    ///
    /// Example: `{"classId": "11014"}`
    CreateTeamFromClass = "createTeamFromClass", Write, WithKey -> Team,
    scopes OF_CLASS, Any,
    discloses {}
    by {
        /// The class's id, which is its group's.
        class_id: String,
    }
    required {}
    optional {}
    steps ["kind", "create", "ready"]
    within 120
    run |this, call| {
        let kind: String = call.step("kind", async |_| kind(call, &this.class_id).await).await?;
        let body = json!({
            "template@odata.bind": template(&kind),
            "group@odata.bind": Graph::key_of("groups", &this.class_id)?,
        });
        making::of_group(&Graph::root(call).in_every_word(), &this.class_id, &body).await
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
    run |this, call| { Graph::root(call).in_every_word().get(&["teams", &this.team_id], &[]).await }
}

list! {
    /// Lists the teams of the school, or those that a person belongs to.
    ///
    /// <https://learn.microsoft.com/graph/api/teams-list>,
    /// <https://learn.microsoft.com/graph/api/user-list-joinedteams>. Access `read`. Application or delegated:
    /// `Team.ReadBasic.All`.
    ///
    /// Example: `{"userId": "teacher@yourschool.example"}`
    ListTeams = "listTeams" -> Team,
    scopes READS, Any,
    discloses { "userId": Identity(Anyone), "filter": Identity(Anyone) }
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
        if this.user_id.is_some() && this.page_size.is_some() {
            return Err(Error::invalid("pageSize", "cannot stand beside userId: a person's teams come all at once"));
        }
    }
    at |this, call| match &this.user_id {
        Some(user) => Graph::root(call).in_every_word().below(&["users", user, "joinedTeams"]),
        None => Graph::root(call).in_every_word().below(&["teams"]),
    }, &[], super::graph::query(&[("$filter", this.filter.as_deref())])
}

operation! {
    /// Archives a team: its channels can be read and no longer written into.
    ///
    /// <https://learn.microsoft.com/graph/api/team-archive>. Access `manage`. Application or delegated:
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

/// The template for a group's team: a class's own where the group is a class's.
async fn kind(call: &Call<'_, Microsoft365>, id: &str) -> Result<String> {
    let path = [id];
    let classes = Graph::root(call).below(&["education", "classes"]);
    if classes.find::<EducationClass>(&path, &[]).await?.is_some() {
        return Ok("educationClass".to_owned());
    }
    let groups = Graph::root(call).below(&["groups"]).needing(groups::READS);
    let select = [("$select", "id,groupTypes,createdDateTime".to_owned())];
    let group: Group = making::soon(call, || groups.get(&path, &select)).await?;
    if !group.group_types.iter().flatten().any(|kind| kind == "Unified") {
        return Err(Error::invalid(
            "classId",
            "must be of a class or a Microsoft 365 group: no other can become a team",
        ));
    }
    // The directory may know a new class's group before it knows the class.
    let made = group.created_date_time.and_then(|made| made.parse::<Timestamp>().ok()).unwrap_or_else(|| call.now());
    if call.now().since(made) < making::SPREAD {
        match making::soon(call, || classes.get::<EducationClass>(&path, &[])).await {
            Err(error) if error.code() == ErrorCode::NotFound => {}
            class => return class.map(|_| "educationClass".to_owned()),
        }
    }
    Ok("standard".to_owned())
}

fn template(name: &str) -> String {
    format!("https://graph.microsoft.com/v1.0/teamsTemplates('{name}')")
}
