//! Marketing: contacts.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Sendgrid,
    batch::MailError,
    people::check_email,
    v3,
    wire::{check_id, check_name, fetch},
};
use crate::{
    error::{Error, Result},
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// The most contacts of one request.
const MOST: usize = 30_000;
/// The most bytes of one request, with room for what stands around the contacts.
const LARGEST: usize = 5_900_000;
/// The most contacts of one call.
const LONGEST: usize = 300_000;

/// Somebody who gets campaigns. Needs at least one of `email`, `externalId`, `phoneNumberId` and `anonymousId`, by which
/// SendGrid knows them again. `Debug` shows nothing of them.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Contact {
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// An id of the school's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// A telephone number as an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number_id: Option<String>,
    /// An id that names nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_id: Option<String>,
    /// The first name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// The last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Street and number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_line1: Option<String>,
    /// What else the address has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_line2: Option<String>,
    /// The city.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State, province or region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_province_region: Option<String>,
    /// The postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// The country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The account's own fields, by their ids (`w1`, `e2_T`).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub custom_fields: Map<String, Value>,
}

impl Contact {
    /// Somebody with this address.
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: Some(email.into()), ..Self::default() }
    }

    /// With a name.
    pub fn name(mut self, first: impl Into<String>, last: impl Into<String>) -> Self {
        self.first_name = Some(first.into());
        self.last_name = Some(last.into());
        self
    }

    fn texts(&self) -> [(&'static str, &'static str, usize, &Option<String>); 12] {
        [
            ("email", "email", 254, &self.email),
            ("externalId", "external_id", 254, &self.external_id),
            ("phoneNumberId", "phone_number_id", 254, &self.phone_number_id),
            ("anonymousId", "anonymous_id", 254, &self.anonymous_id),
            ("firstName", "first_name", 50, &self.first_name),
            ("lastName", "last_name", 50, &self.last_name),
            ("addressLine1", "address_line_1", 100, &self.address_line1),
            ("addressLine2", "address_line_2", 100, &self.address_line2),
            ("city", "city", 60, &self.city),
            ("stateProvinceRegion", "state_province_region", 50, &self.state_province_region),
            ("postalCode", "postal_code", 50, &self.postal_code),
            ("country", "country", 50, &self.country),
        ]
    }

    fn check(&self) -> Result<()> {
        let texts = self.texts();
        if texts[..4].iter().all(|(.., value)| value.is_none()) {
            return Err(Error::invalid(
                "email",
                "is required where there is no externalId, phoneNumberId or anonymousId",
            ));
        }
        if let Some(email) = &self.email {
            check_email("email", email)?;
        }
        for (name, _, longest, value) in texts {
            value.as_ref().map_or(Ok(()), |value| check_name(name, value, longest))?;
        }
        Ok(())
    }

    fn wire(&self) -> Value {
        let mut wire = Map::new();
        for (_, name, _, value) in self.texts() {
            if let Some(value) = value {
                wire.insert(name.to_owned(), json!(value));
            }
        }
        if !self.custom_fields.is_empty() {
            wire.insert("custom_fields".to_owned(), Value::Object(self.custom_fields.clone()));
        }
        Value::Object(wire)
    }
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contact(…)")
    }
}

/// Adds contacts, or changes those that SendGrid knows already, and puts them on lists.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/contacts/add-or-update-a-contact>. Access `write`. SendGrid does it
/// later: `getContactImport` tells how far a job is. More than 30,000 contacts, or 6 MB, are sent in several requests, each
/// with a job of its own. Errors: `invalid_argument` with the path of the value; where some requests were taken and others
/// not, each job says so.
///
/// Example: `{"contacts": [{"email": "parent@example.com", "firstName": "Ada"}], "listIds": []}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct UpsertContacts {
    /// The contacts: 1 to 300,000.
    pub contacts: Vec<Contact>,
    /// The lists to put them on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list_ids: Vec<String>,
}

impl UpsertContacts {
    /// These contacts.
    pub fn new(contacts: impl IntoIterator<Item = Contact>) -> Self {
        Self { contacts: contacts.into_iter().collect(), list_ids: Vec::new() }
    }

    /// On this list.
    pub fn list(mut self, id: impl Into<String>) -> Self {
        self.list_ids.push(id.into());
        self
    }
}

/// One request's contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContactJob {
    /// The position of the first contact.
    pub first: usize,
    /// How many contacts.
    pub count: usize,
    /// SendGrid's id of the job, for `getContactImport`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// Why the request was not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<MailError>,
}

/// What became of the contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContactReport {
    /// Each request, in the order of the contacts.
    pub jobs: Vec<ContactJob>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    job_id: String,
}

impl Operation for UpsertContacts {
    type Provider = Sendgrid;
    type Output = ContactReport;

    const NAME: &'static str = "upsertContacts";
    const ACCESS: Access = Access::Write;
    const DISCLOSES: Manifest = manifest! {
        "contacts[].email": Contact(Guardian),
        "contacts[].phoneNumberId": Contact(Guardian),
        "contacts[].firstName": Identity(Guardian),
        "contacts[].lastName": Identity(Guardian),
        "contacts[].externalId": Identity(Guardian),
        "contacts[].addressLine1": Contact(Guardian),
        "contacts[].customFields": Content(Anyone),
    };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        match self.contacts.len() {
            0 => return Err(Error::invalid("contacts", "must hold at least one")),
            count if count > LONGEST => {
                return Err(Error::invalid("contacts", format!("must hold at most {LONGEST}, not {count}")));
            }
            _ => {}
        }
        for (at, id) in self.list_ids.iter().enumerate() {
            check_id(&format!("listIds[{at}]"), id)?;
        }
        // The path is made only for a contact that is refused.
        self.contacts
            .iter()
            .enumerate()
            .try_for_each(|(at, contact)| contact.check().map_err(|error| error.within(&format!("contacts[{at}]"))))
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<ContactReport> {
        let mut batches: Vec<(usize, Vec<Value>)> = Vec::new();
        let mut size = 0;
        for (at, contact) in self.contacts.iter().enumerate() {
            let wire = contact.wire();
            let length = wire.to_string().len() + 1;
            if batches.last().is_none_or(|(_, batch)| batch.len() == MOST || size + length > LARGEST) {
                batches.push((at, Vec::new()));
                size = 0;
            }
            size += length;
            if let Some((_, batch)) = batches.last_mut() {
                batch.push(wire);
            }
        }
        let (mut jobs, mut failure) = (Vec::new(), None);
        for (first, batch) in batches {
            let count = batch.len();
            let mut body = json!({ "contacts": batch });
            if !self.list_ids.is_empty() {
                body["list_ids"] = json!(self.list_ids);
            }
            let work = async {
                let request = call.put(v3(call, &["marketing", "contacts"])?).json(&body);
                let job: Job = fetch(call, request, Self::REPEAT).await?;
                let note = json!({ "job_id": job.job_id });
                Ok((job.job_id, note))
            };
            let (job_id, error) = match call.part(&format!("contacts[{first}]+{count}"), work).await {
                Ok(job_id) => (Some(job_id), None),
                Err(error) => {
                    let told = MailError::from(&error);
                    failure.get_or_insert(error);
                    (None, Some(told))
                }
            };
            jobs.push(ContactJob { first, count, job_id, error });
        }
        match failure {
            Some(error) if jobs.iter().all(|job| job.job_id.is_none()) => Err(error),
            _ => Ok(ContactReport { jobs }),
        }
    }
}

/// Tells how far SendGrid is with the contacts of a request.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/contacts/import-contacts-status>. Access `read`. Errors:
/// `not_found`.
///
/// Example: `{"jobId": "00000000-0000-0000-0000-000000000000"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetContactImport {
    /// The job, as `upsertContacts` told it.
    pub job_id: String,
}

impl GetContactImport {
    /// The job of that id.
    pub fn new(job_id: impl Into<String>) -> Self {
        Self { job_id: job_id.into() }
    }
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContactImport {
    /// Its id.
    pub id: String,
    /// `pending`, `completed`, `errored` or `failed`.
    pub status: String,
    /// How many contacts were asked for, made, changed, and wrong: `requestedCount`, `createdCount`, `updatedCount`,
    /// `erroredCount`.
    #[serde(default)]
    pub results: Map<String, Value>,
    /// All else that SendGrid says of it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Operation for GetContactImport {
    type Provider = Sendgrid;
    type Output = ContactImport;

    const NAME: &'static str = "getContactImport";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_id("jobId", &self.job_id)
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<ContactImport> {
        let url = v3(call, &["marketing", "contacts", "imports", &self.job_id])?;
        fetch(call, call.get(url), Self::REPEAT).await
    }
}
