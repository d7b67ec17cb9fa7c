//! Where a copy came from, written into its metadata: that is how a second migration finds the first one.

use cupola_client::types::Metadata;

use super::report::Losses;

/// The pair that names the source.
pub const SOURCE: &str = "migrated_from";
/// The pair that a copy has while its items are being added.
pub const UNFINISHED: &str = "migration";
/// The value of [`UNFINISHED`].
pub const COPYING: &str = "copying";
/// How many pairs an object may have.
const MOST: usize = 16;

/// The source's metadata with these pairs of our own; what does not fit beside them is lost.
pub fn with_pairs(metadata: &Metadata, own: &[(&str, &str)], losses: &mut Losses) -> Metadata {
    let mut pairs: Metadata = own.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    for (name, value) in metadata {
        if pairs.contains_key(name) {
            losses.note(format!("metadata.{name}"), "the migration uses this pair itself");
        } else if pairs.len() == MOST {
            losses.note(format!("metadata.{name}"), format!("there is room for {MOST} pairs"));
        } else {
            pairs.insert(name.clone(), value.clone());
        }
    }
    pairs
}

/// The id of the object that this is a copy of.
pub fn source(metadata: &Metadata) -> Option<&str> {
    metadata.get(SOURCE).map(String::as_str)
}

/// Whether the migration that made this copy did not come to its end.
pub fn is_unfinished(metadata: &Metadata) -> bool {
    metadata.get(UNFINISHED).is_some_and(|state| state == COPYING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_its_pairs_and_says_where_it_came_from() {
        let mut losses = Losses::default();
        let metadata = [("team".to_owned(), "weather".to_owned())].into_iter().collect();
        let pairs = with_pairs(&metadata, &[(SOURCE, "asst_1")], &mut losses);
        assert_eq!(source(&pairs), Some("asst_1"));
        assert_eq!(pairs.get("team").map(String::as_str), Some("weather"));
        assert!(losses.is_empty());
    }

    #[test]
    fn the_pair_that_has_no_room_is_named() {
        let mut losses = Losses::default();
        let metadata = (0..16).map(|index| (format!("key{index}"), "x".to_owned())).collect();
        let pairs = with_pairs(&metadata, &[(SOURCE, "asst_1")], &mut losses);
        assert_eq!(pairs.len(), MOST);
        let lost: Vec<_> = losses.iter().map(|loss| loss.what.as_str()).collect();
        assert_eq!(lost, ["metadata.key15"]);
    }

    #[test]
    fn a_copy_is_unfinished_only_while_its_pair_says_so() {
        let pairs = |state: &str| [(UNFINISHED.to_owned(), state.to_owned())].into_iter().collect();
        assert!(is_unfinished(&pairs(COPYING)));
        assert!(!is_unfinished(&pairs("of my own")) && !is_unfinished(&Metadata::new()));
    }
}
