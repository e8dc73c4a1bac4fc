//! Groups of the directory, and who belongs to them. <https://learn.microsoft.com/graph/api/resources/groups-overview>

use serde_json::{Value, json};

use super::{
    batch::{self, ItemResult, Outcomes},
    check,
    graph::{Done, Graph, already, is_there, query},
    unique::{self, Name},
    wire::{choice, list, object, operation},
};
use crate::{
    error::{Error, ErrorCode, Result},
    transport::{Method, Repeat, oauth::Scopes},
};

pub(super) const READS: Scopes =
    &[&["GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"]];
const WRITES: Scopes = &[&["GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"]];

object! {
    /// A group of the directory.
    Group {
        /// Its name.
        display_name: String,
        /// What it is for.
        description: String,
        /// Its mail address.
        mail: String,
        /// What stands before the `@` of its mail address.
        mail_nickname: String,
        /// Whether it has a mailbox.
        mail_enabled: bool,
        /// Whether rights can be given to it.
        security_enabled: bool,
        /// `Unified` for a Microsoft 365 group.
        group_types: Vec<String>,
        /// `Public`, `Private` or `HiddenMembership`.
        visibility: String,
        /// When it was made.
        created_date_time: String,
    }
}

object! {
    /// A member of a group: a person, a device or another group; `@odata.type` says which.
    DirectoryMember {
        /// The name that others see.
        display_name: String,
        /// What a person signs in with.
        user_principal_name: String,
        /// The mail address.
        mail: String,
    }
}

choice! {
    /// What kind of group.
    GroupKind {
        /// A Microsoft 365 group, with a mailbox; it can become a team.
        Microsoft365 = "microsoft365",
        /// A security group, to give rights to.
        Security = "security",
    }
}

list! {
    /// Lists the groups of the directory.
    ///
    /// <https://learn.microsoft.com/graph/api/group-list>. Access `read`. Application or delegated:
    /// `GroupMember.Read.All` or wider.
    ///
    /// Example: `{"filter": "startswith(displayName, 'Class')"}`
    ListGroups = "listGroups" -> Group,
    scopes READS, Any,
    discloses { "filter": Identity(Anyone) }
    by {}
    required {}
    optional {
        /// A filter in OData, such as `startswith(displayName, 'Class')`.
        filter: String,
    }
    check |this| { check::some_text("filter", &this.filter, 2000)?; }
    at |this, call| Graph::root(call), &["groups"], query(&[("$filter", this.filter.as_deref())])
}

operation! {
    /// Reads one group.
    ///
    /// <https://learn.microsoft.com/graph/api/group-get>. Access `read`. Application or delegated:
    /// `GroupMember.Read.All` or wider. Errors: `not_found`.
    ///
    /// Example: `{"groupId": "02bd9fd6-8f93-4758-87c3-1fb73740a315"}`
    GetGroup = "getGroup", Read, Always -> Group,
    scopes READS, Any,
    discloses {}
    by {
        /// The group's id.
        group_id: String,
    }
    required {}
    optional {}
    run |this, call| { Graph::root(call).get(&["groups", &this.group_id], &[]).await }
}

operation! {
    /// Makes a group.
    ///
    /// <https://learn.microsoft.com/graph/api/group-post-groups>. Access `manage`. Application or delegated:
    /// `Group.ReadWrite.All`, or `Group.Create` for an application, and `GroupMember.Read.All` to look for it. If the
    /// group was made and the answer lost, it is found by its mail nickname; the call repeated with the same idempotency
    /// key goes on. An application should name an owner: otherwise the group has none. Errors: `conflict` where a
    /// Microsoft 365 group has the nickname.
    ///
    /// Example: `{"displayName": "Class 7b", "mailNickname": "class-7b", "kind": "microsoft365"}`
    CreateGroup = "createGroup", Manage, WithKey -> Group,
    scopes &[&["Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"]], Any,
    discloses { "owners": Identity(Staff) }
    by {}
    required {
        /// Its name.
        display_name: String,
        /// What stands before the `@` of its mail address: once in the directory, and without spaces.
        mail_nickname: String,
        /// `microsoft365` or `security`.
        kind: GroupKind,
    }
    optional {
        /// What it is for.
        description: String,
        /// Ids of its owners, at most 20.
        owners: Vec<String>,
    }
    steps ["create"]
    check |this| {
        check::text("displayName", &this.display_name, 256)?;
        check::id("mailNickname", &this.mail_nickname)?;
        if let Some(owners) = &this.owners {
            check::some("owners", owners, 20)?;
            check::ids("owners", owners)?;
        }
    }
    run |this, call| {
        let unified = this.kind == GroupKind::Microsoft365;
        let mut body = json!({
            "displayName": this.display_name, "mailNickname": this.mail_nickname, "mailEnabled": unified,
            "securityEnabled": !unified, "groupTypes": if unified { &["Unified"][..] } else { &[] },
        });
        if let Some(description) = &this.description {
            body["description"] = json!(description);
        }
        if let Some(owners) = &this.owners {
            body["owners@odata.bind"] = references(&["users"], owners)?;
        }
        unique::make(&Graph::root(call), Name::Nickname(&this.mail_nickname), &body).await
    }
}

list! {
    /// Lists who belongs to a group.
    ///
    /// <https://learn.microsoft.com/graph/api/group-list-members>. Access `read`. Application or delegated:
    /// `GroupMember.Read.All` or wider. Errors: `not_found`.
    ///
    /// Example: `{"groupId": "02bd9fd6-8f93-4758-87c3-1fb73740a315", "pageSize": 100}`
    ListGroupMembers = "listGroupMembers" -> DirectoryMember,
    scopes READS, Any,
    discloses {}
    by {
        /// The group's id.
        group_id: String,
    }
    required {}
    optional {}
    at |this, call| Graph::root(call), &["groups", &this.group_id, "members"], Vec::new()
}

operation! {
    /// Adds a person to a group; one who is in it already stays so.
    ///
    /// <https://learn.microsoft.com/graph/api/group-post-members>. Access `manage`. Application or delegated:
    /// `GroupMember.ReadWrite.All`. Errors: `not_found`.
    ///
    /// Example: `{"groupId": "02bd9fd6-8f93-4758-87c3-1fb73740a315", "userId": "8a8c…"}`
    AddGroupMember = "addGroupMember", Manage, Always -> Done,
    scopes WRITES, Any,
    discloses { "userId": Enrolment(Anyone) }
    by {
        /// The group's id.
        group_id: String,
        /// The person's id.
        user_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let body = json!({ "@odata.id": Graph::reference(&["directoryObjects", &this.user_id])? });
        let path = ["groups", &this.group_id, "members", "$ref"];
        already(Graph::root(call).act(Method::Post, &path, Some(&body), Repeat::Always).await)?;
        Ok(Done::of(this.user_id))
    }
}

operation! {
    /// Adds many people to a group, each for itself: one who is unknown does not keep the others back.
    ///
    /// <https://learn.microsoft.com/graph/json-batching>, twenty at a time. Access `manage`. Application or delegated:
    /// `GroupMember.ReadWrite.All`. Answers what became of each; who is in the group already is `done`.
    ///
    /// Example: `{"groupId": "02bd9fd6-8f93-4758-87c3-1fb73740a315", "userIds": ["8a8c…", "9b1d…"]}`
    AddGroupMembers = "addGroupMembers", Manage, Always -> Outcomes,
    scopes WRITES, Any,
    discloses { "userIds": Enrolment(Anyone) }
    by {
        /// The group's id.
        group_id: String,
    }
    required {
        /// The people's ids, at most 1000.
        user_ids: Vec<String>,
    }
    optional {}
    within 300
    check |this| {
        check::some("userIds", &this.user_ids, 1000)?;
        check::ids("userIds", &this.user_ids)?;
    }
    run |this, call| {
        let path = ["groups", &this.group_id, "members", "$ref"];
        batch::refer(&Graph::root(call), &path, &["directoryObjects"], &this.user_ids, "userIds").await
    }
}

operation! {
    /// Adds up to twenty people to a group in one request: all of them, or none.
    ///
    /// <https://learn.microsoft.com/graph/api/group-post-members>, `members@odata.bind`. Access `manage`. Application
    /// or delegated: `GroupMember.ReadWrite.All`. After a lost answer it is looked who is in the group: they are
    /// `done`, and of the others it is `unknown`. Errors: `invalid_argument` with `userIds[20]` for a twenty-first,
    /// `conflict` if one is in the group already, `not_found`.
    ///
    /// Example: `{"groupId": "02bd9fd6-8f93-4758-87c3-1fb73740a315", "userIds": ["8a8c…", "9b1d…"]}`
    BindGroupMembers = "bindGroupMembers", Manage, Always -> Outcomes,
    scopes WRITES, Any,
    discloses { "userIds": Enrolment(Anyone) }
    by {
        /// The group's id.
        group_id: String,
    }
    required {
        /// The people's ids, at most 20.
        user_ids: Vec<String>,
    }
    optional {}
    check |this| {
        check::some("userIds", &this.user_ids, batch::MOST)?;
        check::ids("userIds", &this.user_ids)?;
    }
    run |this, call| {
        let graph = Graph::root(call).below(&["groups", &this.group_id]);
        let body = json!({ "members@odata.bind": references(&["directoryObjects"], &this.user_ids)? });
        let lost = match graph.act(Method::Patch, &[], Some(&body), Repeat::Never).await {
            Ok(()) => None,
            Err(error) if error.code() == ErrorCode::OutcomeUnknown => Some(error),
            Err(error) if is_there(&error) => {
                let vendor = error.vendor().cloned().unwrap_or_default();
                let why = "one of them is in the group already, and so none was added";
                return Err(Error::new(ErrorCode::Conflict, why).with_field("userIds").with_vendor(vendor));
            }
            Err(error) => return Err(error),
        };
        let there: Vec<DirectoryMember> = match &lost {
            None => Vec::new(),
            // Where the look fails too, nobody is known to be in.
            Some(_) => graph.all(&["members"], &[("$select", "id".to_owned())]).await.unwrap_or_default(),
        };
        let is_in = |id: &str| there.iter().any(|one| one.id.as_ref().is_some_and(|has| has.eq_ignore_ascii_case(id)));
        let outcome = |(at, id): (usize, String)| match &lost {
            Some(error) if !is_in(&id) => {
                ItemResult::failed(at, &Error::new(error.code(), error.message()).with_field(format!("userIds[{at}]")))
            }
            _ => ItemResult::done(at, Some(id)),
        };
        Ok(Outcomes { results: this.user_ids.into_iter().enumerate().map(outcome).collect() })
    }
}

operation! {
    /// Takes a person out of a group.
    ///
    /// <https://learn.microsoft.com/graph/api/group-delete-members>. Access `manage`. Application or delegated:
    /// `GroupMember.ReadWrite.All`. Errors: `not_found`.
    ///
    /// Example: `{"groupId": "02bd9fd6-8f93-4758-87c3-1fb73740a315", "userId": "8a8c…"}`
    RemoveGroupMember = "removeGroupMember", Manage, Always -> Done,
    scopes WRITES, Any,
    discloses { "userId": Enrolment(Anyone) }
    by {
        /// The group's id.
        group_id: String,
        /// The person's id.
        user_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let path = ["groups", &this.group_id, "members", &this.user_id, "$ref"];
        Graph::root(call).remove(Method::Delete, &path, None).await?;
        Ok(Done::of(this.user_id))
    }
}

fn references(below: &[&str], ids: &[String]) -> Result<Value> {
    ids.iter().map(|id| Graph::reference(&[below, &[id]].concat()).map(Value::from)).collect()
}
