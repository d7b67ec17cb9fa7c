//! Reads a file of an image from its layers, as a sandbox would see it, without leaving them.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read as _},
    os::fd::OwnedFd,
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, fgetxattr, openat, statat},
    io::Errno,
};

use super::unpack::is_whiteout;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// What one layer says about a file.
enum Said {
    Nothing,
    /// It is not there, whatever lower layers have.
    Gone,
    Is(OwnedFd),
}

/// The content of the file at `path`, which has no links in it, from layers that are given bottom first.
/// `None` if there is none.
pub(super) fn read(layers: &[PathBuf], path: &Path, largest: u64) -> io::Result<Option<Vec<u8>>> {
    let parts: Vec<&OsStr> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(part) => Some(part),
            _ => None,
        })
        .collect();
    for layer in layers.iter().rev() {
        match ask(layer, &parts)? {
            Said::Nothing => {}
            Said::Gone => return Ok(None),
            Said::Is(file) => return read_file(file, largest).map(Some),
        }
    }
    Ok(None)
}

fn ask(layer: &Path, parts: &[&OsStr]) -> io::Result<Said> {
    let mut folder = openat(CWD, layer, FOLDER, Mode::empty())?;
    let mut hides = is_opaque(&folder);
    for (depth, part) in parts.iter().enumerate() {
        let about = match statat(&folder, *part, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(about) => about,
            Err(Errno::NOENT) => return Ok(if hides { Said::Gone } else { Said::Nothing }),
            Err(error) => return Err(error.into()),
        };
        let kind = FileType::from_raw_mode(about.st_mode);
        if depth + 1 == parts.len() && kind.is_file() {
            return Ok(Said::Is(openat(&folder, *part, FILE, Mode::empty())?));
        }
        if is_whiteout(&about) || !kind.is_dir() {
            return Ok(Said::Gone);
        }
        folder = openat(&folder, *part, FOLDER, Mode::empty())?;
        hides |= is_opaque(&folder);
    }
    Ok(Said::Gone)
}

fn is_opaque(folder: &OwnedFd) -> bool {
    let mut value = [0_u8; 1];
    ["trusted.overlay.opaque", "user.overlay.opaque"]
        .iter()
        .any(|name| fgetxattr(folder, *name, &mut value).is_ok_and(|length| length == 1 && value == *b"y"))
}

fn read_file(file: OwnedFd, largest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::from(file).take(largest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest {
        return Err(io::Error::other(format!("it has more than {largest} bytes")));
    }
    Ok(bytes)
}
