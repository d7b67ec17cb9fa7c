//! Deleting folders that a program may have made to be hard to delete.
//!
//! A folder is moved out of the program's sight first, which is one step. What lies in it is then taken apart
//! from above: folders in it are moved up instead of descended into, so that no depth costs stack or handles.

use std::{io, path::Path};

use cap_std::{
    ambient_authority,
    fs::{Dir, Permissions, PermissionsExt as _},
};

/// Names of folders that hold what is being deleted begin with this.
const PREFIX: &str = "removed-";

/// How often a folder may turn out not to be empty: a program that still has it open can go on writing there.
const MOST_REFUSALS: usize = 1000;

/// Deletes a folder below `dir` with everything in it. `beside` is on the same disk and out of the program's
/// sight.
pub fn remove_tree(beside: &Dir, dir: &Dir, path: &Path) -> io::Result<()> {
    let name = format!("{PREFIX}{:032x}", rand::random::<u128>());
    beside.create_dir(&name)?;
    let grave = beside.open_dir(&name)?;
    let emptied = dir.rename(path, &grave, "0").and_then(|()| empty(&grave));
    let removed = beside.remove_dir(&name);
    emptied.and(match removed {
        // What a program goes on writing is out of its home, and goes with the session.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        other => other,
    })
}

/// Deletes a folder with everything in it. One that is not there is fine.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let gone = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    };
    match Dir::open_ambient_dir(parent, ambient_authority()) {
        Ok(beside) => remove_tree(&beside, &beside, Path::new(name)).or_else(gone),
        Err(error) => gone(error),
    }
}

/// Lies in the folder of a session that is nobody's.
pub const UNCLAIMED: &str = "unclaimed";

/// Deletes what was being deleted in this folder when an earlier process ended, and what was nobody's.
pub fn sweep(folder: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let was_being_deleted = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if was_being_deleted || entry.path().join(UNCLAIMED).exists() {
            remove_folder(&entry.path())?;
        }
    }
    Ok(())
}

/// Deletes everything in a folder.
fn empty(grave: &Dir) -> io::Result<()> {
    let (mut next, mut refusals) = (1_u64, 0);
    while let Some(entry) = grave.entries()?.next() {
        let entry = entry?;
        let name = entry.file_name();
        if !entry.file_type()?.is_dir() {
            grave.remove_file(&name)?;
            continue;
        }
        take_apart(grave, &name, &mut next)?;
        match grave.remove_dir(&name) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                refusals += 1;
                if refusals > MOST_REFUSALS {
                    return Ok(());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Deletes the files of a folder, and moves its folders up.
fn take_apart(grave: &Dir, name: &std::ffi::OsStr, next: &mut u64) -> io::Result<()> {
    // A folder without these can't be looked into. Where it is somebody else's, this is refused, and so is the rest.
    let _ = grave.set_permissions(name, Permissions::from_mode(0o700));
    let folder = grave.open_dir(name)?;
    for entry in folder.entries()? {
        let entry = entry?;
        let moved_or_deleted = if entry.file_type()?.is_dir() {
            *next += 1;
            // Moving a folder changes it, too.
            let _ = folder.set_permissions(entry.file_name(), Permissions::from_mode(0o700));
            folder.rename(entry.file_name(), grave, next.to_string())
        } else {
            folder.remove_file(entry.file_name())
        };
        match moved_or_deleted {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_depth_is_too_deep() {
        let place = tempfile::tempdir().unwrap();
        let top = place.path().join("session");
        std::fs::create_dir(&top).unwrap();
        // Deeper than any path may be long: each level is made below a handle of the one before.
        let mut level = Dir::open_ambient_dir(&top, ambient_authority()).unwrap();
        for _ in 0..2_500 {
            level.create_dir("d").unwrap();
            level.write("f", b"x").unwrap();
            level = level.open_dir("d").unwrap();
        }
        remove_folder(&top).unwrap();
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_links_name_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let kept = place.path().join("kept");
        std::fs::create_dir(&kept).unwrap();
        std::fs::write(kept.join("file"), "here").unwrap();
        let top = place.path().join("session");
        std::fs::create_dir(&top).unwrap();
        std::os::unix::fs::symlink(&kept, top.join("link")).unwrap();
        remove_folder(&top).unwrap();
        assert_eq!(std::fs::read_to_string(kept.join("file")).unwrap(), "here");
        assert!(!top.exists());
    }

    #[test]
    fn a_folder_that_is_not_there_is_fine() {
        let place = tempfile::tempdir().unwrap();
        remove_folder(&place.path().join("none/session")).unwrap();
        remove_folder(&place.path().join("session")).unwrap();
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_was_nobodys_does_not_outlive_its_process() {
        let place = tempfile::tempdir().unwrap();
        for (session, files) in [("nobodys", vec!["unclaimed", "home"]), ("somebodys", vec!["home"])] {
            for file in files {
                std::fs::create_dir_all(place.path().join(session).join(file)).unwrap();
            }
        }
        sweep(place.path()).unwrap();
        let left: Vec<_> = std::fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["somebodys"]);
    }

    #[test]
    fn an_interrupted_removal_is_finished_at_the_next_start() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(place.path().join("removed-1/0/a")).unwrap();
        std::fs::create_dir(place.path().join("session")).unwrap();
        sweep(place.path()).unwrap();
        let left: Vec<_> = std::fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["session"]);
    }
}
