//! Requests to Graph: their addresses, pages, and whose rights they use.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use url::Url;

use super::{
    Microsoft365,
    directory::{self, User},
    error,
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::{
        Method, Repeat, Request, Response,
        oauth::{Rights, Scopes, Wanted},
    },
};

/// Where Graph is.
pub(super) const HOST: &str = "https://graph.microsoft.com";

/// Ids of messages and events that stay when they are moved or sent.
const IMMUTABLE: &str = "IdType=\"ImmutableId\"";

/// All of an enumeration's words, those that were added to it too.
const EVERY_WORD: &str = "include-unknown-enum-members";

/// A call, and the place in Graph that its paths begin at.
pub(super) struct Graph<'a> {
    /// The call; its token may be another than the operation's own.
    pub(super) call: Call<'a, Microsoft365>,
    base: Vec<String>,
    headers: Vec<(&'static str, String)>,
}

impl<'a> Graph<'a> {
    /// From the root.
    pub(super) fn root(call: &Call<'a, Microsoft365>) -> Self {
        Self { call: call.with_token(call.wanted().clone()), base: Vec::new(), headers: Vec::new() }
    }

    /// From a user: the one named, else that of the settings, else the person who has consented.
    pub(super) fn of_user(call: &Call<'a, Microsoft365>, user: Option<&str>) -> Result<Self> {
        let config = call.config();
        let mut graph = Self::root(call);
        if let Some(user) = user.or(config.user.as_deref()) {
            graph.base = vec!["users".to_owned(), user.to_owned()];
            return Ok(graph);
        }
        if config.refresh_token.is_none() || call.wanted().rights == Rights::Application {
            return Err(Error::invalid(
                "userId",
                "is required: the settings name no user, and an application is nobody by itself",
            ));
        }
        graph.call = call.with_token(Wanted { rights: Rights::Delegated, ..call.wanted().clone() });
        graph.base = vec!["me".to_owned()];
        Ok(graph)
    }

    /// The same for mail and calendars, whose ids shall stay.
    pub(super) fn of_mailbox(call: &Call<'a, Microsoft365>, user: Option<&str>) -> Result<Self> {
        Ok(Self::of_user(call, user)?.with_lasting_ids())
    }

    /// From a user by their object id, for what takes no sign-in name from an application.
    pub(super) async fn of_user_id(call: &Call<'a, Microsoft365>, user: Option<&str>) -> Result<Self> {
        let mut graph = Self::of_user(call, user)?;
        let itself = call.wanted().rights != Rights::Delegated && call.config().acts_itself();
        if itself && let Some(name) = graph.base.get(1).filter(|name| name.contains('@')).cloned() {
            let directory = Self::root(call).needing(directory::READS);
            let select = [("$select", "id".to_owned())];
            let found: Result<User> = directory.get(&["users", &name], &select).await;
            let found = found.map_err(|error| match error.code() {
                ErrorCode::NotFound => error.with_field("userId"),
                _ => error,
            })?;
            graph.base = vec!["users".to_owned(), found.id.unwrap_or(name)];
        }
        Ok(graph)
    }

    /// With other permissions than the operation's own.
    pub(super) fn needing(mut self, scopes: Scopes) -> Self {
        self.call = self.call.with_token(Wanted { scopes, ..self.call.wanted().clone() });
        self
    }

    /// With a path more.
    pub(super) fn below(mut self, path: &[&str]) -> Self {
        self.base.extend(path.iter().map(|&segment| segment.to_owned()));
        self
    }

    /// With a header on each request.
    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With ids of messages and events that stay.
    pub(super) fn with_lasting_ids(self) -> Self {
        self.with_header("prefer", IMMUTABLE)
    }

    /// With the words that came into Graph's vocabulary after others: without this it writes `unknownFutureValue` for
    /// them.
    /// <https://learn.microsoft.com/graph/best-practices-concept#handling-future-members-in-evolvable-enumerations>
    pub(super) fn in_every_word(self) -> Self {
        self.with_header("prefer", EVERY_WORD)
    }

    /// With what searches and counts in the directory need.
    pub(super) fn eventually(self) -> Self {
        self.with_header("consistencylevel", "eventual")
    }

    /// A request below this place.
    pub(super) fn request(&self, method: Method, path: &[&str]) -> Result<Request> {
        let segments: Vec<&str> =
            std::iter::once("v1.0").chain(self.base.iter().map(String::as_str)).chain(path.iter().copied()).collect();
        let mut request = Request::new(method, self.call.url(HOST, &segments)?)
            .header("accept", "application/json")
            .header("client-request-id", self.call.request_id().to_string());
        for (name, value) in &self.headers {
            request.headers.set(name, value.clone());
        }
        Ok(request)
    }

    /// The address of something in Graph, for bodies that refer to it: always Microsoft's own.
    pub(super) fn reference(path: &[&str]) -> Result<String> {
        let mut url: Url = HOST.parse().map_err(|_| Error::internal("Graph's host is not an address"))?;
        url.path_segments_mut()
            .map_err(|()| Error::internal("Graph's host is not an address"))?
            .push("v1.0")
            .extend(path);
        Ok(url.into())
    }

    /// The address of one of a set, as a binding has it: `users('kim@yourschool.example')`.
    pub(super) fn key_of(set: &str, id: &str) -> Result<String> {
        Self::reference(&[&format!("{set}({})", quoted(id))])
    }

    /// Sends. Answers outside 2xx are errors; one for lack of a permission names those that would do.
    pub(super) async fn send(&self, request: Request, repeat: Repeat) -> Result<Response> {
        let response = self.call.exchange(request, repeat).await?;
        if (200..300).contains(&response.status) { Ok(response) } else { Err(self.refusal(&response).await) }
    }

    /// The refusal as an error of ours.
    pub(super) async fn refusal(&self, response: &Response) -> Error {
        let error = error::dated(self.call.refusal(response), &response.headers, self.call.now());
        self.of_rights(error).await
    }

    /// Of a refusal for lack of rights, whose they are. Where a token says what was consented to, the call has not left
    /// before all that it needs was among that: what is lacking then, no consent mends.
    pub(super) async fn of_rights(&self, error: Error) -> Error {
        let wanted = self.call.wanted();
        let forbidden = error.vendor().is_some_and(|vendor| vendor.status == 403);
        if error.code() != ErrorCode::NeedsReconnect || !forbidden || wanted.scopes.is_empty() {
            return error;
        }
        match self.call.token(None).await {
            Ok(Some(token)) if token.scope.is_some() => not_theirs(error),
            _ => name_scopes(error, wanted),
        }
    }

    /// Reads one thing.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)]) -> Result<T> {
        let mut request = self.request(Method::Get, path)?;
        for (name, value) in query {
            request = request.query(name, value);
        }
        let response = self.send(request, Repeat::Always).await?;
        self.call.read(&response, Repeat::Always)
    }

    /// Reads one thing; none where there is no such thing.
    pub(super) async fn find<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)]) -> Result<Option<T>> {
        match self.get(path, query).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends JSON and reads what was made of it.
    pub(super) async fn make<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &Value,
        repeat: Repeat,
    ) -> Result<T> {
        let response = self.send(self.request(method, path)?.json(body), repeat).await?;
        self.made(&response, repeat)
    }

    /// Reads what was made, and notes its id.
    pub(super) fn made<T: DeserializeOwned>(&self, response: &Response, repeat: Repeat) -> Result<T> {
        let value: Value = self.call.read(response, repeat)?;
        if let Some(id) = value.get("id").and_then(Value::as_str) {
            self.call.note("id", id);
        }
        self.call.read(response, repeat)
    }

    /// Sends JSON, or nothing, where the answer has nothing to read.
    pub(super) async fn act(&self, method: Method, path: &[&str], body: Option<&Value>, repeat: Repeat) -> Result<()> {
        let request = self.request(method, path)?;
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.send(request, repeat).await.map(|_| ())
    }

    /// Takes something away, or calls it off. After a lost answer it is asked for once more, and that it is gone is
    /// then no refusal.
    pub(super) async fn remove(&self, method: Method, path: &[&str], body: Option<&Value>) -> Result<()> {
        match self.act(method, path, body, Repeat::Never).await {
            Err(error) if error.code() == ErrorCode::OutcomeUnknown => {
                match self.act(method, path, body, Repeat::Always).await {
                    Err(error) if error.code() == ErrorCode::NotFound => Ok(()),
                    again => again,
                }
            }
            done => done,
        }
    }

    /// Moves something on to another state. Where Microsoft refuses, or its answer is lost, `reached` looks whether it
    /// is there.
    pub(super) async fn advance(
        &self,
        path: &[&str],
        reached: impl Future<Output = Result<bool>> + Send,
    ) -> Result<()> {
        match self.act(Method::Post, path, None, Repeat::Never).await {
            Err(error) => {
                let refused = error.vendor().is_some_and(|vendor| matches!(vendor.status, 400 | 409));
                let doubtful = refused || error.code() == ErrorCode::OutcomeUnknown;
                if doubtful && reached.await.unwrap_or(false) { Ok(()) } else { Err(error) }
            }
            done => done,
        }
    }

    /// Reads a list to its end, for what must not be missed.
    pub(super) async fn all<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)]) -> Result<Vec<T>> {
        let mut page: Page<T> = self.page(path, query, None, None).await?;
        let mut items = page.items;
        while let Some(token) = page.next_page_token {
            page = self.page(path, query, None, Some(&token)).await?;
            items.append(&mut page.items);
        }
        Ok(items)
    }

    /// Reads a page of a list.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        size: Option<u16>,
        token: Option<&str>,
    ) -> Result<Page<T>> {
        let listed: Listed<T> = self.list(path, query, size, token).await?;
        Ok(Page {
            next_page_token: self.token_of(path, listed.next.as_deref())?,
            items: listed.value,
            count: listed.count,
        })
    }

    /// The token for the page that `link` leads to: its query, with a seal. Without one, whoever reads a list could ask
    /// Graph for whatever a query can say.
    pub(super) fn token_of(&self, path: &[&str], link: Option<&str>) -> Result<Option<String>> {
        let token = next_token(link)?;
        Ok(token.map(|token| format!("{token}.{}", self.seal(path, &token))))
    }

    fn opened(&self, path: &[&str], token: &str) -> Result<String> {
        let (query, seal) = token.rsplit_once('.').unwrap_or((token, ""));
        let good = self.seal(path, query);
        if !bool::from(good.as_bytes().ct_eq(seal.as_bytes())) {
            return Err(Error::invalid("pageToken", NOT_OURS));
        }
        opened(query)
    }

    /// Of this school, this list and this query.
    fn seal(&self, path: &[&str], token: &str) -> String {
        let mut seal = self.call.channel_secret(&format!("page\0{}\0{}\0{token}", self.base.join("/"), path.join("/")));
        seal.truncate(32);
        seal
    }

    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        size: Option<u16>,
        token: Option<&str>,
    ) -> Result<Listed<T>> {
        let mut request = self.request(Method::Get, path)?;
        if let Some(token) = token {
            request.url.set_query(Some(&self.opened(path, token)?));
        } else {
            for (name, value) in query {
                request = request.query(name, value);
            }
            if let Some(size) = size {
                request = request.query("$top", size.to_string());
            }
        }
        let response = self.send(request, Repeat::Always).await?;
        self.call.read(&response, Repeat::Always)
    }
}

/// A refusal of what the consent allows and the person does not: no owner of the team, nobody the file is shared with.
fn not_theirs(error: Error) -> Error {
    let why = "this person may not do this: the consent is there, and their own rights in Microsoft 365, or a policy of the \
               school's, do not allow it";
    Error::new(ErrorCode::Vendor, why).with_vendor(error.vendor().cloned().unwrap_or_default())
}

/// A refusal for lack of a permission, with the permissions that would do.
fn name_scopes(error: Error, wanted: &Wanted) -> Error {
    let groups: Vec<String> = wanted.scopes.iter().map(|group| group.join(" or ")).collect();
    let message = format!("{}. It needs {}", error.message(), groups.join(", and "));
    let vendor = error.vendor().cloned().unwrap_or_default();
    Error::new(ErrorCode::NeedsReconnect, message).with_field("config.scopes").with_vendor(vendor)
}

/// What a look brought after a lost answer. One that fails says nothing of what was asked for: the answer stays lost.
pub(super) fn found<T>(look: Result<Option<T>>, lost: Error) -> Result<T> {
    look.ok().flatten().ok_or(lost)
}

/// What was wanted is there already: as good as done.
pub(super) fn already(result: Result<()>) -> Result<()> {
    match result {
        Err(error) if is_there(&error) => Ok(()),
        result => result,
    }
}

/// Whether a refusal says that what was to be added is there. Graph has no code of its own for it: the words are the
/// only sign, and a 409 may as well mean that something else changed the group meanwhile.
pub(super) fn is_there(error: &Error) -> bool {
    error.vendor().is_some_and(|vendor| {
        let words = vendor.message.as_deref().unwrap_or_default().to_ascii_lowercase();
        matches!(vendor.status, 400 | 409) && words.contains("already exist")
    })
}

/// A list as Graph writes it.
#[derive(Deserialize)]
pub(super) struct Listed<T> {
    #[serde(default = "Vec::new")]
    pub(super) value: Vec<T>,
    #[serde(default, rename = "@odata.nextLink")]
    pub(super) next: Option<String>,
    #[serde(default, rename = "@odata.deltaLink")]
    pub(super) delta: Option<String>,
    #[serde(default, rename = "@odata.count")]
    count: Option<u64>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Page<T> {
    /// What stands on it.
    pub items: Vec<T>,
    /// For `pageToken`, to read the page after this one. None at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
    /// How many there are in all, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// What became of one item of many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Done {
    /// The id of what it was done to.
    pub id: String,
}

impl Done {
    pub(super) fn of(id: impl Into<String>) -> Self {
        Self { id: id.into() }
    }
}

/// The token of the page after this one. A link is followed to no other host: only its query is kept. Some changes have
/// theirs in the path: `delta(token='…')`.
fn next_token(link: Option<&str>) -> Result<Option<String>> {
    let Some(link) = link else { return Ok(None) };
    let query = link.parse::<Url>().ok().and_then(|url| match url.path().rsplit_once("(token=") {
        // What stands beside it in the query is of the question that led here, such as `token=latest`.
        Some((_, token)) => Some(format!("token={}", token.trim_end_matches(')').trim_matches('\''))),
        None => url.query().map(str::to_owned),
    });
    let query = query.ok_or_else(|| {
        Error::new(ErrorCode::InvalidResponse, "the vendor's link to the next page is not what it documents")
    })?;
    Ok(Some(URL_SAFE_NO_PAD.encode(query)))
}

fn opened(token: &str) -> Result<String> {
    let query = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    query
        .filter(|query| query.contains('=') && query.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or_else(|| Error::invalid("pageToken", NOT_OURS))
}

const NOT_OURS: &str = "must be the nextPageToken of the page before, as it was given, with the same arguments";

/// The arguments as Graph's JSON, without those that stand in the path.
pub(super) fn body(arguments: &impl Serialize, without: &[&str]) -> Result<Value> {
    let value = serde_json::to_value(arguments).map_err(|_| Error::internal("the arguments cannot be written"))?;
    let Value::Object(members) = value else { return Err(Error::internal("the arguments are no object")) };
    let kept: Map<_, _> = members.into_iter().filter(|(name, _)| !without.contains(&name.as_str())).collect();
    Ok(Value::Object(kept))
}

/// The same for a change, which must change something.
pub(super) fn changes(arguments: &impl Serialize, without: &[&str]) -> Result<Value> {
    let changes = body(arguments, without)?;
    if changes.as_object().is_some_and(Map::is_empty) {
        return Err(Error::invalid("arguments", "must name something to change"));
    }
    Ok(changes)
}

/// The parameters of a query that are there.
pub(super) fn query<'q>(pairs: &[(&'q str, Option<&str>)]) -> Vec<(&'q str, String)> {
    pairs.iter().filter_map(|(name, value)| value.map(|value| (*name, value.to_owned()))).collect()
}

/// A text within a filter: a quote in it is written twice.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether something bears that name. Microsoft tells names of teams and channels apart neither by capitals nor by
/// blanks around them.
pub(super) fn same_name(has: &Option<String>, name: &str) -> bool {
    has.as_ref().is_some_and(|has| has.trim().to_lowercase() == name.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_link_keeps_its_query_alone() {
        let token = next_token(Some("https://evil.example/v1.0/users?$skiptoken=a%20b&$top=5")).unwrap().unwrap();
        assert_eq!(opened(&token).unwrap(), "$skiptoken=a%20b&$top=5");
        let token =
            next_token(Some("https://graph.microsoft.com/v1.0/me/drive/root/delta(token='a%2Bb')")).unwrap().unwrap();
        assert_eq!(opened(&token).unwrap(), "token=a%2Bb");
        let beside = "https://graph.microsoft.com/v1.0/drives/d/root/microsoft.graph.delta(token='3;x')?token=latest";
        assert_eq!(opened(&next_token(Some(beside)).unwrap().unwrap()).unwrap(), "token=3;x");
        assert_eq!(next_token(None).unwrap(), None);
        assert_eq!(next_token(Some("nonsense")).unwrap_err().code(), ErrorCode::InvalidResponse);
        for bad in ["", "%%%", "YWJj", "YT1i\n"] {
            assert_eq!(opened(bad).unwrap_err().field(), Some("pageToken"), "{bad}");
        }
    }

    #[test]
    fn a_lack_of_rights_names_the_permissions() {
        let wanted = Wanted { scopes: &[&["Mail.Send", "Mail.ReadWrite"]], ..Wanted::default() };
        let refused =
            super::super::error::read(403, &Default::default(), &json!({ "error": { "code": "accessDenied" } }));
        let error = name_scopes(refused, &wanted);
        assert!(error.message().ends_with("It needs Mail.Send or Mail.ReadWrite"), "{error}");
        assert_eq!(error.vendor().unwrap().code.as_deref(), Some("accessDenied"));
    }

    #[test]
    fn an_id_does_not_end_the_address_that_binds_to_it() {
        let guest = "kim_elsewhere.example#EXT#@yourschool.example";
        assert_eq!(
            Graph::key_of("users", guest).unwrap(),
            "https://graph.microsoft.com/v1.0/users('kim_elsewhere.example%23EXT%23@yourschool.example')"
        );
        assert_eq!(
            Graph::key_of("groups", "O'a/b?").unwrap(),
            "https://graph.microsoft.com/v1.0/groups('O''a%2Fb%3F')"
        );
    }

    #[test]
    fn a_look_that_fails_hides_no_lost_answer() {
        let lost = || Error::new(ErrorCode::OutcomeUnknown, "lost");
        let failed = Err::<Option<u8>, _>(Error::new(ErrorCode::VendorUnavailable, "down"));
        assert_eq!(found(failed, lost()).unwrap_err().code(), ErrorCode::OutcomeUnknown);
        assert_eq!(found::<u8>(Ok(None), lost()).unwrap_err().code(), ErrorCode::OutcomeUnknown);
        assert_eq!(found(Ok(Some(1)), lost()).unwrap(), 1);
    }

    #[test]
    fn only_what_exists_already_is_as_good_as_added() {
        let refused = |status, message: &str| {
            let body = json!({ "error": { "code": "Request_BadRequest", "message": message } });
            is_there(&super::super::error::read(status, &Default::default(), &body))
        };
        let exists =
            "One or more added object references already exist for the following modified properties: 'members'.";
        assert!(refused(400, exists) && refused(409, exists));
        assert!(!refused(409, "Another request is changing this group.") && !refused(404, exists));
    }

    #[test]
    fn quotes_do_not_end_a_filter() {
        assert_eq!(quoted("O'Neil"), "'O''Neil'");
        assert_eq!(Graph::reference(&["users", "a/b?"]).unwrap(), "https://graph.microsoft.com/v1.0/users/a%2Fb%3F");
    }
}
