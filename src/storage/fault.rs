//! A storage that fails when told to.

/// What goes wrong.
#[derive(Debug)]
pub struct Fault;

/// A storage that fails when told to.
#[derive(Debug)]
pub struct FaultyStorage;
