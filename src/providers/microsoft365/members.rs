//! Who belongs to a team. <https://learn.microsoft.com/graph/api/resources/conversationmember>

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    batch::{ItemResult, Outcomes},
    check, error,
    graph::{Done, Graph, is_there},
    wire::{arguments, choice, list, object, operation},
};
use crate::{
    error::{Error, ErrorCode, Result},
    transport::{Headers, Method, Repeat, oauth::Scopes},
};

/// How many Microsoft takes at once.
const MOST: usize = 200;

const READS: Scopes = &[&["TeamMember.Read.All", "TeamMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All"]];
const WRITES: Scopes = &[&["TeamMember.ReadWriteNonOwnerRole.All", "TeamMember.ReadWrite.All", "Group.ReadWrite.All"]];

object! {
    /// A member of a team.
    TeamMember {
        /// The person's id; `id` is that of the membership.
        user_id: String,
        /// The name that others see.
        display_name: String,
        /// The mail address.
        email: String,
        /// `owner`, `guest`, or none.
        roles: Vec<String>,
    }
}

choice! {
    /// What somebody is in a team.
    TeamRole {
        /// One of its members.
        Member = "member",
        /// One of its owners.
        Owner = "owner",
    }
}

arguments! {
    /// Somebody to be added to a team.
    NewTeamMember {
        required {
            /// Their id, or what they sign in with.
            user_id: String,
        }
        optional {
            /// `member` or `owner`. Default: member.
            role: TeamRole,
        }
    }
}

fn member(user: &str, role: Option<TeamRole>) -> Result<Value> {
    let roles: &[&str] = if role == Some(TeamRole::Owner) { &["owner"] } else { &[] };
    Ok(json!({
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "user@odata.bind": Graph::key_of("users", user)?,
        "roles": roles,
    }))
}

list! {
    /// Lists the members of a team. `id` is that of the membership, which `removeTeamMember` takes.
    ///
    /// <https://learn.microsoft.com/graph/api/team-list-members>. Access `read`. Application or delegated:
    /// `TeamMember.Read.All`. Errors: `not_found`.
    ///
    /// Example: `{"teamId": "02bd9fd6-8f93-4758-87c3-1fb73740a315"}`
    ListTeamMembers = "listTeamMembers" -> TeamMember,
    scopes READS, Any,
    discloses {}
    by {
        /// The team's id.
        team_id: String,
    }
    required {}
    optional {}
    at |this, call| Graph::root(call), &["teams", &this.team_id, "members"], Vec::new()
}

operation! {
    /// Adds a person to a team; one who is in it already stays so.
    ///
    /// <https://learn.microsoft.com/graph/api/team-post-members>. Access `manage`. Application or delegated:
    /// `TeamMember.ReadWrite.All`. Errors: `not_found`.
    ///
    /// Example: `{"teamId": "02bd9fd6-8f93-4758-87c3-1fb73740a315", "userId": "student@yourschool.example"}`
    AddTeamMember = "addTeamMember", Manage, Always -> TeamMember,
    scopes WRITES, Any,
    discloses { "userId": Enrolment(Anyone) }
    by {
        /// The team's id.
        team_id: String,
        /// Their id, or what they sign in with.
        user_id: String,
    }
    required {}
    optional {
        /// `member` or `owner`. Default: member.
        role: TeamRole,
    }
    run |this, call| {
        let body = member(&this.user_id, this.role)?;
        Graph::root(call).make(Method::Post, &["teams", &this.team_id, "members"], &body, Repeat::Always).await
    }
}

#[derive(Deserialize)]
struct Added {
    value: Vec<AddedOne>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddedOne {
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    error: Value,
}

operation! {
    /// Adds up to 200 people to a team at once, each for itself.
    ///
    /// <https://learn.microsoft.com/graph/api/conversationmembers-add>. Access `manage`. Application or delegated:
    /// `TeamMember.ReadWrite.All`. Answers what became of each. Errors: `not_found`.
    ///
    /// Example: `{"teamId": "02bd9fd6-8f93-4758-87c3-1fb73740a315", "members": [{"userId": "8a8c…", "role": "member"}]}`
    AddTeamMembers = "addTeamMembers", Manage, Always -> Outcomes,
    scopes WRITES, Any,
    discloses { "members.userId": Enrolment(Anyone) }
    by {
        /// The team's id.
        team_id: String,
    }
    required {
        /// Who.
        members: Vec<NewTeamMember>,
    }
    optional {}
    check |this| {
        check::some("members", &this.members, MOST)?;
        for (at, member) in this.members.iter().enumerate() {
            check::id(&format!("members[{at}].userId"), &member.user_id)?;
        }
    }
    run |this, call| {
        let values: Vec<Value> =
            this.members.iter().map(|one| member(&one.user_id, one.role)).collect::<Result<_>>()?;
        let path = ["teams", &this.team_id, "members", "add"];
        let added: Added =
            Graph::root(call).make(Method::Post, &path, &json!({ "values": values }), Repeat::Always).await?;
        let results = this.members.iter().enumerate().map(|(at, one)| outcome(at, &one.user_id, added.value.get(at)));
        Ok(Outcomes { results: results.collect() })
    }
}

/// Microsoft answers in the order that was asked.
fn outcome(at: usize, user: &str, added: Option<&AddedOne>) -> ItemResult {
    let field = format!("members[{at}]");
    let Some(added) = added else {
        let why = "Microsoft does not say what became of this member; list the members";
        let error = Error::new(ErrorCode::OutcomeUnknown, why).with_field(field);
        return ItemResult::failed(at, &error);
    };
    let id = added.user_id.clone().unwrap_or_else(|| user.to_owned());
    if added.error.is_null() {
        return ItemResult::done(at, Some(id));
    }
    let status = match added.error.get("code").and_then(Value::as_str).unwrap_or_default() {
        "NotFound" => 404,
        "Conflict" => 409,
        "Forbidden" => 403,
        _ => 400,
    };
    let error = error::read(status, &Headers::default(), &json!({ "error": added.error }));
    if is_there(&error) { ItemResult::done(at, Some(id)) } else { ItemResult::failed(at, &error.with_field(field)) }
}

operation! {
    /// Takes a person out of a team. `memberId` is the `id` of the membership, from `listTeamMembers`.
    ///
    /// <https://learn.microsoft.com/graph/api/team-delete-members>. Access `manage`. Application or delegated:
    /// `TeamMember.ReadWrite.All`. Errors: `not_found`.
    ///
    /// Example: `{"teamId": "02bd9fd6-8f93-4758-87c3-1fb73740a315", "memberId": "ZWUwZjVhZTI…"}`
    RemoveTeamMember = "removeTeamMember", Manage, Always -> Done,
    scopes WRITES, Any,
    discloses { "memberId": Enrolment(Anyone) }
    by {
        /// The team's id.
        team_id: String,
        /// The membership's id.
        member_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let path = ["teams", &this.team_id, "members", &this.member_id];
        Graph::root(call).remove(Method::Delete, &path, None).await?;
        Ok(Done::of(this.member_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::microsoft365::ItemState;

    #[test]
    fn each_member_has_an_outcome_of_its_own() {
        let one = |error: Value| AddedOne { user_id: None, error };
        assert_eq!(outcome(0, "u", Some(&one(Value::Null))).state, ItemState::Done);
        let refused = outcome(3, "u", Some(&one(json!({ "code": "NotFound", "message": "no" }))));
        assert_eq!(refused.state, ItemState::Failed);
        let error = refused.error.unwrap();
        assert_eq!((error.code.as_str(), error.field.as_deref()), ("not_found", Some("members[3]")));
        assert_eq!(outcome(1, "u", None).state, ItemState::Unknown);
    }
}
