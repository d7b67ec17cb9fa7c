//! "Did you mean …": the known word nearest to a mistyped one.

/// The nearest of `known`, if any is near enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let tolerance = (word.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= tolerance)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_forgiven() {
        assert_eq!(nearest("lisetn", ["listen", "log"]), Some("listen"));
        assert_eq!(nearest("lg", ["listen", "log"]), Some("log"));
    }

    #[test]
    fn something_else_entirely_has_no_neighbour() {
        assert_eq!(nearest("replicas", ["listen", "log"]), None);
    }
}
