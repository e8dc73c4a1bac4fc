//! Records in memory.

/// Records in memory.
#[derive(Debug)]
pub struct MemoryStorage;
