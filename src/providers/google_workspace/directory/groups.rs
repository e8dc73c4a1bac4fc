//! Groups. <https://developers.google.com/workspace/admin/directory/reference/rest/v1/groups>

use serde_json::Value;

use super::{
    super::{
        define::{self, operation},
        wire::made,
    },
    GROUPS, GROUPS_READ, at,
    create::{elsewhere, is_there},
    list_query,
    objects::{Group, Groups},
};
use crate::{
    error::{Error, ErrorCode},
    transport::Repeat,
};

operation! {
    /// Lists the groups of the school, or those that somebody is in.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/groups/list>. Access `read`.
    ///
    /// Example: `{"userKey": "teacher@school.example"}`
    ListGroups = "listGroups", Read, Always -> Groups,
    scopes GROUPS_READ,
    discloses { "userKey": Identity(Anyone), "query": Identity(Anyone) }
    path {}
    required {}
    optional {
        /// Only those of this domain; of the whole account without it.
        domain: String,
        /// Only those that this user is in: an id or an address.
        user_key: String,
        /// Google's query, such as `email:math*`.
        /// <https://developers.google.com/workspace/admin/directory/v1/guides/search-groups>
        query: String,
        /// How many on a page, 1 to 200.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| {
        define::check_page("pageSize", this.page_size, 200)?;
        if this.user_key.is_some() && this.query.is_some() {
            return Err(Error::invalid("query", "cannot stand beside userKey"));
        }
    }
    run |this, call| { define::get(call, at(call, &["groups"])?, &list_query(call, this.rest()?)).await }
}

operation! {
    /// Reads a group.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/groups/get>. Access `read`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"groupKey": "math-7@school.example"}`
    GetGroup = "getGroup", Read, Always -> Group,
    scopes GROUPS_READ,
    discloses {}
    path {
        /// The group's id or address.
        group_key: String,
    }
    required {}
    optional {}
    run |this, call| { define::read(call, at(call, &["groups", &this.group_key])?).await }
}

operation! {
    /// Makes a group.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/groups/insert>. Access `manage`. Repeated
    /// with the same idempotency key it makes one. Errors: `conflict` where the address is taken.
    ///
    /// Example: `{"email": "math-7@school.example", "name": "Math, grade 7"}`
    CreateGroup = "createGroup", Manage, WithKey -> Group,
    scopes GROUPS,
    steps &["create"],
    discloses { "name": Enrolment(Anyone), "description": Content(Anyone) }
    path {}
    required {
        /// The group's address, in a domain of the school's.
        email: String,
        /// The name, up to 75 characters.
        name: String,
    }
    optional {
        /// What it is for, up to 4096 characters.
        description: String,
    }
    check |this| {
        define::check_address("email", &this.email)?;
        define::check_text("name", &this.name, 75)?;
        if let Some(description) = &this.description {
            define::check_text("description", description, 4096)?;
        }
    }
    run |this, call| {
        let here = at(call, &["groups", &this.email])?;
        let body = Value::Object(this.rest()?);
        let address = here.clone();
        let (_, group) = made(call, "create", |begun| async move {
            if !begun && is_there(call, here.clone()).await? {
                return Err(Error::new(ErrorCode::Conflict, "a group has this address already").with_field("email"));
            }
            let request = call.post(at(call, &["groups"])?).json(&body);
            let found = define::read(call, here);
            let made = define::made_or_found(call, request, Repeat::WithKey, found).await;
            let group: Group = made.map_err(|error| elsewhere(error, "email"))?;
            Ok((group.id.clone().unwrap_or_default(), group))
        })
        .await?;
        match group {
            Some(group) => Ok(group),
            None => define::read(call, address).await,
        }
    }
}
