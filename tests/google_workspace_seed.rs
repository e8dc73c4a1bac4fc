//! The founding document's two examples for Google Workspace, word for word: over HTTP, by name, and typed.
#![allow(missing_docs, reason = "tests")]

use std::net::SocketAddr;

use reqwest::Client;
use sandbox::{Sandbox, google_workspace as google};
use serde_json::{Map, Value, json};
use sis_integrations::{
    Actor, IntegrationManager, MasterKey, Role, Tenant,
    http::{Api, ApiKeys},
    providers::{
        self,
        google_workspace::{
            GoogleWorkspaceConfig,
            docs::CreateDocument,
            drive::{Share, ShareRole},
        },
    },
    storage::MemoryStorage,
};

/// `PUT /api/integrations/tenant-123/google_workspace/config`
const CONFIG: &str = r#"{
  "enabled": true,
  "config": {
    "client_id": "tenant-specific-client-id",
    "client_secret": "tenant-specific-client-secret",
    "refresh_token": "tenant-refresh-token"
  }
}"#;

/// `POST /api/integrations/tenant-123/google_workspace/createDocument`
const DOCUMENT: &str = r#"{
  "args": [{
    "title": "Student Report",
    "content": "Report content here",
    "folderId": "folder-id",
    "permissions": [{
      "role": "writer",
      "type": "user",
      "emailAddress": "teacher@school.edu"
    }]
  }]
}"#;

const KEY: &str = "the-platforms-own-key-for-tests";

/// The look-alike, with the client, the consent and the folder that the examples name.
async fn google() -> Sandbox {
    let sandbox = Sandbox::start().await.unwrap();
    let vendor = sandbox.google_workspace();
    let scopes = ["https://www.googleapis.com/auth/drive"];
    vendor.add_client("tenant-specific-client-id", "tenant-specific-client-secret");
    vendor.add_refresh_token_of("tenant-specific-client-id", "tenant-refresh-token", google::ADMIN, &scopes);
    vendor.reserve_file_id("folder-id");
    let (url, client) = (sandbox.url("google_workspace"), Client::new());
    let form = "grant_type=refresh_token&client_id=tenant-specific-client-id\
                &client_secret=tenant-specific-client-secret&refresh_token=tenant-refresh-token";
    let asking = client.post(format!("{url}/token")).header("content-type", "application/x-www-form-urlencoded");
    let token: Value = asking.body(form).send().await.unwrap().json().await.unwrap();
    let folder = json!({ "id": "folder-id", "name": "Reports", "mimeType": "application/vnd.google-apps.folder" });
    let making = client.post(format!("{url}/drive/v3/files")).bearer_auth(token["access_token"].as_str().unwrap());
    let made = making.json(&folder).send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.text().await.unwrap());
    sandbox
}

/// A manager for whose tenants Google is the look-alike.
async fn manager(sandbox: &Sandbox) -> IntegrationManager {
    let elsewhere = Map::from_iter([("base_url".to_owned(), json!(sandbox.url("google_workspace")))]);
    IntegrationManager::builder()
        .storage(MemoryStorage::new())
        .master_key(MasterKey::random())
        .providers(providers::all())
        .config_defaults("google_workspace", elsewhere)
        .allow_private_addresses(true)
        .build()
        .await
        .unwrap()
}

async fn configured(sandbox: &Sandbox) -> (Tenant, Actor) {
    let (school, admin) = (manager(sandbox).await.tenant("tenant-123").unwrap(), Actor::new("u-1", Role::Admin));
    let config = GoogleWorkspaceConfig::consented(
        "tenant-specific-client-id",
        "tenant-specific-client-secret",
        "tenant-refresh-token",
    )
    .base_url(sandbox.url("google_workspace").parse().unwrap());
    school.configure(&admin, config).await.unwrap();
    (school, admin)
}

/// The document is there once: with its text, in its folder, shared.
fn there(sandbox: &Sandbox, id: &Value) {
    let documents = sandbox.google_workspace().documents();
    let [document] = &documents[..] else { panic!("{documents:?}") };
    assert_eq!(&document["id"], id);
    assert_eq!((&document["name"], &document["parent"]), (&json!("Student Report"), &json!("folder-id")));
    assert_eq!(document["text"].as_str().unwrap().trim_end(), "Report content here");
    assert!(document["permissions"].to_string().contains("teacher@school.edu"), "{document}");
    let [(address, file)] = &sandbox.google_workspace().share_notices()[..] else { panic!("one notice") };
    assert_eq!((address.as_str(), &json!(file)), ("teacher@school.edu", id));
}

#[tokio::test]
async fn over_http() {
    let sandbox = google().await;
    let manager = manager(&sandbox).await;
    let keys = ApiKeys::new(manager.clone()).with_bootstrap(KEY.into()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/integrations/tenant-123/google_workspace", listener.local_addr().unwrap());
    let app = Api::new(manager, keys).router().into_make_service_with_connect_info::<SocketAddr>();
    #[expect(clippy::disallowed_methods, reason = "a test's server, not the library")]
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let client = Client::new();
    let json_of = |asking: reqwest::RequestBuilder, body: &'static str| {
        asking.bearer_auth(KEY).header("content-type", "application/json").body(body).send()
    };

    let answer = json_of(client.put(format!("{url}/config")), CONFIG).await.unwrap();
    assert_eq!(answer.status(), 200);
    let config: Value = answer.json().await.unwrap();
    assert_eq!(config["config"]["client_id"], "tenant-specific-client-id");
    for secret in ["client_secret", "refresh_token"] {
        assert_eq!(config["config"][secret], "********");
    }

    let answer = json_of(client.post(format!("{url}/createDocument")), DOCUMENT).await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    let answer = json_of(client.post(format!("{url}/getDriveAbout")), "{}").await.unwrap();
    assert_eq!(answer.status(), 200);
    there(&sandbox, &sandbox.google_workspace().documents()[0]["id"]);
}

#[tokio::test]
async fn by_name() {
    let sandbox = google().await;
    let (school, admin) = configured(&sandbox).await;
    let arguments = serde_json::from_str(DOCUMENT).unwrap();
    let made = school.execute(&admin, "google_workspace", "createDocument", arguments).await.unwrap().output;
    assert_eq!((&made["title"], &made["folderId"]), (&json!("Student Report"), &json!("folder-id")));
    let [permission] = &made["permissions"].as_array().unwrap()[..] else { panic!("{made}") };
    assert_eq!((&permission["role"], &permission["emailAddress"]), (&json!("writer"), &json!("teacher@school.edu")));
    assert!(permission["id"].is_string() && permission.get("error").is_none(), "{permission}");
    assert!(made["webViewLink"].as_str().unwrap().contains(made["documentId"].as_str().unwrap()));
    there(&sandbox, &made["documentId"]);
}

#[tokio::test]
async fn typed() {
    let sandbox = google().await;
    let (school, admin) = configured(&sandbox).await;
    let document = CreateDocument::new("Student Report")
        .content("Report content here")
        .folder_id("folder-id")
        .permissions([Share::user(ShareRole::Writer, "teacher@school.edu")]);
    let made = school.call(&admin, document).await.unwrap().output;
    assert_eq!(made.permissions[0].role, ShareRole::Writer);
    there(&sandbox, &json!(made.document_id));
}
