//! Microsoft 365: teams, their channels and members, and meetings, through the whole road to the look-alike.
#![cfg(feature = "microsoft365")]
#![allow(missing_docs, reason = "tests")]

#[path = "support/microsoft365.rs"]
mod support;

use sandbox::{
    Fault,
    microsoft365::{STUDENT_ID, TEACHER_ID},
};
use serde_json::{Value, json};
use sis_integrations::ErrorCode;
use support::{School, id};

fn chess() -> Value {
    json!({ "displayName": "Chess club", "ownerId": "teacher@yourschool.example" })
}

#[tokio::test]
async fn a_team_is_made_once_whatever_breaks_and_however_late_it_comes() {
    for (fault, looks) in [
        (Fault::CutAfter, 0),
        (Fault::CutAfter, 4),
        (Fault::StatusAfter { status: 500 }, 4),
        // Longer than one call waits.
        (Fault::CutAfter, 30),
    ] {
        let (school, _) = School::swift().await;
        school.graph().team_polls(looks);
        school.break_next("POST", "/teams", fault.clone());
        let made = match school.keyed("k-1", "createTeam", &chess()).await {
            Err(error) if looks == 30 => {
                assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{error}");
                school.keyed("k-1", "createTeam", &chess()).await
            }
            made => made,
        };
        assert_eq!(made.unwrap()["displayName"], "Chess club");
        assert_eq!((school.graph().teams().len(), school.sent("POST", "/teams")), (1, 1), "{fault:?} {looks}");
    }
}

#[tokio::test]
async fn a_team_is_asked_for_again_only_when_none_can_come_any_more() {
    let (school, swift) = School::swift().await;
    school.graph().team_polls(0);
    school.break_next("POST", "/teams", Fault::CutBefore);
    for _ in 0..2 {
        let error = school.keyed("k-1", "createTeam", &chess()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{error}");
        // As far as the school can tell.
        assert_eq!(school.sent("POST", "/teams"), 1);
    }
    swift.skip(15);
    // The second request is as fresh as the first was.
    school.break_next("POST", "/teams", Fault::CutBefore);
    for _ in 0..2 {
        school.keyed("k-1", "createTeam", &chess()).await.unwrap_err();
        assert_eq!(school.sent("POST", "/teams"), 2);
    }
    swift.skip(15);
    school.keyed("k-1", "createTeam", &chess()).await.unwrap();
    assert_eq!((school.graph().teams().len(), school.sent("POST", "/teams")), (1, 3));
}

#[tokio::test]
async fn a_team_that_is_waited_for_in_vain_is_waited_for_again() {
    let school = School::open().await;
    let faults = [Fault::status(400)];
    let (failed, made) = school.resumed("createTeam", chess(), ("GET", "/operations/"), &faults).await;
    assert_eq!(failed.done().unwrap()["steps"]["create"]["brought"]["teamId"], made["id"]);
    assert_eq!(school.graph().teams().len(), 1);
    assert_eq!(school.sent("POST", "/teams"), 1);
}

#[tokio::test]
async fn a_class_becomes_a_team_once() {
    let school = School::open().await;
    school.graph().team_polls(0);
    let class = id(&school.ask("createClass", json!({ "displayName": "Biology", "mailNickname": "bio" })).await);
    school.ask("addClassTeacher", json!({ "classId": class, "userId": TEACHER_ID })).await;
    for _ in 0..2 {
        let team = school.ask("createTeamFromClass", json!({ "classId": class })).await;
        assert_eq!(team["id"], class.as_str());
    }
    assert_eq!(school.graph().teams().len(), 1);
}

#[tokio::test]
async fn a_channel_is_made_once_and_written_into_by_a_person() {
    let school = School::open().await;
    school.graph().team_polls(0);
    let team = id(&school.ask("createTeam", json!({ "displayName": "T", "ownerId": TEACHER_ID })).await);
    school.break_next("POST", "/channels", Fault::CutAfter);
    let channel = id(&school.ask("createChannel", json!({ "teamId": team, "displayName": "Homework" })).await);
    let named = |channel: &&Value| channel["displayName"] == "Homework";
    assert_eq!(school.graph().channels(&team).iter().filter(named).count(), 1);

    let message = json!({ "teamId": team, "channelId": channel, "content": "Bring boots" });
    let sent = school.ask("sendChannelMessage", message.clone()).await;
    school
        .ask(
            "replyToChannelMessage",
            json!({
                "teamId": team, "channelId": channel, "messageId": id(&sent), "content": "Which?",
            }),
        )
        .await;
    school.break_next("POST", "/messages", Fault::CutAfter);
    let error = school.refuse("sendChannelMessage", message).await;
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
    let listed = school.ask("listChannelMessages", json!({ "teamId": team, "channelId": channel })).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 2, "{listed}");
}

#[tokio::test]
async fn members_of_a_team_have_each_their_outcome() {
    let school = School::open().await;
    school.graph().team_polls(0);
    let team = id(&school.ask("createTeam", json!({ "displayName": "T", "ownerId": TEACHER_ID })).await);
    let members = json!([{ "userId": STUDENT_ID }, { "userId": "nobody" }]);
    let outcome = school.ask("addTeamMembers", json!({ "teamId": team, "members": members })).await;
    assert_eq!(outcome["results"][0]["state"], "done", "{outcome}");
    assert_eq!(outcome["results"][1]["state"], "failed");
    assert_eq!(outcome["results"][1]["error"]["field"], "members[1]");
}

#[tokio::test]
async fn a_meeting_is_known_again() {
    let school = School::open().await;
    let meeting = json!({ "startDateTime": "2030-12-01T18:00:00Z", "endDateTime": "2030-12-01T19:00:00Z" });
    school.break_next("POST", "createOrGet", Fault::CutAfter);
    let made = school.ask("createOnlineMeeting", meeting).await;
    assert!(made["joinWebUrl"].is_string(), "{made}");
    assert_eq!(school.graph().meetings(TEACHER_ID).len(), 1);
    let backwards = json!({ "startDateTime": "2030-12-01T18:00:00Z", "endDateTime": "2030-12-01T17:00:00Z" });
    let error = school.refuse("createOnlineMeeting", backwards).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("endDateTime")));
}

