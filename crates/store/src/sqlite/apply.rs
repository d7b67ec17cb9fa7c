//! How each change is written.

use rusqlite::{Connection, OptionalExtension, params};

use super::frames::pack;
use crate::{Batch, Change, Conflict, Key, StoreError, TurnPhase};

const DELETE_FRAMES: &str = "DELETE FROM frames WHERE project = ?1 AND id = ?2";

/// Writes all changes, or stops at the first whose condition does not hold.
pub fn apply(connection: &Connection, batch: &Batch) -> Result<(), StoreError> {
    batch.iter().try_for_each(|change| apply_one(connection, change))
}

fn apply_one(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::Insert { key, parent, facet, created_at, doc, aside } => {
            let inserted = connection
                .prepare_cached(
                    "INSERT INTO resources (project, kind, id, parent, facet, created_at, etag, doc, aside)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8) ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    &*key.project,
                    key.kind.name(),
                    key.id,
                    parent,
                    facet,
                    created_at,
                    &doc[..],
                    aside.as_deref(),
                ])?;
            expect(inserted == 1, || Conflict::Exists(key.clone()))
        }
        Change::Replace { key, if_etag, doc } => {
            let replaced = connection
                .prepare_cached(
                    "UPDATE resources SET doc = ?5, etag = etag + 1
                     WHERE project = ?1 AND kind = ?2 AND id = ?3 AND etag = ?4",
                )?
                .execute(params![&*key.project, key.kind.name(), key.id, if_etag, &doc[..]])?;
            if replaced == 1 {
                return Ok(());
            }
            let gone = !exists(connection, key)?;
            Err(StoreError::Conflict(match gone {
                true => Conflict::Missing(key.clone()),
                false => Conflict::Changed(key.clone()),
            }))
        }
        Change::Refile { key, facet, weight } => {
            let refiled = connection
                .prepare_cached(
                    "UPDATE resources SET facet = ?4, weight = ?5
                     WHERE project = ?1 AND kind = ?2 AND id = ?3",
                )?
                .execute(params![&*key.project, key.kind.name(), key.id, facet, weight])?;
            expect(refiled == 1, || Conflict::Missing(key.clone()))
        }
        Change::Delete { key } => delete(connection, key),
        Change::RequireFewer { parent, limit } => {
            let found: i64 = connection
                .prepare_cached(
                    "SELECT count(*) FROM (SELECT 1 FROM resources
                     WHERE project = ?1 AND parent = ?2 AND kind = ?3 LIMIT ?4)",
                )?
                .query_row(
                    params![&*parent.project, parent.id, parent.kind.name(), *limit as i64],
                    |row| row.get(0),
                )?;
            expect(found < *limit as i64, || Conflict::Full(parent.clone()))
        }
        Change::Claim { project, name, holder } => {
            require_free(connection, project, name)?;
            connection
                .prepare_cached("INSERT INTO claims (project, name, holder) VALUES (?1, ?2, ?3)")?
                .execute(params![&**project, name, holder])?;
            Ok(())
        }
        Change::Release { project, name } => {
            connection
                .prepare_cached("DELETE FROM claims WHERE project = ?1 AND name = ?2")?
                .execute(params![&**project, name])?;
            Ok(())
        }
        Change::RequireFree { project, name } => require_free(connection, project, name),
        Change::RequirePresent { key } => {
            let present = exists(connection, key)?;
            expect(present, || Conflict::Missing(key.clone()))
        }
        Change::OpenTurn { turn, dialect } => {
            let opened = connection
                .prepare_cached(
                    "INSERT INTO turns (project, id, dialect, phase, until, position)
                     VALUES (?1, ?2, ?3, 'running', NULL, 0) ON CONFLICT DO NOTHING",
                )?
                .execute(params![&*turn.project, turn.id, dialect])?;
            expect(opened == 1, || Conflict::Journal(turn.clone()))
        }
        Change::KeepFrames { turn, first, frames } => {
            let kept = connection
                .prepare_cached(
                    "INSERT INTO frames (project, id, first, count, data) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![&*turn.project, turn.id, first, frames.len() as i64, pack(frames)])?;
            expect(kept == 1, || Conflict::Journal(turn.clone()))
        }
        Change::Append { turn, position, at, entry, phase } => {
            let (phase, until) = match phase {
                TurnPhase::Running => ("running", None),
                TurnPhase::Waiting { until } => ("waiting", Some(*until)),
                TurnPhase::Ended => ("ended", None),
            };
            let moved = connection
                .prepare_cached(
                    "UPDATE turns SET phase = ?3, until = ?4, position = position + 1
                     WHERE project = ?1 AND id = ?2 AND position = ?5 AND phase <> 'ended'",
                )?
                .execute(params![&*turn.project, turn.id, phase, until, position])?;
            expect(moved == 1, || Conflict::Journal(turn.clone()))?;
            connection
                .prepare_cached(
                    "INSERT INTO journal (project, id, position, at, entry) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![&*turn.project, turn.id, position, at, &entry[..]])?;
            Ok(())
        }
    }
}

fn expect(holds: bool, conflict: impl FnOnce() -> Conflict) -> Result<(), StoreError> {
    if holds { Ok(()) } else { Err(StoreError::Conflict(conflict())) }
}

fn require_free(connection: &Connection, project: &str, name: &str) -> Result<(), StoreError> {
    let holder: Option<String> = connection
        .prepare_cached("SELECT holder FROM claims WHERE project = ?1 AND name = ?2")?
        .query_row(params![project, name], |row| row.get(0))
        .optional()?;
    match holder {
        None => Ok(()),
        Some(holder) => Err(StoreError::Conflict(Conflict::Held { name: name.to_owned(), holder })),
    }
}

fn exists(connection: &Connection, key: &Key) -> Result<bool, StoreError> {
    let found = connection
        .prepare_cached("SELECT 1 FROM resources WHERE project = ?1 AND kind = ?2 AND id = ?3")?
        .exists(params![&*key.project, key.kind.name(), key.id])?;
    Ok(found)
}

/// Deletes a resource and all that belongs to it, however deep, with the turns and journals of both.
/// Ids are unique within their kind alone: what has the id as its parent may belong to something else.
fn delete(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    let seq: Option<i64> = connection
        .prepare_cached("DELETE FROM resources WHERE project = ?1 AND kind = ?2 AND id = ?3 RETURNING seq")?
        .query_row(params![&*key.project, key.kind.name(), key.id], |row| row.get(0))
        .optional()?;
    let Some(seq) = seq else {
        return Err(StoreError::Conflict(Conflict::Missing(key.clone())));
    };
    connection
        .prepare_cached("INSERT OR REPLACE INTO tombstones (project, kind, id, seq) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![&*key.project, key.kind.name(), key.id, seq])?;

    let mut gone = vec![(key.kind, key.id.clone())];
    while let Some((kind, id)) = gone.pop() {
        if kind.has_turns() {
            delete_turn(connection, &key.project, &id)?;
        }
        for owned in kind.owned() {
            let mut delete = connection.prepare_cached(
                "DELETE FROM resources WHERE project = ?1 AND parent = ?2 AND kind = ?3 RETURNING id",
            )?;
            let ids = delete.query_map(params![&*key.project, id, owned.name()], |row| row.get(0))?;
            for id in ids {
                gone.push((*owned, id?));
            }
        }
    }
    Ok(())
}

fn delete_turn(connection: &Connection, project: &str, id: &str) -> Result<(), StoreError> {
    let turns = connection
        .prepare_cached("DELETE FROM turns WHERE project = ?1 AND id = ?2")?
        .execute(params![project, id])?;
    if turns > 0 {
        for table in ["DELETE FROM journal WHERE project = ?1 AND id = ?2", DELETE_FRAMES] {
            connection.prepare_cached(table)?.execute(params![project, id])?;
        }
    }
    Ok(())
}
