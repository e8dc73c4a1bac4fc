//! An API in the shape of Khan Academy's v1, as it was before it was withdrawn in 2020: what an operator may run at an
//! address of its own. A coach and her students, their exercises, badges and videos, behind OAuth 1.0a or a bearer token.

mod content;
mod oauth;
mod school;

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use hyper::{
    Method, StatusCode,
    header::{AUTHORIZATION, HeaderName},
};
use parking_lot::Mutex;
use serde_json::{Value, json};

pub use school::Student;

use crate::{
    exchange::{Answer, Request},
    faults::Faults,
    recorder::Recorder,
    vendor::{Registration, Stage, Vendor},
};
use school::School;

/// The OAuth client that stands ready.
pub const CONSUMER_KEY: &str = "sandbox-khan-consumer";
/// Its secret.
pub const CONSUMER_SECRET: &str = "sandbox-khan-consumer-secret&%+";
/// The token of the coach.
pub const OAUTH_TOKEN: &str = "sandbox-khan-oauth-token-of-the-coach";
/// The token's secret.
pub const OAUTH_TOKEN_SECRET: &str = "sandbox-khan-oauth-token-secret=~";
/// A bearer token of the same coach.
pub const BEARER_TOKEN: &str = "sandbox-khan-bearer-token-of-the-coach";
/// The coach.
pub const COACH_ID: &str = "kaid_1";
/// A student of the coach.
pub const STUDENT_ID: &str = "kaid_1001";
/// An exercise that the student has done.
pub const EXERCISE: &str = "addition_1";

const WWW_AUTHENTICATE: HeaderName = HeaderName::from_static("www-authenticate");

pub(crate) const REGISTRATION: Registration = Registration {
    name: "khan_academy",
    open: |stage| Arc::new(KhanAcademy { stage, world: Mutex::new(World::default()) }),
};

/// The look-alike of the v1 API.
pub struct KhanAcademy {
    stage: Arc<Stage>,
    world: Mutex<World>,
}

#[derive(Default)]
struct World {
    school: School,
    nonces: HashSet<(String, String)>,
    revoked: bool,
}

impl KhanAcademy {
    /// Base address of the API, without `/api/v1`.
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

    /// Adds a student of the coach.
    pub fn add_student(&self, student: Student) {
        self.world.lock().school.add(student);
    }

    /// Lets a student do a problem; five right answers in a row master an exercise.
    pub fn do_problem(&self, user_id: &str, exercise: &str, correct: bool) {
        let now = self.stage.clock.now();
        self.world.lock().school.do_problem(user_id, exercise, correct, now);
    }

    /// Gives a student a badge, by its name.
    pub fn award(&self, user_id: &str, badge: &str) {
        self.world.lock().school.award(user_id, badge);
    }

    /// Lets the coach take the token back, OAuth's and the bearer token.
    pub fn revoke(&self) {
        self.world.lock().revoked = true;
    }

    /// Who asks: nobody by name where there are no credentials. An error says why credentials are refused.
    fn user(&self, request: &Request) -> Result<Option<&'static str>, String> {
        let mut world = self.world.lock();
        let Some(header) = request.header(&AUTHORIZATION) else { return Ok(None) };
        if let Some(token) = header.strip_prefix("Bearer ") {
            let good = token == BEARER_TOKEN && !world.revoked;
            return if good { Ok(Some(COACH_ID)) } else { Err("Invalid access token".to_owned()) };
        }
        let revoked = world.revoked;
        oauth::check(request, self.stage.url(), header, revoked, &mut world.nonces).map(|()| Some(COACH_ID))
    }
}

impl Vendor for KhanAcademy {
    fn answer(&self, request: &Request) -> Answer {
        let user = match self.user(request) {
            Ok(user) => user,
            Err(why) => return unauthorised(&why),
        };
        let segments = request.segments();
        let path: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        let ["api", "v1", rest @ ..] = path.as_slice() else { return not_found() };
        if request.method != Method::GET {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "405 Method Not Allowed");
        }
        if let Some(found) = content::answer(rest, request) {
            return found;
        }
        let world = self.world.lock();
        if let ["badges"] = rest {
            let whom = match user {
                None => None,
                Some(coach) => match world.school.whom(coach, request) {
                    Some(student) => Some(student),
                    None => return not_found(),
                },
            };
            return ok(&content::badges(whom));
        }
        let ["user", of_user @ ..] = rest else { return not_found() };
        let Some(coach) = user else { return unauthorised("Login required") };
        if let ["students"] = of_user {
            return ok(&world.school.students());
        }
        let student = world.school.whom(coach, request);
        student.and_then(|student| student.answer(of_user, request)).unwrap_or_else(not_found)
    }

    fn refusal(&self, status: StatusCode, _code: Option<u32>) -> Answer {
        plain(status, &format!("API error. {}", status.canonical_reason().unwrap_or("Error")))
    }

    fn account<'r>(&self, request: &'r Request) -> Option<Cow<'r, str>> {
        request.header(&AUTHORIZATION).map(|_| Cow::Borrowed(COACH_ID))
    }

    fn recipient(&self, _request: &Request) -> Option<String> {
        None
    }

    fn control(&self, _path: &str, _request: &Request) -> Option<Answer> {
        None
    }

    fn reset(&self) {
        *self.world.lock() = World::default();
    }
}

fn ok(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}

fn plain(status: StatusCode, text: &str) -> Answer {
    Answer::new(status, "text/html; charset=utf-8", text.to_owned())
}

fn not_found() -> Answer {
    Answer::json(StatusCode::NOT_FOUND, &json!(null))
}

fn unauthorised(why: &str) -> Answer {
    plain(StatusCode::UNAUTHORIZED, &format!("OAuth error. {why}"))
        .with(WWW_AUTHENTICATE, "OAuth realm=\"http://www.khanacademy.org\"")
}

impl crate::Sandbox {
    /// The look-alike of Khan Academy's v1 API.
    ///
    /// # Panics
    ///
    /// If the sandbox was started without it.
    pub fn khan_academy(&self) -> &KhanAcademy {
        self.handle(REGISTRATION.name)
    }
}

impl std::fmt::Debug for KhanAcademy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KhanAcademy").field("url", &self.url()).finish_non_exhaustive()
    }
}
