//! Readers: connections that see committed state and never wait for the writer.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Params, Row, ToSql, params};

use super::{SqliteStore, frames};
use crate::{
    JournalEntry, Key, Kind, Listing, Order, Resource, Resources, Slice, StoreError, Tally, TurnKey,
    TurnPhase, TurnRecord, Turns,
};

/// Connections that wait for their next reader.
const IDLE: usize = 4;

type Open = dyn Fn() -> Result<Connection, StoreError> + Send + Sync;

/// A few open connections. More are opened while more are needed at once.
pub struct Readers {
    open: Box<Open>,
    idle: Mutex<Vec<Connection>>,
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

impl Readers {
    /// Connections made by `open`.
    pub fn new(open: impl Fn() -> Result<Connection, StoreError> + Send + Sync + 'static) -> Self {
        Self { open: Box::new(open), idle: Mutex::new(Vec::new()) }
    }

    /// Runs `read` with a connection. Blocks, for as long as SQLite needs to find the rows.
    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => (self.open)()?,
        };
        let found = read(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(connection);
        }
        found
    }
}

impl SqliteStore {
    /// Point reads take a few microseconds out of the page cache: less than a hop to another thread.
    fn read_here<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.readers.with(read)
    }

    /// Reads that may touch many rows run where they hold up nobody.
    async fn read_aside<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = self.readers.clone();
        tokio::task::spawn_blocking(move || readers.with(read))
            .await
            .map_err(|error| StoreError::Backend(error.to_string()))?
    }
}

fn resource(row: &Row<'_>) -> rusqlite::Result<Resource> {
    Ok(Resource {
        id: row.get(0)?,
        parent: row.get(1)?,
        facet: row.get(2)?,
        seq: row.get(3)?,
        created_at: row.get(4)?,
        etag: row.get(5)?,
        doc: Bytes::from(row.get::<_, Vec<u8>>(6)?),
    })
}

#[async_trait]
impl Resources for SqliteStore {
    async fn get(&self, key: &Key) -> Result<Option<Resource>, StoreError> {
        self.read_here(|connection| {
            let found = connection
                .prepare_cached(
                    "SELECT id, parent, facet, seq, created_at, etag, doc FROM resources
                     WHERE project = ?1 AND kind = ?2 AND id = ?3",
                )?
                .query_row(params![&*key.project, key.kind.name(), key.id], resource)
                .optional()?;
            Ok(found)
        })
    }

    async fn aside(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        self.read_here(|connection| {
            let aside: Option<Option<Vec<u8>>> = connection
                .prepare_cached("SELECT aside FROM resources WHERE project = ?1 AND kind = ?2 AND id = ?3")?
                .query_row(params![&*key.project, key.kind.name(), key.id], |row| row.get(0))
                .optional()?;
            Ok(aside.flatten().map(Bytes::from))
        })
    }

    async fn holder(&self, project: &str, name: &str) -> Result<Option<String>, StoreError> {
        self.read_here(|connection| {
            let holder = connection
                .prepare_cached("SELECT holder FROM claims WHERE project = ?1 AND name = ?2")?
                .query_row(params![project, name], |row| row.get(0))
                .optional()?;
            Ok(holder)
        })
    }

    async fn list(&self, listing: Listing<'_>) -> Result<Slice, StoreError> {
        if listing.limit <= 100 {
            return self.read_here(|connection| list(connection, &listing));
        }
        let project = listing.project.to_owned();
        let parent = listing.parent.to_owned();
        let facet = listing.facet.map(str::to_owned);
        let after = listing.after.map(str::to_owned);
        let before = listing.before.map(str::to_owned);
        let (kind, order, limit) = (listing.kind, listing.order, listing.limit);
        self.read_aside(move |connection| {
            let listing = Listing {
                project: &project,
                kind,
                parent: &parent,
                facet: facet.as_deref(),
                order,
                after: after.as_deref(),
                before: before.as_deref(),
                limit,
            };
            list(connection, &listing)
        })
        .await
    }

    async fn tally(&self, project: &str, kind: Kind, parent: &str) -> Result<Vec<Tally>, StoreError> {
        self.read_here(|connection| tally(connection, project, kind, parent))
    }
}

fn tally(connection: &Connection, project: &str, kind: Kind, parent: &str) -> Result<Vec<Tally>, StoreError> {
    let tallies = connection
        .prepare_cached(
            "SELECT facet, count(*), sum(weight) FROM resources
             WHERE project = ?1 AND parent = ?2 AND kind = ?3 AND facet <> '' GROUP BY facet ORDER BY facet",
        )?
        .query_map(params![project, parent, kind.name()], |row| {
            Ok(Tally { facet: row.get(0)?, count: row.get::<_, i64>(1)?.unsigned_abs(), weight: row.get(2)? })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(tallies)
}

fn list(connection: &Connection, listing: &Listing<'_>) -> Result<Slice, StoreError> {
    let after = listing.after.map(|id| position(connection, listing, id)).transpose()?;
    let before = listing.before.map(|id| position(connection, listing, id)).transpose()?;
    // The page before a cursor is the nearest one: read away from the cursor, then turn it round.
    let backwards = before.is_some() && after.is_none();
    let order = if backwards { listing.order.reversed() } else { listing.order };
    let (above, below) = match listing.order {
        Order::Asc => (after, before),
        Order::Desc => (before, after),
    };
    let sql = match (order, listing.facet.is_some()) {
        (Order::Asc, false) => concat!(
            "SELECT id, parent, facet, seq, created_at, etag, doc FROM resources ",
            "WHERE project = ?1 AND parent = ?2 AND kind = ?3 AND seq > ?4 AND seq < ?5 ",
            "ORDER BY seq ASC LIMIT ?6"
        ),
        (Order::Desc, false) => concat!(
            "SELECT id, parent, facet, seq, created_at, etag, doc FROM resources ",
            "WHERE project = ?1 AND parent = ?2 AND kind = ?3 AND seq > ?4 AND seq < ?5 ",
            "ORDER BY seq DESC LIMIT ?6"
        ),
        (Order::Asc, true) => concat!(
            "SELECT id, parent, facet, seq, created_at, etag, doc FROM resources ",
            "WHERE project = ?1 AND parent = ?2 AND kind = ?3 AND facet <> '' AND facet = ?7 ",
            "AND seq > ?4 AND seq < ?5 ORDER BY seq ASC LIMIT ?6"
        ),
        (Order::Desc, true) => concat!(
            "SELECT id, parent, facet, seq, created_at, etag, doc FROM resources ",
            "WHERE project = ?1 AND parent = ?2 AND kind = ?3 AND facet <> '' AND facet = ?7 ",
            "AND seq > ?4 AND seq < ?5 ORDER BY seq DESC LIMIT ?6"
        ),
    };
    let (above, below) = (above.unwrap_or(0), below.unwrap_or(i64::MAX));
    let one_more = i64::try_from(listing.limit).unwrap_or(i64::MAX).saturating_add(1);
    let kind = listing.kind.name();
    let mut values: Vec<&dyn ToSql> =
        vec![&listing.project, &listing.parent, &kind, &above, &below, &one_more];
    if let Some(facet) = &listing.facet {
        values.push(facet);
    }
    let mut items =
        connection.prepare_cached(sql)?.query_map(&values[..], resource)?.collect::<Result<Vec<_>, _>>()?;
    let has_more = items.len() > listing.limit;
    items.truncate(listing.limit);
    if backwards {
        items.reverse();
    }
    Ok(Slice { items, has_more })
}

/// Where the resource with this id stands, or stood.
fn position(connection: &Connection, listing: &Listing<'_>, id: &str) -> Result<i64, StoreError> {
    let found: Option<i64> = connection
        .prepare_cached(
            "SELECT seq FROM resources WHERE project = ?1 AND kind = ?2 AND id = ?3
             UNION ALL
             SELECT seq FROM tombstones WHERE project = ?1 AND kind = ?2 AND id = ?3 LIMIT 1",
        )?
        .query_row(params![listing.project, listing.kind.name(), id], |row| row.get(0))
        .optional()?;
    found.ok_or_else(|| StoreError::UnknownCursor(id.to_owned()))
}

#[async_trait]
impl Turns for SqliteStore {
    async fn turn(&self, turn: &TurnKey) -> Result<Option<TurnRecord>, StoreError> {
        self.read_here(|connection| {
            // One transaction, so that the phase and the journal belong together.
            let snapshot = connection.unchecked_transaction()?;
            let Some((dialect, phase, until)) = snapshot
                .prepare_cached("SELECT dialect, phase, until FROM turns WHERE project = ?1 AND id = ?2")?
                .query_row(params![&*turn.project, turn.id], |row| {
                    Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, Option<i64>>(2)?))
                })
                .optional()?
            else {
                return Ok(None);
            };
            let journal = snapshot
                .prepare_cached(
                    "SELECT at, entry FROM journal WHERE project = ?1 AND id = ?2 ORDER BY position",
                )?
                .query_map(params![&*turn.project, turn.id], |row| {
                    Ok(JournalEntry { at: row.get(0)?, entry: Bytes::from(row.get::<_, Vec<u8>>(1)?) })
                })?
                .collect::<Result<Vec<_>, _>>()?;
            let phase = match (phase.as_str(), until) {
                ("waiting", Some(until)) => TurnPhase::Waiting { until },
                ("ended", _) => TurnPhase::Ended,
                _ => TurnPhase::Running,
            };
            Ok(Some(TurnRecord { turn: turn.clone(), dialect, phase, journal }))
        })
    }

    async fn frames(&self, turn: &TurnKey, first: i64) -> Result<Vec<Bytes>, StoreError> {
        let turn = turn.clone();
        self.read_aside(move |connection| {
            let rows = connection
                .prepare_cached(
                    "SELECT first, data FROM frames
                     WHERE project = ?1 AND id = ?2 AND first + count > ?3 ORDER BY first",
                )?
                .query_map(params![&*turn.project, turn.id, first], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
                })?
                .collect::<Result<Vec<_>, _>>()?;
            let mut kept = Vec::new();
            for (begins, data) in rows {
                let frames = frames::unpack(data)
                    .ok_or_else(|| StoreError::Backend(format!("the frames of {turn} are damaged")))?;
                let seen = usize::try_from(first - begins).unwrap_or(0);
                kept.extend(frames.into_iter().skip(seen));
            }
            Ok(kept)
        })
        .await
    }

    async fn running_turns(&self) -> Result<Vec<TurnKey>, StoreError> {
        self.read_aside(|connection| {
            turn_keys(
                connection,
                "SELECT project, id FROM turns WHERE phase <> 'ended' AND phase = 'running' ORDER BY opened",
                [],
            )
        })
        .await
    }

    async fn overdue_turns(&self, now: i64) -> Result<Vec<TurnKey>, StoreError> {
        self.read_aside(move |connection| {
            turn_keys(
                connection,
                "SELECT project, id FROM turns
                 WHERE phase <> 'ended' AND phase = 'waiting' AND until <= ?1 ORDER BY until",
                [now],
            )
        })
        .await
    }

    async fn next_deadline(&self) -> Result<Option<i64>, StoreError> {
        self.read_here(|connection| {
            let next = connection
                .prepare_cached("SELECT min(until) FROM turns WHERE phase <> 'ended' AND phase = 'waiting'")?
                .query_row([], |row| row.get(0))?;
            Ok(next)
        })
    }
}

fn turn_keys(connection: &Connection, sql: &str, values: impl Params) -> Result<Vec<TurnKey>, StoreError> {
    let keys = connection
        .prepare_cached(sql)?
        .query_map(values, |row| Ok(TurnKey { project: row.get::<_, String>(0)?.into(), id: row.get(1)? }))?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(keys)
}
