//! Twilio's JSON, and ours: snake_case to camelCase, numbers written as strings, RFC 2822 dates, links to next pages.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::{
    error::{Error, Result},
    model::Timestamp,
    providers::names::camelled,
    transport::Request,
};

/// The largest page Twilio gives.
pub(super) const LARGEST_PAGE: u16 = 1000;

/// The fields of an answer, taken out one by one; what is left is kept as it came.
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    /// A field that is not there, null, or not of the documented type (which then stays among the rest).
    fn take<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let found = self.0.get(name)?;
        if found.is_null() {
            self.0.shift_remove(name);
            return None;
        }
        let value = read(found)?;
        self.0.shift_remove(name);
        Some(value)
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.take(name, |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        self.take(name, Value::as_bool)
    }

    pub(super) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.take(name, |value| value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect())
    }

    /// A list of objects, with their names in camelCase.
    pub(super) fn camel(&mut self, name: &str) -> Vec<Value> {
        self.take(name, |value| {
            value.as_array().map(|items| items.iter().map(|item| camelled(item.clone(), &[])).collect())
        })
        .unwrap_or_default()
    }

    /// A whole number, which Twilio writes as a string here and as a number there.
    pub(super) fn number(&mut self, name: &str) -> Option<i64> {
        self.take(name, |value| value.as_i64().or_else(|| value.as_str()?.trim().parse().ok()))
    }

    /// An amount, kept as text: a float would not hold it exactly.
    pub(super) fn amount(&mut self, name: &str) -> Option<String> {
        self.take(name, |value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }

    /// A moment, RFC 2822 in the 2010 API and RFC 3339 in the newer ones.
    pub(super) fn date(&mut self, name: &str) -> Option<Timestamp> {
        self.take(name, |value| moment(value.as_str()?))
    }

    pub(super) fn map(&mut self, name: &str) -> Option<Map<String, Value>> {
        self.take(name, |value| value.as_object().cloned())
    }

    pub(super) fn list<T: FromWire>(&mut self, name: &str) -> Option<Vec<T>> {
        let items = self.take(name, |value| value.as_array().cloned())?;
        items
            .into_iter()
            .map(|item| match item {
                Value::Object(map) => T::from_wire(Fields(map)),
                _ => None,
            })
            .collect()
    }
}

pub(super) fn moment(text: &str) -> Option<Timestamp> {
    match jiff::fmt::rfc2822::parse(text) {
        Ok(zoned) => Some(Timestamp::from_micros(zoned.timestamp().as_microsecond())),
        Err(_) => text.parse().ok(),
    }
}

/// The day, as filters want it.
pub(super) fn day(at: Timestamp) -> String {
    let mut text = at.to_string();
    text.truncate("2026-11-24".len());
    text
}

/// What is made from Twilio's fields; `None` where what must be there is not.
pub(super) trait FromWire: Sized {
    fn from_wire(fields: Fields) -> Option<Self>;
}

/// Reads a `T` from Twilio's spelling of it.
pub(super) struct Wire<T>(pub(super) T);

impl<'de, T: FromWire> Deserialize<'de> for Wire<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields(Map::deserialize(deserializer)?);
        T::from_wire(fields).map(Self).ok_or_else(|| serde::de::Error::custom("a required field is not there"))
    }
}

/// A page of a list, and where the next one begins.
pub(super) struct WirePage<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<String>,
}

/// Reads a page whose items stand under `key`.
pub(super) fn page<T: FromWire>(mut fields: Fields, key: &str) -> Option<WirePage<T>> {
    let items = fields.list(key)?;
    let next = fields.text("next_page_uri").or_else(|| Fields(fields.map("meta")?).text("next_page_url"));
    Some(WirePage { items, next: next.as_deref().and_then(page_token) })
}

/// Our opaque token: the paging parameters of Twilio's link, and nothing else of it.
fn page_token(link: &str) -> Option<String> {
    let (_, query) = link.split_once('?')?;
    let mut kept = form_urlencoded::Serializer::new(String::new());
    let mut any = false;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if matches!(&*name, "Page" | "PageToken") {
            kept.append_pair(&name, &value);
            any = true;
        }
    }
    any.then(|| URL_SAFE_NO_PAD.encode(kept.finish()))
}

/// Adds page size and page to a request for a list.
pub(super) fn paged(mut request: Request, size: Option<u16>, token: Option<&str>) -> Result<Request> {
    if let Some(size) = size {
        request = request.query("PageSize", size.to_string());
    }
    let Some(token) = token else {
        return Ok(request);
    };
    let query = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad_token())?;
    for (name, value) in form_urlencoded::parse(&query) {
        if !matches!(&*name, "Page" | "PageToken") {
            return Err(bad_token());
        }
        request = request.query(&name, value);
    }
    Ok(request)
}

fn bad_token() -> Error {
    Error::invalid("pageToken", "must be the nextPageToken of an earlier page")
}

/// Refuses page arguments that cannot work.
pub(super) fn check_page(size: Option<u16>, token: Option<&str>) -> Result<()> {
    if size.is_some_and(|size| size == 0 || size > LARGEST_PAGE) {
        return Err(Error::invalid("pageSize", "must be from 1 to 1000"));
    }
    // What does not decode is refused before anything leaves.
    let nowhere = url::Url::parse("https://api.twilio.com").map_err(|_| bad_token())?;
    paged(Request::new(crate::transport::Method::Get, nowhere), None, token).map(|_| ())
}

/// Refuses an id that is not of this kind, at `field`.
pub(super) fn check_sid(field: &str, prefixes: &[&str], sid: &str) -> Result<()> {
    if prefixes.iter().any(|prefix| super::config::is_sid(prefix, sid)) {
        return Ok(());
    }
    Err(Error::invalid(field, format!("must be {} and 32 hex digits", prefixes.join(" or "))))
}

/// Reads an answer of 2xx.
pub(super) fn decode<T: FromWire>(
    call: &crate::providers::Call<'_, super::Twilio>,
    response: &crate::transport::Response,
    repeat: crate::transport::Repeat,
) -> Result<T>
where
    Wire<T>: DeserializeOwned,
{
    call.read::<Wire<T>>(response, repeat).map(|wire| wire.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_holds_the_place_and_nothing_personal() {
        let link = "/2010-04-01/Accounts/AC1/Messages.json?To=%2B15551234567&PageSize=2&Page=1&PageToken=PASM1";
        let token = page_token(link).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(&token).unwrap(), b"Page=1&PageToken=PASM1");
        let request = Request::new(crate::transport::Method::Get, "https://api.twilio.com/x".parse().unwrap());
        let request = paged(request, Some(2), Some(&token)).unwrap();
        assert_eq!(request.url.query(), Some("PageSize=2&Page=1&PageToken=PASM1"));
        let foreign = URL_SAFE_NO_PAD.encode("To=%2B1");
        for bad in ["!", foreign.as_str()] {
            assert_eq!(check_page(None, Some(bad)).unwrap_err().field(), Some("pageToken"));
        }
        assert_eq!(check_page(Some(0), None).unwrap_err().field(), Some("pageSize"));
        assert_eq!(check_page(Some(1001), None).unwrap_err().field(), Some("pageSize"));
    }

    #[test]
    fn fields_of_another_type_stay_with_the_rest() {
        let Value::Object(map) = json!({ "a": "1", "b": 2, "c": null, "d": [] }) else { unreachable!() };
        let mut fields = Fields(map);
        assert_eq!((fields.number("a"), fields.number("b"), fields.number("c")), (Some(1), Some(2), None));
        assert_eq!(fields.text("d"), None);
        assert_eq!(Value::Object(fields.0), json!({ "d": [] }));
    }

    proptest::proptest! {
        #[test]
        fn no_date_and_no_link_panics(text in "\\PC{0,60}") {
            let _ = moment(&text);
            let _ = page_token(&text);
            let _ = check_page(None, Some(&text));
        }
    }
}
