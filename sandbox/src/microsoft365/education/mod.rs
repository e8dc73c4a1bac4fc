//! Education: schools, people, classes, and the work that is set in them.

mod assignments;
mod classes;
mod submissions;

use hyper::Method;
use serde_json::{Value, json};

pub(super) use submissions::hand_in;

use super::SCHOOL_ID;
use super::context::{Context, Outcome, text};
use super::error::GraphError;
use super::odata::Listing;
use super::table::Kind;

const SCHOOLS: Listing<'_> = Listing::new("education/schools");
const PEOPLE: Listing<'_> = Listing::new("education/users");

pub(super) fn route(context: &mut Context<'_>, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::GET, ["me"]) => {
            let user = own(context)?;
            context.one(person(context, &user)?, &PEOPLE)
        }
        (Method::GET, ["me", "classes"]) => {
            let user = own(context)?;
            classes::of_user(context, &user)
        }
        (Method::GET, ["schools"]) => context.list(Kind::School, "", &SCHOOLS),
        (Method::GET, ["schools", id]) => {
            let row = context.world.table.get(Kind::School, "", id).ok_or_else(GraphError::not_found)?;
            context.one(row.value.clone(), &SCHOOLS)
        }
        // The tenant has one school, so all are in it.
        (Method::GET, ["schools", SCHOOL_ID, "classes"]) => classes::route(context, &[]),
        (Method::GET, ["users"] | ["schools", SCHOOL_ID, "users"]) => {
            let users: Vec<String> = context.world.table.under(Kind::User, "").map(|row| row.id.clone()).collect();
            let people = users.iter().map(|id| person(context, id)).collect::<Result<_, _>>()?;
            context.page(people, &PEOPLE)
        }
        (Method::GET, ["users", named]) => {
            let id = context.world.user_id(named).ok_or_else(GraphError::not_found)?;
            context.one(person(context, &id)?, &PEOPLE)
        }
        (_, ["classes", rest @ ..]) => classes::route(context, rest),
        _ => Err(GraphError::no_route()),
    }
}

/// Who `me` is; the app is nobody, but has been refused before it comes here.
fn own(context: &Context<'_>) -> Result<String, GraphError> {
    context.user().map(str::to_owned).ok_or_else(GraphError::no_route)
}

/// A user as education sees one.
fn person(context: &Context<'_>, id: &str) -> Result<Value, GraphError> {
    let row = context.world.table.by_id(Kind::User, id).ok_or_else(GraphError::not_found)?;
    let mut person = row.value.clone();
    if text(&person, "primaryRole").is_none() {
        person["primaryRole"] = json!("none");
    }
    Ok(person)
}
