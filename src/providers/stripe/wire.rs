//! Between our camelCase JSON and Stripe's bracketed forms and `snake_case` answers; and how an operation is written down.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::Stripe;
use crate::{
    error::{Error, Result},
    providers::{
        Call,
        names::{camel, camelled},
    },
    transport::{Method, Repeat, Request, Response},
};

/// Where Stripe's API is.
pub(super) const HOST: &str = "https://api.stripe.com";

/// Members whose own names are the caller's, and are passed as they are.
pub(super) const AS_THEY_ARE: &[&str] = &["metadata"];

/// `unitAmount` as Stripe spells it.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// A parameter that Stripe names in an error, as a path of ours: `line_items[0][price]` is `lineItems[0].price`.
pub(super) fn path(parameter: &str) -> String {
    let mut out = String::new();
    for part in parameter.split(['[', ']']).filter(|part| !part.is_empty()) {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            out.push_str(&format!("[{part}]"));
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&camel(part));
        }
    }
    out
}

/// The arguments as the pairs of a form, without those that stand in the path.
pub(super) fn pairs(arguments: &impl Serialize, without: &[&str]) -> Result<Vec<(String, String)>> {
    let value = serde_json::to_value(arguments).map_err(|_| Error::internal("the arguments cannot be written"))?;
    let mut pairs = Vec::new();
    let Value::Object(members) = value else { return Ok(pairs) };
    for (name, value) in members {
        let name = snake(&name);
        if !without.contains(&name.as_str()) {
            flatten(name.clone(), &value, AS_THEY_ARE.contains(&name.as_str()), &mut pairs);
        }
    }
    Ok(pairs)
}

fn flatten(name: String, value: &Value, verbatim: bool, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Bool(truth) => pairs.push((name, truth.to_string())),
        Value::Number(number) => pairs.push((name, number.to_string())),
        Value::String(text) => pairs.push((name, text.clone())),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                flatten(format!("{name}[{at}]"), item, verbatim, pairs);
            }
        }
        Value::Object(members) => {
            for (member, value) in members {
                let member = if verbatim { member.clone() } else { snake(member) };
                let inner = verbatim || AS_THEY_ARE.contains(&member.as_str());
                flatten(format!("{name}[{member}]"), value, inner, pairs);
            }
        }
    }
}

/// Sends an operation's one request and reads the answer. A write carries the key by which Stripe knows it again.
pub(super) async fn send<T: DeserializeOwned>(
    call: &Call<'_, Stripe>,
    method: Method,
    segments: &[&str],
    pairs: Vec<(String, String)>,
    repeat: Repeat,
) -> Result<T> {
    let mut request = Request::new(method, call.url(HOST, &[&["v1"], segments].concat())?);
    if method == Method::Post {
        request = request.form(pairs);
    } else {
        for (name, value) in pairs {
            request = request.query(&name, value);
        }
    }
    if method != Method::Get {
        request = request.header("idempotency-key", call.vendor_key(""));
    }
    let mut response = call.exchange(request, repeat).await?;
    if method == Method::Delete && response.status == 404 {
        response = ended(call, segments, response).await?;
    }
    if !(200..300).contains(&response.status) {
        return Err(call.refusal(&response));
    }
    let value: Value = call.read(&response, repeat)?;
    let value = camelled(value, AS_THEY_ARE);
    if let Some(id) = value.get("id").and_then(Value::as_str) {
        call.note("id", id);
    }
    let bytes = value.to_string().into_bytes().into();
    call.read(&Response { body: bytes, ..response }, repeat)
}

/// Stripe does not know a DELETE again by its key, and has nothing more to delete for one whose answer was lost. What it
/// still shows as ended or deleted is the answer then; else the 404 is.
async fn ended(call: &Call<'_, Stripe>, segments: &[&str], missing: Response) -> Result<Response> {
    let url = call.url(HOST, &[&["v1"], segments].concat())?;
    let found = call.exchange(Request::new(Method::Get, url), Repeat::Always).await?;
    let object: Value = serde_json::from_slice(&found.body).unwrap_or_default();
    let is_over = object["deleted"] == true || object["status"] == "canceled";
    Ok(if found.status == 200 && is_over { found } else { missing })
}

/// An operation: its arguments, of which some stand in the path, and where it goes.
macro_rules! operation {
    (
        $(#[$about:meta])*
        $name:ident = $wire:literal, $access:ident, $repeat:ident -> $output:ty,
        discloses { $($discloses:tt)* }
        $method:ident |$this:ident| [$($segment:expr),* $(,)?]
        by { $($(#[$by_about:meta])* $by:ident: $by_type:ty,)* }
        required { $($(#[$required_about:meta])* $required:ident: $required_type:ty,)* }
        optional { $($(#[$optional_about:meta])* $optional:ident: $optional_type:ty,)* }
        $(check |$checked:ident| $check:block)?
        $(done |$call:ident, $answer:ident| $done:block)?
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$by_about])* pub $by: $by_type,)*
            $($(#[$required_about])* pub $required: $required_type,)*
            $(
                $(#[$optional_about])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $optional: Option<$optional_type>,
            )*
        }

        impl $name {
            /// With what it needs; the rest may be added.
            #[allow(clippy::new_without_default, reason = "one form for operations that need something and those that do not")]
            pub fn new($($by: impl Into<$by_type>,)* $($required: impl Into<$required_type>,)*) -> Self {
                Self { $($by: $by.into(),)* $($required: $required.into(),)* $($optional: None,)* }
            }

            $(
                $(#[$optional_about])*
                pub fn $optional(mut self, value: impl Into<$optional_type>) -> Self {
                    self.$optional = Some(value.into());
                    self
                }
            )*
        }

        impl $crate::providers::Operation for $name {
            type Provider = super::Stripe;
            type Output = $output;

            const NAME: &'static str = $wire;
            const ACCESS: $crate::providers::Access = $crate::providers::Access::$access;
            const DISCLOSES: $crate::model::Manifest = $crate::manifest! { $($discloses)* };
            const REPEAT: $crate::transport::Repeat = $crate::transport::Repeat::$repeat;

            fn validate(&self) -> $crate::error::Result<()> {
                $(super::check::id(stringify!($by), &self.$by)?;)*
                $(let $checked = self; $check)?
                Ok(())
            }

            async fn run(self, call: &$crate::providers::Call<'_, super::Stripe>) -> $crate::error::Result<$output> {
                let pairs = super::wire::pairs(&self, &[$(stringify!($by)),*])?;
                let $this = &self;
                let segments: &[&str] = &[$($segment),*];
                let _ = $this;
                let method = $crate::transport::Method::$method;
                #[allow(unused_variables, reason = "only some note more of their answer")]
                let answer: $output = super::wire::send(call, method, segments, pairs, Self::REPEAT).await?;
                $({
                    let ($call, $answer) = (call, &answer);
                    $done
                })?
                Ok(answer)
            }
        }
    };
}

/// An object of Stripe's: what we name of it, and all else it holds.
macro_rules! object {
    ($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        pub struct $name {
            /// Stripe's id.
            pub id: String,
            $(
                $(#[$field_about])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
            /// What else Stripe sent.
            #[serde(flatten)]
            pub more: serde_json::Map<String, serde_json::Value>,
        }
    };
}

pub(super) use {object, operation};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_become_bracketed_pairs() {
        let arguments = json!({
            "customer": "cus_1",
            "lineItems": [{ "price": "price_1", "quantity": 2 }],
            "metadata": { "studentClass": "7b" },
            "automaticPaymentMethods": { "enabled": true },
            "note": null,
        });
        let expected = [
            ("line_items[0][price]", "price_1"),
            ("line_items[0][quantity]", "2"),
            ("metadata[studentClass]", "7b"),
            ("automatic_payment_methods[enabled]", "true"),
        ];
        let expected: Vec<_> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(pairs(&arguments, &["customer"]).unwrap(), expected);
    }

    #[test]
    fn answers_come_back_in_our_spelling_but_for_metadata() {
        let answer =
            json!({ "client_secret": 1, "metadata": { "a_b": "c" }, "items": { "data": [{ "unit_amount": 5 }] } });
        let ours = json!({ "clientSecret": 1, "metadata": { "a_b": "c" }, "items": { "data": [{ "unitAmount": 5 }] } });
        assert_eq!(camelled(answer, AS_THEY_ARE), ours);
        assert_eq!(path("line_items[0][price]"), "lineItems[0].price");
        assert_eq!(path("amount"), "amount");
    }
}
