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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{
        fs,
        os::unix::{ffi::OsStrExt as _, fs::symlink},
    };

    use rustix::fs::{XattrFlags, mknodat, setxattr};
    use tempfile::TempDir;

    use super::*;

    /// Three layers, the lowest of which has `etc/passwd`.
    fn layers() -> (TempDir, Vec<PathBuf>) {
        let folder = TempDir::new().unwrap();
        let layers: Vec<PathBuf> = ["1", "2", "3"].map(|name| folder.path().join(name)).into();
        for layer in &layers {
            fs::create_dir_all(layer.join("etc")).unwrap();
        }
        fs::write(layers[0].join("etc/passwd"), "lowest").unwrap();
        (folder, layers)
    }

    fn passwd(layers: &[PathBuf]) -> Option<String> {
        let found = read(layers, Path::new("etc/passwd"), 100).unwrap();
        found.map(|text| OsStr::from_bytes(&text).to_string_lossy().into_owned())
    }

    #[test]
    fn the_highest_layer_that_has_a_file_counts() {
        let (_folder, layers) = layers();
        assert_eq!(passwd(&layers).as_deref(), Some("lowest"));
        fs::write(layers[1].join("etc/passwd"), "middle").unwrap();
        assert_eq!(passwd(&layers).as_deref(), Some("middle"));
        assert_eq!(passwd(&layers[2..]), None);
    }

    #[test]
    fn what_a_layer_hides_is_gone() {
        let (_folder, layers) = layers();
        let hidden = layers[1].join("etc/passwd");
        mknodat(CWD, &hidden, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
        assert_eq!(passwd(&layers), None);
        fs::remove_file(&hidden).unwrap();
        setxattr(layers[1].join("etc"), "user.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
        assert_eq!(passwd(&layers), None);
    }

    #[test]
    fn no_link_is_followed_out_of_a_layer() {
        let (folder, layers) = layers();
        fs::write(folder.path().join("passwd"), "outside").unwrap();
        symlink(folder.path().join("passwd"), layers[2].join("etc/passwd")).unwrap();
        assert_eq!(passwd(&layers), None);
        fs::remove_dir_all(layers[2].join("etc")).unwrap();
        symlink(folder.path(), layers[2].join("etc")).unwrap();
        assert_eq!(passwd(&layers), None);
    }

    #[test]
    fn a_file_without_end_is_not_read() {
        let (_folder, layers) = layers();
        fs::write(layers[2].join("etc/passwd"), [b'x'; 101]).unwrap();
        assert!(read(&layers, Path::new("etc/passwd"), 100).is_err());
    }
}
