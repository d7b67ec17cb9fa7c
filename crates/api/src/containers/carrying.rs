//! Files on their way: uploaded ones into a container, a container's into its interpreter, and what code has written
//! back into the store.

use std::{collections::HashMap, fs::File as Bytes, io, sync::Arc};

use cupola_engine::ids;
use cupola_interpreter::{Entry, Folder};
use cupola_store::{ByteStream, Change, Key};
use cupola_wire::classic::File;
use tokio_util::io::ReaderStream;

use super::{
    Containers,
    alive::{Alive, Known},
    fault::ContainerFault,
    kinds,
    record::{BY_CODE, BY_USER, FileRecord},
};
use crate::{body::document, classic::FILE};

/// The longest name of a file, in bytes.
const LONGEST_NAME: usize = 200;

/// A file whose bytes are there and whose resource is not yet.
pub struct Copied(pub FileRecord);

impl Copied {
    /// What makes it a file of the container.
    pub fn insert(&self, project: &Arc<str>) -> Change {
        insert(project, &self.0)
    }

    /// Where its bytes are.
    pub fn into_blob(self) -> String {
        self.0.blob
    }
}

/// A new file of a container.
pub fn insert(project: &Arc<str>, file: &FileRecord) -> Change {
    Change::Insert {
        key: kinds::file(project, &file.id),
        parent: file.container_id.clone(),
        facet: String::new(),
        created_at: file.created_at,
        doc: document(file),
        aside: None,
    }
}

impl Containers {
    /// A record of a new file, whose bytes go to a place of their own.
    pub(super) fn new_file(&self, container: &str, path: &str, source: &str) -> FileRecord {
        FileRecord {
            id: ids::of_length("cfile_", 32),
            created_at: self.now(),
            bytes: 0,
            container_id: container.to_owned(),
            path: path.to_owned(),
            source: source.to_owned(),
            blob: ids::new("cblob_"),
            copy_of: None,
        }
    }

    /// Copies uploaded files for a container that has these files already. Those that it has are left out.
    pub(super) async fn copy_uploaded(
        &self,
        project: &Arc<str>,
        container: &str,
        uploaded: &[String],
        there: &[FileRecord],
    ) -> Result<Vec<Copied>, ContainerFault> {
        let mut copied: Vec<Copied> = Vec::new();
        let mut room = self.most_bytes().saturating_sub(there.iter().map(|file| file.bytes).sum());
        for id in uploaded {
            let is_copy = |file: &FileRecord| file.copy_of.as_ref() == Some(id);
            if there.iter().any(is_copy) || copied.iter().any(|copy| is_copy(&copy.0)) {
                continue;
            }
            let taken = |path: &str| {
                there.iter().chain(copied.iter().map(|copy| &copy.0)).any(|file| file.path == path)
            };
            match self.copy_one(project, container, id, room, taken).await {
                Ok(copy) => {
                    room = room.saturating_sub(copy.0.bytes);
                    copied.push(copy);
                }
                Err(fault) => {
                    self.forget_blobs(copied.into_iter().map(Copied::into_blob)).await;
                    return Err(fault);
                }
            }
        }
        Ok(copied)
    }

    async fn copy_one(
        &self,
        project: &Arc<str>,
        container: &str,
        id: &str,
        room: u64,
        is_taken: impl Fn(&str) -> bool,
    ) -> Result<Copied, ContainerFault> {
        let missing = || ContainerFault::NoFile(id.to_owned());
        let found = self.store().get(&Key::new(project, FILE, id)).await?.ok_or_else(missing)?;
        let about: File = super::record::read(&found)?;
        if about.bytes > room {
            return Err(self.full(container));
        }
        let bytes = self.blobs().get(id).await?.ok_or_else(missing)?;
        let path = free_name(&plain_name(&about.filename), is_taken);
        let mut file = self.new_file(container, &path, BY_USER);
        file.copy_of = Some(id.to_owned());
        file.bytes = self.blobs().put(&file.blob, bytes).await?;
        Ok(Copied(file))
    }

    /// A container holds as much as it may.
    pub(super) fn full(&self, container: &str) -> ContainerFault {
        ContainerFault::Full { container: container.to_owned(), most: self.most_bytes() }
    }

    /// Puts a file of the container into its interpreter.
    pub(super) async fn carry_in(&self, alive: &mut Alive, file: FileRecord) -> Result<(), ContainerFault> {
        let Some(bytes) = self.blobs().file(&file.blob).await? else { return Ok(()) };
        let (folder, path) = (Arc::clone(alive.interpreter.folder()), file.path.clone());
        let put = tokio::task::spawn_blocking(move || put(&folder, &path, bytes)).await;
        let entry = put.map_err(io::Error::other)?;
        match entry {
            Ok(Some(entry)) => {
                alive.known.insert(file.path.clone(), Known { file, entry });
                Ok(())
            }
            // The code has put something else in its place.
            Ok(None) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(self.full(&file.container_id)),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes over what code has written, changed and removed. What is new or changed is returned.
    pub(super) async fn carry_out(
        &self,
        project: &Arc<str>,
        container: &str,
        alive: &mut Alive,
    ) -> Result<Vec<FileRecord>, ContainerFault> {
        let folder = Arc::clone(alive.interpreter.folder());
        let entries = list(&folder).await?;
        let is_known =
            |entry: &&Entry| alive.known.get(&entry.path).is_some_and(|known| known.entry == **entry);
        let fresh: Vec<&Entry> = entries.iter().filter(|entry| !is_known(entry)).collect();
        let gone: Vec<String> =
            alive.known.keys().filter(|path| !entries.iter().any(|e| e.path == **path)).cloned().collect();
        if fresh.is_empty() && gone.is_empty() {
            return Ok(Vec::new());
        }
        let mut changes = Vec::new();
        let mut left = Vec::new();
        let mut written = Vec::new();
        for entry in fresh {
            let mut file = self.new_file(container, &entry.path, BY_CODE);
            let Some(bytes) = self.take(&folder, entry, &file.blob).await? else { continue };
            file.bytes = bytes;
            if let Some(known) = alive.known.get(&entry.path) {
                left.push(known.file.blob.clone());
                file.id.clone_from(&known.file.id);
                // It is found in the place of what it was.
                changes.push(Change::Delete { key: kinds::file(project, &file.id) });
            }
            changes.push(insert(project, &file));
            written.push((entry.clone(), file));
        }
        for path in &gone {
            if let Some(known) = alive.known.remove(path) {
                left.push(known.file.blob);
                changes.push(Change::Delete { key: kinds::file(project, &known.file.id) });
            }
        }
        if let Err(error) = self.store().commit(changes).await {
            self.forget_blobs(written.into_iter().map(|(_, file)| file.blob)).await;
            return Err(error.into());
        }
        self.forget_blobs(left).await;
        let files = written.into_iter().map(|(entry, file)| {
            alive.known.insert(entry.path.clone(), Known { file: file.clone(), entry });
            file
        });
        Ok(files.collect())
    }

    /// Keeps the bytes of a file that code has written; nothing where it is gone again.
    async fn take(
        &self,
        folder: &Arc<Folder>,
        entry: &Entry,
        blob: &str,
    ) -> Result<Option<u64>, ContainerFault> {
        let Ok(bytes) = folder.read(&entry.path) else { return Ok(None) };
        // It may be growing; no more than what it was is taken.
        let bytes = tokio::io::AsyncReadExt::take(tokio::fs::File::from_std(bytes), entry.bytes);
        let stream: ByteStream = Box::pin(ReaderStream::with_capacity(bytes, 64 * 1024));
        Ok(Some(self.blobs().put(blob, stream).await?))
    }
}

async fn list(folder: &Arc<Folder>) -> io::Result<Vec<Entry>> {
    let folder = Arc::clone(folder);
    tokio::task::spawn_blocking(move || folder.list()).await.map_err(io::Error::other)?
}

/// Writes a file into a folder; what has become of it there.
fn put(folder: &Folder, path: &str, mut bytes: Bytes) -> io::Result<Option<Entry>> {
    let mut file = folder.create(path)?;
    if let Err(error) = io::copy(&mut bytes, &mut file) {
        // Half a file would pass for a whole one.
        folder.remove(path)?;
        return Err(error);
    }
    drop(file);
    folder.entry(path)
}

/// The name of an uploaded file as it can stand in a folder.
pub fn plain_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let plain: String = name.chars().filter(|letter| !letter.is_control()).collect();
    let plain = plain.trim();
    let end = plain.floor_char_boundary(LONGEST_NAME);
    match &plain[..end] {
        "" | "." | ".." => "file".to_owned(),
        name => name.to_owned(),
    }
}

/// A name that is not taken yet: a number before its extension makes it one.
fn free_name(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let (stem, extension) = match name.rfind('.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    };
    let others = (2..).map(|number: u32| format!("{stem}-{number}{extension}"));
    let mut names = std::iter::once(name.to_owned()).chain(others);
    // There is always a further number.
    names.find(|name| !is_taken(name)).unwrap_or_default()
}

/// What is known of files, by the path, for whoever looks up what a model names.
pub fn by_path(known: &HashMap<String, Known>) -> Vec<FileRecord> {
    let mut files: Vec<_> = known.values().map(|known| known.file.clone()).collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_such_that_they_stand_in_a_folder() {
        for (name, plain) in [
            ("table.csv", "table.csv"),
            ("../../etc/passwd", "passwd"),
            ("C:\\my files\\a b.txt", "a b.txt"),
            ("..", "file"),
            ("a\n\0b", "ab"),
            ("folder/", "file"),
        ] {
            assert_eq!(plain_name(name), plain);
        }
        assert_eq!(plain_name(&"ä".repeat(300)).len(), LONGEST_NAME);
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let taken = |path: &str| ["a.csv", "a-2.csv", "b", ".c"].contains(&path);
        assert_eq!(free_name("d.csv", taken), "d.csv");
        assert_eq!(free_name("a.csv", taken), "a-3.csv");
        assert_eq!(free_name("b", taken), "b-2");
        assert_eq!(free_name(".c", taken), ".c-2");
    }
}
