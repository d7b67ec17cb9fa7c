//! The documents below some paths, and what is left out.

use std::{
    collections::{BTreeMap, HashSet},
    ffi::OsStr,
    path::{Path, PathBuf},
};

use cupola_retrieval::Kind;
use ignore::WalkBuilder;

use crate::{failure::Failure, sizes::many};

/// How many kinds of files a remark names.
const NAMED: usize = 6;

/// A document that is to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Where it lies.
    pub path: PathBuf,
    /// Where it lies in the folder that was named, if it was found in one.
    pub within: Option<String>,
    /// Its size.
    pub bytes: u64,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// What is to be added.
    pub documents: Vec<Document>,
    known: HashSet<PathBuf>,
    /// How many files of which kinds can't be read, by their endings.
    skipped: BTreeMap<String, u64>,
}

impl Found {
    /// Looks at all paths. A folder is gone through; a file that is named itself has to be one that can be read.
    pub fn below(paths: &[PathBuf], all: bool) -> Result<Self, Failure> {
        let mut found = Self::default();
        for path in paths {
            let metadata = path.metadata().map_err(|error| unreadable(path, &error.to_string()))?;
            match metadata.is_dir() {
                true => found.walk(path, all)?,
                false => {
                    Kind::of_name(&name(path)).map_err(|reason| unreadable(path, &reason.to_string()))?;
                    found.add(Document { path: path.clone(), within: None, bytes: metadata.len() });
                }
            }
        }
        Ok(found)
    }

    fn walk(&mut self, folder: &Path, all: bool) -> Result<(), Failure> {
        let walk = WalkBuilder::new(folder).standard_filters(!all).sort_by_file_name(OsStr::cmp).build();
        for entry in walk {
            let entry = entry.map_err(|error| Failure::plain(error.to_string()))?;
            if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                continue;
            }
            let path = entry.path();
            if Kind::of_name(&name(path)).is_err() {
                *self.skipped.entry(ending(path)).or_default() += 1;
                continue;
            }
            let bytes = entry.metadata().map_err(|error| unreadable(path, &error.to_string()))?.len();
            let within = path.strip_prefix(folder).ok().map(|path| path.to_string_lossy().into_owned());
            self.add(Document { path: path.to_owned(), within, bytes });
        }
        Ok(())
    }

    /// A file that is named twice is added once.
    fn add(&mut self, document: Document) {
        if self.known.insert(document.path.clone()) {
            self.documents.push(document);
        }
    }

    /// What was left out, in a sentence; nothing where that is nothing.
    pub fn left_out(&self) -> Option<String> {
        let all: u64 = self.skipped.values().sum();
        let mut kinds: Vec<_> = self.skipped.iter().collect();
        kinds.sort_by_key(|(ending, count)| (std::cmp::Reverse(**count), (*ending).clone()));
        let mut named: Vec<String> =
            kinds.iter().take(NAMED).map(|(ending, count)| format!("{ending} ({count})")).collect();
        if kinds.len() > NAMED {
            named.push("…".to_owned());
        }
        let files = many(all, "file");
        (all > 0).then(|| format!("{files} left out, of kinds that are not read: {}", named.join(", ")))
    }

    /// How many files were left out.
    pub fn skipped(&self) -> u64 {
        self.skipped.values().sum()
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn ending(path: &Path) -> String {
    path.extension().map_or_else(
        || "without an ending".to_owned(),
        |ending| format!(".{}", ending.to_string_lossy().to_lowercase()),
    )
}

fn unreadable(path: &Path, reason: &str) -> Failure {
    Failure::plain(format!("{}: {reason}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        folder
    }

    fn found(folder: &tempfile::TempDir, all: bool) -> Found {
        Found::below(&[folder.path().to_owned()], all).unwrap()
    }

    fn within(found: &Found) -> Vec<&str> {
        found.documents.iter().map(|document| document.within.as_deref().unwrap()).collect()
    }

    #[test]
    fn a_folder_is_gone_through_and_what_is_not_read_is_counted() {
        let folder = folder(&["b.md", "a/x.PDF", "a/photo.png", "c.PNG", "Makefile", ".hidden.md"]);
        let found = found(&folder, false);
        assert_eq!(within(&found), ["a/x.PDF", "b.md"]);
        assert_eq!(found.documents[0].bytes, 4);
        assert_eq!(
            found.left_out().unwrap(),
            "3 files left out, of kinds that are not read: .png (2), without an ending (1)"
        );
    }

    #[test]
    fn what_an_ignore_file_names_is_left_alone_unless_all_is_asked_for() {
        let folder = folder(&["keep.md", "drafts/a.md", ".hidden.md"]);
        fs::write(folder.path().join(".ignore"), "drafts\n").unwrap();
        assert_eq!(within(&found(&folder, false)), ["keep.md"]);
        assert_eq!(within(&found(&folder, true)), [".hidden.md", "drafts/a.md", "keep.md"]);
    }

    #[test]
    fn a_file_that_is_named_has_to_be_one_that_can_be_read() {
        let folder = folder(&["table.csv", "a.md"]);
        let of = |name: &str| Found::below(&[folder.path().join(name)], false);
        let failure = of("table.csv").unwrap_err();
        assert!(failure.message().contains("table.csv: Files with extensions [.csv] are not supported"));
        assert!(of("missing.md").unwrap_err().message().contains("missing.md: No such file"));
        let found = Found::below(&[folder.path().join("a.md"), folder.path().join("a.md")], false).unwrap();
        assert_eq!((found.documents.len(), found.left_out()), (1, None));
    }
}
