//! What may expire, and when: whoever ends it sleeps until the first of it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

/// The longest sleep: the system's clock may be set forward meanwhile.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// When something may expire: the time, the project, the id. It may have been used since: then its time is later.
type Due = (i64, Arc<str>, String);

/// What may expire, the first of it first.
#[derive(Debug, Default)]
pub struct Expiring {
    due: Mutex<BTreeSet<Due>>,
    earlier: Notify,
}

impl Expiring {
    fn due(&self) -> MutexGuard<'_, BTreeSet<Due>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers when something may expire.
    pub fn add(&self, end: i64, project: &Arc<str>, id: &str) {
        let due = (end, Arc::clone(project), id.to_owned());
        let mut all = self.due();
        let is_first = all.first().is_none_or(|first| due < *first);
        all.insert(due);
        drop(all);
        if is_first {
            self.earlier.notify_one();
        }
    }

    /// The first whose time may be over.
    pub fn take(&self, now: i64) -> Option<Due> {
        let mut all = self.due();
        let is_due = all.first().is_some_and(|(end, ..)| *end <= now);
        if is_due { all.pop_first() } else { None }
    }

    /// Sleeps until the first may expire, or until there is one that may expire earlier.
    pub async fn next(&self, now: i64) {
        tokio::select! {
            () = tokio::time::sleep(self.sleep(now)) => {}
            () = self.earlier.notified() => {}
        }
    }

    fn sleep(&self, now: i64) -> Duration {
        let first = self.due().first().map(|(end, ..)| *end);
        let seconds = first.map(|end| u64::try_from(end - now).unwrap_or(0));
        seconds.map_or(LONGEST, |seconds| Duration::from_secs(seconds).min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_taken_first_and_only_when_its_time_is_over() {
        let (expiring, project) = (Expiring::default(), Arc::from("demo"));
        expiring.add(20, &project, "later");
        expiring.add(10, &project, "sooner");
        assert_eq!(expiring.take(9), None);
        assert_eq!(expiring.take(15).map(|(.., id)| id).as_deref(), Some("sooner"));
        assert_eq!(expiring.take(15), None);
        assert_eq!(expiring.sleep(15), Duration::from_secs(5));
        assert_eq!(expiring.sleep(30), Duration::ZERO);
    }
}
