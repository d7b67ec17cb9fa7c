//! Lines: turns that must run one after another, for example those of one conversation.
//!
//! Who comes first goes first. A line is forgotten as soon as nobody stands in it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// Those who wait behind the one whose turn it is.
type Waiting = VecDeque<oneshot::Sender<()>>;

/// All lines that somebody stands in.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    lines: Arc<Mutex<HashMap<String, Waiting>>>,
}

/// A place in a line; the next one goes when this is dropped.
#[derive(Debug)]
pub struct Place {
    lines: Lines,
    name: String,
    /// Resolves when it is our turn; `None` once it is.
    called: Option<oneshot::Receiver<()>>,
}

impl Lines {
    /// Takes a place in a line. The order of these calls is the order in which turns go.
    pub fn stand(&self, name: String) -> Place {
        let mut lines = self.lock();
        let called = match lines.get_mut(&name) {
            None => {
                lines.insert(name.clone(), Waiting::new());
                None
            }
            Some(waiting) => {
                let (call, called) = oneshot::channel();
                waiting.push_back(call);
                Some(called)
            }
        };
        drop(lines);
        Place { lines: self.clone(), name, called }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until everybody in front has gone.
    pub async fn reached(&mut self) {
        if let Some(called) = &mut self.called {
            // The sender is dropped only with the line, and a line ends only when nobody stands in it.
            let _ = called.await;
            self.called = None;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.lines.lock();
        // Somebody who leaves before it is their turn is passed over when they are called.
        if self.called.as_mut().is_some_and(|called| called.try_recv().is_err()) {
            return;
        }
        let Some(waiting) = lines.get_mut(&self.name) else { return };
        while let Some(next) = waiting.pop_front() {
            if next.send(()).is_ok() {
                return;
            }
        }
        lines.remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_reached_in_order_and_an_empty_line_is_forgotten() {
        let lines = Lines::default();
        let mut first = lines.stand("a".to_owned());
        let mut second = lines.stand("a".to_owned());
        let third = lines.stand("a".to_owned());
        first.reached().await;
        assert!(second.called.as_mut().expect("waits").try_recv().is_err());
        drop(third);
        drop(first);
        second.reached().await;
        drop(second);
        assert!(lines.lock().is_empty());
    }

    #[tokio::test]
    async fn a_place_that_is_given_up_after_it_was_called_is_passed_on() {
        let lines = Lines::default();
        let first = lines.stand("a".to_owned());
        let second = lines.stand("a".to_owned());
        let mut third = lines.stand("a".to_owned());
        drop(first);
        drop(second);
        third.reached().await;
    }
}
