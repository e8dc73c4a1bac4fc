//! The accounts of the school's domain. Every product knows them.

use serde_json::{Map, Value, json};

use super::{ADMIN, DOMAIN, PARENT, STUDENT, TEACHER};

/// An account.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) given: String,
    pub(super) family: String,
    pub(super) admin: bool,
    /// The rest of what Directory keeps: `orgUnitPath`, `suspended`, `externalIds` and the like.
    pub(super) more: Map<String, Value>,
}

impl Person {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }

    pub(super) fn suspended(&self) -> bool {
        self.more.get("suspended") == Some(&Value::Bool(true))
    }
}

/// All accounts, in the order in which they were made.
#[derive(Debug)]
pub(super) struct People(Vec<Person>);

impl People {
    /// The accounts that stand ready.
    pub(super) fn ready() -> Self {
        let mut people = Self(Vec::new());
        for (index, (email, given, family, admin)) in [
            (ADMIN, "Ada", "Admin", true),
            (TEACHER, "Tom", "Teacher", false),
            (STUDENT, "Sam", "Student", false),
            (PARENT, "Pat", "Parent", false),
        ]
        .into_iter()
        .enumerate()
        {
            people.add(format!("10000000000000000000{}", index + 1), email, given, family, admin);
        }
        people
    }

    pub(super) fn add(&mut self, id: String, email: &str, given: &str, family: &str, admin: bool) {
        let mut more = Map::new();
        more.insert("orgUnitPath".to_owned(), json!("/"));
        more.insert("suspended".to_owned(), json!(false));
        self.push(Person {
            id,
            email: email.to_owned(),
            given: given.to_owned(),
            family: family.to_owned(),
            admin,
            more,
        });
    }

    pub(super) fn push(&mut self, person: Person) {
        self.0.push(person);
    }

    /// The account of this id or address.
    pub(super) fn find(&self, key: &str) -> Option<&Person> {
        self.0.iter().find(|person| person.id == key || person.email.eq_ignore_ascii_case(key))
    }

    pub(super) fn find_mut(&mut self, key: &str) -> Option<&mut Person> {
        self.0.iter_mut().find(|person| person.id == key || person.email.eq_ignore_ascii_case(key))
    }

    pub(super) fn remove(&mut self, key: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|person| person.id != key && !person.email.eq_ignore_ascii_case(key));
        self.0.len() < before
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Person> {
        self.0.iter()
    }

    /// What an address is shown as.
    pub(super) fn display(&self, email: &str) -> String {
        self.find(email).map_or_else(|| email.to_owned(), Person::name)
    }
}

/// Whether an address belongs to the school's domain.
pub(super) fn is_local(email: &str) -> bool {
    email.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(DOMAIN))
}
