//! Whiteouts: how a layer says that something of the layers below it is gone.

use rustix::fs::{FileType, Stat};

use super::path::refused;
use crate::Failure;

/// What a layer hides.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whiteout<'a> {
    /// What lower layers have under this name.
    Name(&'a [u8]),
    /// Everything that lower layers have in this folder.
    Everything,
    /// Nothing: a file that an old storage driver kept for itself.
    Nothing,
}

/// Reads the name of a file. `None` if it hides nothing and is what it is.
pub(super) fn read(name: &[u8]) -> Result<Option<Whiteout<'_>>, Failure> {
    let Some(hidden) = name.strip_prefix(b".wh.") else { return Ok(None) };
    Ok(Some(match hidden {
        b".wh..opq" => Whiteout::Everything,
        b"" | b"." | b".." => return Err(refused(name, "it hides nothing that there could be")),
        _ if hidden.starts_with(b".wh.") => Whiteout::Nothing,
        _ => Whiteout::Name(hidden),
    }))
}

/// Whether something hides what is below it, in the form that overlays know.
pub(in super::super) fn is_whiteout(about: &Stat) -> bool {
    FileType::from_raw_mode(about.st_mode) == FileType::CharacterDevice && about.st_rdev == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_of_whiteouts_are_read() {
        assert_eq!(read(b"file").unwrap(), None);
        assert_eq!(read(b".wh").unwrap(), None);
        assert_eq!(read(b".wh.file").unwrap(), Some(Whiteout::Name(b"file")));
        assert_eq!(read(b".wh..wh..opq").unwrap(), Some(Whiteout::Everything));
        assert_eq!(read(b".wh..wh.plnk").unwrap(), Some(Whiteout::Nothing));
        for hostile in [b".wh.".as_slice(), b".wh..", b".wh..."] {
            assert!(read(hostile).is_err());
        }
    }
}
