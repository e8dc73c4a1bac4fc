//! Many users, and many members of a group.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{
        GoogleWorkspace,
        batch::{self, BatchReport, ItemResult},
        define::{self, operation},
    },
    BATCH, MEMBERS, USERS, at,
    create::{NewUser, elsewhere},
    members::MemberRole,
    objects::{GroupMember, User},
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::{Repeat, Request, Response},
};

/// The most users of one call: Google makes about ten a second.
const MOST_USERS: usize = 200;
/// The most members of one call.
const MOST_MEMBERS: usize = 1000;

/// Somebody to put into a group, one of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct NewMember {
    /// The address of the person, or of a group.
    pub email: String,
    /// What they may do; `MEMBER` without this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<MemberRole>,
}

impl NewMember {
    /// A plain member.
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: email.into(), role: None }
    }
}

operation! {
    /// Makes many users, and answers for each whether it was made.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/insert>. Access `manage`. An address
    /// is given but once: what a repetition finds made is `failed` with `conflict`, and nobody is made twice. Errors: those of
    /// `createUser`, for each user.
    ///
    /// Example: `{"users": [{"primaryEmail": "jane@school.example", "givenName": "Jane", "familyName": "Smith", "password": "Change-me-1"}]}`
    CreateUsers = "createUsers", Manage, WithKey -> BatchReport<User>,
    scopes USERS,
    deadline 180,
    discloses { "users[].primaryEmail": Contact(Anyone), "users[].givenName": Identity(Anyone), "users[].familyName": Identity(Anyone), "users[].externalId": Identity(Anyone), "users[].recoveryEmail": Contact(Anyone) }
    path {}
    required {
        /// The users, 1 to 200.
        users: Vec<NewUser>,
    }
    optional {}
    check |this| {
        check_many("users", this.users.iter().map(|user| user.primary_email.as_str()), "primaryEmail", MOST_USERS)?;
        for (at, user) in this.users.iter().enumerate() {
            user.check(&format!("users[{at}]."))?;
        }
    }
    run |this, call| {
        let keys: Vec<&str> = this.users.iter().map(|user| user.primary_email.as_str()).collect();
        let looks = keys.iter().map(|key| Ok(call.get(at(call, &["users", key])?))).collect::<Result<Vec<_>>>()?;
        let before = batch::send(call, BATCH, looks, Repeat::Always).await?;
        let mut outcomes: BTreeMap<usize, Result<Response>> = BTreeMap::new();
        let mut wanted = Vec::new();
        for (index, answer) in before.into_iter().enumerate() {
            match answer {
                Err(error) if error.code() == ErrorCode::NotFound => wanted.push(index),
                Err(error) => drop(outcomes.insert(index, Err(error))),
                Ok(_) => {
                    let taken = Error::new(ErrorCode::Conflict, "somebody has this address already");
                    outcomes.insert(index, Err(taken.with_field("primaryEmail")));
                }
            }
        }
        let make = wanted.iter().filter_map(|index| this.users.get(*index)).map(|user| user.request(call));
        let made = make.collect::<Result<Vec<_>>>()?;
        let there = |index: usize| at(call, &["users", keys.get(index).copied().unwrap_or_default()]);
        let made = made_or_found(call, made, &wanted, there).await?.into_iter();
        outcomes.extend(wanted.iter().copied().zip(made.map(|one| one.map_err(|error| elsewhere(error, "primaryEmail")))));
        let results = outcomes.into_iter().map(|(index, outcome)| {
            match outcome.and_then(|response| call.read::<User>(&response, Repeat::WithKey)) {
                Ok(user) => ItemResult::done(index, user.id.clone(), Some(user)),
                Err(error) => ItemResult::failed(index, None, &error),
            }
        });
        Ok(BatchReport::new(call, results.collect()))
    }
}

operation! {
    /// Puts many people into a group, and answers for each. Who is in it already is done.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/members/insert>. Access `manage`. May be
    /// repeated. Errors: those of `addGroupMember`, for each person.
    ///
    /// Example: `{"groupKey": "math-7@school.example", "members": [{"email": "student@school.example"}]}`
    AddGroupMembers = "addGroupMembers", Manage, Always -> BatchReport<GroupMember>,
    scopes MEMBERS,
    deadline 120,
    discloses { "members[].email": Contact(Anyone) }
    path {
        /// The group's id or address.
        group_key: String,
    }
    required {
        /// Who, 1 to 1000.
        members: Vec<NewMember>,
    }
    optional {}
    check |this| {
        check_many("members", this.members.iter().map(|member| member.email.as_str()), "email", MOST_MEMBERS)?;
    }
    run |this, call| {
        let list = at(call, &["groups", &this.group_key, "members"])?;
        let requests: Vec<Request> = this.members.iter().map(|member| call.post(list.clone()).json(&json!(member))).collect();
        let indices: Vec<usize> = (0..requests.len()).collect();
        let there = |index: usize| {
            let email = this.members.get(index).map_or("", |member| member.email.as_str());
            at(call, &["groups", &this.group_key, "members", email])
        };
        let outcomes = made_or_found(call, requests, &indices, there).await?;
        let results = outcomes.into_iter().enumerate().map(|(index, outcome)| {
            match outcome.and_then(|response| call.read::<GroupMember>(&response, Repeat::Always)) {
                Ok(member) => ItemResult::done(index, member.id.clone(), Some(member)),
                Err(error) => ItemResult::failed(index, None, &error),
            }
        });
        Ok(BatchReport::new(call, results.collect()))
    }
}

/// Makes what can be there but once. What is there already is read: a lost answer looks the same.
async fn made_or_found(
    call: &Call<'_, GoogleWorkspace>,
    requests: Vec<Request>,
    indices: &[usize],
    there: impl Fn(usize) -> Result<url::Url>,
) -> Result<Vec<Result<Response>>> {
    let mut outcomes = batch::follow(call, BATCH, requests, Repeat::Always).await;
    let mut twice = Vec::new();
    let mut looks = Vec::new();
    for (outcome, index) in outcomes.iter_mut().zip(indices) {
        if outcome.as_ref().is_err_and(define::is_there_already) {
            looks.push(call.get(there(*index)?));
            twice.push(outcome);
        }
    }
    for (outcome, looked) in twice.into_iter().zip(batch::follow(call, BATCH, looks, Repeat::Always).await) {
        *outcome = looked;
    }
    Ok(outcomes)
}

fn check_many<'a>(
    list: &str,
    addresses: impl ExactSizeIterator<Item = &'a str>,
    field: &str,
    most: usize,
) -> Result<()> {
    if addresses.len() == 0 || addresses.len() > most {
        return Err(Error::invalid(list, format!("must be 1 to {most}")));
    }
    let mut seen = BTreeSet::new();
    for (at, address) in addresses.enumerate() {
        let path = format!("{list}[{at}].{field}");
        define::check_address(&path, address)?;
        if !seen.insert(address.to_lowercase()) {
            return Err(Error::invalid(path, "stands there twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Operation;

    #[test]
    fn each_is_named_by_its_place() {
        let jane = |email: &str| NewUser::new(email, "Jane", "Smith", "long enough");
        for (users, field) in [
            (vec![], "users"),
            (vec![jane("a@school.example"), jane("a")], "users[1].primaryEmail"),
            (vec![jane("a@school.example"), jane("A@school.example")], "users[1].primaryEmail"),
            (
                vec![jane("a@school.example"), NewUser { password: "x".into(), ..jane("b@school.example") }],
                "users[1].password",
            ),
        ] {
            assert_eq!(CreateUsers::new(users).validate().unwrap_err().field(), Some(field));
        }
        let nobody = AddGroupMembers::new("g", vec![NewMember::new("a@school.example"), NewMember::new("")]);
        assert_eq!(nobody.validate().unwrap_err().field(), Some("members[1].email"));
    }
}
