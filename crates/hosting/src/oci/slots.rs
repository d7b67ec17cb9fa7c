//! Ranges of user numbers, one for each sandbox that lives.
//!
//! The kernel counts some resources by user, such as watches on files. With users of their own, sandboxes
//! don't take them from each other, nor from anybody on this machine.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

/// Far from the numbers of people and services, and from those that container tools take by default.
pub(super) const FIRST: u32 = 0x7000_0000;

/// Each range is as large as the numbers that images know.
const RANGE: u32 = 0x1_0000;

/// How many there are. They end below 2³¹, beyond which some programs take numbers for negative.
const COUNT: u32 = 4095;

/// Which ranges are taken.
#[derive(Debug, Default)]
pub(super) struct Slots(Mutex<BTreeSet<u32>>);

/// A range. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    number: u32,
    slots: Arc<Slots>,
}

impl Slots {
    /// The lowest free range, if there is one.
    pub fn take(self: &Arc<Self>) -> Option<Slot> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = (0..COUNT).find(|number| !taken.contains(number))?;
        taken.insert(number);
        Some(Slot { number, slots: Arc::clone(self) })
    }
}

impl Slot {
    /// The first number of the range.
    pub fn first_id(&self) -> u32 {
        FIRST + self.number * RANGE
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ranges_do_not_overlap_and_come_again() {
        let slots = Arc::new(Slots::default());
        let (first, second) = (slots.take().unwrap(), slots.take().unwrap());
        assert_eq!(second.first_id() - first.first_id(), RANGE);
        let again = first.first_id();
        drop(first);
        assert_eq!(slots.take().unwrap().first_id(), again);
    }

    #[test]
    fn all_numbers_are_positive_for_everybody() {
        assert!(i32::try_from(FIRST + COUNT * RANGE - 1).is_ok());
    }
}
