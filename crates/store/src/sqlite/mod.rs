//! SQLite: one writer with group commit, and readers beside it.

mod apply;
mod frames;
mod read;
mod reserve;
mod schema;
mod writer;

use std::{path::Path, sync::Arc, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

pub use schema::SCHEMA_VERSION;

use crate::{Batch, Commit, Commits, StoreError};

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The death of the process and the loss of power.
    #[default]
    Full,
    /// The death of the process.
    Normal,
}

/// The log is copied into the database once it has this many pages.
const CHECKPOINT_PAGES: u32 = 4000;

/// A store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: writer::Writer,
    readers: Arc<read::Readers>,
}

impl SqliteStore {
    /// Opens the file, creates it if it does not exist, and brings its schema up to date.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let synchronous = match durability {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.pragma_update(None, "cache_size", -8 * 1024)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        keep_plans(&connection)?;
        connection.set_prepared_statement_cache_capacity(64);
        schema::migrate(&mut connection)?;

        let reserve = match durability {
            Durability::Full => reserve::Reserve::of(path),
            Durability::Normal => reserve::Reserve::none(),
        };
        let path = path.to_owned();
        let readers = read::Readers::new(move || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&path, flags)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.pragma_update(None, "cache_size", -2 * 1024)?;
            keep_plans(&connection)?;
            connection.set_prepared_statement_cache_capacity(64);
            Ok(connection)
        });
        Ok(Self { writer: writer::Writer::start(connection, reserve)?, readers: Arc::new(readers) })
    }
}

/// Without this, SQLite compiles a statement with a bound `LIMIT` anew for every use of it.
fn keep_plans(connection: &Connection) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

impl Commits for SqliteStore {
    fn submit(&self, batch: Batch) -> Commit {
        self.writer.submit(batch)
    }

    fn commit(&self, batch: Batch) -> Commit {
        self.writer.commit(batch)
    }
}
