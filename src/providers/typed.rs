//! A vendor's event as a type of its provider, for hosts that are written in Rust.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{WebhookEvent, arguments::read_object};
use crate::error::Result;

/// The events of one provider, by kind. [`typed_events!`](crate::typed_events) makes one.
///
/// It is a reading of [`WebhookEvent::data`] and no more: what is kept, handed on again and seen by other languages is the
/// event itself.
pub trait TypedEvent: Sized {
    /// The provider's id.
    const PROVIDER: &'static str;

    /// Reads an event of that provider. One of a kind that the type does not know is kept as it came.
    ///
    /// Error: `invalid_argument` at the path below `data` that is not as the vendor documents it. It repeats no value.
    fn read(event: &WebhookEvent) -> Result<Self>;
}

impl WebhookEvent {
    /// What the vendor said, as a type of its provider: see [`TypedEvent::read`]. It is for the caller to know that the
    /// event is of that provider; [`ReceivedEvent::typed`](crate::services::ReceivedEvent::typed) does.
    pub fn typed<T: TypedEvent>(&self) -> Result<T> {
        T::read(self)
    }
}

/// Reads what a vendor said of an event into a struct. Error: `invalid_argument` at the path below `data`.
pub fn read_data<T: DeserializeOwned>(data: Value) -> Result<T> {
    read_object(data).map_err(|error| error.within("data"))
}

/// The events of a provider: each kind with its variant and what the variant holds. `read` is called as
/// `read(&WebhookEvent) -> Result<T>` for each `T` that stands there.
///
/// ```
/// use serde_json::json;
/// use sis_integrations::{Result, providers::{TypedEvent, WebhookEvent, typed::read_data}};
///
/// #[derive(Debug, Clone, PartialEq, serde::Deserialize)]
/// pub struct Ring {
///     times: u8,
/// }
///
/// fn read<T: serde::de::DeserializeOwned>(event: &WebhookEvent) -> Result<T> {
///     read_data(event.data.clone())
/// }
///
/// sis_integrations::typed_events! {
///     /// What the school's bell tells.
///     pub BellEvent of "bell", by read {
///         /// It rang.
///         "bell.rang" => Rang(Ring),
///     }
/// }
///
/// let rang = WebhookEvent::new("1", "bell.rang", json!({ "times": 3 }));
/// assert_eq!(rang.typed::<BellEvent>()?, BellEvent::Rang(Ring { times: 3 }));
/// let mute = WebhookEvent::new("2", "bell.muted", json!({}));
/// assert_eq!(mute.typed::<BellEvent>()?, BellEvent::Other(mute));
/// # Ok::<(), sis_integrations::Error>(())
/// ```
#[macro_export]
macro_rules! typed_events {
    ($(#[$about:meta])* $seen:vis $name:ident of $provider:literal, by $read:ident {
        $($(#[$doc:meta])* $kind:literal => $variant:ident($of:ty),)*
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        $seen enum $name {
            $(
                $(#[$doc])*
                #[doc = concat!("\n\nOf kind `", $kind, "`.")]
                $variant($of),
            )*
            /// An event of a kind that has no type here, as it came.
            Other($crate::providers::WebhookEvent),
        }

        impl $name {
            /// Each kind that has a type, with the name of its variant.
            pub const KINDS: &'static [(&'static str, &'static str)] = &[$(($kind, stringify!($variant)),)*];
        }

        impl $crate::providers::TypedEvent for $name {
            const PROVIDER: &'static str = $provider;

            fn read(event: &$crate::providers::WebhookEvent) -> $crate::Result<Self> {
                Ok(match event.kind.as_str() {
                    $($kind => Self::$variant($read(event)?),)*
                    _ => Self::Other(event.clone()),
                })
            }
        }
    };
}

/// What the tests of each provider's events have in common.
#[cfg(test)]
pub(crate) mod tests {
    use proptest::{collection, prelude::*, sample};
    use serde_json::Map;

    use super::*;

    /// Any JSON, with those names here and there.
    pub(crate) fn any_data(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[0-9]{1,20}".prop_map(Value::from),
            "\\PC{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 64, 8, move |inner| {
            let name = prop_oneof![3 => sample::select(names).prop_map(str::to_owned), 1 => "[A-Za-z_-]{1,8}"];
            prop_oneof![
                1 => collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                3 => collection::vec((name, inner), 0..8).prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
            ]
        })
    }

    /// Whether the type reads an event of any of its kinds, or refuses it by the path of what is wrong.
    pub(crate) fn read_or_refused<T: TypedEvent>(kinds: &[(&str, &str)], data: &Value) -> Result<(), TestCaseError> {
        for (kind, _) in kinds {
            if let Err(error) = WebhookEvent::new("1", *kind, data.clone()).typed::<T>() {
                prop_assert!(error.field().is_some_and(|field| field.starts_with("data")), "{kind}: {error:?}");
            }
        }
        Ok(())
    }

    /// Fails for a kind that does not become its own variant with what all of them can be read from.
    pub(crate) fn assert_own_variants<T: TypedEvent + std::fmt::Debug>(kinds: &[(&str, &str)], data: &Value) {
        for (kind, variant) in kinds {
            let read = WebhookEvent::new("1", *kind, data.clone()).typed::<T>().unwrap();
            assert!(format!("{read:?}").starts_with(&format!("{variant}(")), "{kind} became {read:?}");
        }
    }

    /// Fails for a kind that the provider's page does not tell of.
    pub(crate) fn assert_told(page: &str, kinds: &[(&str, &str)]) {
        for (kind, variant) in kinds {
            assert!(page.contains(&format!("| `{kind}` | `{variant}(")), "the page lacks {kind} with {variant}");
        }
    }

    #[test]
    fn a_list_is_no_struct_and_a_mistake_has_its_path() {
        #[derive(Debug, serde::Deserialize)]
        struct Pair {
            #[serde(rename = "left")]
            _left: u8,
        }
        let field = |data| read_data::<Pair>(data).unwrap_err().field().map(str::to_owned);
        assert_eq!(field(serde_json::json!([1])).as_deref(), Some("data"));
        assert_eq!(field(serde_json::json!({})).as_deref(), Some("data.left"));
        let secret = read_data::<Pair>(serde_json::json!({ "left": "hush" })).unwrap_err();
        assert_eq!(secret.field(), Some("data.left"));
        assert!(!format!("{secret:?}").contains("hush"));
    }
}
