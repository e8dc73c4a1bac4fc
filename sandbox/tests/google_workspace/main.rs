//! The Google Workspace look-alike, asked as the vendor is.

mod drive;
mod school;
mod tokens;
