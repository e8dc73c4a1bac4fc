//! What there is to learn, and what can be earned: small, and always the same.

use serde_json::{Value, json};

use super::{not_found, ok, school::Student};
use crate::exchange::{Answer, Request};

/// The video that there is.
pub(super) const VIDEO: &str = "counting-with-small-numbers";

/// Name, what people call it, category, points.
const BADGES: [(&str, &str, u32, u32); 3] = [
    ("greatlistenerbadge", "Great Listener", 0, 0),
    ("exercisecompletionbadge_0", "Getting Started", 0, 0),
    ("hangtenbadge", "Hang Ten", 1, 10_000),
];
const CATEGORIES: [&str; 6] =
    ["Meteorite Badges", "Moon Badges", "Earth Badges", "Sun Badges", "Black Hole Badges", "Challenge Patches"];
const EXERCISES: [(&str, &str); 2] = [("addition_1", "Addition within 10"), ("subtraction_1", "Subtraction within 10")];
/// The one topic that holds exercises and videos.
const TOPIC: &str = "early-math";

pub(super) fn is_exercise(name: &str) -> bool {
    EXERCISES.iter().any(|(known, _)| *known == name)
}

pub(super) fn category_of(badge: &str) -> Option<u32> {
    BADGES.iter().find(|(name, ..)| *name == badge).map(|(_, _, category, _)| *category)
}

/// What anybody may read.
pub(super) fn answer(path: &[&str], request: &Request) -> Option<Answer> {
    let exercises = || EXERCISES.iter().map(|(name, _)| exercise(name)).collect::<Value>();
    Some(match path {
        ["badges", "categories"] => ok(&categories()),
        ["topictree"] => ok(&tree(request.query().get("kind") == Some("Topic"))),
        ["topic", slug] if *slug == TOPIC => ok(&topic(false)),
        ["topic", slug, "exercises"] if *slug == TOPIC => ok(&exercises()),
        ["topic", slug, "videos"] if *slug == TOPIC => ok(&json!([video(VIDEO)])),
        ["exercises"] => ok(&exercises()),
        ["exercises", name] if is_exercise(name) => ok(&exercise(name)),
        ["videos", id] if *id == VIDEO => ok(&video(id)),
        ["topic", ..] | ["exercises", _] | ["videos", _] => not_found(),
        _ => return None,
    })
}

/// Badges, with what the user has of them.
pub(super) fn badges(whom: Option<&Student>) -> Value {
    let one = |(name, words, category, points): &(&str, &str, u32, u32)| {
        let mut badge = json!({
            "name": name, "slug": name, "description": words, "badge_category": category, "points": points,
            "safe_extended_description": format!("Earn {words}"), "hide_context": false,
        });
        if let Some(student) = whom {
            badge["is_owned"] = student.has_badge(name).into();
        }
        badge
    };
    BADGES.iter().map(one).collect()
}

fn categories() -> Value {
    let one =
        |(number, label): (usize, &&str)| json!({ "category": number, "type_label": label, "description": label });
    CATEGORIES.iter().enumerate().map(one).collect()
}

fn exercise(name: &str) -> Value {
    let title = EXERCISES.iter().find(|(known, _)| *known == name).map_or(name, |(_, title)| title);
    json!({
        "kind": "Exercise", "id": format!("x{name}"), "name": name, "display_name": title, "description": title,
        "ka_url": format!("https://www.khanacademy.org/exercise/{name}"),
        "prerequisites": if name == "subtraction_1" { json!(["addition_1"]) } else { json!([]) },
    })
}

pub(super) fn video(id: &str) -> Value {
    json!({
        "kind": "Video", "id": "x3d1e5d8c", "slug": id, "title": "Counting with small numbers", "duration": 102,
        "description": "Sal counts squirrels and horses.", "ka_url": format!("https://www.khanacademy.org/video/{id}"),
    })
}

fn topic(topics_only: bool) -> Value {
    let mut children = Vec::new();
    if !topics_only {
        children.extend(EXERCISES.iter().map(|(name, _)| exercise(name)));
        children.push(video(VIDEO));
    }
    json!({
        "kind": "Topic", "id": "x1", "slug": TOPIC, "title": "Early math", "description": "Counting, adding.",
        "ka_url": "https://www.khanacademy.org/math/early-math", "children": children, "hide": false,
    })
}

fn tree(topics_only: bool) -> Value {
    let math = json!({
        "kind": "Topic", "id": "x0", "slug": "math", "title": "Math", "description": "", "ka_url":
        "https://www.khanacademy.org/math", "children": [topic(topics_only)],
    });
    json!({ "kind": "Topic", "id": "root", "slug": "root", "title": "The Root of All Knowledge", "children": [math] })
}
