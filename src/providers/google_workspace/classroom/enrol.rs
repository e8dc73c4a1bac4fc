//! Many students into one course.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{
    super::{
        batch::{self, BatchReport, ItemResult},
        define::{self, operation},
    },
    BATCH, ROSTERS, at,
    objects::Student,
};
use crate::{
    error::{Error, ErrorCode, Result},
    transport::Repeat,
};

/// As many as a course can have.
const MOST: usize = 1000;

operation! {
    /// Puts many students into a course, 50 in one request. Each has a result of their own: who is in the course already
    /// is done, who cannot be put there keeps nobody else out.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.students/create>. Access `write`. May
    /// be repeated. Errors: those of `addStudent`, for each student.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "userIds": ["a@school.example", "b@school.example"]}`
    AddStudents = "addStudents", Write, Always -> BatchReport<Student>,
    scopes ROSTERS,
    deadline 120,
    discloses { "userIds": Identity(Student) }
    path {
        /// The course's id or alias.
        course_id: String,
    }
    required {
        /// Who: ids or addresses, 1 to 1000.
        user_ids: Vec<String>,
    }
    optional {}
    check |this| { check_people(&this.user_ids)?; }
    run |this, call| {
        let students = at(call, &["courses", &this.course_id, "students"])?;
        let requests = this.user_ids.iter().map(|user| call.post(students.clone()).json(&json!({ "userId": user })));
        let added = batch::send(call, BATCH, requests.collect(), Repeat::Always).await?;
        // Google says the same of a student who is there already and of a teacher: look which it is.
        let mut there: Vec<usize> = Vec::new();
        let mut looks = Vec::new();
        for (index, (user, answer)) in this.user_ids.iter().zip(&added).enumerate() {
            if answer.as_ref().is_err_and(define::is_there_already) {
                there.push(index);
                looks.push(call.get(at(call, &["courses", &this.course_id, "students", user])?));
            }
        }
        let looked = batch::follow(call, BATCH, looks, Repeat::Always).await;
        let mut looked: BTreeMap<usize, _> = there.into_iter().zip(looked).collect();
        let results = added.into_iter().enumerate().map(|(index, answer)| {
            let answer = match (answer, looked.remove(&index)) {
                (Err(refused), Some(Err(error))) if error.code() == ErrorCode::NotFound => Err(refused),
                (_, Some(looked)) => looked,
                (answer, None) => answer,
            };
            match answer.and_then(|response| call.read::<Student>(&response, Repeat::Always)) {
                Ok(student) => ItemResult::done(index, student.user_id.clone(), Some(student)),
                Err(error) => ItemResult::failed(index, None, &error),
            }
        });
        Ok(BatchReport::new(call, results.collect()))
    }
}

fn check_people(people: &[String]) -> Result<()> {
    if people.is_empty() || people.len() > MOST {
        return Err(Error::invalid("userIds", format!("must be 1 to {MOST} people")));
    }
    let mut seen = BTreeSet::new();
    for (at, user) in people.iter().enumerate() {
        let field = format!("userIds[{at}]");
        define::check_id(&field, user)?;
        if !seen.insert(user) {
            return Err(Error::invalid(field, "stands there twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_them_is_somebody_and_somebody_else() {
        let people = |ids: &[&str]| check_people(&ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
        people(&["a@school.example", "b@school.example"]).unwrap();
        for (ids, field) in [(&[][..], "userIds"), (&["a", ""][..], "userIds[1]"), (&["a", "b", "a"][..], "userIds[2]")]
        {
            assert_eq!(people(ids).unwrap_err().field(), Some(field));
        }
    }
}
