//! What the directory has once by its name: accounts by what they sign in with, groups by their mail nickname. After a
//! lost answer it is looked for by that name; what has come since the request left is ours.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    batch::{ItemResult, ItemState, Outcomes},
    graph::{Graph, found, quoted},
    groups,
};
use crate::{
    error::{ErrorCode, Result},
    model::Timestamp,
    transport::{Method, Repeat},
};

/// How far the directory's clock and ours may be apart.
const SKEW: Duration = Duration::from_secs(300);
/// The waits between looks: what was just made is not known everywhere at once.
const LOOKS: &[Duration] = &[Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// By what something is there once.
pub(super) enum Name<'a> {
    /// What a person signs in with.
    Principal(&'a str),
    /// What stands before the `@` of a group's address.
    Nickname(&'a str),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Newcomer {
    id: String,
    #[serde(default)]
    mail_nickname: Option<String>,
    #[serde(default)]
    created_date_time: Option<Timestamp>,
}

impl Name<'_> {
    fn set(&self) -> &'static str {
        match self {
            Self::Principal(_) => "users",
            Self::Nickname(_) => "groups",
        }
    }

    /// The id of the one of that name that has come since; none where there is none, or one cannot be told from another.
    async fn look(&self, graph: &Graph<'_>, since: Timestamp) -> Result<Option<String>> {
        let there: Vec<Newcomer> = match self {
            Self::Principal(name) => {
                let select = [("$select", "id,createdDateTime".to_owned())];
                graph.find(&[self.set(), name], &select).await?.into_iter().collect()
            }
            Self::Nickname(name) => {
                let filter = format!("mailNickname eq {}", quoted(name));
                let query = [("$filter", filter), ("$select", "id,mailNickname,createdDateTime".to_owned())];
                let named =
                    |one: &Newcomer| one.mail_nickname.as_ref().is_some_and(|has| has.eq_ignore_ascii_case(name));
                let reading = Graph::root(&graph.call).needing(groups::READS);
                let groups: Vec<Newcomer> = reading.all(&[self.set()], &query).await?;
                groups.into_iter().filter(named).collect()
            }
        };
        let earliest = since.before(SKEW);
        let new = |one: &Newcomer| one.created_date_time.is_some_and(|made| made >= earliest);
        let mut ours = there.into_iter().filter(new).map(|one| one.id);
        Ok(ours.next().filter(|_| ours.next().is_none()))
    }

    /// Looks until it is there, for some seconds.
    async fn look_for(&self, graph: &Graph<'_>, since: Timestamp) -> Result<Option<String>> {
        for wait in LOOKS {
            if let Some(id) = self.look(graph, since).await? {
                return Ok(Some(id));
            }
            graph.call.runtime().sleep(*wait).await;
        }
        self.look(graph, since).await
    }
}

/// Makes it once: the step `create`.
pub(super) async fn make<T: DeserializeOwned>(graph: &Graph<'_>, name: Name<'_>, body: &Value) -> Result<T> {
    let call = &graph.call;
    let mut fresh = None;
    let id: String = call
        .step("create", async |begun| {
            let since = call.step_since("create").unwrap_or_else(|| call.now());
            if begun && let Some(id) = name.look_for(graph, since).await? {
                return Ok(id);
            }
            match graph.make::<Value>(Method::Post, &[name.set()], body, Repeat::Never).await {
                Ok(made) => {
                    let id = made.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
                    fresh = Some(made);
                    Ok(id)
                }
                Err(error) if error.code() == ErrorCode::OutcomeUnknown => {
                    found(name.look_for(graph, since).await, error)
                }
                // The first request was late, and its look too early.
                Err(error) if begun && error.code() == ErrorCode::Conflict => {
                    found(name.look_for(graph, since).await, error)
                }
                Err(error) => Err(error),
            }
        })
        .await?;
    match fresh.and_then(|made| serde_json::from_value(made).ok()) {
        Some(made) => Ok(made),
        None => graph.get_soon(&[name.set(), &id]).await,
    }
}

/// Looks for those accounts of which it is not known whether they were made; `names` are in the order of the results.
pub(super) async fn settle(graph: &Graph<'_>, outcomes: &mut Outcomes, names: &[&str], since: Timestamp) {
    for wait in [&[Duration::ZERO], LOOKS].concat() {
        if outcomes.results.iter().all(|result| result.state != ItemState::Unknown) {
            return;
        }
        graph.call.runtime().sleep(wait).await;
        for result in outcomes.results.iter_mut().filter(|result| result.state == ItemState::Unknown) {
            if graph.call.now() >= graph.call.deadline() {
                return;
            }
            let Some(name) = names.get(result.index) else { continue };
            if let Ok(Some(id)) = Name::Principal(name).look(graph, since).await {
                *result = ItemResult::done(result.index, Some(id));
            }
        }
    }
}
