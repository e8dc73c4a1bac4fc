use sandbox::google_workspace as google;
use serde_json::{Value, json};

use super::{School, new};

pub fn arguments(operation: &str) -> Option<Value> {
    let work = json!({ "courseId": "{course}", "courseWorkId": "{work}" });
    let submission = json!({ "courseId": "{course}", "courseWorkId": "{work}", "submissionId": "{submission}" });
    let with = |mut value: Value, more: Value| {
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        value
    };
    Some(match operation {
        "listCourses" => json!({ "courseStates": ["ACTIVE"], "pageSize": 5 }),
        "createCourse" => json!({ "name": "Biology 10", "ownerId": google::TEACHER, "courseState": "ACTIVE" }),
        "getCourse" | "archiveCourse" | "listStudents" | "listTeachers" | "listInvitations" | "listCourseWork"
        | "listAnnouncements" | "listTopics" => json!({ "courseId": "{course}" }),
        "deleteCourse" => json!({ "courseId": "{archived}" }),
        "updateCourse" => json!({ "courseId": "{course}", "room": "301" }),
        "addStudent" => json!({ "courseId": "{course}", "userId": google::STUDENT }),
        "addStudents" => json!({ "courseId": "{course}", "userIds": [google::STUDENT] }),
        "addTeacher" => json!({ "courseId": "{course}", "userId": google::ADMIN }),
        "removeStudent" => json!({ "courseId": "{attended}", "userId": google::STUDENT }),
        "removeTeacher" => json!({ "courseId": "{taught}", "userId": google::ADMIN }),
        "getUserProfile" => json!({ "userId": google::STUDENT }),
        "inviteToCourse" => json!({ "courseId": "{course}", "userId": google::STUDENT, "role": "STUDENT" }),
        "deleteInvitation" => json!({ "invitationId": "{invitation}" }),
        "acceptInvitation" => json!({ "invitationId": "{invitation}", "asUser": google::STUDENT }),
        "getCourseWork" | "deleteCourseWork" | "listSubmissions" => with(work, json!({ "asUser": google::TEACHER })),
        "createCourseWork" => json!({
            "courseId": "{course}", "title": "Essay", "maxPoints": 20, "state": "PUBLISHED",
            "due": "2027-12-01T23:00:00Z", "asUser": google::TEACHER,
        }),
        "updateCourseWork" => with(work, json!({ "title": "Long essay", "asUser": google::TEACHER })),
        "getSubmission" => with(submission, json!({ "asUser": google::TEACHER })),
        "gradeSubmission" => with(submission, json!({ "assignedGrade": 18, "asUser": google::TEACHER })),
        "gradeSubmissions" => with(
            work,
            json!({
                "grades": [{ "submissionId": "{submission}", "assignedGrade": 18 }], "asUser": google::TEACHER,
            }),
        ),
        "returnSubmission" => {
            json!({ "courseId": "{course}", "courseWorkId": "{work}", "submissionId": "{handedIn}", "asUser": google::TEACHER })
        }
        "turnInSubmission" => with(submission, json!({ "asUser": google::STUDENT })),
        "reclaimSubmission" => {
            json!({ "courseId": "{course}", "courseWorkId": "{work}", "submissionId": "{handedIn}", "asUser": google::STUDENT })
        }
        "createAnnouncement" => json!({
            "courseId": "{course}", "text": "No lesson on Friday", "state": "PUBLISHED", "asUser": google::TEACHER,
        }),
        "deleteAnnouncement" => {
            json!({ "courseId": "{course}", "announcementId": "{announcement}", "asUser": google::TEACHER })
        }
        "createTopic" => json!({ "courseId": "{course}", "name": "Unit 3", "asUser": google::TEACHER }),
        "listGuardians" | "listGuardianInvitations" => json!({ "studentId": google::STUDENT }),
        "inviteGuardian" => {
            json!({ "studentId": google::STUDENT, "invitedEmailAddress": format!("guardian{}@family.example", new()) })
        }
        "withdrawGuardianInvitation" => {
            json!({ "studentId": google::STUDENT, "invitationId": "{guardianInvitation}" })
        }
        "removeGuardian" => json!({ "studentId": google::STUDENT, "guardianId": "{guardian}" }),
        _ => return None,
    })
}

pub const MARKS: &[&str] = &[
    "{handedIn}",
    "{submission}",
    "{work}",
    "{announcement}",
    "{invitation}",
    "{archived}",
    "{attended}",
    "{taught}",
    "{course}",
    "{guardianInvitation}",
    "{guardian}",
];

pub async fn make(school: &School, mark: &str, text: &mut String) {
    let made = async |operation: &str, arguments: Value| school.made("google_workspace", operation, arguments).await;
    let id_of = |value: Value, name: &str| value[name].as_str().unwrap().to_owned();
    let course = async || id_of(made("createCourse", arguments("createCourse").unwrap()).await, "id");
    let of_course = async |operation: &str, course: &str| {
        let mut arguments = arguments(operation).unwrap();
        arguments["courseId"] = json!(course);
        made(operation, arguments).await
    };
    match mark {
        "{course}" => *text = text.replace(mark, &course().await),
        "{archived}" | "{attended}" | "{taught}" => {
            let course = course().await;
            let before = match mark {
                "{archived}" => "archiveCourse",
                "{attended}" => "addStudent",
                _ => "addTeacher",
            };
            of_course(before, &course).await;
            *text = text.replace(mark, &course);
        }
        "{invitation}" => {
            let id = id_of(of_course("inviteToCourse", &course().await).await, "id");
            *text = text.replace(mark, &id);
        }
        "{work}" | "{announcement}" => {
            let course = course().await;
            let operation = if mark == "{work}" { "createCourseWork" } else { "createAnnouncement" };
            let id = id_of(of_course(operation, &course).await, "id");
            *text = text.replace(mark, &id).replace("{course}", &course);
        }
        "{submission}" | "{handedIn}" => {
            let course = course().await;
            of_course("addStudent", &course).await;
            let work = id_of(of_course("createCourseWork", &course).await, "id");
            let which = json!({ "courseId": course, "courseWorkId": work, "asUser": google::TEACHER });
            let list = made("listSubmissions", which.clone()).await;
            let id = id_of(list["studentSubmissions"][0].clone(), "id");
            if mark == "{handedIn}" {
                let mut which = which;
                which["submissionId"] = json!(id);
                which["asUser"] = json!(google::STUDENT);
                made("turnInSubmission", which).await;
            }
            *text = text.replace(mark, &id).replace("{work}", &work).replace("{course}", &course);
        }
        _ => {
            let invited = id_of(made("inviteGuardian", arguments("inviteGuardian").unwrap()).await, "invitationId");
            let id = if mark == "{guardian}" {
                assert!(school.sandbox.google_workspace().accept_guardian_invitation(&invited));
                let list = made("listGuardians", json!({ "studentId": google::STUDENT })).await;
                id_of(list["guardians"][0].clone(), "guardianId")
            } else {
                invited
            };
            *text = text.replace(mark, &id);
        }
    }
}
