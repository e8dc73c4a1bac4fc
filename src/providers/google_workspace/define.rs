//! How an operation on one of Google's JSON APIs is written down. Google spells its members as we do (camelCase), so that
//! the arguments are the query or the body as they stand.

use std::future::Future;

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use url::Url;

use super::GoogleWorkspace;
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::{Repeat, Request, Response},
};

/// Refuses what cannot stand in a path as an id.
pub(super) fn check_id(field: &str, id: &str) -> Result<()> {
    if id.trim().is_empty() || matches!(id, "." | "..") || id.contains(char::is_control) {
        return Err(Error::invalid(camel(field), "must be an id that Google has given"));
    }
    Ok(())
}

/// Refuses what cannot be the address of a user.
pub(super) fn check_address(field: &str, address: &str) -> Result<()> {
    let good = address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
        && !address.contains(|letter: char| letter.is_whitespace() || letter.is_control() || "<>,;".contains(letter));
    if good { Ok(()) } else { Err(Error::invalid(field, "must be an e-mail address")) }
}

/// Refuses a text that is empty or longer than Google takes.
pub(super) fn check_text(field: &str, text: &str, most: usize) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if text.chars().count() > most {
        return Err(Error::invalid(field, format!("must have at most {most} characters")));
    }
    Ok(())
}

/// Refuses a page larger than Google's largest.
pub(super) fn check_page(field: &str, size: Option<u32>, most: u32) -> Result<()> {
    match size {
        Some(size) if size == 0 || size > most => Err(Error::invalid(field, format!("must be 1 to {most}"))),
        _ => Ok(()),
    }
}

/// The arguments, but for those named.
pub(super) fn without(arguments: &impl Serialize, names: &[&str]) -> Result<Map<String, Value>> {
    let value = serde_json::to_value(arguments).map_err(|_| Error::internal("the arguments cannot be written"))?;
    let Value::Object(mut members) = value else { return Ok(Map::new()) };
    for name in names {
        members.remove(&camel(name));
    }
    Ok(members)
}

/// The request with these members as its query; a list is repeated.
pub(super) fn with_query(mut request: Request, members: &Map<String, Value>) -> Request {
    for (name, value) in members {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values {
            request = match value {
                Value::Null => request,
                Value::String(text) => request.query(name, text),
                other => request.query(name, other.to_string()),
            };
        }
    }
    request
}

/// Reads.
pub(super) async fn get<T: DeserializeOwned>(
    call: &Call<'_, GoogleWorkspace>,
    url: Url,
    query: &Map<String, Value>,
) -> Result<T> {
    let response = call.send_as(with_query(call.get(url), query), Repeat::Always).await?;
    call.read(&response, Repeat::Always)
}

/// Reads what is at an address.
pub(super) async fn read<T: DeserializeOwned>(call: &Call<'_, GoogleWorkspace>, url: Url) -> Result<T> {
    get(call, url, &Map::new()).await
}

/// Makes or does something, and notes the id of what came of it.
pub(super) async fn post<T: DeserializeOwned>(
    call: &Call<'_, GoogleWorkspace>,
    url: Url,
    body: Map<String, Value>,
    repeat: Repeat,
) -> Result<T> {
    write(call, call.post(url).json(&Value::Object(body)), repeat).await
}

/// Changes what is named, and nothing else.
///
/// Errors: `invalid_argument` where nothing is named.
pub(super) async fn patch<T: DeserializeOwned>(
    call: &Call<'_, GoogleWorkspace>,
    url: Url,
    body: Map<String, Value>,
) -> Result<T> {
    let mask = body.keys().map(String::as_str).collect::<Vec<_>>().join(",");
    write(call, call.patch(url).query("updateMask", mask).json(&Value::Object(body)), Repeat::Always).await
}

/// Sends a request that changes something, and notes the id in the answer.
pub(super) async fn write<T: DeserializeOwned>(
    call: &Call<'_, GoogleWorkspace>,
    request: Request,
    repeat: Repeat,
) -> Result<T> {
    let response = call.send_as(request, repeat).await?;
    noted(call, &response, repeat)
}

fn noted<T: DeserializeOwned>(call: &Call<'_, GoogleWorkspace>, response: &Response, repeat: Repeat) -> Result<T> {
    let answer: Value = call.read(response, repeat)?;
    for name in ["id", "name", "topicId", "invitationId"] {
        // A course and a person have names too; of ids of that form there are only a meeting's.
        match answer.get(name).and_then(Value::as_str) {
            Some(id) if name != "name" || id.starts_with("spaces/") => {
                call.note("id", id);
                break;
            }
            _ => {}
        }
    }
    serde_json::from_value(answer).or_else(|_| call.read(response, repeat))
}

/// Makes something that can be there but once. Where Google says that it is there already, it is read instead: an answer
/// that was lost on its way looks the same, and so nothing is made twice.
///
/// Errors: Google's refusal as `conflict` where it is not found either, or as something else.
pub(super) async fn made_or_found<T: DeserializeOwned>(
    call: &Call<'_, GoogleWorkspace>,
    request: Request,
    repeat: Repeat,
    found: impl Future<Output = Result<T>>,
) -> Result<T> {
    let response = call.exchange(request, repeat).await?;
    match response.status {
        200..=299 => noted(call, &response, repeat),
        409 => found.await.map_err(|error| match error.code() {
            ErrorCode::NotFound => call.refusal(&response),
            _ => error,
        }),
        _ => Err(call.refusal(&response)),
    }
}

/// Whether Google refuses to make something because it is there already.
pub(super) fn is_there_already(error: &Error) -> bool {
    error.vendor().is_some_and(|vendor| vendor.status == 409)
}

/// Takes something away. What is found gone after a try that left no word, that try has taken.
pub(super) async fn remove(call: &Call<'_, GoogleWorkspace>, url: Url) -> Result<Done> {
    remove_where(call, url, |_| false).await
}

/// The same where Google keeps what is deleted, and refuses to delete it twice: see [`is_done_before`].
pub(super) async fn remove_once(call: &Call<'_, GoogleWorkspace>, url: Url) -> Result<Done> {
    remove_where(call, url, is_done_before).await
}

async fn remove_where(call: &Call<'_, GoogleWorkspace>, url: Url, is_gone: fn(&Error) -> bool) -> Result<Done> {
    let request = call.delete(url);
    match call.send_as(request.clone(), Repeat::Never).await {
        Err(error) if error.code() == ErrorCode::OutcomeUnknown => {
            let response = call.exchange(request, Repeat::Always).await?;
            match response.status {
                200..=299 | 404 | 410 => Ok(Done { done: true }),
                _ => match call.refusal(&response) {
                    error if is_gone(&error) => Ok(Done { done: true }),
                    error => Err(error),
                },
            }
        }
        result => result.map(|_| Done { done: true }),
    }
}

/// Whether Google refuses because something is no longer in the state that it was in, without another reason.
pub(super) fn is_done_before(error: &Error) -> bool {
    error.vendor().is_some_and(|vendor| vendor.code.as_deref() == Some("FAILED_PRECONDITION"))
}

/// What comes of taking something away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Done {
    /// Always true: it is as it was asked for.
    pub done: bool,
}

/// A number that Google sends as a string, for JavaScript would not hold all of its 64 bits.
pub(super) fn long<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<u64>, D::Error> {
    match Option::<Value>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(number.as_u64()),
        Some(Value::String(text)) => {
            text.parse().map(Some).map_err(|_| serde::de::Error::custom("must be a whole number"))
        }
        Some(_) => Err(serde::de::Error::custom("must be a whole number")),
    }
}

/// One of Google's scopes, by what comes after the address they all begin with.
macro_rules! scope {
    ($name:literal) => {
        concat!("https://www.googleapis.com/auth/", $name)
    };
}

/// What an operation discloses: beside its arguments the user on whose behalf it is, who is of the staff unless another
/// is named.
macro_rules! disclosed {
    ([] $($discloses:tt)*) => {
        $crate::manifest! { "asUser": Contact(Staff), $($discloses)* }
    };
    ([$acting:ident] $($discloses:tt)*) => {
        $crate::manifest! { "asUser": Contact($acting), $($discloses)* }
    };
}

/// An operation: its arguments, of which some stand in the path, and what it sends.
macro_rules! operation {
    (
        $(#[$about:meta])*
        $name:ident = $wire:literal, $access:ident, $repeat:ident -> $output:ty,
        scopes $scopes:expr,
        $(capability |$settings:ident| $capability:block)?
        $(steps $steps:expr,)?
        $(deadline $deadline:literal,)?
        $(acting $acting:ident,)?
        $(personal $personal:literal,)?
        discloses { $($discloses:tt)* }
        path { $($(#[$path_about:meta])* $path:ident: $path_type:ty,)* }
        required { $($(#[$required_about:meta])* $required:ident: $required_type:ty,)* }
        optional { $($(#[$optional_about:meta])* $optional:ident: $optional_type:ty,)* }
        $(check |$checked:ident| $check:block)?
        run |$this:ident, $call:ident| $run:block
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$path_about])* pub $path: $path_type,)*
            $($(#[$required_about])* pub $required: $required_type,)*
            $(
                $(#[$optional_about])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $optional: Option<$optional_type>,
            )*
            /// On whose behalf: a user's address. Only with a service account; otherwise the settings' `subject`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub as_user: Option<String>,
        }

        impl $name {
            /// With what it needs; the rest may be added.
            #[allow(clippy::new_without_default, reason = "one form for operations that need something and those that do not")]
            #[allow(clippy::too_many_arguments, reason = "Google needs as many")]
            pub fn new($($path: impl Into<$path_type>,)* $($required: impl Into<$required_type>,)*) -> Self {
                Self { $($path: $path.into(),)* $($required: $required.into(),)* $($optional: None,)* as_user: None }
            }

            $(
                $(#[$optional_about])*
                pub fn $optional(mut self, value: impl Into<$optional_type>) -> Self {
                    self.$optional = Some(value.into());
                    self
                }
            )*

            /// On whose behalf.
            pub fn as_user(mut self, address: impl Into<String>) -> Self {
                self.as_user = Some(address.into());
                self
            }

            /// The arguments that do not stand in the path.
            #[allow(dead_code, reason = "not every operation has some")]
            fn rest(&self) -> $crate::error::Result<serde_json::Map<String, serde_json::Value>> {
                $crate::providers::google_workspace::define::without(self, &[$(stringify!($path),)* "as_user"])
            }
        }

        impl $crate::providers::Operation for $name {
            type Provider = $crate::providers::google_workspace::GoogleWorkspace;
            type Output = $output;

            const NAME: &'static str = $wire;
            const ACCESS: $crate::providers::Access = $crate::providers::Access::$access;
            const DISCLOSES: $crate::model::Manifest = $crate::providers::google_workspace::define::disclosed! {
                [$($acting)?] $($discloses)*
            };
            const REPEAT: $crate::transport::Repeat = $crate::transport::Repeat::$repeat;
            const SCOPES: $crate::transport::oauth::Scopes = $scopes;
            $(const STEPS: &'static [&'static str] = $steps;)?
            $(const PERSONAL: bool = $personal;)?
            $(const DEADLINE: std::time::Duration = std::time::Duration::from_secs($deadline);)?

            $(
                fn capability(
                    $settings: &$crate::providers::google_workspace::GoogleWorkspaceConfig,
                ) -> $crate::providers::Capability $capability
            )?

            fn subject(&self) -> Option<&str> {
                self.as_user.as_deref()
            }

            fn validate(&self) -> $crate::error::Result<()> {
                $($crate::providers::google_workspace::define::check_id(stringify!($path), &self.$path)?;)*
                if let Some(address) = &self.as_user {
                    $crate::providers::google_workspace::define::check_address("asUser", address)?;
                }
                $(let $checked = self; $check)?
                Ok(())
            }

            async fn run(
                self,
                $call: &$crate::providers::Call<'_, $crate::providers::google_workspace::GoogleWorkspace>,
            ) -> $crate::error::Result<$output> {
                let $this = &self;
                $run
            }
        }
    };
}

/// An object of Google's: what we name of it, and all else it holds.
macro_rules! object {
    ($($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* })+) => {
        $(
            $(#[$about])*
            #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
            #[serde(rename_all = "camelCase")]
            #[non_exhaustive]
            pub struct $name {
                $(
                    $(#[$field_about])*
                    #[serde(default, skip_serializing_if = "Option::is_none")]
                    pub $field: Option<$type>,
                )*
                /// What else Google sent.
                #[serde(flatten)]
                pub more: serde_json::Map<String, serde_json::Value>,
            }
        )+
    };
}

/// A page of a list, and how the operations that answer it come to the next.
macro_rules! page {
    (
        $(#[$about:meta])*
        $name:ident { $items:ident: $item:ty $(, $(#[$also_about:meta])* $also:ident: $also_type:ty)* $(,)? }
        $(for $operation:ident)+
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        pub struct $name {
            /// What stands on this page; it may be empty and not the last.
            #[serde(default)]
            pub $items: Vec<$item>,
            /// The `pageToken` of the next page; none at the end.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub next_page_token: Option<String>,
            $(
                $(#[$also_about])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $also: Option<$also_type>,
            )*
            /// What else Google sent.
            #[serde(flatten)]
            pub more: serde_json::Map<String, serde_json::Value>,
        }

        $(
            impl $crate::providers::Paged for $operation {
                type Item = $item;

                fn next(&self, page: &$name) -> Option<Self> {
                    let token = page.next_page_token.clone().filter(|token| !token.is_empty())?;
                    Some(Self { page_token: Some(token), ..self.clone() })
                }

                fn items(page: $name) -> Vec<$item> {
                    page.$items
                }
            }
        )+
    };
}

pub(super) use crate::providers::names::camel;
pub(super) use {disclosed, object, operation, page, scope};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Whose, providers::Provider, transport::Method};

    #[test]
    fn whose_address_it_is_that_a_call_acts_for() {
        let students = ["acceptInvitation", "turnInSubmission", "reclaimSubmission"];
        for operation in GoogleWorkspace::operations() {
            let whose = if students.contains(&operation.name) { Whose::Student } else { Whose::Staff };
            let named = operation.discloses.iter().filter(|disclosed| disclosed.argument == "asUser");
            assert_eq!(named.map(|disclosed| disclosed.whose).collect::<Vec<_>>(), [whose], "{}", operation.name);
        }
    }

    #[test]
    fn arguments_are_the_query_as_they_stand() {
        let members = json!({ "q": "from:a b", "labelIds": ["INBOX", "UNREAD"], "maxResults": 5, "none": null });
        let url = "https://gmail.googleapis.com/x".parse().unwrap();
        let request = with_query(Request::new(Method::Get, url), members.as_object().unwrap());
        let mut pairs: Vec<&str> = request.url.query().unwrap().split('&').collect();
        pairs.sort_unstable();
        assert_eq!(pairs, ["labelIds=INBOX", "labelIds=UNREAD", "maxResults=5", "q=from%3Aa+b"]);
    }

    #[test]
    fn names_and_numbers() {
        assert_eq!(camel("course_work_id"), "courseWorkId");
        assert_eq!(camel("q"), "q");
        #[derive(Deserialize)]
        struct Holds(#[serde(deserialize_with = "long")] Option<u64>);
        for (value, number) in
            [(json!("18446744073709551615"), Some(u64::MAX)), (json!(7), Some(7)), (json!(null), None)]
        {
            assert_eq!(serde_json::from_value::<Holds>(value).unwrap().0, number);
        }
        assert!(serde_json::from_value::<Holds>(json!("seven")).is_err());
    }

    #[test]
    fn addresses() {
        for good in ["a@school.example", "o'neil+x@mail.school.example"] {
            check_address("to", good).unwrap();
        }
        for bad in ["", "a", "@school.example", "a@b", "a@b.c\r\nBcc: x@y.z", "A <a@b.c>", "a@b.c,d@e.f"] {
            assert_eq!(check_address("to[0]", bad).unwrap_err().field(), Some("to[0]"), "{bad}");
        }
    }
}
