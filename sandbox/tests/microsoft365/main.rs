//! The Microsoft 365 look-alike, over the wire.

mod batch;
mod calendar;
mod directory;
mod drive;
mod education;
mod entra;
mod mail;
mod notifications;
mod teams;
mod tenant;
