//! The Google Workspace look-alike, asked as the vendor is.

mod calendar;
mod classroom;
mod domain;
mod drive;
mod gmail;
mod school;
mod tokens;
