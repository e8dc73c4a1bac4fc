//! Classes, their teachers and their members.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::context::{Context, Outcome, merge, needed, text};
use super::super::error::GraphError;
use super::super::groups;
use super::super::odata::Listing;
use super::super::table::Kind;
use super::{PEOPLE, assignments, person};
use crate::exchange::Answer;

const CLASSES: Listing<'_> = Listing::new("education/classes");

pub(super) fn route(context: &mut Context<'_>, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::GET, []) => {
            let classes = context.world.table.list(Kind::Class, "");
            context.page(classes, &CLASSES)
        }
        (Method::POST, []) => create(context),
        (_, [id, rest @ ..]) => {
            let class = context.seen(Kind::Class, id, GraphError::not_found())?;
            of_class(context, &class.id, class.value, rest)
        }
        _ => Err(GraphError::no_route()),
    }
}

/// The classes that a user teaches or attends.
pub(super) fn of_user(context: &Context<'_>, user: &str) -> Outcome {
    let table = &context.world.table;
    let is_in = |class: &str| {
        [Kind::GroupMember, Kind::ClassTeacher].iter().any(|kind| table.get(*kind, class, user).is_some())
    };
    let classes = table.under(Kind::Class, "").filter(|row| is_in(&row.id));
    context.page(classes.map(|row| row.value.clone()).collect(), &CLASSES)
}

fn of_class(context: &mut Context<'_>, id: &str, class: Value, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::GET, []) => context.one(class, &CLASSES),
        (Method::PATCH, []) => {
            let patch = context.body()?;
            let row = context.world.table.change(Kind::Class, "", id).ok_or_else(GraphError::not_found)?;
            merge(&mut row.value, &patch);
            let class = row.value.clone();
            context.whole(StatusCode::OK, CLASSES.set, class)
        }
        (Method::DELETE, []) => {
            for kind in [Kind::Class, Kind::Team, Kind::Group] {
                context.world.table.remove(kind, "", id);
            }
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        (Method::GET, ["group"]) => {
            let row = context.world.table.by_id(Kind::Group, id).ok_or_else(GraphError::not_found)?;
            context.one(row.value.clone(), &Listing::new("groups"))
        }
        (Method::GET, [list @ ("members" | "teachers")]) => {
            let people = groups::users_in(context, kind_of(list), id);
            let people = people.iter().filter_map(|user| text(user, "id")).map(|user| person(context, user));
            let people = people.collect::<Result<_, _>>()?;
            context.page(people, &PEOPLE)
        }
        (Method::POST, [list @ ("members" | "teachers"), "$ref"]) => {
            let user = groups::referred(context)?;
            let answer = groups::join(context, kind_of(list), id, &user)?;
            if *list == "teachers" {
                // A teacher owns the group behind the class, and is in it.
                for kind in [Kind::GroupOwner, Kind::GroupMember] {
                    if context.world.table.get(kind, id, &user).is_none() {
                        context.world.add(kind, id, json!({ "id": user }));
                    }
                }
            }
            Ok(answer)
        }
        (Method::DELETE, [list @ ("members" | "teachers"), user, "$ref"]) => {
            let answer = groups::leave(context, kind_of(list), id, user)?;
            if *list == "teachers" {
                context.world.table.remove(Kind::GroupOwner, id, user);
            }
            Ok(answer)
        }
        (_, ["assignments", rest @ ..]) => assignments::route(context, id, rest),
        _ => Err(GraphError::no_route()),
    }
}

/// Members of a class are those of its group; who teaches is kept apart.
fn kind_of(list: &str) -> Kind {
    if list == "teachers" { Kind::ClassTeacher } else { Kind::GroupMember }
}

fn create(context: &mut Context<'_>) -> Outcome {
    let body = context.body()?;
    for name in ["displayName", "mailNickname"] {
        needed(&body, name).map_err(|_| GraphError::bad(format!("'{name}' is required.")))?;
    }
    let id = context.world.guid();
    let mut class = json!({ "externalSource": "manual" });
    merge(&mut class, &body);
    class["id"] = json!(id);
    class["createdBy"] = context.identity();
    let group = json!({
        "id": id,
        "displayName": class.get("displayName"),
        "description": class.get("description"),
        "mailNickname": class.get("mailNickname"),
        "mailEnabled": true,
        "securityEnabled": true,
        "groupTypes": ["Unified"],
        "visibility": "HiddenMembership",
        "createdDateTime": context.now(),
    });
    groups::add(context, group);
    context.world.add_slowly(Kind::Class, "", class.clone());
    context.whole(StatusCode::CREATED, CLASSES.set, class)
}
