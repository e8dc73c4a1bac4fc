//! Microsoft 365: teams, their channels and members, and meetings, through the whole road to the look-alike.
#![cfg(feature = "microsoft365")]
#![allow(missing_docs, reason = "tests")]

#[path = "support/microsoft365.rs"]
mod support;

use sandbox::{
    Fault, Rule,
    microsoft365::{CLIENT_SECRET, REFRESH_TOKEN, STUDENT_ID, TEACHER_ID},
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
async fn a_team_that_nobody_can_look_for_is_unknown() {
    let (school, _) = School::swift().await;
    school.graph().team_polls(0);
    school.break_next("POST", "/teams", Fault::CutAfter);
    // The first look notes what is there, the second is for what has come.
    school.graph().faults().add(Rule::every(2, Fault::status(403)).method("GET").path("/teams"));
    let error = school.keyed("k-1", "createTeam", &chess()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{error}");
    school.graph().faults().clear();
    school.keyed("k-1", "createTeam", &chess()).await.unwrap();
    assert_eq!((school.graph().teams().len(), school.sent("POST", "/teams")), (1, 1));
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
async fn a_team_that_came_to_nothing_is_asked_for_anew() {
    let (school, _) = School::swift().await;
    let class = id(&school.ask("createClass", json!({ "displayName": "Biology", "mailNickname": "bio" })).await);
    school.ask("addClassTeacher", json!({ "classId": class, "userId": TEACHER_ID })).await;
    for (operation, arguments) in [("createTeam", chess()), ("createTeamFromClass", json!({ "classId": class }))] {
        let (teams, asked) = (school.graph().teams().len(), school.sent("POST", "/teams"));
        school.graph().fail_teams(1);
        let error = school.keyed(operation, operation, &arguments).await.unwrap_err();
        assert_eq!((error.code(), school.graph().teams().len()), (ErrorCode::Vendor, teams), "{operation} {error}");
        school.keyed(operation, operation, &arguments).await.unwrap();
        let made = (school.graph().teams().len(), school.sent("POST", "/teams"));
        assert_eq!(made, (teams + 1, asked + 2), "{operation}");
    }
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
async fn a_channel_that_nobody_can_look_for_is_unknown() {
    let school = School::open().await;
    school.graph().team_polls(0);
    let team = id(&school.ask("createTeam", json!({ "displayName": "T", "ownerId": TEACHER_ID })).await);
    school.break_next("POST", "/channels", Fault::CutAfter);
    school.break_next("GET", "/channels", Fault::status(403));
    let error = school.refuse("createChannel", json!({ "teamId": team, "displayName": "Homework" })).await;
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{error}");
}

#[tokio::test]
async fn a_guest_is_bound_by_the_whole_of_their_name() {
    let school = School::open().await;
    school.graph().team_polls(0);
    let guest = school.graph().add_user("kim_elsewhere.example#EXT#", "none");
    let team = id(&school.ask("createTeam", json!({ "displayName": "T", "ownerId": TEACHER_ID })).await);
    let name = "kim_elsewhere.example#EXT#@yourschool.example";
    let added = school.ask("addTeamMember", json!({ "teamId": team, "userId": name })).await;
    assert_eq!(added["userId"], guest.as_str(), "{added}");
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
async fn a_consent_too_narrow_to_look_is_refused_before_anything_is_made() {
    let school = School::with(|config| config.refresh_token(REFRESH_TOKEN)).await;
    school.graph().team_polls(0);
    let team = id(&school.ask("createTeam", chess()).await);
    let channel = json!({ "teamId": team, "displayName": "Homework" });
    let class = json!({ "classId": team });
    for (operation, arguments, granted, lacking) in [
        ("createTeam", chess(), &["Team.Create"][..], "Team.ReadBasic.All"),
        ("createTeamFromClass", class.clone(), &["Team.Create"], "Team.ReadBasic.All"),
        ("createTeamFromClass", class, &["Team.Create", "Team.ReadBasic.All"], "EduRoster.ReadBasic"),
        ("createChannel", channel, &["Channel.Create"], "Channel.ReadBasic.All"),
    ] {
        let count = school.graph().requests().len();
        let narrow = format!("narrow-{count}");
        school.graph().add_refresh_token(&narrow, TEACHER_ID, granted);
        school.configure(|config| config.refresh_token(narrow.as_str())).await;
        let error = school.refuse(operation, arguments.clone()).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::NeedsReconnect, Some("config.scopes")), "{operation}");
        assert!(error.message().contains(lacking), "{error}");
        let asked = school.graph().requests().split_off(count);
        assert!(asked.iter().all(|request| request.path.ends_with("/token")), "{operation} {asked:?}");
        let wider = format!("wider-{count}");
        let granted: Vec<&str> = granted.iter().copied().chain([lacking]).collect();
        school.graph().add_refresh_token(&wider, TEACHER_ID, &granted);
        school.configure(|config| config.refresh_token(wider.as_str())).await;
        if operation != "createTeamFromClass" {
            school.ask(operation, arguments).await;
        }
    }
}

#[tokio::test]
async fn a_channel_is_found_by_its_name_alone_where_filters_are_not_heard() {
    let school = School::open().await;
    school.graph().team_polls(0);
    let team = id(&school.ask("createTeam", chess()).await);
    for at in 0..3 {
        school.ask("createChannel", json!({ "teamId": team, "displayName": format!("Class {at}") })).await;
    }
    school.graph().hear_filters(false);
    school.graph().page_size(2);
    school.break_next("POST", "/channels", Fault::CutAfter);
    let made = school.ask("createChannel", json!({ "teamId": team, "displayName": "Homework" })).await;
    assert_eq!(made["displayName"], "Homework");
    // Of teams, too.
    for at in 0..3 {
        school.ask("createTeam", json!({ "displayName": format!("Class {at}"), "ownerId": TEACHER_ID })).await;
    }
    school.break_next("POST", "/teams", Fault::CutAfter);
    let made = school.ask("createTeam", json!({ "displayName": "Class 9", "ownerId": TEACHER_ID })).await;
    assert_eq!(made["displayName"], "Class 9");
}

#[tokio::test]
async fn where_graph_cuts_no_pages_none_are_asked_for() {
    let school = School::open().await;
    school.graph().team_polls(0);
    let team = id(&school.ask("createTeam", chess()).await);
    school.graph().add_channel(&team, "Other schools", "shared");
    let channels = school.ask("listChannels", json!({ "teamId": team })).await;
    assert_eq!(channels["items"][1]["membershipType"], "shared", "{channels}");
    school.graph().page_size(1);
    let first = school.ask("listChannels", json!({ "teamId": team })).await;
    let next = json!({ "teamId": team, "pageToken": first["nextPageToken"] });
    assert_eq!(school.ask("listChannels", next).await["items"][0], channels["items"][1]);

    let joined = json!({ "userId": TEACHER_ID });
    assert_eq!(school.ask("listTeams", joined).await["items"][0]["id"], team.as_str());
    let error = school.refuse("listTeams", json!({ "userId": TEACHER_ID, "pageSize": 5 })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("pageSize")));
    school.ask("listTeams", json!({ "pageSize": 5 })).await;
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

#[tokio::test]
async fn an_application_names_who_holds_a_meeting_as_it_likes() {
    let school = School::with(|config| config.client_secret(CLIENT_SECRET)).await;
    let meeting = json!({
        "userId": "teacher@yourschool.example", "startDateTime": "2030-12-01T18:00:00Z",
        "endDateTime": "2030-12-01T19:00:00Z",
    });
    let made = id(&school.ask("createOnlineMeeting", meeting).await);
    assert_eq!(school.graph().meetings(TEACHER_ID).len(), 1);
    let read = json!({ "meetingId": made, "userId": "teacher@yourschool.example" });
    assert_eq!(school.ask("getOnlineMeeting", read).await["id"], made.as_str());
    let nobody = json!({ "meetingId": made, "userId": "nobody@yourschool.example" });
    let error = school.refuse("getOnlineMeeting", nobody).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NotFound, Some("userId")));
    // With a consent it is the person's own.
    let school = School::with(|config| config.refresh_token(REFRESH_TOKEN).user("teacher@yourschool.example")).await;
    let meeting = json!({ "startDateTime": "2030-12-01T18:00:00Z", "endDateTime": "2030-12-01T19:00:00Z" });
    school.ask("createOnlineMeeting", meeting).await;
    assert_eq!(school.graph().requests().iter().filter(|request| request.method == "GET").count(), 0);
}
