//! The coach, her students, and what they have done.

use std::collections::{BTreeMap, BTreeSet};

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{COACH_ID, EXERCISE, STUDENT_ID, content, ok, plain};
use crate::{
    clock,
    exchange::{Answer, Request},
};

/// Right answers in a row that master an exercise.
const MASTERY: u32 = 5;

/// A user of the API.
#[derive(Debug, Clone, Default)]
pub struct Student {
    /// `kaid_…`.
    pub user_id: String,
    /// The name that others see.
    pub nickname: String,
    /// The user name.
    pub username: String,
    /// The account's address; v1 gave `null` for accounts of children.
    pub email: Option<String>,
    problems: Vec<Problem>,
    badges: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct Problem {
    exercise: String,
    correct: bool,
    at: i64,
}

impl Student {
    /// A student who has done nothing yet.
    pub fn new(user_id: &str, nickname: &str, email: Option<&str>) -> Self {
        Self {
            user_id: user_id.to_owned(),
            nickname: nickname.to_owned(),
            username: nickname.to_lowercase().replace(' ', "."),
            email: email.map(str::to_owned),
            ..Self::default()
        }
    }

    pub(super) fn has_badge(&self, name: &str) -> bool {
        self.badges.contains(name)
    }

    fn points(&self) -> usize {
        self.problems.iter().filter(|problem| problem.correct).count() * 75
    }

    fn to_json(&self) -> Value {
        let mut counts: BTreeMap<String, u32> = (0..6).map(|category| (category.to_string(), 0)).collect();
        for category in self.badges.iter().filter_map(|name| content::category_of(name)) {
            *counts.entry(category.to_string()).or_default() += 1;
        }
        json!({
            "kind": "UserData", "user_id": self.user_id, "kaid": self.user_id, "nickname": self.nickname,
            "username": self.username, "email": self.email, "points": self.points(), "badge_counts": counts,
            "joined": "2019-09-02T08:00:00Z", "coaches": if self.user_id == COACH_ID { json!([]) } else { json!([COACH_ID]) },
        })
    }

    /// An exercise that was never tried is there too, with nothing done.
    fn exercise(&self, name: &str) -> Value {
        let done: Vec<&Problem> = self.problems.iter().filter(|problem| problem.exercise == name).collect();
        let (mut streak, mut longest, mut mastered_at) = (0, 0, None);
        for problem in &done {
            streak = if problem.correct { streak + 1 } else { 0 };
            longest = longest.max(streak);
            if streak >= MASTERY && mastered_at.is_none() {
                mastered_at = Some(problem.at);
            }
        }
        let correct = done.iter().filter(|problem| problem.correct).count();
        json!({
            "kind": "UserExercise", "exercise": name, "user": self.user_id, "total_done": done.len(),
            "total_correct": correct, "streak": streak, "longest_streak": longest,
            "progress": f64::from(longest.min(MASTERY)) / f64::from(MASTERY), "mastered": mastered_at.is_some(),
            "struggling": done.len() >= 10 && correct * 2 < done.len(), "proficient_date": mastered_at.map(moment),
            "last_done": done.last().map(|problem| moment(problem.at)), "maximum_exercise_progress_dt": null,
        })
    }

    /// What lies below `/user`.
    pub(super) fn answer(&self, path: &[&str], request: &Request) -> Option<Answer> {
        let tried: BTreeSet<&str> = self.problems.iter().map(|problem| problem.exercise.as_str()).collect();
        let body = match path {
            [] => self.to_json(),
            ["exercises"] => tried.iter().map(|name| self.exercise(name)).collect(),
            ["exercises", name] if content::is_exercise(name) => self.exercise(name),
            ["exercises", name, "log"] if content::is_exercise(name) => match self.log(name, request) {
                Some(log) => log,
                None => return Some(plain(StatusCode::BAD_REQUEST, "API error. Invalid date")),
            },
            ["videos"] if self.problems.is_empty() => json!([]),
            ["videos"] => json!([{
                "kind": "UserVideo", "video": content::video(content::VIDEO), "completed": true, "points": 750,
                "last_watched": "2019-10-01T08:00:00Z", "user": self.user_id, "duration": 102, "last_second_watched": 102,
            }]),
            ["progress_summary"] => {
                let (complete, started): (Vec<&&str>, Vec<&&str>) =
                    tried.iter().partition(|name| self.exercise(name)["mastered"] == true);
                let ids = |names: Vec<&&str>| names.iter().map(|name| format!("e{name}")).collect::<Vec<_>>();
                json!({ "started": ids(started), "complete": ids(complete) })
            }
            _ => return None,
        };
        Some(ok(&body))
    }

    fn log(&self, name: &str, request: &Request) -> Option<Value> {
        let query = request.query();
        let bound = |field: &str, open: i64| match query.filled(field) {
            None => Some(open),
            Some(text) => text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond()),
        };
        let (from, to) = (bound("dt_start", i64::MIN)?, bound("dt_end", i64::MAX)?);
        let done = self.problems.iter().filter(|problem| problem.exercise == name).enumerate();
        let within = done.filter(|(_, problem)| (from..to).contains(&problem.at));
        Some(
            within
                .map(|(at, problem)| {
                    json!({
                        "kind": "ProblemLog", "exercise": name, "correct": problem.correct, "problem_number": at + 1,
                        "time_done": moment(problem.at), "count_hints": 0, "count_attempts": 1,
                    })
                })
                .collect(),
        )
    }
}

fn moment(at: i64) -> String {
    clock::timestamp(at).to_string()
}

/// Everybody, the coach first.
pub(super) struct School(Vec<Student>);

impl Default for School {
    fn default() -> Self {
        let coach = Student::new(COACH_ID, "Coach Ada", Some("ada@school.example"));
        let student = Student::new(STUDENT_ID, "Jane Doe", Some("jane@school.example"));
        let child = Student::new("kaid_1002", "John Roe", None);
        let mut school = Self(vec![coach, student, child]);
        let first = 1_569_900_000_000;
        for at in 0..6 {
            school.do_problem(STUDENT_ID, EXERCISE, true, first + at * 60_000);
        }
        school.do_problem(STUDENT_ID, "subtraction_1", false, first + 600_000);
        school.award(STUDENT_ID, "greatlistenerbadge");
        school
    }
}

impl School {
    /// Puts a student in the place of one with the same id.
    pub(super) fn add(&mut self, student: Student) {
        self.0.retain(|known| known.user_id != student.user_id);
        self.0.push(student);
    }

    pub(super) fn do_problem(&mut self, user_id: &str, exercise: &str, correct: bool, at: i64) {
        if let Some(student) = self.0.iter_mut().find(|student| student.user_id == user_id) {
            student.problems.push(Problem { exercise: exercise.to_owned(), correct, at });
        }
    }

    pub(super) fn award(&mut self, user_id: &str, badge: &str) {
        if let Some(student) = self.0.iter_mut().find(|student| student.user_id == user_id) {
            student.badges.insert(badge.to_owned());
        }
    }

    pub(super) fn students(&self) -> Value {
        self.0.iter().filter(|student| student.user_id != COACH_ID).map(Student::to_json).collect()
    }

    /// Whom a request is about: the student it names, or the coach herself.
    pub(super) fn whom(&self, coach: &str, request: &Request) -> Option<&Student> {
        let query = request.query();
        let named = |field: &str| query.filled(field).map(str::to_owned);
        let (id, email, name) = (named("userId"), named("email"), named("username"));
        self.0.iter().find(|student| match (&id, &email, &name) {
            (Some(id), ..) => student.user_id == *id,
            (_, Some(email), _) => student.email.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(email)),
            (.., Some(name)) => student.username == *name,
            _ => student.user_id == coach,
        })
    }
}
