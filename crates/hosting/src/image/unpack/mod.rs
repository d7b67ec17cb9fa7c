//! Unpacks a layer into a folder that overlays take: whole, compared with its digest, or not at all.

mod archive;
mod measure;
mod path;
#[cfg(test)]
mod tests;
mod tree;
mod whiteout;

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Seek as _},
    path::Path,
};

use tempfile::TempDir;

pub(super) use measure::Allowance;
pub(super) use whiteout::is_whiteout;

use super::{catalog::sync_folder, digest::Digest, manifest::invalid};
use crate::{Code, Failure};
use archive::{Kind, Member, Members};
use measure::Measured;
use tree::Tree;

/// How much is read at once.
const BUFFER: usize = 64 << 10;

/// Unpacks the file `blob` of `folder`, which has to be `content` when unpacked, and puts the outcome at
/// `place`.
pub(super) fn layer(
    folder: TempDir,
    content: &Digest,
    place: &Path,
    allowance: &Allowance,
    entries: u64,
) -> Result<(), Failure> {
    let blob = folder.path().join("blob");
    let root = folder.path().join("root");
    let bytes = decompressed(&blob).map_err(|error| disk(&blob, &error))?;
    let mut measured = Measured::new(bytes, allowance);
    let unpacked = unpack(&mut measured, &root, entries);
    // What the allowance refused looks like damage to whoever reads.
    allowance.check()?;
    unpacked?;
    let found = measured.digest();
    if found != *content {
        return Err(invalid(format!("Its layer {content} is damaged: unpacked, it is {found}.")));
    }
    publish(&root, place).map_err(|error| disk(place, &error))
}

/// Bytes of the files below a folder.
pub(super) fn size(folder: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        sum += match about.is_dir() {
            true => size(&entry.path())?,
            false => about.len(),
        };
    }
    Ok(sum)
}

/// This machine could not keep something.
pub(super) fn disk(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    let message = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!(
                "There is no room for images: the disk that has {path} is full. Free some, and try again."
            )
        }
        _ => format!("Images can't be kept in {path}: {error}."),
    };
    Failure::new(Code::SandboxUnavailable, message)
}

/// What a blob is compressed with is seen by its first bytes. What its media type says is often wrong.
fn decompressed(blob: &Path) -> io::Result<Box<dyn Read>> {
    let mut file = File::open(blob)?;
    let mut magic = Vec::with_capacity(4);
    Read::by_ref(&mut file).take(4).read_to_end(&mut magic)?;
    file.rewind()?;
    Ok(match magic.as_slice() {
        [0x1f, 0x8b, ..] => {
            Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(BUFFER, file)))
        }
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::Decoder::new(file)?),
        _ => Box::new(BufReader::with_capacity(BUFFER, file)),
    })
}

fn unpack(bytes: &mut impl Read, root: &Path, entries: u64) -> Result<(), Failure> {
    let mut tree = Tree::create(root)?;
    let mut archive = tar::Archive::new(&mut *bytes);
    let mut members = Members::of(&mut archive)?;
    let mut count = 0;
    while let Some(member) = members.next()? {
        count += 1;
        if count > entries {
            return Err(invalid(format!(
                "One of its layers has more than {entries} files, which is the limit."
            )));
        }
        add(&mut tree, member)?;
    }
    // The digest is that of all bytes, and archives go on behind their end.
    io::copy(bytes, &mut io::sink()).map(drop).map_err(|error| damaged(&error))
}

fn add<R: Read>(tree: &mut Tree, mut member: Member<'_, R>) -> Result<(), Failure> {
    let path = path::parts(&member.path)?;
    let Some((name, parents)) = path.split_last() else {
        return match member.kind {
            Kind::Folder => tree.root(&member.about),
            _ => Err(invalid("One of its layers has something that is no folder in the place of its root.")),
        };
    };
    if let Some(whiteout) = whiteout::read(name)? {
        return tree.hide(parents, &whiteout);
    }
    match member.kind {
        Kind::Folder => tree.folder(parents, name, &member.about),
        Kind::File => tree.file(parents, name, &member.about, &mut member.content),
        Kind::Symlink => tree.symlink(parents, name, &member.about, &member.link),
        Kind::Link => tree.link(parents, name, &path::parts(&member.link)?),
        Kind::Pipe => tree.pipe(parents, name, &member.about),
        // Sandboxes have devices of their own.
        Kind::Device => Ok(()),
    }
}

/// Moves a finished layer to its place, once the disk has all of it.
fn publish(root: &Path, place: &Path) -> io::Result<()> {
    rustix::fs::syncfs(File::open(root)?)?;
    match fs::rename(root, place) {
        // Somebody was faster, with the same layer.
        Err(_) if place.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_folder(place),
    }
}

/// A layer that can't be read.
fn damaged(error: &io::Error) -> Failure {
    invalid(format!("One of its layers is damaged: {error}."))
}
