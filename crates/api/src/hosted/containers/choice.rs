//! Which replica a request goes to. Pure.

/// The replica for a request: one that has nothing to do, else a new one while there may be more, else the one with
/// the least to do. `visits` says of each replica how busy it is, or that it does not run; `turn` spreads requests
/// over replicas that are alike.
pub fn choose(visits: &[Option<usize>], turn: usize) -> usize {
    let least = visits.iter().flatten().min().copied();
    let asleep = visits.iter().position(Option::is_none);
    match (least, asleep) {
        (Some(least), Some(asleep)) if least > 0 => asleep,
        (Some(least), _) => {
            let alike: Vec<usize> = (0..visits.len()).filter(|index| visits[*index] == Some(least)).collect();
            alike[turn % alike.len()]
        }
        (None, asleep) => asleep.unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn replicas_with_nothing_to_do_take_turns() {
        let visits = [Some(0), Some(2), Some(0), None];
        let chosen: Vec<usize> = (0..4).map(|turn| choose(&visits, turn)).collect();
        assert_eq!(chosen, [0, 2, 0, 2]);
    }

    #[test]
    fn a_new_one_is_started_once_all_are_busy() {
        assert_eq!(choose(&[Some(1), None, None], 0), 1);
        assert_eq!(choose(&[None], 7), 0);
    }

    #[test]
    fn the_least_busy_one_is_taken_where_there_may_be_no_more() {
        assert_eq!(choose(&[Some(3), Some(1), Some(2)], 5), 1);
    }
}
