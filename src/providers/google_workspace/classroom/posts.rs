//! Announcements and topics. <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.announcements>

use serde_json::{Map, Value, json};

use super::{
    super::define::{self, Done, operation},
    ANNOUNCEMENTS, ANNOUNCEMENTS_READ, TOPICS, TOPICS_READ, at,
    materials::{self, Material},
    objects::{Announcement, Announcements, Topic, Topics},
    squeezed,
    work::{WorkState, check_state},
};
use crate::{
    error::{Error, ErrorCode},
    model::Timestamp,
    transport::Repeat,
};

operation! {
    /// Writes an announcement to a course. It is a `DRAFT` unless `state` says `PUBLISHED`; then Google may mail it to the
    /// course's members.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.announcements/create>. Access `send`.
    /// Google has no key for this: after `outcome_unknown` look with `listAnnouncements` before you repeat it. Errors:
    /// `not_found`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "text": "No lesson on Friday", "state": "PUBLISHED"}`
    CreateAnnouncement = "createAnnouncement", Send, Never -> Announcement,
    scopes ANNOUNCEMENTS,
    discloses { "text": Message(Anyone), "materials": Content(Anyone), "studentIds": Identity(Student) }
    path {
        /// The course's id or alias.
        course_id: String,
    }
    required {
        /// The text, up to 30,000 characters.
        text: String,
    }
    optional {
        /// Whether members see it.
        state: WorkState,
        /// When to publish it, of a `DRAFT`.
        scheduled_time: Timestamp,
        /// Only for these students: their ids.
        student_ids: Vec<String>,
        /// What goes with it, up to 20 things.
        materials: Vec<Material>,
    }
    check |this| {
        define::check_text("text", &this.text, 30_000)?;
        check_state(this.state, this.scheduled_time)?;
        materials::check(this.materials.as_deref())?;
        for (at, student) in this.student_ids.iter().flatten().enumerate() {
            define::check_id(&format!("studentIds[{at}]"), student)?;
        }
    }
    run |this, call| {
        let mut body = define::without(this, &["course_id", "as_user", "student_ids", "materials"])?;
        materials::put(&mut body, this.materials.as_deref());
        if let Some(students) = &this.student_ids {
            body.insert("assigneeMode".to_owned(), json!("INDIVIDUAL_STUDENTS"));
            body.insert("individualStudentsOptions".to_owned(), json!({ "studentIds": students }));
        }
        define::post(call, at(call, &["courses", &this.course_id, "announcements"])?, body, Self::REPEAT).await
    }
}

operation! {
    /// Lists the announcements of a course, the last changed first.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.announcements/list>. Access `read`.
    /// Errors: `not_found`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123"}`
    ListAnnouncements = "listAnnouncements", Read, Always -> Announcements,
    scopes ANNOUNCEMENTS_READ,
    discloses {}
    path {
        /// The course's id or alias.
        course_id: String,
    }
    required {}
    optional {
        /// Only those in these states; Google's default is what is published.
        announcement_states: Vec<WorkState>,
        /// `updateTime`, then `asc` or `desc`.
        order_by: String,
        /// How many on a page.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { define::check_page("pageSize", this.page_size, 500)?; }
    run |this, call| { define::get(call, at(call, &["courses", &this.course_id, "announcements"])?, &this.rest()?).await }
}

operation! {
    /// Deletes an announcement that the same client id has made.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.announcements/delete>. Access `write`.
    /// Errors: `not_found`, `vendor` where another client id has made it.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "announcementId": "55501"}`
    DeleteAnnouncement = "deleteAnnouncement", Write, Always -> Done,
    scopes ANNOUNCEMENTS,
    discloses {}
    path {
        /// The course's id or alias.
        course_id: String,
        /// The announcement's id.
        announcement_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        define::remove_once(call, at(call, &["courses", &this.course_id, "announcements", &this.announcement_id])?).await
    }
}

operation! {
    /// Lists the topics of a course.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.topics/list>. Access `read`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123"}`
    ListTopics = "listTopics", Read, Always -> Topics,
    scopes TOPICS_READ,
    discloses {}
    path {
        /// The course's id or alias.
        course_id: String,
    }
    required {}
    optional {
        /// How many on a page.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { define::check_page("pageSize", this.page_size, 500)?; }
    run |this, call| { define::get(call, at(call, &["courses", &this.course_id, "topics"])?, &this.rest()?).await }
}

operation! {
    /// Makes a topic. A course has but one of a name: where it is there already, it is answered.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.topics/create>. Access `write`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "name": "Unit 3"}`
    CreateTopic = "createTopic", Write, WithKey -> Topic,
    scopes TOPICS,
    discloses { "name": Content(Anyone) }
    path {
        /// The course's id or alias.
        course_id: String,
    }
    required {
        /// The name, 1 to 100 characters.
        name: String,
    }
    optional {}
    check |this| { define::check_text("name", &this.name, 100)?; }
    run |this, call| {
        let topics = at(call, &["courses", &this.course_id, "topics"])?;
        let request = call.post(topics.clone()).json(&Value::Object(this.rest()?));
        let found = async {
            let wanted = squeezed(&this.name);
            let mut query = Map::new();
            loop {
                let page: Topics = define::get(call, topics.clone(), &query).await?;
                if let Some(topic) = page.topic.into_iter().find(|topic| topic.name.as_deref().map(squeezed) == Some(wanted.clone())) {
                    return Ok(topic);
                }
                match page.next_page_token.filter(|token| !token.is_empty()) {
                    Some(token) => query.insert("pageToken".to_owned(), json!(token)),
                    None => return Err(Error::new(ErrorCode::NotFound, "the topic is not there")),
                };
            }
        };
        define::made_or_found(call, request, Repeat::WithKey, found).await
    }
}
