//! A school's tenant that speaks with the look-alike as plainly as can be: what it sends is what the test says.
#![allow(dead_code, reason = "each test program uses its part")]

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};
use sandbox::Sandbox;
use sandbox::microsoft365::{CLIENT_ID, CLIENT_SECRET, Microsoft365, REFRESH_TOKEN, TENANT_ID};
use serde_json::{Value, json};

pub(crate) const GRAPH: &str = "https://graph.microsoft.com/v1.0";

pub(crate) struct Tenant {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
    pub(crate) app: String,
    pub(crate) teacher: String,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn code(&self) -> (u16, &str) {
        (self.status, self.body["error"]["code"].as_str().unwrap_or(""))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    pub(crate) fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    pub(crate) fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id: {self:?}")).to_owned()
    }

    /// The items of a list.
    pub(crate) fn value(&self) -> &[Value] {
        self.body["value"].as_array().unwrap_or_else(|| panic!("no list: {self:?}"))
    }

    /// A field of each item of a list.
    pub(crate) fn each(&self, field: &str) -> Vec<&str> {
        self.value().iter().map(|item| item[field].as_str().unwrap_or("")).collect()
    }
}

impl Tenant {
    pub(crate) async fn start() -> Self {
        let sandbox = Sandbox::builder().vendors(["microsoft365"]).start().await.expect("loopback ports are free");
        let http = reqwest::Client::builder().redirect(Policy::none()).build().expect("a client");
        let mut tenant = Self { sandbox, http, app: String::new(), teacher: String::new() };
        tenant.app = tenant.app_token().await;
        tenant.teacher = tenant.token_of(REFRESH_TOKEN).await;
        tenant
    }

    pub(crate) fn graph(&self) -> &Microsoft365 {
        self.sandbox.microsoft365()
    }

    pub(crate) async fn app_token(&self) -> String {
        let form = [("grant_type", "client_credentials"), ("client_secret", CLIENT_SECRET), ("scope", DEFAULT)];
        access(&self.token(&form).await)
    }

    pub(crate) async fn token_of(&self, refresh: &str) -> String {
        let form = [("grant_type", "refresh_token"), ("client_secret", CLIENT_SECRET), ("refresh_token", refresh)];
        access(&self.token(&form).await)
    }

    /// Asks the token endpoint; the client's id goes along.
    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> Reply {
        self.token_at(TENANT_ID, form).await
    }

    pub(crate) async fn token_at(&self, tenant: &str, form: &[(&str, &str)]) -> Reply {
        let mut form = form.to_vec();
        form.push(("client_id", CLIENT_ID));
        reply(self.http.post(self.at(&format!("/{tenant}/oauth2/v2.0/token"))).form(&form)).await
    }

    pub(crate) fn at(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.graph().url()) }
    }

    /// A request to Graph with a token; `path` is what follows `/v1.0`, or a whole address.
    pub(crate) fn request(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { self.at(&format!("/v1.0{path}")) };
        self.http.request(method, url).bearer_auth(token)
    }

    pub(crate) async fn send(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Reply {
        let request = self.request(token, method, path);
        reply(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Reply {
        self.send(token, Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: Value) -> Reply {
        self.send(token, Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, token: &str, path: &str, body: Value) -> Reply {
        self.send(token, Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, token: &str, path: &str) -> Reply {
        self.send(token, Method::DELETE, path, None).await
    }

    /// What a request makes that must succeed.
    pub(crate) async fn made(&self, token: &str, path: &str, body: Value) -> Reply {
        let reply = self.post(token, path, body).await;
        assert!((200..300).contains(&reply.status), "{path}: {reply:?}");
        reply
    }

    /// Puts a file into the teacher's drive.
    pub(crate) async fn put_file(&self, path: &str, bytes: &str) -> Reply {
        let request = self.request(&self.teacher, Method::PUT, &format!("/me/drive/root:/{path}:/content"));
        reply(request.header("content-type", "text/plain").body(bytes.to_owned())).await
    }

    /// A team of the teacher, and its General channel.
    pub(crate) async fn team(&self) -> (String, String) {
        self.graph().team_polls(0);
        let body = json!({ "displayName": "7b", "template@odata.bind": format!("{GRAPH}/teamsTemplates('standard')") });
        let made = self.made(&self.teacher, "/teams", body).await;
        let team = made.header("content-location").trim_start_matches("/teams('").trim_end_matches("')").to_owned();
        let channels = self.get(&self.teacher, &format!("/teams/{team}/channels")).await;
        (team, channels.value()[0]["id"].as_str().expect("an id").to_owned())
    }

    /// A class with the teacher and the student in it.
    pub(crate) async fn class(&self, teacher: &str, student: &str) -> String {
        let body = json!({ "displayName": "Maths 7b", "mailNickname": "maths7b", "externalId": "SIS-7B" });
        let class = self.made(&self.app, "/education/classes", body).await.id();
        for (list, user) in [("teachers", teacher), ("members", student)] {
            let body = json!({ "@odata.id": format!("{GRAPH}/education/users/{user}") });
            self.made(&self.app, &format!("/education/classes/{class}/{list}/$ref"), body).await;
        }
        class
    }
}

const DEFAULT: &str = "https://graph.microsoft.com/.default";

pub(crate) fn access(reply: &Reply) -> String {
    reply.body["access_token"].as_str().unwrap_or_else(|| panic!("no token: {reply:?}")).to_owned()
}

pub(crate) async fn reply(request: RequestBuilder) -> Reply {
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let bytes = answer.bytes().await.expect("a body");
    Reply { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}

/// A member as Teams takes one.
pub(crate) fn member(user: &str, roles: &[&str]) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "roles": roles,
        "user@odata.bind": format!("{GRAPH}/users('{user}')"),
    })
}

/// A moment in UTC as calendars write it.
pub(crate) fn at(time: &str) -> Value {
    json!({ "dateTime": time, "timeZone": "UTC" })
}
