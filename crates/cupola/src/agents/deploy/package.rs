//! A directory as a code package: the same files give the same bytes, whenever and wherever they are packed.

use std::{
    ffi::OsStr,
    fmt,
    fs::{self, Metadata},
    io::{Cursor, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use cupola_client::CodePackage;
use ignore::{DirEntry, WalkBuilder};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use crate::failure::Failure;

/// Names what is left out, in the way of .gitignore.
const IGNORE_FILE: &str = ".agentignore";

/// Never part of a program: what tools leave behind, and what holds secrets.
const LEFT_OUT: [&str; 6] = [IGNORE_FILE, ".git", ".venv", ".env", "__pycache__", ".DS_Store"];

/// A package, and what is to be said of it.
pub struct Packed {
    /// The package.
    pub package: CodePackage,
    folder: String,
    files: usize,
    bytes: usize,
}

/// Packs a directory. The file that describes the agent is not part of its program.
pub fn pack(folder: &Path, description: &Path) -> Result<Packed, Failure> {
    if !folder.is_dir() {
        return Err(Failure::plain(format!("{} (`code`) is not a directory.", folder.display())));
    }
    let description = description.canonicalize()?;
    let walk = WalkBuilder::new(folder)
        .standard_filters(false)
        .add_custom_ignore_filename(IGNORE_FILE)
        .sort_by_file_name(OsStr::cmp)
        .filter_entry(|entry| entry.depth() == 0 || !LEFT_OUT.iter().any(|name| entry.file_name() == *name))
        .build();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut files = 0;
    for entry in walk {
        let entry = entry.map_err(|error| Failure::plain(error.to_string()))?;
        if is_part(&entry, &description)? {
            add(&mut zip, folder, entry.path()).map_err(|error| {
                Failure::plain(format!("{} can't be packed: {error}", entry.path().display()))
            })?;
            files += 1;
        }
    }
    if files == 0 {
        return Err(Failure::plain(format!("There are no files in {} to be packed.", folder.display())));
    }
    let zip = zip.finish().map_err(|error| Failure::plain(format!("The code can't be packed: {error}")))?;
    let bytes = zip.into_inner();
    Ok(Packed {
        folder: folder.display().to_string(),
        files,
        bytes: bytes.len(),
        package: CodePackage::zip(bytes),
    })
}

fn is_part(entry: &DirEntry, description: &Path) -> Result<bool, Failure> {
    match entry.file_type() {
        Some(kind) if kind.is_file() => Ok(entry.path().canonicalize()? != *description),
        Some(kind) if kind.is_dir() => Ok(false),
        _ => Err(Failure::plain(format!(
            "{} is a link or something else that is no file. A package holds files alone: put it into \
             {IGNORE_FILE}, or a file in its place.",
            entry.path().display()
        ))),
    }
}

fn add(zip: &mut ZipWriter<Cursor<Vec<u8>>>, folder: &Path, file: &Path) -> anyhow::Result<()> {
    let name = file.strip_prefix(folder)?.to_str();
    let name = name.ok_or_else(|| anyhow::anyhow!("its name is no Unicode text"))?;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        // When a file was written says nothing about what it is.
        .last_modified_time(DateTime::default())
        .unix_permissions(mode(&fs::metadata(file)?));
    zip.start_file(name, options)?;
    zip.write_all(&fs::read(file)?)?;
    Ok(())
}

/// Whether it is a program is all that matters.
fn mode(metadata: &Metadata) -> u32 {
    if metadata.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 }
}

impl fmt::Display for Packed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kib = self.bytes as f64 / 1024.0;
        let files = if self.files == 1 { "file" } else { "files" };
        let digest = &self.package.sha256()[..12];
        write!(formatter, "Code {}: {} {files}, {kib:.1} KiB, SHA-256 {digest}…", self.folder, self.files)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::symlink;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("agent.yaml", "name: a"), ("main.py", "print(1)")].iter().chain(files) {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn packed(folder: &tempfile::TempDir) -> Result<Packed, Failure> {
        pack(folder.path(), &folder.path().join("agent.yaml"))
    }

    #[test]
    fn the_same_files_give_the_same_digest_wherever_and_whenever_they_lie() {
        let first = folder(&[("lib/a.py", "a"), ("b.txt", "b")]);
        let second = folder(&[("b.txt", "b"), ("lib/a.py", "a"), (".env", "KEY=x"), ("__pycache__/c", "c")]);
        let old = fs::File::open(second.path().join("b.txt")).unwrap();
        old.set_modified(std::time::UNIX_EPOCH).unwrap();
        let (first, second) = (packed(&first).unwrap(), packed(&second).unwrap());
        assert_eq!(first.files, 3);
        assert_eq!(first.package.sha256(), second.package.sha256());
        let third = packed(&folder(&[("lib/a.py", "a"), ("b.txt", "c")])).unwrap();
        assert_ne!(first.package.sha256(), third.package.sha256());
    }

    #[test]
    fn what_is_ignored_is_left_out() {
        let with = folder(&[
            (".agentignore", "*.log\n/notes\n!keep.log\n"),
            ("a.log", ""),
            ("notes/n", ""),
            ("keep.log", ""),
            ("lib/notes/n", ""),
        ]);
        let without = folder(&[("keep.log", ""), ("lib/notes/n", "")]);
        assert_eq!(packed(&with).unwrap().package.sha256(), packed(&without).unwrap().package.sha256());
    }

    #[test]
    fn a_program_stays_one() {
        let folder = folder(&[("run.sh", "")]);
        let before = packed(&folder).unwrap();
        fs::set_permissions(folder.path().join("run.sh"), fs::Permissions::from_mode(0o700)).unwrap();
        assert_ne!(before.package.sha256(), packed(&folder).unwrap().package.sha256());
    }

    #[test]
    fn a_link_is_refused_by_its_name_unless_it_is_ignored() {
        let folder = folder(&[]);
        symlink("/etc/passwd", folder.path().join("leak")).unwrap();
        let failure = packed(&folder).err().unwrap();
        assert!(failure.message().contains("leak is a link"), "{}", failure.message());
        fs::write(folder.path().join(IGNORE_FILE), "leak").unwrap();
        packed(&folder).unwrap();
    }
}
