//! Sending what must not be sent twice, through an API that has no idempotency key.
//!
//! After an answer that tells nothing (the connection broke, 5xx) Twilio's own list is looked at. One new message of
//! that text to that number is ours; none after 5xx may be sent once more; anything else is `outcome_unknown`.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::LazyLock,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{
    API, Twilio, VERSION,
    wire::{Fields, FromWire, LARGEST_PAGE, WirePage, decode, page, paged},
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Timestamp,
    providers::Call,
    transport::{Repeat, Request, Response},
};

/// How long after the ambiguous answer Twilio's list is looked at, each time counted from the last.
const LOOKS: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(2)];
/// A list with more pages than this is too long to tell from.
const PAGES: usize = 5;
/// Dates have whole seconds; clocks differ by what the answer's `Date` cannot show.
const GRAIN: Duration = Duration::from_secs(1);
/// Something equal this shortly before our send may be ours by another clock, or another sender's.
const DOUBT: Duration = Duration::from_secs(30);

/// What is sent and found again: a message or a call.
pub(super) trait Sent: FromWire + Send {
    /// The last part of its path, and the key of its list.
    const COLLECTION: (&'static str, &'static str);
    /// What it is called.
    const WORD: &'static str;
    fn sid(&self) -> &str;
    fn created(&self) -> Option<Timestamp>;
    fn outbound(&self) -> bool;
    fn from(&self) -> Option<&str>;
    fn body(&self) -> Option<&str>;
    /// Whether it has pictures and the like, where that can be told.
    fn has_media(&self) -> Option<bool>;
}

/// One send.
#[derive(Debug)]
pub(super) struct Dispatch {
    pub(super) form: Vec<(&'static str, String)>,
    /// As Twilio lists it.
    pub(super) to: String,
    /// `None` where a messaging service picks it.
    pub(super) from: Option<String>,
    /// `None` where Twilio makes it from a template, or for a call.
    pub(super) body: Option<String>,
}

impl Dispatch {
    fn is(&self, sent: &impl Sent) -> bool {
        let body = match (&self.body, sent.body()) {
            // A trial account's messages begin with words of Twilio's; surrounding blanks may go.
            (Some(ours), Some(theirs)) => theirs.trim().ends_with(ours.trim()),
            _ => true,
        };
        let from = match (&self.from, sent.from()) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        // A template may bring pictures of its own.
        let template = self.form.iter().any(|(name, _)| *name == "ContentSid");
        let media = self.form.iter().any(|(name, _)| *name == "MediaUrl");
        let media = template || sent.has_media().is_none_or(|there| there == media);
        sent.outbound() && body && from && media
    }

    /// Sends that Twilio's list shows alike have equal fingerprints: one without a text of ours may be any other to the
    /// same recipient.
    fn fingerprints(&self, account: &str, collection: &str) -> Fingerprints {
        let hash = |of: &dyn Fn(&mut std::hash::DefaultHasher)| {
            let mut hasher = std::hash::DefaultHasher::new();
            (account, collection, &self.to).hash(&mut hasher);
            of(&mut hasher);
            hasher.finish()
        };
        let recipient = hash(&|_| ());
        let text = self.body.as_ref().map(|body| hash(&|hasher| (&self.from, body).hash(hasher)));
        Fingerprints { recipient, text }
    }
}

/// Ids that sends of this process have been answered with: what carries one is not what an ambiguous send left.
static KNOWN: LazyLock<quick_cache::sync::Cache<String, ()>> = LazyLock::new(|| quick_cache::sync::Cache::new(100_000));

/// Equal sends under way in this process, which cannot be told apart in Twilio's list.
static TWINS: LazyLock<Mutex<HashMap<u64, Twins>>> = LazyLock::new(Mutex::default);

#[derive(Debug, Default, Clone, Copy)]
struct Twins {
    active: u32,
    /// One of them ended without anybody knowing how.
    lost: bool,
}

#[derive(Debug, Clone, Copy)]
struct Fingerprints {
    recipient: u64,
    text: Option<u64>,
}

impl Fingerprints {
    fn all(self) -> impl Iterator<Item = u64> {
        std::iter::once(self.recipient).chain(self.text)
    }
}

/// Counts a send while it is under way.
struct Window(Fingerprints);

impl Window {
    fn open(of: Fingerprints) -> Self {
        let mut twins = TWINS.lock();
        of.all().for_each(|one| twins.entry(one).or_default().active += 1);
        Self(of)
    }

    fn alone(&self) -> bool {
        let one = self.0.text.unwrap_or(self.0.recipient);
        TWINS.lock().get(&one).is_some_and(|twins| twins.active == 1 && !twins.lost)
    }

    fn lost(&self) {
        let mut twins = TWINS.lock();
        for one in self.0.all() {
            twins.entry(one).or_default().lost = true;
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let mut all = TWINS.lock();
        for one in self.0.all() {
            let Some(twins) = all.get_mut(&one) else { continue };
            twins.active -= 1;
            if twins.active == 0 {
                all.remove(&one);
            }
        }
    }
}

/// What Twilio's list says of an ambiguous send.
enum Found<T> {
    /// It is there.
    One(T),
    /// It is not there.
    None,
    /// That cannot be told.
    Unclear,
}

/// The address of `path` below the account, in the 2010 API.
pub(super) fn account_url(call: &Call<'_, Twilio>, path: &[&str]) -> Result<url::Url> {
    let mut whole = vec![VERSION, "Accounts", call.config().account_sid.as_str()];
    whole.extend(path);
    call.url(API, &whole)
}

/// Sends, and says for certain what became of it, or `outcome_unknown`. `gate` bounds what is on its way at once; it is
/// not held while waiting to look.
pub(super) async fn deliver<T: Sent>(
    call: &Call<'_, Twilio>,
    dispatch: &Dispatch,
    gate: Option<&Semaphore>,
) -> Result<T> {
    let window = Window::open(dispatch.fingerprints(&call.config().account_sid, T::COLLECTION.1));
    let mut again = true;
    loop {
        let request =
            call.post(account_url(call, &[T::COLLECTION.0])?).form(dispatch.form.iter().map(|(n, v)| (*n, v)));
        let begun = call.now();
        let error = match gated(call, request, Repeat::Never, gate).await.and_then(|answer| read::<T>(call, &answer)) {
            Ok(sent) => {
                KNOWN.insert(sent.sid().to_owned(), ());
                return Ok(sent);
            }
            Err(error) => error,
        };
        if error.code() != ErrorCode::OutcomeUnknown {
            return Err(error);
        }
        let refused = error.vendor().is_some_and(|vendor| vendor.status >= 500);
        match look::<T>(call, dispatch, begun, &window, gate).await {
            Found::One(sent) => {
                KNOWN.insert(sent.sid().to_owned(), ());
                call.note("reconciled", true);
                return Ok(sent);
            }
            // A broken connection may still deliver its request later: only an answer says that it has ended.
            Found::None if refused && again => again = false,
            _ => {
                window.lost();
                return Err(unknown::<T>(&error));
            }
        }
    }
}

fn unknown<T: Sent>(error: &Error) -> Error {
    let what = T::WORD;
    let words = format!("{}; Twilio's list does not tell whether the {what} was made", error.message());
    let unknown = Error::new(ErrorCode::OutcomeUnknown, words);
    match error.vendor() {
        Some(vendor) => unknown.with_vendor(vendor.clone()),
        None => unknown,
    }
}

fn read<T: Sent>(call: &Call<'_, Twilio>, answer: &Response) -> Result<T> {
    decode::<T>(call, answer, Repeat::Never)
}

async fn gated(
    call: &Call<'_, Twilio>,
    request: Request,
    repeat: Repeat,
    gate: Option<&Semaphore>,
) -> Result<Response> {
    let _permit = match gate {
        Some(gate) => Some(gate.acquire().await.map_err(|_| Error::internal("the gate is closed"))?),
        None => None,
    };
    call.send_as(request, repeat).await
}

async fn look<T: Sent>(
    call: &Call<'_, Twilio>,
    dispatch: &Dispatch,
    begun: Timestamp,
    window: &Window,
    gate: Option<&Semaphore>,
) -> Found<T> {
    let mut found = Found::Unclear;
    for wait in LOOKS {
        if wait >= call.deadline().since(call.now()) {
            return Found::Unclear;
        }
        call.runtime().sleep(wait).await;
        found = match list::<T>(call, dispatch, begun, gate).await {
            Ok(found) => found,
            Err(_) => Found::Unclear,
        };
        if !window.alone() {
            return Found::Unclear;
        }
        if matches!(found, Found::One(_)) {
            return found;
        }
    }
    found
}

/// Reads the list of what went to that number. Filtering by date is left to us: what is still queued has no date of
/// sending, and must not be overlooked.
async fn list<T: Sent>(
    call: &Call<'_, Twilio>,
    dispatch: &Dispatch,
    begun: Timestamp,
    gate: Option<&Semaphore>,
) -> Result<Found<T>> {
    let (mut ours, mut doubtful) = (Vec::new(), false);
    let mut token: Option<String> = None;
    for _ in 0..PAGES {
        let request = call.get(account_url(call, &[T::COLLECTION.0])?).query("To", &dispatch.to);
        let answer = gated(call, paged(request, Some(LARGEST_PAGE), token.as_deref())?, Repeat::Always, gate).await?;
        // The send's moment by Twilio's clock, so that a machine whose clock is wrong finds its messages too.
        let here = call.now();
        let begun = match answer.headers.get("date").and_then(super::wire::moment) {
            Some(there) if there > here => begun.after(there.since(here)),
            Some(there) => begun.before(here.since(there)),
            None => begun,
        };
        let listed = decode::<Listed<T>>(call, &answer, Repeat::Always)?.0;
        for sent in listed.items {
            if !dispatch.is(&sent) || KNOWN.get(sent.sid()).is_some() {
                continue;
            }
            match sent.created() {
                Some(created) if created >= begun.before(GRAIN) => ours.push(sent),
                Some(created) if created < begun.before(DOUBT) => {}
                _ => doubtful = true,
            }
        }
        token = listed.next;
        if token.is_none() {
            return Ok(match (ours.len(), doubtful) {
                (1, false) => ours.pop().map_or(Found::None, Found::One),
                (0, false) => Found::None,
                _ => Found::Unclear,
            });
        }
    }
    Ok(Found::Unclear)
}

struct Listed<T>(WirePage<T>);

impl<T: Sent> FromWire for Listed<T> {
    fn from_wire(fields: Fields) -> Option<Self> {
        page(fields, T::COLLECTION.1).map(Self)
    }
}
