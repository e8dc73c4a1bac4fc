//! What a test steers and looks at.

use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::drive::File;
use super::tokens::Grant;
use super::{CLIENT_ID, ChannelMessage, DOMAIN, GoogleWorkspace, Quota, classroom, drive, meet, push};
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
        self.add_refresh_token_of(CLIENT_ID, token, user, scopes);
    }

    /// The same for another client.
    pub fn add_refresh_token_of(&self, client: &str, token: &str, user: &str, scopes: &[&str]) {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let grant = Grant { user: user.to_owned(), scopes, client: client.to_owned() };
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

    /// Leaves new accounts incomplete for so many changes and groups, which are answered with 412, and lets new groups take no
    /// members for so many tries, which are answered with 404.
    pub fn accounts_lag(&self, changes: u64) {
        self.world.lock().directory.lag = changes;
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

    /// Turns so many of the next requests of a product away, alone or in batches, because a quota is used up. The products
    /// are named as for [`enable`](Self::enable); with 0 requests there is room again.
    pub fn use_up_quota(&self, product: &str, quota: Quota, requests: u64) {
        self.world.lock().quotas.use_up(product, quota, requests);
    }

    /// Answers so many times how far an upload is after all of it has arrived, before there is a file.
    pub fn uploads_pend(&self, answers: u64) {
        self.world.lock().uploads_pend = answers;
    }

    /// Carries out so many of the next parts of batches, and answers each with 503 all the same.
    pub fn lose_parts(&self, parts: u64) {
        self.world.lock().parts_lost = parts;
    }

    /// Lets the first page of every list of files be empty though there is another.
    pub fn search_begins_empty(&self, on: bool) {
        self.world.lock().drive.begins_empty = on;
    }

    /// Keeps new files out of so many searches after their making.
    pub fn search_lags(&self, searches: u64) {
        self.world.lock().drive.lag = searches;
    }

    /// Leaves shared drives out of searches over all drives, which then say that they are incomplete.
    pub fn search_incompletely(&self, on: bool) {
        self.world.lock().drive.incomplete = on;
    }

    /// Lets a file or folder be made with this id, as if it had been generated.
    pub fn reserve_file_id(&self, id: &str) {
        self.world.lock().drive.reserved.insert(id.to_owned());
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

    /// Every event and changed instance, as JSON with the `calendar` of each, in the order of their making.
    pub fn events(&self) -> Vec<Value> {
        self.world.lock().calendar.all()
    }

    /// Address, event and occasion (`created`, `updated`, `deleted`) of every mail about an event.
    pub fn event_notices(&self) -> Vec<(String, String, &'static str)> {
        self.world.lock().calendar.notices.clone()
    }

    /// Shows new conferences of events as being made for so many reads.
    pub fn conferences_pend(&self, reads: u64) {
        self.world.lock().calendar.pending = reads;
    }

    /// Makes the tokens for changes of calendars useless, so that all has to be read anew.
    pub fn expire_sync_tokens(&self) {
        self.world.lock().calendar.forget_changes();
    }

    /// Every mail in every mailbox but drafts, as JSON with `mailbox`, `labels`, `from`, `to`, `subject`, `text` and
    /// `raw`.
    pub fn mails(&self) -> Vec<Value> {
        self.world.lock().gmail.all()
    }

    /// What Classroom tells Pub/Sub topics of, as it answers registrations.
    pub fn registrations(&self) -> Vec<Value> {
        self.world.lock().classroom.registrations()
    }

    /// Forgets what has happened to mailboxes so far: history from before is answered with 404.
    pub fn forget_history(&self) {
        self.world.lock().gmail.forget_history();
    }

    /// What Gmail would publish about a mailbox: the topic and the data. None if nobody watches it.
    pub fn mail_notification(&self, user: &str) -> Option<(String, Value)> {
        self.world.lock().gmail.notification(user, self.stage.clock.now())
    }

    /// Every course, as JSON with `aliases`, `teachers`, `students`, `courseWork`, `submissions` and the like.
    pub fn courses(&self) -> Vec<Value> {
        classroom::all(&self.world.lock())
    }

    /// Addresses that were sent an invitation to become a guardian.
    pub fn guardian_notices(&self) -> Vec<String> {
        self.world.lock().classroom.guardians.notices.clone()
    }

    /// Lets a guardian accept an invitation. Says whether there was one that waited.
    pub fn accept_guardian_invitation(&self, invitation: &str) -> bool {
        classroom::accept_guardian(&mut self.world.lock(), invitation)
    }

    /// Suspends a subscription to events, as the vendor does. Says whether there is one of this name.
    pub fn suspend_subscription(&self, name: &str, reason: &str) -> bool {
        let mut world = self.world.lock();
        let held = world.subscriptions.iter_mut().find(|held| held.name() == name);
        held.map(|held| held.suspend(reason)).is_some()
    }

    /// Every meeting space, as JSON with the `owner` of each.
    pub fn spaces(&self) -> Vec<Value> {
        meet::all(&self.world.lock())
    }

    /// Lets people meet in the space of this code, for so long, or from now on. Says the conference's name, if there is
    /// such a space.
    pub fn hold_conference(&self, code: &str, people: &[&str], minutes: Option<u32>) -> Option<String> {
        let now = self.stage.clock.now();
        let (start, end) = match minutes {
            Some(minutes) => (now - i64::from(minutes) * 60_000, Some(now)),
            None => (now, None),
        };
        meet::meet(&mut self.world.lock(), code, people, start, end)
    }

    /// What the vendor would post next on a channel: `sync` first, then states such as `exists` or `change`. None if no
    /// such channel is open.
    pub fn channel_message(&self, channel: &str, state: &str) -> Option<ChannelMessage> {
        let at = self.stage.clock.now();
        let mut world = self.world.lock();
        world.channels.iter_mut().find(|open| open.id() == channel)?.message(state, at)
    }

    /// The token that Pub/Sub sends with a message, signed with the key that `/oauth2/v3/certs` shows.
    ///
    /// # Panics
    ///
    /// If the key in this crate is broken.
    pub fn push_token(&self, audience: &str, email: &str) -> String {
        match push::token(audience, email, self.stage.clock.now()) {
            Some(token) => token,
            None => panic!("the key that signs pushed messages cannot be read"),
        }
    }

    /// The vendor's part of the control API.
    pub(super) fn steer(&self, path: &str, request: &Request) -> Option<Answer> {
        let read = |answer: Result<Answer, String>| {
            Some(answer.unwrap_or_else(|message| control::problem(StatusCode::BAD_REQUEST, &message)))
        };
        match (&request.method, path) {
            (&Method::GET, "files") => Some(control::json(&self.files())),
            (&Method::GET, "documents") => Some(control::json(&self.documents())),
            (&Method::GET, "events") => Some(control::json(&self.events())),
            (&Method::GET, "courses") => Some(control::json(&self.courses())),
            (&Method::POST, "guardian-acceptances") => {
                read(control::read::<String>(request).map(|id| control::json(&self.accept_guardian_invitation(&id))))
            }
            (&Method::GET, "mails") => Some(control::json(&self.mails())),
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
            (&Method::PUT, "quota") => read(control::read::<UsedUp>(request).map(|used_up| {
                self.use_up_quota(&used_up.product, used_up.quota, used_up.requests);
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsedUp {
    product: String,
    quota: Quota,
    requests: u64,
}

/// What can be switched without Rust; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switches {
    rotate_refresh_tokens: Option<bool>,
    share_in_domain_only: Option<bool>,
    fill_storage: Option<bool>,
    search_lags: Option<u64>,
    search_incompletely: Option<bool>,
    conferences_pend: Option<u64>,
}

impl Switches {
    fn apply(self, handle: &GoogleWorkspace) {
        self.rotate_refresh_tokens.into_iter().for_each(|on| handle.rotate_refresh_tokens(on));
        self.share_in_domain_only.into_iter().for_each(|on| handle.share_in_domain_only(on));
        self.fill_storage.into_iter().for_each(|on| handle.fill_storage(on));
        self.search_lags.into_iter().for_each(|searches| handle.search_lags(searches));
        self.search_incompletely.into_iter().for_each(|on| handle.search_incompletely(on));
        self.conferences_pend.into_iter().for_each(|reads| handle.conferences_pend(reads));
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
