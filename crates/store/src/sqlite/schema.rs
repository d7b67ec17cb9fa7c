//! The schema. Migrations only go forward; each runs once, in its own transaction.

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;

const MIGRATIONS: &[&str] = &[
    // 1: resources, turns and their journals
    "CREATE TABLE resources (
        seq        INTEGER PRIMARY KEY AUTOINCREMENT,
        project    TEXT    NOT NULL,
        kind       TEXT    NOT NULL,
        id         TEXT    NOT NULL,
        parent     TEXT    NOT NULL,
        facet      TEXT    NOT NULL,
        created_at INTEGER NOT NULL,
        etag       INTEGER NOT NULL,
        doc        BLOB    NOT NULL
     ) STRICT;
     CREATE UNIQUE INDEX resources_by_id ON resources (project, kind, id);
     CREATE INDEX resources_by_parent ON resources (project, parent, kind, seq);
     CREATE INDEX resources_by_facet ON resources (project, parent, kind, facet, seq) WHERE facet <> '';

     -- where a deleted resource stood, so that a client can page on from it
     CREATE TABLE tombstones (
        project    TEXT    NOT NULL,
        kind       TEXT    NOT NULL,
        id         TEXT    NOT NULL,
        seq        INTEGER NOT NULL,
        deleted_at INTEGER NOT NULL DEFAULT (unixepoch()),
        PRIMARY KEY (project, kind, id)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX tombstones_by_age ON tombstones (deleted_at);

     CREATE TABLE claims (
        project    TEXT    NOT NULL,
        name       TEXT    NOT NULL,
        holder     TEXT    NOT NULL,
        PRIMARY KEY (project, name)
     ) STRICT, WITHOUT ROWID;

     CREATE TABLE turns (
        opened     INTEGER PRIMARY KEY AUTOINCREMENT,
        project    TEXT    NOT NULL,
        id         TEXT    NOT NULL,
        dialect    TEXT    NOT NULL,
        phase      TEXT    NOT NULL,
        until      INTEGER,
        position   INTEGER NOT NULL,
        UNIQUE (project, id)
     ) STRICT;
     CREATE INDEX turns_open ON turns (phase, until) WHERE phase <> 'ended';

     CREATE TABLE journal (
        project    TEXT    NOT NULL,
        id         TEXT    NOT NULL,
        position   INTEGER NOT NULL,
        at         INTEGER NOT NULL,
        entry      BLOB    NOT NULL,
        PRIMARY KEY (project, id, position)
     ) STRICT, WITHOUT ROWID;",
    // 2: frames of streams that a client can come back to, several in a row
    "CREATE TABLE frames (
        project    TEXT    NOT NULL,
        id         TEXT    NOT NULL,
        first      INTEGER NOT NULL,
        count      INTEGER NOT NULL,
        data       BLOB    NOT NULL,
        PRIMARY KEY (project, id, first)
     ) STRICT, WITHOUT ROWID;",
    // 3: what a response was asked with stands in its own row
    "ALTER TABLE resources ADD COLUMN aside BLOB;
     UPDATE resources SET aside =
        (SELECT doc FROM resources AS input
         WHERE input.project = resources.project AND input.kind = 'response_input' AND input.id = resources.id)
     WHERE kind = 'response';
     DELETE FROM resources WHERE kind = 'response_input';",
    // 4: weights, and an index that adds them up without a look at the documents
    "ALTER TABLE resources ADD COLUMN weight INTEGER NOT NULL DEFAULT 0;
     DROP INDEX resources_by_facet;
     CREATE INDEX resources_by_facet ON resources (project, parent, kind, facet, seq, weight)
        WHERE facet <> '';",
];

/// The newest schema that this version knows. Data of a newer one is left alone.
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// How long the place of a deleted resource is remembered.
const TOMBSTONE_SECONDS: i64 = 24 * 60 * 60;

/// Brings the schema up to date, or refuses one from a newer binary.
pub fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::SchemaTooNew { found, known: SCHEMA_VERSION });
    }
    for migration in MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(migration)?;
    }
    transaction.execute("DELETE FROM tombstones WHERE deleted_at < unixepoch() - ?1", [TOMBSTONE_SECONDS])?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_from_a_newer_binary_is_refused() {
        let mut connection = Connection::open_in_memory().expect("opens");
        connection.pragma_update(None, "user_version", 999).expect("writes");
        let refused = migrate(&mut connection).expect_err("refuses");
        assert_eq!(refused, StoreError::SchemaTooNew { found: 999, known: SCHEMA_VERSION });
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().expect("opens");
        migrate(&mut connection).expect("migrates");
        migrate(&mut connection).expect("migrates again");
    }

    #[test]
    fn what_responses_were_asked_with_moves_into_their_rows() {
        let mut connection = Connection::open_in_memory().expect("opens");
        for migration in &MIGRATIONS[..2] {
            connection.execute_batch(migration).expect("migrates");
        }
        connection.pragma_update(None, "user_version", 2).expect("writes");
        connection
            .execute_batch(
                "INSERT INTO resources (project, kind, id, parent, facet, created_at, etag, doc) VALUES
                 ('p', 'response', 'r', '', '', 1, 1, x'01'), ('p', 'response_input', 'r', 'r', '', 1, 1, x'02'),
                 ('q', 'response', 'r', '', '', 1, 1, x'03')",
            )
            .expect("writes");
        migrate(&mut connection).expect("migrates");
        let rows: Vec<(String, String, Option<Vec<u8>>)> = connection
            .prepare("SELECT project, kind, aside FROM resources ORDER BY seq")
            .expect("compiles")
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .expect("reads")
            .collect::<Result<_, _>>()
            .expect("reads");
        let response = |project: &str, aside| (project.to_owned(), "response".to_owned(), aside);
        assert_eq!(rows, [response("p", Some(vec![2])), response("q", None)]);
    }

    #[test]
    fn a_migrated_store_has_the_newest_schema() {
        let mut connection = Connection::open_in_memory().expect("opens");
        migrate(&mut connection).expect("migrates");
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("reads");
        assert_eq!(found, SCHEMA_VERSION);
    }
}
