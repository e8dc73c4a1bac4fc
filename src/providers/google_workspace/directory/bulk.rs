//! Many users, and many members of a group.

use std::{collections::BTreeSet, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        GoogleWorkspace,
        batch::{self, BatchReport, ItemResult},
        define::{self, check_address, operation},
    },
    BATCH, MEMBERS, USERS, at,
    create::{NewUser, elsewhere, taken},
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
/// How long a new group is waited for that does not take members yet.
const SPREADING: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

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
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/insert>. Access `manage`. Repeated
    /// with the same idempotency key it makes each user once. Who has which address is looked up before: that of somebody else
    /// is a `conflict`. Where an answer is lost, the user is looked for by the address; one that is not found stays `unknown`.
    /// Errors: those of `createUser`, for each user.
    ///
    /// Example: `{"users": [{"primaryEmail": "jane@school.example", "givenName": "Jane", "familyName": "Smith", "password": "Change-me-1"}]}`
    CreateUsers = "createUsers", Manage, WithKey -> BatchReport<User>,
    scopes USERS,
    steps &["look"],
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
        // Whoever has an address before the first try is somebody else; after it, it is whom that try has made.
        let refused = call.step("look", |_| not_free(call, &this.users)).await?;
        let free = this.users.iter().enumerate().filter(|(at, _)| refused.iter().all(|one| one.index != *at));
        let free: Vec<(usize, &NewUser)> = free.collect();
        let requests = free.iter().map(|(_, user)| user.request(call)).collect::<Result<Vec<Request>>>()?;
        let answers = batch::send(call, BATCH, requests, Repeat::WithKey).await?;
        let there = |at: usize| user_at(call, free.get(at).map_or("", |(_, user)| &user.primary_email));
        let outcomes = batch::made_or_found(call, BATCH, answers, there, |_, user: User| Ok(user)).await?;
        let made = free.iter().zip(outcomes).map(|((index, _), outcome)| {
            let outcome = batch::advised(outcome, "see with getUser whether somebody has the address by now");
            match outcome.map_err(|error| elsewhere(error, "primaryEmail")) {
                Ok(user) => ItemResult::done(*index, user.id.clone(), Some(user)),
                Err(error) => ItemResult::failed(*index, None, &error),
            }
        });
        let mut results: Vec<ItemResult<User>> = made.chain(refused).collect();
        results.sort_by_key(|result| result.index);
        Ok(BatchReport::new(call, results))
    }
}

operation! {
    /// Puts many people into a group, and answers for each. Who is in it already is done. Accounts and groups that Google has
    /// not finished making are waited for, as long as the call has time.
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
        let mut answers = batch::send(call, BATCH, requests.clone(), Repeat::WithKey).await?;
        for wait in SPREADING {
            let lacks = |answer: &Result<Response>| answer.as_ref().is_err_and(lacks_group);
            let open: Vec<usize> = (0..answers.len()).filter(|index| answers.get(*index).is_some_and(lacks)).collect();
            if open.is_empty() || define::read::<Value>(call, list.clone()).await.is_err() {
                break;
            }
            call.runtime().sleep(wait).await;
            let again = open.iter().filter_map(|index| requests.get(*index).cloned()).collect();
            for (index, answer) in open.iter().zip(batch::follow(call, BATCH, again, Repeat::WithKey).await) {
                if let Some(first) = answers.get_mut(*index) {
                    *first = answer;
                }
            }
        }
        let there = |index: usize| {
            let email = this.members.get(index).map_or("", |member| member.email.as_str());
            Ok(call.get(at(call, &["groups", &this.group_key, "members", email])?))
        };
        let outcomes = batch::made_or_found(call, BATCH, answers, there, |_, member: GroupMember| Ok(member)).await?;
        let results = outcomes.into_iter().enumerate().map(|(index, outcome)| {
            match batch::advised(outcome, "add them again: who is in the group already is done") {
                Ok(member) => ItemResult::done(index, member.id.clone(), Some(member)),
                Err(error) => ItemResult::failed(index, None, &error),
            }
        });
        Ok(BatchReport::new(call, results.collect()))
    }
}

/// Whether it is the group that Google does not find: one that can be read was made a moment ago.
fn lacks_group(error: &Error) -> bool {
    let words = error.vendor().and_then(|vendor| vendor.message.as_deref());
    error.code() == ErrorCode::NotFound && words.is_some_and(|words| words.contains("groupKey"))
}

/// Those of the users that are not to be made: somebody has the address, or it cannot be read who.
async fn not_free(call: &Call<'_, GoogleWorkspace>, users: &[NewUser]) -> Result<Vec<ItemResult<User>>> {
    let looks = users.iter().map(|user| user_at(call, &user.primary_email)).collect::<Result<Vec<Request>>>()?;
    let found = batch::send(call, BATCH, looks, Repeat::Always).await?;
    let refused = found.into_iter().enumerate().filter_map(|(index, found)| match found {
        Ok(_) => Some(ItemResult::failed(index, None, &taken())),
        Err(error) if error.code() == ErrorCode::NotFound => None,
        Err(error) => Some(ItemResult::failed(index, None, &error)),
    });
    Ok(refused.collect())
}

fn user_at(call: &Call<'_, GoogleWorkspace>, address: &str) -> Result<Request> {
    Ok(call.get(at(call, &["users", address])?))
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
        check_address(&path, address)?;
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
