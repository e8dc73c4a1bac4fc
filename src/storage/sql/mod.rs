//! Backends that speak SQL.

pub(crate) mod sqlite;
mod statements;
