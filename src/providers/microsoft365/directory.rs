//! The directory: people, and the organization itself. <https://learn.microsoft.com/graph/api/resources/users>

use serde_json::{Value, json};

use super::{
    batch::{self, Item, Outcomes},
    check,
    graph::{Done, Graph, Listed, body, changes, query},
    unique::{self, Name},
    wire::{arguments, list, object, operation},
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Secret,
    transport::{Method, Repeat, oauth::Scopes},
};

/// What Graph gives of a person only when it is asked.
const FIELDS: &str = "id,userPrincipalName,mail,displayName,givenName,surname,employeeId,department,jobTitle,accountEnabled,\
                      ageGroup,consentProvidedForMinor,usageLocation";

/// To look up who somebody is: their id, names and address.
pub(super) const READS: Scopes =
    &[&["User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All"]];

/// To read all of an account that is asked for here.
const PEOPLE: Scopes = &[&["User.Read.All", "User.ReadWrite.All", "Directory.Read.All"]];

object! {
    /// A person's account in the school's directory.
    User {
        /// What they sign in with.
        user_principal_name: String,
        /// The mail address.
        mail: String,
        /// The name that others see.
        display_name: String,
        /// The given name.
        given_name: String,
        /// The surname.
        surname: String,
        /// The school's own number for them.
        employee_id: String,
        /// The department, or the class.
        department: String,
        /// What they do.
        job_title: String,
        /// Whether they can sign in.
        account_enabled: bool,
        /// `Minor`, `NotAdult`, `Adult`, or none.
        age_group: String,
        /// `Granted`, `Denied`, `NotRequired`, or none.
        consent_provided_for_minor: String,
    }
}

object! {
    /// The school's directory itself.
    Organization {
        /// Its name.
        display_name: String,
        /// Its domains.
        verified_domains: Vec<Value>,
    }
}

operation! {
    /// Reads the school's organization: its id, name and domains. Also the health probe.
    ///
    /// <https://learn.microsoft.com/graph/api/organization-get>. Access `read`. Application or delegated:
    /// `Organization.Read.All` or `User.Read`. Errors: `needs_reconnect`, `not_configured`.
    ///
    /// Example: `{}`
    GetOrganization = "getOrganization", Read, Always -> Organization,
    scopes &[&["User.Read", "Organization.Read.All", "Directory.Read.All", "User.Read.All"]], Any,
    discloses {}
    by {}
    required {}
    optional {}
    run |this, call| {
        let fields = [("$select", "id,displayName,verifiedDomains".to_owned())];
        let listed: Listed<Organization> =
            Graph::root(call).list(&["organization"], &fields, None, None).await?;
        listed.value.into_iter().next().ok_or_else(|| {
            Error::new(ErrorCode::InvalidResponse, "Microsoft 365 answered with no organization")
        })
    }
}

list! {
    /// Lists the people of the directory.
    ///
    /// <https://learn.microsoft.com/graph/api/user-list>. Access `read`. Application or delegated: `User.Read.All` or
    /// wider; `User.ReadBasic.All` does not give departments, numbers and ages.
    ///
    /// Example: `{"search": "smith", "pageSize": 50}`
    ListUsers = "listUsers" -> User,
    scopes PEOPLE, Any,
    discloses { "filter": Identity(Anyone), "search": Identity(Anyone) }
    by {}
    required {}
    optional {
        /// A filter in OData, such as `department eq '7b'`.
        filter: String,
        /// Words of the name.
        search: String,
    }
    check |this| {
        check::some_text("filter", &this.filter, 2000)?;
        check::some_text("search", &this.search, 200)?;
    }
    at |this, call| Graph::root(call).eventually(), &["users"], {
        let words = this.search.as_ref().map(|words| format!("\"displayName:{}\"", words.replace(['"', '\\'], " ")));
        let mut pairs = query(&[("$select", Some(FIELDS)), ("$filter", this.filter.as_deref()), ("$search", words.as_deref())]);
        if this.filter.is_some() || this.search.is_some() {
            pairs.push(("$count", "true".to_owned()));
        }
        pairs
    }
}

operation! {
    /// Reads one person's account.
    ///
    /// <https://learn.microsoft.com/graph/api/user-get>. Access `read`. Application or delegated: `User.Read.All` or wider.
    /// Errors: `not_found`.
    ///
    /// Example: `{"userId": "student@yourschool.example"}`
    GetUser = "getUser", Read, Always -> User,
    scopes PEOPLE, Any,
    discloses { "userId": Identity(Anyone) }
    by {
        /// Their id, or what they sign in with.
        user_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        Graph::root(call).get(&["users", &this.user_id], &[("$select", FIELDS.to_owned())]).await
    }
}

arguments! {
    /// A new account.
    NewUser {
        required {
            /// What they sign in with: an address of one of the school's domains.
            user_principal_name: String,
            /// The name that others see.
            display_name: String,
            /// The first password.
            password: Secret<String>,
        }
        optional {
            /// What stands before the `@` of the mail address. Default: as in the principal name.
            mail_nickname: String,
            /// The given name.
            given_name: String,
            /// The surname.
            surname: String,
            /// The school's own number for them.
            employee_id: String,
            /// The department, or the class.
            department: String,
            /// What they do.
            job_title: String,
            /// `Minor`, `NotAdult` or `Adult`.
            age_group: String,
            /// Two letters of a country (ISO 3166): licences need it.
            usage_location: String,
            /// Whether they can sign in. Default: yes.
            account_enabled: bool,
            /// Whether the password must be changed at the first sign-in. Default: yes.
            change_password: bool,
        }
    }
}

impl NewUser {
    fn check(&self, field: &str) -> Result<()> {
        check::address(&format!("{field}.userPrincipalName"), &self.user_principal_name)?;
        check::text(&format!("{field}.displayName"), &self.display_name, 256)?;
        if self.password.expose().chars().count() < 8 {
            return Err(Error::invalid(format!("{field}.password"), "must have at least 8 characters"));
        }
        Ok(())
    }

    /// As Graph takes it.
    fn body(&self) -> Result<Value> {
        let mut body = body(self, &["password", "changePassword"])?;
        let (name, _) = self.user_principal_name.split_once('@').unwrap_or_default();
        if self.mail_nickname.is_none() {
            body["mailNickname"] = json!(name);
        }
        body["accountEnabled"] = json!(self.account_enabled.unwrap_or(true));
        body["passwordProfile"] = json!({
            "password": self.password.expose(),
            "forceChangePasswordNextSignIn": self.change_password.unwrap_or(true),
        });
        Ok(body)
    }
}

operation! {
    /// Makes an account in the directory.
    ///
    /// <https://learn.microsoft.com/graph/api/user-post-users>. Access `manage`. Application or delegated:
    /// `User.ReadWrite.All`. A principal name is there once. If the account was made and the answer lost, it is found by
    /// that name; the call repeated with the same idempotency key goes on. Errors: `conflict` where the name is taken.
    ///
    /// Example: `{"user": {"userPrincipalName": "kim@yourschool.example", "displayName": "Kim Lee", "password": "Change-me-1"}}`
    CreateUser = "createUser", Manage, WithKey -> User,
    scopes &[&["User.ReadWrite.All", "Directory.ReadWrite.All"]], Any,
    discloses { "user": Identity(Anyone), "user.userPrincipalName": Contact(Anyone), "user.department": Enrolment(Anyone) }
    by {}
    required {
        /// Whose.
        user: NewUser,
    }
    optional {}
    steps ["create"]
    check |this| { this.user.check("user")?; }
    run |this, call| {
        let name = Name::Principal(&this.user.user_principal_name);
        unique::make(&Graph::root(call), name, &this.user.body()?).await
    }
}

operation! {
    /// Makes many accounts, each for itself: one that is refused does not keep the others back.
    ///
    /// <https://learn.microsoft.com/graph/json-batching>, twenty at a time. Access `manage`. Application or delegated:
    /// `User.ReadWrite.All`. Answers what became of each: `done` with its id, `failed` (`conflict`: there is such a
    /// name already), `unknown` where the answer was lost and no account of that name has come since.
    ///
    /// Example: `{"users": [{"userPrincipalName": "kim@yourschool.example", "displayName": "Kim Lee", "password": "Change-me-1"}]}`
    CreateUsers = "createUsers", Manage, Never -> Outcomes,
    scopes &[&["User.ReadWrite.All", "Directory.ReadWrite.All"]], Any,
    discloses {
        "users": Identity(Anyone), "users.userPrincipalName": Contact(Anyone), "users.department": Enrolment(Anyone),
    }
    by {}
    required {
        /// Whose, at most 1000.
        users: Vec<NewUser>,
    }
    optional {}
    within 300
    check |this| {
        check::some("users", &this.users, 1000)?;
        this.users.iter().enumerate().try_for_each(|(at, user)| user.check(&format!("users[{at}]")))?;
    }
    run |this, call| {
        let item = |(at, user): (usize, &NewUser)| Item::post(&["users"], user.body()?, None, format!("users[{at}]"));
        let items: Vec<Item> = this.users.iter().enumerate().map(item).collect::<Result<_>>()?;
        let (graph, since) = (Graph::root(call), call.now());
        let mut outcomes = batch::run(&graph, &items, Repeat::Never, |_| false).await?;
        let names: Vec<&str> = this.users.iter().map(|user| user.user_principal_name.as_str()).collect();
        unique::settle(&graph, &mut outcomes, &names, since).await;
        Ok(outcomes)
    }
}

operation! {
    /// Changes an account: what is given is set, the rest stays.
    ///
    /// <https://learn.microsoft.com/graph/api/user-update>. Access `manage`. Application or delegated:
    /// `User.ReadWrite.All`. Errors: `not_found`.
    ///
    /// Example: `{"userId": "kim@yourschool.example", "department": "8b"}`
    UpdateUser = "updateUser", Manage, Always -> Done,
    scopes &[&["User.ReadWrite.All", "Directory.ReadWrite.All"]], Any,
    discloses {
        "userId": Identity(Anyone), "displayName": Identity(Anyone), "givenName": Identity(Anyone),
        "surname": Identity(Anyone), "employeeId": Identity(Anyone), "department": Enrolment(Anyone),
        "jobTitle": Identity(Anyone), "ageGroup": Identity(Anyone),
    }
    by {
        /// Their id, or what they sign in with.
        user_id: String,
    }
    required {}
    optional {
        /// The name that others see.
        display_name: String,
        /// The given name.
        given_name: String,
        /// The surname.
        surname: String,
        /// The school's own number for them.
        employee_id: String,
        /// The department, or the class.
        department: String,
        /// What they do.
        job_title: String,
        /// `Minor`, `NotAdult` or `Adult`.
        age_group: String,
        /// Two letters of a country (ISO 3166): licences need it.
        usage_location: String,
        /// Whether they can sign in.
        account_enabled: bool,
    }
    run |this, call| {
        let changes = changes(&this, &["userId"])?;
        Graph::root(call).act(Method::Patch, &["users", &this.user_id], Some(&changes), Repeat::Always).await?;
        Ok(Done::of(this.user_id))
    }
}

operation! {
    /// Deletes an account. Microsoft keeps it for 30 days, in which an administrator can bring it back.
    ///
    /// <https://learn.microsoft.com/graph/api/user-delete>. Access `manage`. Application or delegated:
    /// `User.ReadWrite.All`. Errors: `not_found`.
    ///
    /// Example: `{"userId": "kim@yourschool.example"}`
    DeleteUser = "deleteUser", Manage, Always -> Done,
    scopes &[&["User.DeleteRestore.All", "User.ReadWrite.All", "Directory.ReadWrite.All"]], Any,
    discloses { "userId": Identity(Anyone) }
    by {
        /// Their id, or what they sign in with.
        user_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        Graph::root(call).remove(Method::Delete, &["users", &this.user_id], None).await?;
        Ok(Done::of(this.user_id))
    }
}
