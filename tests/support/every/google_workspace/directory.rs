use sandbox::google_workspace as google;
use serde_json::{Value, json};

use super::{School, new};

/// Everybody's first password; nothing must ever show it.
pub const PASSWORD: &str = "canary0first0password";

fn user(email: &str) -> Value {
    json!({
        "primaryEmail": email, "givenName": "Jane", "familyName": "Smith", "password": PASSWORD, "externalId": "sis-7",
        "orgUnitPath": "/",
    })
}

/// An address that nobody has yet.
fn address(name: &str) -> String {
    format!("{name}{}@{}", new(), google::DOMAIN)
}

pub fn arguments(operation: &str) -> Option<Value> {
    Some(match operation {
        "listUsers" | "listGroups" => json!({ "pageSize": 5 }),
        "getUser" => json!({ "userKey": google::STUDENT }),
        "createUser" => user(&address("jane")),
        "createUsers" => json!({ "users": [user(&address("jane")), user(&address("joan"))] }),
        "updateUser" => json!({ "userKey": "{user}", "familyName": "Jones" }),
        "suspendUser" | "deleteUser" => json!({ "userKey": "{user}" }),
        "getGroup" | "listGroupMembers" => json!({ "groupKey": "{group}" }),
        "createGroup" => json!({ "email": address("math-7"), "name": "Math, grade 7" }),
        "addGroupMember" => json!({ "groupKey": "{group}", "email": google::STUDENT }),
        "addGroupMembers" => {
            json!({ "groupKey": "{group}", "members": [{ "email": google::STUDENT }, { "email": google::TEACHER, "role": "OWNER" }] })
        }
        "removeGroupMember" => json!({ "groupKey": "{joined}", "memberKey": google::STUDENT }),
        "listOrgUnits" => json!({ "depth": "all" }),
        "createOrgUnit" => json!({ "name": "Grade 7", "parentOrgUnitPath": "/" }),
        _ => return None,
    })
}

pub const MARKS: &[&str] = &["{user}", "{group}", "{joined}"];

pub async fn make(school: &School, mark: &str, text: &mut String) {
    let made = async |operation: &str, arguments: Value| school.made("google_workspace", operation, arguments).await;
    let id = match mark {
        "{user}" => made("createUser", user(&address("joe"))).await["id"].as_str().unwrap().to_owned(),
        _ => {
            let group = json!({ "email": address("art-7"), "name": "Art" });
            made("createGroup", group).await["id"].as_str().unwrap().to_owned()
        }
    };
    if mark == "{joined}" {
        made("addGroupMember", json!({ "groupKey": id, "email": google::STUDENT })).await;
    }
    *text = text.replace(mark, &id);
}
