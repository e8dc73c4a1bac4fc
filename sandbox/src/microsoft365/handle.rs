//! How a test steers the look-alike and sees what it took in, in Rust and over the control API.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::auth::Granted;
use super::context::text;
use super::drive::Copying;
use super::jwt::Registered;
use super::table::Kind;
use super::{Exchange, Faults, Mail, Microsoft365, Recorder};
use crate::clock::Clock;
use crate::exchange::{Answer, Request};

impl Microsoft365 {
    /// Base address of both: Graph is at `/v1.0`, Entra ID at `/{tenant}`.
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

    /// The remembered requests with their answers, oldest first.
    pub fn requests(&self) -> Vec<Exchange> {
        self.recorder().exchanges()
    }

    /// The remembered requests to the token endpoint.
    pub fn token_requests(&self) -> Vec<Exchange> {
        self.requests().into_iter().filter(|exchange| exchange.path.ends_with("/oauth2/v2.0/token")).collect()
    }

    /// The time that tokens expire by.
    pub fn clock(&self) -> &Clock {
        &self.stage.clock
    }

    /// Lets a refresh token in that acts for a user within scopes; without any scope it may do everything.
    pub fn add_refresh_token(&self, token: &str, user: &str, scopes: &[&str]) {
        let scopes = if scopes.is_empty() { Granted::Everything } else { Granted::of(scopes.iter().copied()) };
        self.auth.lock().add_grant(token, user, scopes, self.clock().now());
    }

    /// Ends everything that a user has consented to, as a changed password does: refresh and access tokens.
    pub fn revoke(&self, user: &str) {
        self.auth.lock().revoke(user);
    }

    /// No access token given so far lets anyone in. Refresh tokens stay.
    pub fn expire_tokens(&self) {
        self.auth.lock().expire_tokens();
    }

    /// What tokens that the app gets from now on may do; until this is called, everything.
    pub fn grant_roles(&self, roles: &[&str]) {
        self.auth.lock().roles = Granted::of(roles.iter().copied());
    }

    /// Tokens that the app gets from now on may do everything again.
    pub fn grant_all_roles(&self) {
        self.auth.lock().roles = Granted::Everything;
    }

    /// The app's secret from now on.
    pub fn set_secret(&self, secret: &str) {
        secret.clone_into(&mut self.auth.lock().secret);
    }

    /// The certificate that the app signs assertions with from now on, in PEM; false if it cannot be read.
    pub fn set_certificate(&self, pem: &str) -> bool {
        let certificate = Registered::from_pem(pem);
        let read = certificate.is_some();
        self.auth.lock().certificate = certificate;
        read
    }

    /// Whether a refresh token dies when it is used. It does not unless this is called; a new one comes either way.
    pub fn spend_refresh_tokens(&self, spend: bool) {
        self.auth.lock().spend = spend;
    }

    /// Refuses the next token request with this AADSTS number; those before it in line come first.
    pub fn refuse_token(&self, aadsts: u32) {
        self.auth.lock().refusals.push_back(aadsts);
    }

    /// Lets no token in but those asked for with these `claims` from now on, as continuous access evaluation does.
    pub fn require_claims(&self, claims: &str) {
        self.auth.lock().challenge = Some(claims.to_owned());
    }

    /// How many reads miss a user, group, class or team that was made from now on.
    pub fn lag_reads(&self, reads: u32) {
        self.world.lock().settings.lag = reads;
    }

    /// How many reads of a mailbox miss a mail that is sent from it from now on: its copy is slow to come to Sent Items.
    pub fn lag_sent(&self, reads: u32) {
        self.world.lock().settings.sent_lag = reads;
    }

    /// How many of the teams that are asked for from now on come to nothing.
    pub fn fail_teams(&self, teams: u32) {
        self.world.lock().settings.failed_teams = teams;
    }

    /// From now on an event whose transaction is known is refused although it is the same, `named` with the id of the one
    /// that is there.
    pub fn refuse_transactions(&self, named: bool) {
        self.world.lock().settings.refused_transactions = Some(named);
    }

    /// How many polls find a team that is made from now on still in progress; one unless this is called.
    pub fn team_polls(&self, polls: u32) {
        self.world.lock().settings.polls = polls;
    }

    /// Adds a channel of a kind that our own requests make none of, such as `shared`.
    pub fn add_channel(&self, team: &str, name: &str, membership: &str) {
        let mut world = self.world.lock();
        let id = format!("19:sandbox{:024x}@thread.tacv2", world.number());
        world.add(Kind::Channel, team, json!({ "id": id, "displayName": name, "membershipType": membership }));
    }

    /// The longest page of any list, whatever `$top` asks for.
    pub fn page_size(&self, size: usize) {
        self.world.lock().settings.page = size.max(1);
    }

    /// Whether lists hear `$filter`; they do unless this is called.
    pub fn hear_filters(&self, hear: bool) {
        self.world.lock().settings.filters = hear;
    }

    /// How many items of coming batches are answered with 429.
    pub fn throttle_batch_items(&self, items: u32) {
        self.refuse_batch_items(items, StatusCode::TOO_MANY_REQUESTS.as_u16());
    }

    /// How many items of coming batches are refused with this status, as by a workload that is busy or broken: 409
    /// because something else changes the same object.
    ///
    /// # Panics
    ///
    /// If there is no such status.
    pub fn refuse_batch_items(&self, items: u32, status: u16) {
        self.world.lock().settings.refused_items.clear();
        self.then_refuse_batch_items(items, status);
    }

    /// How many are refused with this status after those that are to be refused already.
    ///
    /// # Panics
    ///
    /// If there is no such status.
    pub fn then_refuse_batch_items(&self, items: u32, status: u16) {
        let status = StatusCode::from_u16(status).expect("a status");
        self.world.lock().settings.refused_items.push((items, status));
    }

    /// Whether making a subscription first calls its address with a validation token, as the vendor does.
    ///
    /// The call is made while the request waits and nothing else is answered meanwhile: the receiver must not ask the
    /// sandbox anything before it has answered.
    pub fn validate_subscriptions(&self, validate: bool) {
        self.world.lock().settings.handshake = validate;
    }

    /// Whether nobody outside the tenant may be invited to a file.
    pub fn share_inside_only(&self, only: bool) {
        self.world.lock().settings.inside_only = only;
    }

    /// Whether what watches a copy names it when it is complete, which it does unless this is called.
    pub fn name_copies(&self, name: bool) {
        self.world.lock().settings.copies_named = name;
    }

    /// How many looks at it, or at a drive, find a copy that is asked for from now on still under way; one unless this is
    /// called.
    pub fn copy_looks(&self, looks: u32) {
        self.world.lock().settings.copy_looks = looks;
    }

    /// Lets the copies that are under way stand at the next look, in the order in which they were asked for.
    pub fn let_copies_stand(&self) {
        self.world.lock().copies.values_mut().for_each(Copying::hurry);
    }

    /// How many of the copies that are asked for from now on come to nothing.
    pub fn fail_copies(&self, copies: u32) {
        self.world.lock().settings.failed_copies = copies;
    }

    /// How many bytes the drive of a user, group or site may hold.
    pub fn set_quota(&self, owner: &str, bytes: u64) {
        let mut world = self.world.lock();
        let drive = world.table.under(Kind::Drive, owner).next().map(|row| row.id.clone());
        if let Some(row) = drive.and_then(|id| world.table.change(Kind::Drive, owner, &id)) {
            row.value["quota"]["total"] = json!(bytes);
        }
    }

    /// Adds a user with a mailbox and a drive; `name` stands before the `@`. Gives the object id.
    pub fn add_user(&self, name: &str, role: &str) -> String {
        let mut world = self.world.lock();
        let id = world.guid();
        world.add_person(&id, name, role);
        id
    }

    /// Adds a folder within another of a user's mailbox, which its id or a name such as `inbox` says. Gives its id.
    pub fn add_mail_folder(&self, user: &str, parent: &str, name: &str) -> String {
        let mut world = self.world.lock();
        let id = world.mailbox_id();
        let folder = json!({ "id": id, "displayName": name, "parentFolderId": parent, "isHidden": false });
        world.add(Kind::MailFolder, user, folder);
        id
    }

    /// Everything that left a mailbox, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.world.lock().sent.iter().map(Mail::of).collect()
    }

    /// What lies in a user's mailbox, oldest first.
    pub fn messages(&self, user: &str) -> Vec<Value> {
        self.rows(Kind::Message, user)
    }

    /// What is attached to a message.
    pub fn attachments(&self, message: &str) -> Vec<Value> {
        self.rows(Kind::Attachment, message)
    }

    /// The events in a user's calendars, oldest first.
    pub fn events(&self, user: &str) -> Vec<Value> {
        let world = self.world.lock();
        let is_own = |calendar: &str| world.table.get(Kind::Calendar, user, calendar).is_some();
        world.table.all(Kind::Event).filter(|row| is_own(&row.parent)).map(|row| row.value.clone()).collect()
    }

    /// Puts another text into an event and leaves all else as it is, which no request can; false if there is none.
    pub fn retext_event(&self, id: &str, html: &str) -> bool {
        let mut world = self.world.lock();
        let calendar = world.table.by_id(Kind::Event, id).map(|row| row.parent.clone());
        let row = calendar.and_then(|calendar| world.table.change(Kind::Event, &calendar, id));
        row.map(|row| row.value["body"] = json!({ "contentType": "html", "content": html })).is_some()
    }

    /// A user's online meetings, oldest first.
    pub fn meetings(&self, user: &str) -> Vec<Value> {
        self.rows(Kind::Meeting, user)
    }

    /// All users.
    pub fn users(&self) -> Vec<Value> {
        self.rows(Kind::User, "")
    }

    /// All groups.
    pub fn groups(&self) -> Vec<Value> {
        self.rows(Kind::Group, "")
    }

    /// All teams.
    pub fn teams(&self) -> Vec<Value> {
        self.rows(Kind::Team, "")
    }

    /// A team's members.
    pub fn team_members(&self, team: &str) -> Vec<Value> {
        self.rows(Kind::TeamMember, team)
    }

    /// A team's channels.
    pub fn channels(&self, team: &str) -> Vec<Value> {
        self.rows(Kind::Channel, team)
    }

    /// The messages in a channel, replies among them, oldest first.
    pub fn channel_messages(&self, channel: &str) -> Vec<Value> {
        self.rows(Kind::ChannelMessage, channel)
    }

    /// The messages in a chat, oldest first.
    pub fn chat_messages(&self, chat: &str) -> Vec<Value> {
        self.rows(Kind::ChatMessage, chat)
    }

    /// All classes.
    pub fn classes(&self) -> Vec<Value> {
        self.rows(Kind::Class, "")
    }

    /// A class's assignments.
    pub fn assignments(&self, class: &str) -> Vec<Value> {
        self.rows(Kind::Assignment, class)
    }

    /// The submissions to an assignment.
    pub fn submissions(&self, assignment: &str) -> Vec<Value> {
        self.rows(Kind::Submission, assignment)
    }

    /// What a submission was given: points and words, noted and shown to the student.
    pub fn outcomes(&self, submission: &str) -> Vec<Value> {
        self.rows(Kind::Outcome, submission)
    }

    /// Hands in a student's work on an assignment; false if there is none.
    pub fn hand_in(&self, assignment: &str, student: &str) -> bool {
        let now = super::world::stamp(self.clock().now());
        super::education::hand_in(&mut self.world.lock(), assignment, student, &now)
    }

    /// The items in the drive of a user, group or site, the root first.
    pub fn drive_items(&self, owner: &str) -> Vec<Value> {
        let world = self.world.lock();
        let drive = world.table.under(Kind::Drive, owner).next();
        drive
            .map(|drive| world.table.under(Kind::Item, &drive.id).map(|row| row.value.clone()).collect())
            .unwrap_or_default()
    }

    /// The bytes of a file.
    pub fn file(&self, item: &str) -> Option<Vec<u8>> {
        self.world.lock().contents.get(item).map(|bytes| bytes.to_vec())
    }

    /// Who may see an item beside its owner.
    pub fn permissions(&self, item: &str) -> Vec<Value> {
        self.rows(Kind::Permission, item)
    }

    /// All subscriptions.
    pub fn subscriptions(&self) -> Vec<Value> {
        self.rows(Kind::Subscription, "")
    }

    /// Takes a subscription away, as Graph does with one whose notifications were not taken.
    pub fn drop_subscription(&self, id: &str) -> bool {
        self.world.lock().table.remove(Kind::Subscription, "", id).is_some()
    }

    fn rows(&self, kind: Kind, parent: &str) -> Vec<Value> {
        self.world.lock().table.under(kind, parent).map(|row| row.value.clone()).collect()
    }

    /// The vendor's part of the control API.
    pub(super) fn steered(&self, path: &str, request: &Request) -> Option<Answer> {
        let body = serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
        let done = || Some(Answer::empty(StatusCode::NO_CONTENT));
        let number = |name: &str| body.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        match (&request.method, path) {
            (&Method::GET, "mails") => Some(crate::control::json(&self.world.lock().sent)),
            (&Method::GET, "subscriptions") => Some(crate::control::json(&self.subscriptions())),
            (&Method::POST, "expire-tokens") => {
                self.expire_tokens();
                done()
            }
            (&Method::POST, "revoke") => {
                self.revoke(text(&body, "user")?);
                done()
            }
            (&Method::POST, "roles") => {
                match body.get("roles")?.as_array() {
                    Some(roles) => self.grant_roles(&roles.iter().filter_map(Value::as_str).collect::<Vec<_>>()),
                    None => self.grant_all_roles(),
                }
                done()
            }
            (&Method::POST, "refuse-token") => {
                self.refuse_token(number("aadsts")?);
                done()
            }
            (&Method::POST, "lag") => {
                self.lag_reads(number("reads")?);
                done()
            }
            (&Method::POST, "lag-sent") => {
                self.lag_sent(number("reads")?);
                done()
            }
            (&Method::POST, "fail-teams") => {
                self.fail_teams(number("teams")?);
                done()
            }
            (&Method::POST, "team-polls") => {
                self.team_polls(number("polls")?);
                done()
            }
            (&Method::POST, "throttle-batch") => {
                self.throttle_batch_items(number("items")?);
                done()
            }
            (&Method::POST, "validate-subscriptions") => {
                self.validate_subscriptions(body.get("validate")?.as_bool()?);
                done()
            }
            (&Method::POST, "hand-in") => {
                self.hand_in(text(&body, "assignment")?, text(&body, "student")?).then(done)?
            }
            (&Method::POST, "notification") => {
                let (subscription, change) = (text(&body, "subscription")?, text(&body, "changeType")?);
                let resource = body.get("resource").cloned().unwrap_or_default();
                let told = match body.get("rich") == Some(&json!(true)) {
                    true => self.rich_notification(subscription, change, &resource),
                    false => self.notification(subscription, change, &resource),
                };
                Some(crate::control::json(&told?))
            }
            (&Method::POST, "users") => {
                let id = self.add_user(text(&body, "name")?, text(&body, "role").unwrap_or("none"));
                Some(crate::control::json(&json!({ "id": id })))
            }
            _ => None,
        }
    }
}
