//! How a team comes to be: Graph makes it in the background, and gives no key by which it would know a repetition.
//! <https://learn.microsoft.com/graph/api/team-post>
//!
//! The ids of the teams of that name are therefore noted first, and when the request leaves: if its answer is lost, the
//! team that comes since is ours. Until enough time has passed for it to come, nothing is asked for again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Microsoft365,
    graph::{Graph, quoted, same_name},
    teams::Team,
};
use crate::{
    error::{Error, ErrorCode, Result, Retry},
    model::Timestamp,
    providers::Call,
    transport::{Headers, Method, Repeat},
};

/// Between two looks at how far a team has come. Microsoft asks for half a minute in the long run; small teams are
/// quicker.
const LOOK: Duration = Duration::from_secs(5);
/// What is made is known everywhere by then; what has not come was never begun. Microsoft names fifteen minutes.
pub(super) const SPREAD: Duration = Duration::from_secs(15 * 60);
/// A group that was just made is not known everywhere: this often, this far apart.
const NOT_YET: (u32, Duration) = (3, Duration::from_secs(10));

/// A team that Microsoft is making, or has made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    team_id: String,
    operation_id: String,
}

impl Begun {
    /// One that was found: what makes it is not known.
    fn found(team_id: String) -> Self {
        Self { team_id, operation_id: String::new() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    #[serde(default)]
    status: String,
    #[serde(default)]
    error: Value,
}

/// Makes a team of that name once, and waits until it stands: the steps `before`, `asked`, `create` and `ready`.
pub(super) async fn named(graph: &Graph<'_>, name: &str, body: &Value) -> Result<Team> {
    let call = &graph.call;
    let before: Vec<String> = call.step("before", |_| ids_of(graph, name)).await?;
    let ours = Sought::Named { name, before: &before };
    let begun = call
        .step("create", async |begun| {
            if begun && let Some(found) = earlier(graph, &ours).await? {
                return Ok(found);
            }
            call.undo_step("asked").await?;
            asked(call).await?;
            match begin(graph, body).await {
                Err(error) if error.code() == ErrorCode::OutcomeUnknown => come_after(graph, &ours, error).await,
                begun => begun,
            }
        })
        .await?;
    finish(graph, begun).await
}

/// Makes the team of a group once, and waits until it stands: the steps `create` and `ready`. A group has one team, so
/// that Microsoft refuses a second.
pub(super) async fn of_group(graph: &Graph<'_>, group: &str, body: &Value) -> Result<Team> {
    let call = &graph.call;
    let ours = Sought::Of { group };
    let begun = call
        .step("create", async |_| {
            if let Some(there) = ours.look(graph).await? {
                return Ok(there);
            }
            match soon(call, || begin(graph, body)).await {
                Err(error) if matches!(error.code(), ErrorCode::Conflict | ErrorCode::OutcomeUnknown) => {
                    come_after(graph, &ours, error).await
                }
                begun => begun,
            }
        })
        .await?;
    finish(graph, begun).await
}

/// Asks again where what was just made is not known yet.
pub(super) async fn soon<T, F: Future<Output = Result<T>>>(
    call: &Call<'_, Microsoft365>,
    ask: impl Fn() -> F,
) -> Result<T> {
    let mut tries = 1;
    loop {
        match ask().await {
            Err(error) if error.code() == ErrorCode::NotFound && tries < NOT_YET.0 => {
                tries += 1;
                call.runtime().sleep(NOT_YET.1).await;
            }
            answer => return answer,
        }
    }
}

/// When the request left that may have begun the team.
async fn asked(call: &Call<'_, Microsoft365>) -> Result<Timestamp> {
    call.step("asked", async |_| Ok(call.now())).await
}

/// The last moment of this call at which a look is worth while.
fn last_look(call: &Call<'_, Microsoft365>) -> Timestamp {
    call.deadline().before(LOOK)
}

/// The team that an earlier request began. None only when it is known that none will come.
async fn earlier(graph: &Graph<'_>, ours: &Sought<'_>) -> Result<Option<Begun>> {
    let call = &graph.call;
    let never = asked(call).await?.after(SPREAD);
    let found = look_until(graph, last_look(call).min(never), ours).await?;
    if found.is_none() && call.now() < never {
        return Err(Error::new(
            ErrorCode::OutcomeUnknown,
            "Microsoft may still be making the team; repeat the call with the same idempotency key to look for it. It is \
             asked for again only when it has not come within a quarter of an hour",
        ));
    }
    Ok(found)
}

/// The team that comes although its request ended so.
async fn come_after(graph: &Graph<'_>, ours: &Sought<'_>, ended: Error) -> Result<Begun> {
    match look_until(graph, last_look(&graph.call), ours).await {
        Ok(found) => found.ok_or(ended),
        Err(doubt) if doubt.code() == ErrorCode::OutcomeUnknown => Err(doubt),
        // That nobody could look says nothing of what was asked for: it must not seem as if it could just be repeated.
        Err(_) => Err(ended),
    }
}

/// Looks, at least once and until then.
async fn look_until(graph: &Graph<'_>, until: Timestamp, ours: &Sought<'_>) -> Result<Option<Begun>> {
    let call = &graph.call;
    loop {
        if let Some(found) = ours.look(graph).await? {
            return Ok(Some(found));
        }
        let left = until.since(call.now());
        if left.is_zero() {
            return Ok(None);
        }
        call.runtime().sleep(left.min(LOOK)).await;
    }
}

/// The ids of the teams of that name.
async fn ids_of(graph: &Graph<'_>, name: &str) -> Result<Vec<String>> {
    let filter = [("$filter", format!("displayName eq {}", quoted(name)))];
    let teams: Vec<Team> = graph.all(&["teams"], &filter).await?;
    Ok(teams.into_iter().filter(|team| same_name(&team.display_name, name)).filter_map(|team| team.id).collect())
}

/// By what a team is known as ours.
enum Sought<'a> {
    /// By the name, where it was not there before.
    Named { name: &'a str, before: &'a [String] },
    /// By the group.
    Of { group: &'a str },
}

impl Sought<'_> {
    async fn look(&self, graph: &Graph<'_>) -> Result<Option<Begun>> {
        let (name, before) = match self {
            Self::Of { group } => {
                return Ok(stands(graph, group).await?.then(|| Begun::found((*group).to_owned())));
            }
            Self::Named { name, before } => (name, before),
        };
        let new: Vec<String> = ids_of(graph, name).await?.into_iter().filter(|id| !before.contains(id)).collect();
        match <[String; 1]>::try_from(new) {
            Ok([team_id]) => Ok(Some(Begun::found(team_id))),
            Err(none) if none.is_empty() => Ok(None),
            Err(_) => Err(Error::new(
                ErrorCode::OutcomeUnknown,
                "several teams of that name have come since the first try; one of them may be this one",
            )),
        }
    }
}

/// Asks for a team: where it will be, and what makes it.
async fn begin(graph: &Graph<'_>, body: &Value) -> Result<Begun> {
    let request = graph.request(Method::Post, &["teams"])?.json(body);
    let response = graph.send(request, Repeat::Never).await?;
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
    let call = &graph.call;
    call.note("id", begun.team_id.clone());
    call.step("ready", async |_| {
        // Some operations are named by zeros alone, which nothing answers to: then the team itself is looked for.
        let watched = begun.operation_id.bytes().any(|byte| !matches!(byte, b'0' | b'-'));
        loop {
            let stage = match watched {
                true => made(graph, &begun).await?,
                false if stands(graph, &begun.team_id).await? => Stage::Done,
                false => Stage::Going,
            };
            match stage {
                Stage::Done => return Ok(true),
                Stage::Failed(why) => return given_up(graph, &begun, why).await,
                Stage::Going => {}
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

/// A team that Microsoft says it could not make may stand all the same. Else none will come, and a repeated call asks
/// for it anew.
async fn given_up(graph: &Graph<'_>, begun: &Begun, why: Error) -> Result<bool> {
    if stands(graph, &begun.team_id).await? {
        return Ok(true);
    }
    graph.call.undo_step("create").await?;
    graph.call.undo_step("asked").await?;
    Err(why)
}

/// How far the making of a team has come.
enum Stage {
    Going,
    Done,
    /// Microsoft has given it up.
    Failed(Error),
}

async fn made(graph: &Graph<'_>, begun: &Begun) -> Result<Stage> {
    let path = ["teams", &begun.team_id, "operations", &begun.operation_id];
    let Some(progress) = graph.find::<Progress>(&path, &[]).await? else { return Ok(Stage::Going) };
    Ok(match progress.status.as_str() {
        "succeeded" => Stage::Done,
        "failed" => {
            let words = progress.error.get("message").and_then(Value::as_str).unwrap_or("it does not say why");
            Stage::Failed(Error::new(ErrorCode::Vendor, format!("Microsoft could not make the team: {words}")))
        }
        _ => Stage::Going,
    })
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
