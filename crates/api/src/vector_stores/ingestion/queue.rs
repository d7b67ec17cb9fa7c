//! Files that wait to be read. Stores take turns, so that a large one does not hold up the small ones.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// The most files of one turn, and the most bytes: what is in one commit of an index.
const MOST_FILES: usize = 64;
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// A store of a project.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The project.
    pub project: Arc<str>,
    /// The store.
    pub store: Arc<str>,
}

/// A file that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Which.
    pub file: String,
    /// How large it is.
    pub bytes: u64,
}

/// Files that are read together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Where they are.
    pub place: Place,
    /// Which.
    pub files: Vec<String>,
}

/// The files that wait, by store.
#[derive(Debug, Default)]
pub struct Queue {
    lines: HashMap<Place, VecDeque<Job>>,
    /// Stores that have files, in the order of their turns.
    turns: VecDeque<Place>,
}

impl Queue {
    /// Adds a file to the line of its store.
    pub fn push(&mut self, place: &Place, job: Job) {
        let line = self.lines.entry(place.clone()).or_insert_with(|| {
            self.turns.push_back(place.clone());
            VecDeque::new()
        });
        line.push_back(job);
    }

    /// The first files of the store whose turn it is. A file that is large comes alone.
    pub fn take(&mut self) -> Option<Group> {
        let place = self.turns.pop_front()?;
        let line = self.lines.get_mut(&place)?;
        let (mut files, mut bytes) = (Vec::new(), 0_u64);
        while let Some(job) = line.front() {
            bytes = bytes.saturating_add(job.bytes);
            if !files.is_empty() && (files.len() == MOST_FILES || bytes > MOST_BYTES) {
                break;
            }
            // One that was asked for twice is read once: what becomes of it can only be said once.
            files.extend(line.pop_front().map(|job| job.file).filter(|file| !files.contains(file)));
        }
        if line.is_empty() {
            self.lines.remove(&place);
        } else {
            self.turns.push_back(place.clone());
        }
        Some(Group { place, files })
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(store: &str) -> Place {
        Place { project: Arc::from("p"), store: Arc::from(store) }
    }

    fn push(queue: &mut Queue, store: &str, file: &str, bytes: u64) {
        queue.push(&place(store), Job { file: file.to_owned(), bytes });
    }

    /// The stores and how many files each turn has.
    fn turns(mut queue: Queue) -> Vec<(String, usize)> {
        std::iter::from_fn(|| queue.take())
            .map(|group| (group.place.store.to_string(), group.files.len()))
            .collect()
    }

    fn said(turns: &[(&str, usize)]) -> Vec<(String, usize)> {
        turns.iter().map(|(store, files)| ((*store).to_owned(), *files)).collect()
    }

    #[test]
    fn stores_take_turns() {
        let mut queue = Queue::default();
        (0..150).for_each(|number| push(&mut queue, "large", &number.to_string(), 10));
        push(&mut queue, "small", "a", 10);
        push(&mut queue, "small", "b", 10);
        assert_eq!(turns(queue), said(&[("large", 64), ("small", 2), ("large", 64), ("large", 22)]));
    }

    #[test]
    fn a_file_that_was_asked_for_twice_comes_once() {
        let mut queue = Queue::default();
        for file in ["a", "b", "a", "a"] {
            push(&mut queue, "s", file, 10);
        }
        assert_eq!(queue.take().unwrap().files, ["a", "b"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_large_file_comes_alone() {
        let mut queue = Queue::default();
        for (file, bytes) in [("a", 10), ("b", MOST_BYTES), ("c", MOST_BYTES + 1), ("d", 10), ("e", u64::MAX)]
        {
            push(&mut queue, "s", file, bytes);
        }
        assert_eq!(turns(queue), said(&[("s", 1), ("s", 1), ("s", 1), ("s", 1), ("s", 1)]));
    }

    #[test]
    fn files_of_one_store_keep_their_order() {
        let mut queue = Queue::default();
        ["a", "b", "c"].iter().for_each(|file| push(&mut queue, "s", file, 1));
        assert!(!queue.is_empty());
        assert_eq!(queue.take().map(|group| group.files), Some(["a", "b", "c"].map(str::to_owned).to_vec()));
        assert!(queue.is_empty() && queue.take().is_none());
    }
}
