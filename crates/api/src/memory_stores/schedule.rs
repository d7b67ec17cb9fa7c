//! When updates are due. Those of one scope are made one after the other, so that none misses what the one before it
//! has remembered.

use std::{
    collections::{BTreeMap, HashSet},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cupola_engine::Millis;
use tokio::sync::Notify;

/// The longest sleep: the system's clock may be set forward meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// An update that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The project.
    pub project: Arc<str>,
    /// The store.
    pub store: String,
    /// Whose memories it is about.
    pub scope: String,
    /// The update.
    pub update: String,
}

/// A scope of a store of a project.
type Place = (Arc<str>, String, String);

impl Job {
    fn place(&self) -> Place {
        (Arc::clone(&self.project), self.store.clone(), self.scope.clone())
    }
}

/// What is due when.
#[derive(Debug, Default)]
pub struct Schedule {
    jobs: Mutex<Jobs>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Jobs {
    due: BTreeMap<(Millis, String), Job>,
    busy: HashSet<Place>,
}

impl Schedule {
    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an update.
    pub fn add(&self, due: Millis, job: Job) {
        self.jobs().due.insert((due, job.update.clone()), job);
        self.changed.notify_waiters();
    }

    /// Waits for an update that is due. Its scope is busy until it is done.
    pub async fn next(&self, now: impl Fn() -> Millis) -> Job {
        loop {
            let mut changed = pin!(self.changed.notified());
            // From here on a change is heard of.
            changed.as_mut().enable();
            let sleep = match self.jobs().take(now()) {
                Ok(job) => return job,
                Err(sleep) => sleep,
            };
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                () = changed => {}
            }
        }
    }

    /// The update is done; others of its scope may be made.
    pub fn done(&self, job: &Job) {
        self.jobs().busy.remove(&job.place());
        self.changed.notify_waiters();
    }
}

impl Jobs {
    /// The first update that is due, or how long there is none.
    fn take(&mut self, now: Millis) -> Result<Job, Duration> {
        let first = self.due.iter().find(|(_, job)| !self.busy.contains(&job.place()));
        let Some((key, _)) = first else { return Err(LONGEST_SLEEP) };
        if key.0 > now {
            let left = Duration::from_millis(u64::try_from(key.0 - now).unwrap_or(0));
            return Err(left.min(LONGEST_SLEEP));
        }
        let key = key.clone();
        let job = self.due.remove(&key).ok_or(Duration::ZERO)?;
        self.busy.insert(job.place());
        Ok(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(update: &str, scope: &str) -> Job {
        Job { project: "p".into(), store: "s".to_owned(), scope: scope.to_owned(), update: update.to_owned() }
    }

    #[tokio::test]
    async fn updates_come_when_they_are_due_and_one_after_the_other_within_a_scope() {
        let schedule = Schedule::default();
        schedule.add(20, job("later", "a"));
        schedule.add(10, job("first", "a"));
        schedule.add(15, job("other", "b"));
        let first = schedule.next(|| 30).await;
        assert_eq!(first.update, "first");
        assert_eq!(schedule.next(|| 30).await.update, "other");
        assert_eq!(schedule.jobs().take(30), Err(LONGEST_SLEEP));
        schedule.done(&first);
        assert_eq!(schedule.next(|| 30).await.update, "later");
    }

    #[tokio::test]
    async fn nobody_is_woken_before_an_update_is_due() {
        let schedule = Schedule::default();
        schedule.add(1_500, job("first", "a"));
        assert_eq!(schedule.jobs().take(1_000), Err(Duration::from_millis(500)));
    }
}
