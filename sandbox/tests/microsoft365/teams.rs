//! Teams, chats and online meetings.

use sandbox::microsoft365::{ADMIN_ID, STUDENT_ID, TEACHER_ID};
use serde_json::{Value, json};

use crate::tenant::{GRAPH, Tenant, member};

fn standard() -> Value {
    json!({ "displayName": "7b", "template@odata.bind": format!("{GRAPH}/teamsTemplates('standard')") })
}

#[tokio::test]
async fn a_team_is_made_in_the_background() {
    let tenant = Tenant::start().await;
    tenant.graph().team_polls(2);
    let mut team = standard();
    team["members"] = json!([member(TEACHER_ID, &["owner"])]);
    let started = tenant.post(&tenant.app, "/teams", team).await;
    assert_eq!((started.status, &started.body), (202, &Value::Null));
    let operation = started.location().to_owned();
    assert!(tenant.get(&tenant.app, "/teams").await.value().is_empty(), "nobody finds it yet");
    assert!(operation.starts_with("/teams('"), "{operation}");
    let mut states = Vec::new();
    for _ in 0..3 {
        let polled = tenant.get(&tenant.app, &operation).await;
        states.push(polled.body["status"].as_str().expect("a status").to_owned());
    }
    assert_eq!(states, ["inProgress", "inProgress", "succeeded"]);
    assert_eq!(tenant.get(&tenant.app, "/teams").await.each("displayName"), ["7b"]);
    let team = tenant.get(&tenant.app, &operation).await.body["targetResourceId"].as_str().expect("an id").to_owned();
    assert_eq!(tenant.get(&tenant.app, &format!("/teams/{team}")).await.body["displayName"], "7b");
    let members = tenant.graph().team_members(&team);
    assert_eq!((members.len(), &members[0]["roles"]), (1, &json!(["owner"])));
}

#[tokio::test]
async fn the_app_must_say_who_owns_a_team() {
    let tenant = Tenant::start().await;
    assert_eq!(tenant.post(&tenant.app, "/teams", standard()).await.code(), (400, "BadRequest"));
    let mut two = standard();
    two["members"] = json!([member(TEACHER_ID, &["owner"]), member(ADMIN_ID, &["owner"])]);
    assert_eq!(tenant.post(&tenant.app, "/teams", two).await.status, 400);
    let mut bare = standard();
    bare.as_object_mut().expect("an object").remove("template@odata.bind");
    assert_eq!(tenant.post(&tenant.teacher, "/teams", bare).await.status, 400);
    assert!(tenant.graph().teams().is_empty());
}

#[tokio::test]
async fn a_group_becomes_a_team_once_it_can_be_seen() {
    let tenant = Tenant::start().await;
    tenant.graph().lag_reads(1);
    let group = json!({
        "displayName": "Choir",
        "mailEnabled": true,
        "mailNickname": "choir",
        "securityEnabled": false,
        "groupTypes": ["Unified"],
        "owners@odata.bind": [format!("{GRAPH}/users/{TEACHER_ID}")],
    });
    let id = tenant.made(&tenant.app, "/groups", group).await.id();
    let bound = json!({ "group@odata.bind": format!("{GRAPH}/groups('{id}')") });
    assert_eq!(tenant.post(&tenant.app, "/teams", bound.clone()).await.status, 404);
    tenant.graph().lag_reads(0);
    let mut named = bound.clone();
    named["displayName"] = json!("Choir");
    assert_eq!(tenant.post(&tenant.app, "/teams", named).await.status, 400, "the group has a name");
    assert_eq!(tenant.post(&tenant.app, "/teams", bound.clone()).await.status, 202);
    assert_eq!(tenant.post(&tenant.app, "/teams", bound).await.code(), (409, "Conflict"));
    let joined = tenant.get(&tenant.teacher, "/me/joinedTeams").await;
    assert_eq!(joined.each("displayName"), ["Choir"]);
    assert_eq!(tenant.get(&tenant.teacher, "/me/joinedTeams?$top=1").await.status, 400);
}

#[tokio::test]
async fn members_are_added_one_by_one_and_many_at_once() {
    let tenant = Tenant::start().await;
    let (team, _) = tenant.team().await;
    let members = format!("/teams/{team}/members");
    let first = tenant.made(&tenant.app, &members, member(STUDENT_ID, &[])).await;
    let again = tenant.made(&tenant.app, &members, member(STUDENT_ID, &["owner"])).await;
    assert_eq!((again.id(), &again.body["roles"]), (first.id(), &json!(["owner"])));
    let values = json!({ "values": [member(ADMIN_ID, &[]), member("nobody", &[])] });
    let added = tenant.post(&tenant.app, &format!("{members}/add"), values).await;
    assert_eq!((added.status, added.value().len()), (207, 2));
    assert!(added.value()[0]["error"].is_null() && added.value()[1]["error"]["code"].is_string(), "{added:?}");
    assert_eq!(tenant.get(&tenant.app, &members).await.each("userId"), [TEACHER_ID, STUDENT_ID, ADMIN_ID]);
    assert_eq!(tenant.delete(&tenant.app, &format!("{members}/{}", first.id())).await.status, 204);
    assert_eq!(tenant.graph().team_members(&team).len(), 2);
    let untyped = json!({ "roles": [], "user@odata.bind": format!("{GRAPH}/users('{STUDENT_ID}')") });
    assert_eq!(tenant.post(&tenant.app, &members, untyped).await.status, 400);
}

#[tokio::test]
async fn only_people_speak_in_channels_and_only_in_their_own() {
    let tenant = Tenant::start().await;
    let (team, channel) = tenant.team().await;
    let messages = format!("/teams/{team}/channels/{channel}/messages");
    let message = json!({ "body": { "contentType": "html", "content": "<b>Hello</b>" } });
    assert_eq!(tenant.post(&tenant.app, &messages, message.clone()).await.code(), (403, "Forbidden"));
    tenant.graph().add_refresh_token("students", STUDENT_ID, &[]);
    let student = tenant.token_of("students").await;
    assert_eq!(tenant.post(&student, &messages, message.clone()).await.code(), (403, "Forbidden"));

    let first = tenant.made(&tenant.teacher, &messages, message.clone()).await;
    assert_eq!(first.body["from"]["user"]["id"], TEACHER_ID);
    let second = tenant.made(&tenant.teacher, &messages, message.clone()).await;
    let reply = tenant.made(&tenant.teacher, &format!("{messages}/{}/replies", first.id()), message.clone()).await;
    assert_eq!(reply.body["replyToId"], json!(first.id()));
    let listed = tenant.get(&tenant.app, &messages).await;
    assert_eq!(listed.each("id"), [second.id(), first.id()]);
    assert_eq!(tenant.get(&tenant.app, &format!("{messages}/{}/replies", first.id())).await.each("id"), [reply.id()]);
    assert_eq!(tenant.get(&tenant.app, &format!("{messages}?$top=51")).await.status, 400);
    assert_eq!(tenant.post(&tenant.teacher, &messages, json!({ "body": {} })).await.status, 400);
    assert_eq!(tenant.graph().channel_messages(&channel).len(), 3);

    let archived = tenant.post(&tenant.app, &format!("/teams/{team}/archive"), json!({})).await;
    assert_eq!((archived.status, archived.location().contains("/operations(")), (202, true));
    assert_eq!(tenant.post(&tenant.teacher, &messages, message).await.code(), (403, "Forbidden"));
}

#[tokio::test]
async fn channels_have_names_of_their_own() {
    let tenant = Tenant::start().await;
    let (team, _) = tenant.team().await;
    let channels = format!("/teams/{team}/channels");
    let id = tenant.made(&tenant.app, &channels, json!({ "displayName": "Homework" })).await.id();
    for name in ["homework", "a/b", ""] {
        assert_eq!(tenant.post(&tenant.app, &channels, json!({ "displayName": name })).await.status, 400, "{name}");
    }
    let private = json!({ "displayName": "Staff", "membershipType": "private" });
    assert_eq!(tenant.post(&tenant.app, &channels, private.clone()).await.status, 400, "whose would it be");
    assert_eq!(tenant.post(&tenant.teacher, &channels, private).await.status, 201);
    assert_eq!(tenant.get(&tenant.app, &channels).await.each("displayName"), ["General", "Homework", "Staff"]);
    assert_eq!(tenant.delete(&tenant.app, &format!("{channels}/{id}")).await.status, 204);
}

#[tokio::test]
async fn two_people_have_one_chat() {
    let tenant = Tenant::start().await;
    let pair =
        json!({ "chatType": "oneOnOne", "members": [member(TEACHER_ID, &["owner"]), member(STUDENT_ID, &["owner"])] });
    let first = tenant.made(&tenant.teacher, "/chats", pair.clone()).await.id();
    assert_eq!(tenant.made(&tenant.teacher, "/chats", pair).await.id(), first);
    let messages = format!("/chats/{first}/messages");
    let message = json!({ "body": { "content": "See me after class" } });
    assert_eq!(tenant.post(&tenant.app, &messages, message.clone()).await.code(), (403, "Forbidden"));
    tenant.made(&tenant.teacher, &messages, message).await;
    assert_eq!(tenant.graph().chat_messages(&first)[0]["body"]["content"], "See me after class");
    let others =
        json!({ "chatType": "oneOnOne", "members": [member(ADMIN_ID, &["owner"]), member(STUDENT_ID, &["owner"])] });
    assert_eq!(tenant.post(&tenant.teacher, "/chats", others).await.status, 400);
}

#[tokio::test]
async fn a_meeting_is_made_once_for_each_external_id() {
    let tenant = Tenant::start().await;
    let meetings = format!("/users/{TEACHER_ID}/onlineMeetings");
    let given = json!({ "externalId": "lesson-1", "subject": "Maths" });
    let first = tenant.made(&tenant.app, &format!("{meetings}/createOrGet"), given.clone()).await;
    let again = tenant.made(&tenant.app, &format!("{meetings}/createOrGet"), given).await;
    assert_eq!((first.status, again.status, again.id()), (201, 200, first.id()));
    let backwards = json!({ "endDateTime": "2026-12-01T10:00:00Z" });
    assert_eq!(tenant.post(&tenant.app, &meetings, backwards).await.status, 400);
    assert_eq!(tenant.get(&tenant.app, &meetings).await.status, 400, "there is no plain list");
    let link = first.body["joinWebUrl"].as_str().expect("a link").replace('%', "%25");
    let found = tenant.get(&tenant.app, &format!("{meetings}?$filter=JoinWebUrl eq '{link}'")).await;
    assert_eq!(found.each("id"), [first.id()]);
    let by_name = tenant.post(&tenant.app, "/users/teacher@yourschool.example/onlineMeetings", json!({})).await;
    assert_eq!(by_name.status, 400, "the app names users by their ids here");
    assert_eq!(tenant.delete(&tenant.app, &format!("{meetings}/{}", first.id())).await.status, 204);
    assert!(tenant.graph().meetings(TEACHER_ID).is_empty());
}
