/// Records in a SQLite file.
#[derive(Debug)]
pub struct SqliteStorage;
