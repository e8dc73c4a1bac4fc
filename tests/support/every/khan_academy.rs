use serde_json::{Value, json};

use sandbox::{Sandbox, khan_academy};

use super::{Vendor, nothing_to_fill};

pub const VENDOR: Vendor = Vendor {
    id: "khan_academy",
    config,
    secrets: &[khan_academy::CONSUMER_SECRET, khan_academy::OAUTH_TOKEN, khan_academy::OAUTH_TOKEN_SECRET],
    arguments,
    fill: nothing_to_fill,
    faults: |sandbox| sandbox.khan_academy().faults(),
    recorder: |sandbox| sandbox.khan_academy().recorder(),
    // They read what the caller hands them, or make up an address.
    silent: &[
        "importReport",
        "getStudentProgress",
        "getExerciseProgress",
        "getBadges",
        "getAssignments",
        "getTeacherDashboard",
        "importCatalogue",
        "getDeepLink",
    ],
    // The API is withdrawn, and had no contract to begin with.
    contract: false,
    undocumented: &[],
    aliases: &[],
};

fn config(sandbox: &Sandbox) -> Value {
    json!({
        "base_url": sandbox.url("khan_academy"),
        "consumer_key": khan_academy::CONSUMER_KEY,
        "consumer_secret": khan_academy::CONSUMER_SECRET,
        "oauth_token": khan_academy::OAUTH_TOKEN,
        "oauth_token_secret": khan_academy::OAUTH_TOKEN_SECRET,
    })
}

const SKILLS: &str =
    "Student Name,Course Name,Skill Name,Current Skill Mastery Level\nJane Doe,Algebra 1,Slope,Mastered\n";
const ACTIVITY: &str = "Student Name,Class,Total Learning Minutes\nJane Doe,Room 4,35\n";

fn arguments(operation: &str) -> Option<Value> {
    let report = |text: &str| json!({ "report": { "text": text, "asOf": "2026-11-24" } });
    let student = json!({ "userId": khan_academy::STUDENT_ID });
    Some(match operation {
        "importReport" | "getExerciseProgress" => report(SKILLS),
        "getStudentProgress" | "getTeacherDashboard" => report(ACTIVITY),
        "getBadges" => report("Student Name,Badge Name\nJane Doe,Great Listener\n"),
        "getAssignments" => report("Student Name,Assignment Name,Score\nJane Doe,Slope,90\n"),
        "importCatalogue" => report("Course,URL\nAlgebra 1,https://www.khanacademy.org/math/algebra\n"),
        "getDeepLink" => json!({ "kind": "topic", "path": ["math", "algebra"] }),
        "checkConnection" | "listStudents" | "listBadgeCategories" => json!({}),
        "getUser" | "getProgressSummary" | "listUserVideos" | "listUserExercises" | "listBadges" => {
            json!({ "student": student })
        }
        "getUserExercise" | "getExerciseLog" => json!({ "student": student, "exercise": khan_academy::EXERCISE }),
        "getTopicTree" => json!({ "topicsOnly": true }),
        "getTopic" | "listTopicExercises" | "listTopicVideos" => json!({ "slug": "early-math" }),
        "getExercise" => json!({ "exercise": khan_academy::EXERCISE }),
        "getVideo" => json!({ "id": "counting-with-small-numbers" }),
        _ => return None,
    })
}
