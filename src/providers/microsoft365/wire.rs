//! How operations, lists, answers and choices are written down here: once, so that each says only what is its own.

/// Arguments: what is needed, and what may be added.
macro_rules! arguments {
    (
        $(#[$about:meta])*
        $name:ident {
            required { $($(#[$required_about:meta])* $required:ident: $required_type:ty,)* }
            optional { $($(#[$optional_about:meta])* $optional:ident: $optional_type:ty,)* }
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$required_about])* pub $required: $required_type,)*
            $(
                $(#[$optional_about])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $optional: Option<$optional_type>,
            )*
        }

        impl $name {
            /// With what it needs; the rest may be added.
            #[allow(clippy::new_without_default, reason = "one form for those that need something and those that do not")]
            pub fn new($($required: impl Into<$required_type>,)*) -> Self {
                Self { $($required: $required.into(),)* $($optional: None,)* }
            }

            $(
                $(#[$optional_about])*
                pub fn $optional(mut self, value: impl Into<$optional_type>) -> Self {
                    self.$optional = Some(value.into());
                    self
                }
            )*
        }
    };
}

/// An operation: its arguments, what it needs, and what it does. `by` are ids, of which each is checked to be one.
macro_rules! operation {
    (
        $(#[$about:meta])*
        $name:ident = $wire:literal, $access:ident, $repeat:ident -> $output:ty,
        scopes $scopes:expr, $rights:ident,
        discloses { $($discloses:tt)* }
        by { $($(#[$by_about:meta])* $by:ident: $by_type:ty,)* }
        required { $($(#[$required_about:meta])* $required:ident: $required_type:ty,)* }
        optional { $($(#[$optional_about:meta])* $optional:ident: $optional_type:ty,)* }
        $(steps [$($step:literal),*])?
        $(within $seconds:literal)?
        $(personal $personal:literal)?
        $(check |$checked:ident| $check:block)?
        run |$this:ident, $call:ident| $run:block
    ) => {
        super::wire::arguments! {
            $(#[$about])*
            $name {
                required { $($(#[$by_about])* $by: $by_type,)* $($(#[$required_about])* $required: $required_type,)* }
                optional { $($(#[$optional_about])* $optional: $optional_type,)* }
            }
        }

        impl $crate::providers::Operation for $name {
            type Provider = super::Microsoft365;
            type Output = $output;

            const NAME: &'static str = $wire;
            const ACCESS: $crate::providers::Access = $crate::providers::Access::$access;
            const DISCLOSES: $crate::model::Manifest = $crate::manifest! { $($discloses)* };
            const REPEAT: $crate::transport::Repeat = $crate::transport::Repeat::$repeat;
            const SCOPES: $crate::transport::oauth::Scopes = $scopes;
            const RIGHTS: $crate::transport::oauth::Rights = $crate::transport::oauth::Rights::$rights;
            $(const STEPS: &'static [&'static str] = &[$($step),*];)?
            $(const PERSONAL: bool = $personal;)?
            $(const DEADLINE: std::time::Duration = std::time::Duration::from_secs($seconds);)?

            fn validate(&self) -> $crate::error::Result<()> {
                $(super::check::id(&super::wire::camel(stringify!($by)), &self.$by)?;)*
                $(let $checked = self; $check)?
                Ok(())
            }

            fn subject(&self) -> Option<&str> {
                super::wire::whose!(self $($optional)*)
            }

            #[allow(unused_variables, reason = "some need no arguments")]
            async fn run(
                self,
                $call: &$crate::providers::Call<'_, super::Microsoft365>,
            ) -> $crate::error::Result<$output> {
                let $this = self;
                $run
            }
        }
    };
}

/// Whose mailbox, calendar or drive it is, where the arguments can say so.
macro_rules! whose {
    ($this:tt) => { None };
    ($this:tt user_id $($rest:ident)*) => { $this.user_id.as_deref() };
    ($this:tt $other:ident $($rest:ident)*) => { super::wire::whose!($this $($rest)*) };
}

/// An operation that answers a page of a list, with `pageSize` and `pageToken` among its arguments. `from` is the place
/// in Graph that `at` begins at; `query` what narrows the list.
macro_rules! list {
    (
        $(#[$about:meta])*
        $name:ident = $wire:literal -> $item:ty,
        scopes $scopes:expr, $rights:ident,
        discloses { $($discloses:tt)* }
        by { $($(#[$by_about:meta])* $by:ident: $by_type:ty,)* }
        required { $($(#[$required_about:meta])* $required:ident: $required_type:ty,)* }
        optional { $($(#[$optional_about:meta])* $optional:ident: $optional_type:ty,)* }
        $(personal $personal:literal)?
        $(check |$checked:ident| $check:block)?
        at |$this:ident, $call:ident| $from:expr, $path:expr, $query:expr
    ) => {
        super::wire::operation! {
            $(#[$about])*
            $name = $wire, Read, Always -> super::graph::Page<$item>,
            scopes $scopes, $rights,
            discloses { $($discloses)* }
            by { $($(#[$by_about])* $by: $by_type,)* }
            required { $($(#[$required_about])* $required: $required_type,)* }
            optional {
                $($(#[$optional_about])* $optional: $optional_type,)*
                /// How many to a page, 1 to 999; Microsoft may give fewer.
                page_size: u16,
                /// The `nextPageToken` of the page before.
                page_token: String,
            }
            $(personal $personal)?
            check |this| {
                super::check::page(this.page_size)?;
                $(let $checked = this; $check)?
            }
            run |$this, $call| {
                let (from, query): (super::graph::Graph<'_>, Vec<(&str, String)>) = ($from, $query);
                let path: &[&str] = $path;
                from.page(path, &query, $this.page_size, $this.page_token.as_deref()).await
            }
        }

        super::wire::paged!($name -> $item);
    };
}

/// Page after page, by the token of the page before.
macro_rules! paged {
    ($name:ident -> $item:ty) => {
        impl $crate::providers::Paged for $name {
            type Item = $item;

            fn next(&self, page: &Self::Output) -> Option<Self> {
                page.next_page_token.clone().map(|token| self.clone().page_token(token))
            }

            fn items(page: Self::Output) -> Vec<$item> {
                page.items
            }
        }
    };
}

/// Something of Graph's: what we name of it, and all else it holds.
macro_rules! object {
    ($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* }) => {
        super::wire::record! {
            $(#[$about])*
            $name {
                /// Microsoft's id.
                id: String,
                $($(#[$field_about])* $field: $type,)*
            }
        }
    };
}

/// The same for what has no id of its own. Whatever Graph leaves away or writes as null is none.
macro_rules! record {
    ($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* }) => {
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
            /// What else Microsoft sent.
            #[serde(flatten)]
            pub more: serde_json::Map<String, serde_json::Value>,
        }
    };
}

/// One of several words that an argument may be.
macro_rules! choice {
    ($(#[$about:meta])* $name:ident { $($(#[$word_about:meta])* $word:ident = $wire:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$word_about])* #[serde(rename = $wire)] $word,)*
        }
    };
}

pub(super) use crate::providers::names::camel;
pub(super) use {arguments, choice, list, object, operation, paged, record, whose};
