//! A vendor with OAuth, of the tests' own, and its server: real HTTP over loopback.
#![allow(unreachable_pub, missing_docs, reason = "each test file uses a part of this")]

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use axum::{
    Form, Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response as Answer},
    routing::{get, post},
};
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sis_integrations::{
    Error, ErrorCode, Manifest, Result, Secret, Timestamp, manifest, operations,
    providers::{
        Access, Call, ConfigField, HealthProbe, Operation, OperationSpec, Provider, ProviderConfig, ProviderInfo, Quota,
    },
    transport::{
        Headers, Repeat, Request,
        oauth::{ClientIdentity, ClientProof, ConsentPage, GrantKind, Scopes, TokenGrant, Wanted},
    },
};
use url::Url;

pub const REFRESH: &str = "first-refresh-token";

#[derive(Debug)]
pub struct Suite;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteConfig {
    /// What a person consented to.
    #[serde(default)]
    pub refresh_token: Option<Secret<String>>,
    /// What the application shows that it is the one, instead of the usual.
    #[serde(default)]
    pub client_secret: Option<Secret<String>>,
    /// Where the suite lives.
    pub base_url: Url,
}

impl ProviderConfig for SuiteConfig {
    const PROVIDER: &'static str = "suite";
    const FIELDS: &'static [ConfigField] = &[
        ConfigField { name: "refresh_token", env: None, hint: "connect the suite" },
        ConfigField { name: "client_secret", env: None, hint: "the suite's console shows it" },
        ConfigField { name: "base_url", env: None, hint: "an address" },
    ];

    fn validate(&self) -> Result<()> {
        Ok(())
    }

    fn base_url(&self) -> Option<&Url> {
        Some(&self.base_url)
    }
}

impl Provider for Suite {
    type Config = SuiteConfig;
    const INFO: ProviderInfo = ProviderInfo {
        id: "suite",
        name: "Suite",
        recipient: "Suite Ltd.",
        purpose: "keeps papers",
        hosts: &["suite.example"],
        health: HealthProbe::Operation("readThings"),
        quota: Quota { per_second: 10_000.0, burst: 10_000 },
        limits: &[],
        prices: &[],
        docs: "https://suite.example/docs",
    };

    fn operations() -> Vec<OperationSpec> {
        operations![ReadThings, ReadSecrets, WritePaper]
    }

    fn authenticate(_: &SuiteConfig, _: &mut Request, _: Timestamp) -> Result<()> {
        Ok(())
    }

    fn token_grant(config: &SuiteConfig, _: &Wanted) -> Result<Option<TokenGrant>> {
        let endpoint = address(config, "token")?;
        let token = config.refresh_token.clone().ok_or_else(|| {
            Error::new(ErrorCode::NotConfigured, "the suite is not connected").with_field("config.refresh_token")
        })?;
        let kind = GrantKind::RefreshToken(token);
        Ok(Some(TokenGrant { name: "delegated".to_owned(), endpoint, client: client(config), kind, scope: None }))
    }

    fn consent_page(config: &SuiteConfig) -> Result<Option<ConsentPage>> {
        Ok(Some(ConsentPage {
            authorize: address(config, "consent")?,
            endpoint: address(config, "token")?,
            client: client(config),
            scopes: vec!["things".to_owned(), "secrets".to_owned()],
            parameters: vec![("access_type", "offline")],
        }))
    }

    fn parse_error(status: u16, _: &Headers, body: &[u8]) -> Error {
        let code = match status {
            401 => ErrorCode::NeedsReconnect,
            404 => ErrorCode::NotFound,
            _ => ErrorCode::Vendor,
        };
        Error::new(code, String::from_utf8_lossy(body).into_owned())
    }
}

fn client(config: &SuiteConfig) -> ClientIdentity {
    let secret = config.client_secret.clone().unwrap_or_else(|| "client-secret-1".into());
    ClientIdentity { id: "client-1".to_owned(), proof: ClientProof::Secret(secret) }
}

fn address(config: &SuiteConfig, path: &str) -> Result<Url> {
    config.base_url.join(path).map_err(|_| Error::internal("base_url"))
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadThings {}

impl Operation for ReadThings {
    type Provider = Suite;
    type Output = Value;
    const NAME: &'static str = "readThings";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;
    const SCOPES: Scopes = &[&["things.readonly", "things"]];

    async fn run(self, call: &Call<'_, Suite>) -> Result<Value> {
        call.fetch(call.get(call.url("https://suite.example", &["things"])?)).await
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadSecrets {}

impl Operation for ReadSecrets {
    type Provider = Suite;
    type Output = Value;
    const NAME: &'static str = "readSecrets";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;
    const SCOPES: Scopes = &[&["things"], &["secrets.readonly", "secrets"]];

    async fn run(self, call: &Call<'_, Suite>) -> Result<Value> {
        call.fetch(call.get(call.url("https://suite.example", &["things"])?)).await
    }
}

/// Makes a paper, writes into it and shares it: three requests.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WritePaper {
    pub title: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Paper {
    pub id: String,
}

impl Operation for WritePaper {
    type Provider = Suite;
    type Output = Paper;
    const NAME: &'static str = "writePaper";
    const ACCESS: Access = Access::Write;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::WithKey;
    const STEPS: &'static [&'static str] = &["create", "write", "share"];

    async fn run(self, call: &Call<'_, Suite>) -> Result<Paper> {
        let host = "https://suite.example";
        let marker = call.vendor_key("");
        let paper: Paper = call
            .step("create", |begun| {
                let (title, marker) = (self.title.clone(), marker.clone());
                async move {
                    if begun {
                        let url = call.url(host, &["papers"])?;
                        let found = call.send_as(call.get(url).query("marker", &marker), Repeat::Always).await?;
                        let found: Vec<Paper> = call.read(&found, Repeat::Always)?;
                        if let Some(paper) = found.into_iter().next() {
                            return Ok(paper);
                        }
                    }
                    let body = json!({ "title": title, "marker": marker });
                    let request = call.post(call.url(host, &["papers"])?).json(&body);
                    let response = call.send_as(request, Repeat::Never).await?;
                    call.read(&response, Repeat::Never)
                }
            })
            .await?;
        for step in ["write", "share"] {
            let id = paper.id.clone();
            let () = call
                .step(step, |_| async move {
                    let request = call.post(call.url(host, &["papers", &id, step])?);
                    call.send_as(request, Repeat::Never).await.map(|_| ())
                })
                .await?;
        }
        Ok(paper)
    }
}

/// What the server knows and was asked.
#[derive(Default)]
pub struct World {
    pub token_requests: Vec<BTreeMap<String, String>>,
    pub refresh: BTreeSet<String>,
    /// Codes of consents by the challenge they were asked for with (RFC 7636).
    pub codes: BTreeMap<String, String>,
    pub access: BTreeSet<String>,
    pub rotate: bool,
    pub scope: Option<&'static str>,
    pub lifetime: u64,
    /// Answers of the token endpoint that come before its own.
    pub token_script: VecDeque<(StatusCode, Value)>,
    /// Papers by id: their marker, then what was done with them.
    pub papers: BTreeMap<String, Vec<String>>,
    /// Steps that fail once: (name, whether it acts first, status).
    pub failing: Vec<(&'static str, bool, StatusCode)>,
    pub things: u64,
}

#[derive(Clone)]
pub struct Server {
    pub world: Arc<Mutex<World>>,
    pub url: Url,
}

impl Server {
    pub async fn start() -> Self {
        let world =
            Arc::new(Mutex::new(World { refresh: [REFRESH.to_owned()].into(), lifetime: 3600, ..Default::default() }));
        let app = Router::new()
            .route("/token", post(token))
            .route("/things", get(things))
            .route("/papers", post(create).get(find))
            .route("/papers/{id}/{what}", post(change))
            .with_state(world.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { world, url }
    }

    pub fn config(&self) -> SuiteConfig {
        SuiteConfig { refresh_token: Some(REFRESH.into()), client_secret: None, base_url: self.url.clone() }
    }

    pub fn asked(&self) -> usize {
        self.world.lock().token_requests.len()
    }
}

async fn token(State(world): State<Arc<Mutex<World>>>, Form(form): Form<BTreeMap<String, String>>) -> Answer {
    // Long enough for every waiting call to come.
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    let mut world = world.lock();
    let given = form.get("refresh_token").cloned().unwrap_or_default();
    world.token_requests.push(form.clone());
    if let Some((status, body)) = world.token_script.pop_front() {
        return (status, Json(body)).into_response();
    }
    if let Some(code) = form.get("code") {
        let challenge = world.codes.remove(code);
        let verifier = form.get("code_verifier").map(String::as_str).unwrap_or_default();
        let digest = <sha2::Sha256 as sha2::Digest>::digest(verifier.as_bytes());
        let computed = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, digest);
        if challenge != Some(computed) {
            return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
        }
        world.refresh.insert("consented-refresh-token".to_owned());
        let body = json!({ "access_token": "a", "expires_in": 3600, "refresh_token": "consented-refresh-token" });
        return Json(body).into_response();
    }
    if !world.refresh.contains(&given) {
        let body = json!({ "error": "invalid_grant", "error_description": "Token has been expired or revoked." });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let number = world.token_requests.len();
    let access = format!("access-token-{number}");
    world.access.insert(access.clone());
    let mut body = json!({ "access_token": access, "token_type": "Bearer", "expires_in": world.lifetime });
    if let Some(scope) = world.scope {
        body["scope"] = json!(scope);
    }
    if world.rotate {
        let next = format!("refresh-token-{number}");
        world.refresh.remove(&given);
        world.refresh.insert(next.clone());
        body["refresh_token"] = json!(next);
    }
    Json(body).into_response()
}

/// The refusal, where there is one.
fn turned_away(world: &World, headers: &HeaderMap) -> Option<Answer> {
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if bearer.is_some_and(|token| world.access.contains(token)) {
        return None;
    }
    Some((StatusCode::UNAUTHORIZED, format!("who is {}?", bearer.unwrap_or("this"))).into_response())
}

async fn things(State(world): State<Arc<Mutex<World>>>, headers: HeaderMap) -> Answer {
    let mut world = world.lock();
    match turned_away(&world, &headers) {
        Some(refusal) => refusal,
        None => {
            world.things += 1;
            Json(json!({ "things": ["a", "b"] })).into_response()
        }
    }
}

/// Whether the step is to fail: before it acts, after, or not.
fn fails(world: &mut World, step: &str) -> Option<(bool, StatusCode)> {
    let at = world.failing.iter().position(|(name, ..)| *name == step)?;
    let (_, acts, status) = world.failing.remove(at);
    Some((acts, status))
}

async fn create(State(world): State<Arc<Mutex<World>>>, headers: HeaderMap, Json(body): Json<Value>) -> Answer {
    let mut world = world.lock();
    if let Some(refusal) = turned_away(&world, &headers) {
        return refusal;
    }
    let failing = fails(&mut world, "create");
    let id = format!("paper-{}", world.papers.len() + 1);
    if failing.is_none_or(|(acts, _)| acts) {
        world.papers.insert(id.clone(), vec![body["marker"].as_str().unwrap().to_owned()]);
    }
    match failing {
        Some((_, status)) => (status, "failed").into_response(),
        None => Json(json!({ "id": id })).into_response(),
    }
}

async fn find(State(world): State<Arc<Mutex<World>>>, Query(query): Query<BTreeMap<String, String>>) -> Answer {
    let mut world = world.lock();
    if let Some((_, status)) = fails(&mut world, "look") {
        return (status, "failed").into_response();
    }
    let found = world.papers.iter().filter(|(_, paper)| paper.first() == query.get("marker"));
    Json(found.map(|(id, _)| json!({ "id": id })).collect::<Value>()).into_response()
}

async fn change(State(world): State<Arc<Mutex<World>>>, Path((id, what)): Path<(String, String)>) -> Answer {
    let mut world = world.lock();
    let failing = fails(&mut world, &what);
    if failing.is_none_or(|(acts, _)| acts) {
        world.papers.get_mut(&id).unwrap().push(what);
    }
    failing.map_or(StatusCode::NO_CONTENT.into_response(), |(_, status)| (status, "failed").into_response())
}
