//! Reads the members of a tar archive: names of any length, with a bound on what is kept in memory of them.

use std::io::Read;

use tar::{Archive, Entries, Entry, EntryType, Header, PaxExtensions};

use super::{super::manifest::invalid, damaged, path::shown};
use crate::Failure;

/// What the long names and extensions of one member may have, in bytes.
const LONGEST_EXTENSION: u64 = 1 << 20;

/// The members of an archive, one after the other.
pub(super) struct Members<'a, R: Read> {
    entries: Entries<'a, R>,
}

/// A member of an archive.
pub(super) struct Member<'a, R: Read> {
    pub path: Vec<u8>,
    /// Where a link leads.
    pub link: Vec<u8>,
    pub kind: Kind,
    pub about: About,
    pub content: Entry<'a, R>,
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Symlink,
    /// Another name of a file of the same layer.
    Link,
    Pipe,
    Device,
}

/// Whose a member is, and who may do what with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct About {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Seconds since 1970.
    pub modified: u64,
}

/// What stands before a member about it.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    uid: Option<u64>,
    gid: Option<u64>,
    size: Option<u64>,
    modified: Option<u64>,
}

impl<'a, R: Read> Members<'a, R> {
    pub fn of(archive: &'a mut Archive<R>) -> Result<Self, Failure> {
        // What stands before a member is read here: the library reads all of it, however much that is.
        Ok(Self { entries: archive.entries().map_err(|error| damaged(&error))?.raw(true) })
    }

    /// The next member.
    pub fn next(&mut self) -> Result<Option<Member<'a, R>>, Failure> {
        let mut extensions = Extensions::default();
        loop {
            let Some(entry) = self.entries.next() else { return Ok(None) };
            let mut entry = entry.map_err(|error| damaged(&error))?;
            match entry.header().entry_type() {
                EntryType::GNULongName => extensions.path = Some(text(&mut entry)?),
                EntryType::GNULongLink => extensions.link = Some(text(&mut entry)?),
                EntryType::XHeader => extensions.read(&whole(&mut entry)?)?,
                // These are about the archive and not about a member.
                EntryType::XGlobalHeader => {}
                _ => return extensions.apply(entry).map(Some),
            }
        }
    }
}

impl Extensions {
    fn read(&mut self, text: &[u8]) -> Result<(), Failure> {
        for extension in PaxExtensions::new(text) {
            let extension = extension.map_err(|error| damaged(&error))?;
            let value = extension.value_bytes();
            match extension.key_bytes() {
                b"path" => self.path = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"uid" => self.uid = Some(number(value)?),
                b"gid" => self.gid = Some(number(value)?),
                b"size" => self.size = Some(number(value)?),
                b"mtime" => {
                    self.modified = number(value.split(|b| *b == b'.').next().unwrap_or_default()).ok()
                }
                key if key.starts_with(b"GNU.sparse.") => return Err(sparse()),
                _ => {}
            }
        }
        Ok(())
    }

    fn apply<R: Read>(self, entry: Entry<'_, R>) -> Result<Member<'_, R>, Failure> {
        let header = entry.header();
        let path = self.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let link =
            self.link.or_else(|| header.link_name_bytes().map(|link| link.into_owned())).unwrap_or_default();
        let kind = kind(header, &path)?;
        if self.size.is_some_and(|size| header.entry_size().ok() != Some(size)) {
            let path = shown(&path);
            return Err(invalid(format!("One of its layers says of '{path}' in two ways how large it is.")));
        }
        let owner = |extension: Option<u64>, field: &[u8], stated: std::io::Result<u64>| {
            let id = match extension {
                Some(id) => id,
                None => stated_or_zero(field, stated)?,
            };
            // The largest number means "leave it as it is" to the kernel.
            u32::try_from(id).ok().filter(|id| *id != u32::MAX).ok_or_else(|| {
                invalid(format!("One of its layers gives '{}' to the user or group {id}.", shown(&path)))
            })
        };
        let fields = header.as_old();
        let about = About {
            mode: stated_or_zero(&fields.mode, header.mode())? & 0o7777,
            uid: owner(self.uid, &fields.uid, header.uid())?,
            gid: owner(self.gid, &fields.gid, header.gid())?,
            modified: self.modified.or(header.mtime().ok()).unwrap_or_default(),
        };
        Ok(Member { path, link, kind, about, content: entry })
    }
}

/// What stands in a field of a header. Some tools leave fields empty where they mean 0.
fn stated_or_zero<N: Default>(field: &[u8], stated: std::io::Result<N>) -> Result<N, Failure> {
    match field.iter().all(|byte| matches!(byte, 0 | b' ')) {
        true => Ok(N::default()),
        false => stated.map_err(|error| damaged(&error)),
    }
}

fn kind(header: &Header, path: &[u8]) -> Result<Kind, Failure> {
    Ok(match header.entry_type() {
        // The oldest archives know folders by the end of their names.
        EntryType::Regular | EntryType::Continuous if path.ends_with(b"/") => Kind::Folder,
        EntryType::Regular | EntryType::Continuous => Kind::File,
        EntryType::Directory => Kind::Folder,
        EntryType::Symlink => Kind::Symlink,
        EntryType::Link => Kind::Link,
        EntryType::Fifo => Kind::Pipe,
        EntryType::Block | EntryType::Char => Kind::Device,
        EntryType::GNUSparse => return Err(sparse()),
        other => {
            let (kind, path) = (other.as_byte().escape_ascii(), shown(path));
            return Err(invalid(format!("One of its layers has '{path}', of the unknown kind '{kind}'.")));
        }
    })
}

fn sparse() -> Failure {
    invalid("One of its layers has a sparse file, which is not supported. Make the image without them.")
}

fn whole<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, Failure> {
    let size = entry.header().entry_size().map_err(|error| damaged(&error))?;
    if size > LONGEST_EXTENSION {
        return Err(invalid(format!("One of its layers has a name or extension of {size} bytes.")));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
    Ok(bytes)
}

/// A name, up to its zero.
fn text<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, Failure> {
    let mut bytes = whole(entry)?;
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    Ok(bytes)
}

fn number(text: &[u8]) -> Result<u64, Failure> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| invalid(format!("One of its layers has '{}' where a number belongs.", shown(text))))
}
