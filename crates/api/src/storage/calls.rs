//! The calls that containers are answering: for each, who asked and which sandbox was given it.
//! A container names its call in every request that it makes, and knows no more than that name.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use cupola_engine::Millis;
use serde::{Deserialize, Serialize};

/// How many calls are remembered at most.
const CAPACITY: usize = 65_536;
/// For how long a call is remembered. Longer than any response takes, background ones among them.
const LIFETIME: Millis = 24 * 60 * 60 * 1000;

/// A call of a hosted agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The user for whom it is made.
    pub user: String,
    /// The agent that answers.
    pub agent: String,
    /// The version of the agent.
    pub version: String,
    /// The session whose sandbox answers.
    pub session: String,
}

/// The calls that were made not long ago, by their ids. When it is full, the oldest one is forgotten.
#[derive(Debug)]
pub struct CallBook {
    capacity: usize,
    lifetime: Millis,
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    calls: HashMap<String, Entry>,
    /// The ids in the order in which they came, which is the order in which they end.
    order: BTreeMap<u64, String>,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    call: Call,
    place: u64,
    until: Millis,
}

impl Default for CallBook {
    fn default() -> Self {
        Self::new(CAPACITY, LIFETIME)
    }
}

impl CallBook {
    /// A book for so many calls, each remembered for so long.
    pub fn new(capacity: usize, lifetime: Millis) -> Self {
        Self { capacity, lifetime, pages: Mutex::default() }
    }

    /// Remembers a call. The id is what the container is given in `x-agent-foundry-call-id`; where it speaks
    /// a protocol without call ids, the id of the response that it is to make.
    pub fn register(&self, id: impl Into<String>, call: Call, now: Millis) {
        let id = id.into();
        let mut pages = self.pages();
        pages.forget(&id);
        let place = pages.next;
        pages.next += 1;
        pages.order.insert(place, id.clone());
        pages.calls.insert(id, Entry { call, place, until: now.saturating_add(self.lifetime) });
        pages.shrink(self.capacity, now);
    }

    /// The call with this id, if it is remembered.
    pub fn find(&self, id: &str, now: Millis) -> Option<Call> {
        let pages = self.pages();
        pages.calls.get(id).filter(|entry| now < entry.until).map(|entry| entry.call.clone())
    }

    /// Forgets a call.
    pub fn forget(&self, id: &str) {
        self.pages().forget(id);
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // Nothing panics while the pages are half changed.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn forget(&mut self, id: &str) {
        if let Some(entry) = self.calls.remove(id) {
            self.order.remove(&entry.place);
        }
    }

    fn shrink(&mut self, capacity: usize, now: Millis) {
        while let Some((_, id)) = self.order.first_key_value() {
            let has_ended = self.calls.get(id).is_none_or(|entry| entry.until <= now);
            if !has_ended && self.calls.len() <= capacity {
                break;
            }
            if let Some((_, id)) = self.order.pop_first() {
                self.calls.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(user: &str) -> Call {
        Call { user: user.to_owned(), ..Call::default() }
    }

    #[test]
    fn a_call_is_found_until_it_is_forgotten() {
        let book = CallBook::default();
        book.register("one", call("ann"), 0);
        assert_eq!(book.find("one", 1), Some(call("ann")));
        book.forget("one");
        assert_eq!(book.find("one", 1), None);
    }

    #[test]
    fn a_call_is_not_found_after_its_time() {
        let book = CallBook::new(10, 100);
        book.register("one", call("ann"), 0);
        assert_eq!((book.find("one", 99), book.find("one", 100)), (Some(call("ann")), None));
    }

    #[test]
    fn a_full_book_forgets_the_oldest_call() {
        let book = CallBook::new(2, 100);
        for id in ["one", "two", "three"] {
            book.register(id, call(id), 0);
        }
        assert_eq!(book.find("one", 1), None);
        assert_eq!(book.find("two", 1), Some(call("two")));
        assert_eq!(book.pages().order.len(), 2);
    }

    #[test]
    fn calls_whose_time_is_over_make_room_for_others() {
        let book = CallBook::new(2, 100);
        book.register("old", call("ann"), 0);
        book.register("new", call("ann"), 150);
        assert_eq!(book.pages().calls.len(), 1);
    }

    #[test]
    fn a_call_that_is_registered_again_counts_once() {
        let book = CallBook::new(2, 100);
        for now in [0, 50] {
            book.register("one", call("ann"), now);
        }
        assert_eq!((book.find("one", 120), book.pages().order.len()), (Some(call("ann")), 1));
    }
}
