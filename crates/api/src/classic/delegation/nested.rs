//! The run that answers an errand. Its ids are made of the errand, so that an errand that is asked again after a
//! crash is the same run.

use cupola_store::{Key, TurnKey};
use sha2::{Digest, Sha256};

use super::super::kinds::{RUN, THREAD};
use crate::tools::connected_agent::Errand;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Ids of the service begin with the time: what was made together stands together.
const TIME_DIGITS: usize = 7;
const OTHER_DIGITS: usize = 17;

/// The run of an errand, and its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nested {
    turn: TurnKey,
    thread: String,
}

impl Nested {
    /// The run that answers this errand.
    pub fn of(errand: &Errand) -> Self {
        let project = std::sync::Arc::clone(&errand.asked_by.project);
        let turn = TurnKey { project, id: derived("run_", errand) };
        Self { turn, thread: derived("thread_", errand) }
    }

    /// The run as the engine knows it.
    pub fn turn(&self) -> &TurnKey {
        &self.turn
    }

    /// The run's id.
    pub fn run(&self) -> &str {
        &self.turn.id
    }

    /// The thread's id.
    pub fn thread(&self) -> &str {
        &self.thread
    }

    /// The run's resource.
    pub fn run_key(&self) -> Key {
        Key::new(&self.turn.project, RUN, self.turn.id.as_str())
    }

    /// The thread's resource.
    pub fn thread_key(&self) -> Key {
        Key::new(&self.turn.project, THREAD, self.thread.as_str())
    }
}

/// An id in the form of the service, always the same for the same errand.
fn derived(prefix: &str, errand: &Errand) -> String {
    let asked_by = &errand.asked_by;
    let mut hash = Sha256::new();
    for part in [prefix, &asked_by.project, &asked_by.id, &errand.call_id] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let mut rest = hash.finalize().iter().take(16).fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte));
    let time = asked_by.id.split_once('_').map_or("", |(_, digits)| digits).get(..TIME_DIGITS);
    let mut id = format!("{prefix}{}", time.unwrap_or("0000000"));
    for _ in 0..OTHER_DIGITS {
        id.push(char::from(DIGITS[(rest % 62) as usize]));
        rest /= 62;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errand(turn: &str, call: &str) -> Errand {
        Errand {
            asked_by: TurnKey { project: "p".into(), id: turn.to_owned() },
            call_id: call.to_owned(),
            agent: "asst_1".to_owned(),
            query: "Why?".to_owned(),
        }
    }

    #[test]
    fn an_errand_is_always_the_same_run_and_another_one_is_another() {
        let first = Nested::of(&errand("run_0001abcdefghijklmnopqrst", "call_1"));
        assert_eq!(first, Nested::of(&errand("run_0001abcdefghijklmnopqrst", "call_1")));
        for (turn, call) in
            [("run_0001abcdefghijklmnopqrst", "call_2"), ("run_0001abcdefghijklmnopqrsu", "call_1")]
        {
            let other = Nested::of(&errand(turn, call));
            assert_ne!((first.run(), first.thread()), (other.run(), other.thread()));
        }
    }

    #[test]
    fn its_ids_have_the_form_of_the_service() {
        let nested = Nested::of(&errand("run_0001abcdefghijklmnopqrst", "call_1"));
        for (id, prefix) in [(nested.run(), "run_"), (nested.thread(), "thread_")] {
            let digits = id.strip_prefix(prefix).expect("prefix");
            assert!(digits.starts_with("0001abc"), "{id}");
            assert!(digits.len() == 24 && digits.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
        }
    }
}
