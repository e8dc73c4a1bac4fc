//! What a test steers and looks at.

use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::drive::File;
use super::tokens::Grant;
use super::{CLIENT_ID, DOMAIN, GoogleWorkspace, drive};
use crate::control;
use crate::exchange::{Answer, Request};
use crate::faults::Faults;
use crate::recorder::Recorder;

impl GoogleWorkspace {
    /// Base address of all of the vendor's hosts.
    pub fn url(&self) -> String {
        self.stage.url().to_owned()
    }

    /// Scripted misbehaviour.
    pub fn faults(&self) -> &Faults {
        &self.stage.faults
    }

    /// Remembered requests, and how many are kept.
    pub fn recorder(&self) -> &Recorder {
        &self.stage.recorder
    }

    /// Makes a refresh token of a user with these scopes, for the client that stands ready.
    pub fn add_refresh_token(&self, token: &str, user: &str, scopes: &[&str]) {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let grant = Grant { user: user.to_owned(), scopes, client: CLIENT_ID.to_owned() };
        self.world.lock().tokens.refresh.insert(token.to_owned(), grant);
    }

    /// Makes another OAuth client. One whose id starts with another number belongs to another project.
    pub fn add_client(&self, id: &str, secret: &str) {
        self.world.lock().tokens.clients.insert(id.to_owned(), secret.to_owned());
    }

    /// From now on a refresh hands out a new refresh token, and the old one dies.
    pub fn rotate_refresh_tokens(&self, on: bool) {
        self.world.lock().tokens.rotate = on;
    }

    /// Ends a token, as a user does who takes the consent back. Says whether there was one.
    pub fn revoke(&self, token: &str) -> bool {
        self.world.lock().tokens.revoke(token)
    }

    /// Ends all access tokens, as if their time had come.
    pub fn expire_tokens(&self) {
        self.world.lock().tokens.access.clear();
    }

    /// Lets the service account act for users with these scopes and no others.
    pub fn delegate(&self, scopes: &[&str]) {
        self.world.lock().tokens.delegated = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    }

    /// How often a token was asked for.
    pub fn token_requests(&self) -> u64 {
        self.world.lock().tokens.requests
    }

    /// Makes an account of the domain and says its id.
    pub fn add_user(&self, email: &str, given: &str, family: &str) -> String {
        let mut world = self.world.lock();
        let id = world.ids.number(21);
        world.people.add(id.clone(), email, given, family, false);
        id
    }

    /// Switches a product of the project off or on: `drive`, `docs`, `calendar`, `gmail`, `classroom`, `meet`,
    /// `directory` or `events`.
    pub fn enable(&self, product: &str, on: bool) {
        let mut world = self.world.lock();
        if on {
            world.disabled.remove(product);
        } else {
            world.disabled.insert(product.to_owned());
        }
    }

    /// Forbids, or allows, sharing files outside the domain.
    pub fn share_in_domain_only(&self, on: bool) {
        self.world.lock().drive.domain_only = on;
    }

    /// Uses the storage up, or frees it.
    pub fn fill_storage(&self, on: bool) {
        self.world.lock().drive.full = on;
    }

    /// Keeps new files out of so many searches after their making.
    pub fn search_lags(&self, searches: u64) {
        self.world.lock().drive.lag = searches;
    }

    /// Every file and folder but roots, as JSON with `id`, `name`, `mimeType`, `parent`, `owner`, `trashed`, `text` and
    /// `permissions`, in the order of their making.
    pub fn files(&self) -> Vec<Value> {
        let world = self.world.lock();
        world.drive.in_order().into_iter().filter(|file| file.number > 0).map(summary).collect()
    }

    /// Those files that are documents.
    pub fn documents(&self) -> Vec<Value> {
        let mut files = self.files();
        files.retain(|file| file["mimeType"] == drive::DOCUMENT);
        files
    }

    /// Address and file id of every mail that announced a shared file.
    pub fn share_notices(&self) -> Vec<(String, String)> {
        self.world.lock().drive.notices.clone()
    }

    /// What the vendor would post next on a channel: the address and the headers. None if no such channel is open.
    pub fn channel_message(&self, channel: &str, state: &str) -> Option<(String, Vec<(String, String)>)> {
        let at = self.stage.clock.now();
        let mut world = self.world.lock();
        world.channels.iter_mut().find(|open| open.id() == channel)?.message(state, at)
    }

    /// The vendor's part of the control API.
    pub(super) fn steer(&self, path: &str, request: &Request) -> Option<Answer> {
        let read = |answer: Result<Answer, String>| {
            Some(answer.unwrap_or_else(|message| control::problem(StatusCode::BAD_REQUEST, &message)))
        };
        match (&request.method, path) {
            (&Method::GET, "files") => Some(control::json(&self.files())),
            (&Method::GET, "documents") => Some(control::json(&self.documents())),
            (&Method::GET, "token-requests") => Some(control::json(&json!({ "count": self.token_requests() }))),
            (&Method::POST, "expire-tokens") => {
                self.expire_tokens();
                Some(control::done())
            }
            (&Method::POST, "refresh-tokens") => read(control::read::<NewToken>(request).map(|new| {
                let scopes: Vec<&str> = new.scopes.iter().map(String::as_str).collect();
                self.add_refresh_token(&new.token, &new.user, &scopes);
                control::done()
            })),
            (&Method::POST, "users") => read(control::read::<NewUser>(request).map(|new| {
                let email = format!("{}@{DOMAIN}", new.name);
                control::json(&json!({ "id": self.add_user(&email, &new.given, &new.family), "email": email }))
            })),
            (&Method::PUT, "delegated-scopes") => read(control::read::<Vec<String>>(request).map(|scopes| {
                self.delegate(&scopes.iter().map(String::as_str).collect::<Vec<_>>());
                control::done()
            })),
            (&Method::PUT, "switches") => read(control::read::<Switches>(request).map(|switches| {
                switches.apply(self);
                control::done()
            })),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    token: String,
    user: String,
    scopes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    name: String,
    given: String,
    family: String,
}

/// What can be switched without Rust; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switches {
    rotate_refresh_tokens: Option<bool>,
    share_in_domain_only: Option<bool>,
    fill_storage: Option<bool>,
    search_lags: Option<u64>,
}

impl Switches {
    fn apply(self, handle: &GoogleWorkspace) {
        self.rotate_refresh_tokens.into_iter().for_each(|on| handle.rotate_refresh_tokens(on));
        self.share_in_domain_only.into_iter().for_each(|on| handle.share_in_domain_only(on));
        self.fill_storage.into_iter().for_each(|on| handle.fill_storage(on));
        self.search_lags.into_iter().for_each(|searches| handle.search_lags(searches));
    }
}

fn summary(file: &File) -> Value {
    json!({
        "id": file.id,
        "name": file.name,
        "mimeType": file.mime,
        "parent": file.parent,
        "driveId": file.drive,
        "owner": file.owner,
        "trashed": file.trashed,
        "size": file.size(),
        "text": file.text(),
        "appProperties": file.more.get("appProperties"),
        "permissions": file.permissions.iter().map(|held| {
            json!({ "id": held.id, "type": held.kind, "role": held.role, "emailAddress": held.email })
        }).collect::<Vec<_>>(),
    })
}
