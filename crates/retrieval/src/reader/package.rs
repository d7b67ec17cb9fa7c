//! The archive that a document of Office is, with limits to what it may become when it is expanded.

use std::io::{Read, Seek};

use zip::{ZipArchive, result::ZipError};

use super::{
    encoding,
    limits::{Limits, size},
};
use crate::Unreadable;

/// Parts that expand to less than this are never taken for bombs.
const HARMLESS: u64 = 8 << 20;

/// A document of Office, with its parts.
pub(super) struct Package<R> {
    archive: ZipArchive<R>,
    limits: Limits,
    /// Bytes expanded so far.
    expanded: u64,
}

impl<R: Read + Seek> Package<R> {
    /// Reads the directory of the archive.
    pub(super) fn open(file: R, limits: &Limits) -> Result<Self, Unreadable> {
        let archive = ZipArchive::new(file).map_err(|_| damaged())?;
        if archive.len() > limits.entries {
            return Err(Unreadable::Invalid(format!(
                "The archive that the document is has more than {} parts.",
                limits.entries
            )));
        }
        Ok(Self { archive, limits: *limits, expanded: 0 })
    }

    /// The text of a part, if there is one of this name.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, Unreadable> {
        let mut part = match self.archive.by_name(name) {
            Ok(part) => part,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(ZipError::UnsupportedArchive(why)) if why == ZipError::PASSWORD_REQUIRED => {
                return Err(encrypted());
            }
            Err(_) => return Err(damaged()),
        };
        let by_ratio = part.compressed_size().saturating_mul(self.limits.ratio).max(HARMLESS);
        let room = by_ratio.min(self.limits.expanded.saturating_sub(self.expanded));
        let mut bytes = Vec::new();
        // What the archive says about sizes may be a lie, so it is counted what really comes.
        part.by_ref().take(room + 1).read_to_end(&mut bytes).map_err(|_| damaged())?;
        let expanded = bytes.len() as u64;
        if expanded > room {
            return Err(if room == by_ratio {
                bomb(self.limits.ratio)
            } else {
                too_large(self.limits.expanded)
            });
        }
        self.expanded += expanded;
        Ok(Some(encoding::decode(&bytes).map_err(|_| damaged())?.into_owned()))
    }

    /// The text of a part without which there is no document.
    pub(super) fn needed_part(&mut self, name: &str) -> Result<String, Unreadable> {
        self.part(name)?.ok_or_else(damaged)
    }
}

/// The file ends early, or something in it is not as it should be.
pub(super) fn damaged() -> Unreadable {
    Unreadable::Invalid("The document is damaged or incomplete.".into())
}

/// Nobody can read it without its password.
pub(super) fn encrypted() -> Unreadable {
    Unreadable::Invalid("The document is encrypted. Upload it without a password.".into())
}

fn bomb(ratio: u64) -> Unreadable {
    Unreadable::Invalid(format!("A part of the document expands to more than {ratio} times its size."))
}

fn too_large(most: u64) -> Unreadable {
    Unreadable::Invalid(format!("The document expands to more than {}.", size(most)))
}
