//! Checks of the data directory and the store in it.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use cupola_store::SCHEMA_VERSION;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Access, access, statvfs};

use super::verdict::Verdict;

const GIBIBYTE: u64 = 1 << 30;

/// With less than this, writes soon fail.
const TOO_LITTLE: u64 = GIBIBYTE / 16;

/// Whether the directory can be written and is closed to others.
pub fn directory(data: &Path) -> Verdict {
    const CHECK: &str = "data directory";
    let shown = data.display();
    let place = existing(data);
    if access(&place, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let remedy = "Choose another one with --data DIR, or correct its owner and permissions";
        return Verdict::fail(CHECK, format!("{} can't be written by you", place.display()), remedy);
    }
    if place != data {
        return Verdict::ok(CHECK, format!("{shown} is not there yet; the first start makes it"));
    }
    let mode = data.metadata().map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        let message = format!("{shown} is open to other users (mode {:o}), and keys are in it", mode & 0o777);
        return Verdict::warn(CHECK, message, format!("chmod 700 {shown}"));
    }
    Verdict::ok(CHECK, shown.to_string())
}

/// Whether there is room for more.
pub fn space(data: &Path) -> Verdict {
    const CHECK: &str = "disk space";
    let remedy = "Make room, or move the data to another disk with --data DIR";
    let place = existing(data);
    let free = match statvfs(&place) {
        Ok(space) => space.f_bavail.saturating_mul(space.f_frsize),
        Err(error) => return Verdict::warn(CHECK, format!("{}: {error}", place.display()), remedy),
    };
    let message = format!("{:.1} GiB are free", free as f64 / GIBIBYTE as f64);
    match free {
        ..TOO_LITTLE => Verdict::fail(CHECK, message, remedy),
        TOO_LITTLE..GIBIBYTE => Verdict::warn(CHECK, message, remedy),
        _ => Verdict::ok(CHECK, message),
    }
}

/// Whether the store can be read, and by this version.
pub fn schema(data: &Path) -> Verdict {
    const CHECK: &str = "store";
    let file = data.join("cupola.db");
    if !file.exists() {
        return Verdict::ok(CHECK, "empty; the first start makes it");
    }
    match schema_version(&file) {
        Ok(version @ ..=SCHEMA_VERSION) => Verdict::ok(CHECK, format!("readable, schema {version}")),
        Ok(newer) => Verdict::fail(
            CHECK,
            format!("schema_too_new: schema {newer}, but this version knows only up to {SCHEMA_VERSION}"),
            "Use the newer Cupola that wrote it. More: cupola explain schema_too_new",
        ),
        Err(error) => Verdict::fail(
            CHECK,
            format!("{} can't be read: {error}", file.display()),
            "Restore it from a backup, or start anew with --data DIR",
        ),
    }
}

fn schema_version(file: &Path) -> rusqlite::Result<i64> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_secs(1))?;
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// The directory itself, or the nearest one above it that exists.
fn existing(data: &Path) -> PathBuf {
    let nearest = data.ancestors().find(|path| path.exists());
    nearest.unwrap_or(Path::new("/")).to_owned()
}
