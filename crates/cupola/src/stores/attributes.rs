//! What is said about files: pairs that searches can filter by.

use cupola_client::types::{AttributeValue, Attributes};

use crate::pairs::pair;

/// The attribute that says where a file lay when a folder was added.
pub const PATH: &str = "path";

/// The longest text that an attribute can have.
const LONGEST: usize = 512;

/// `NAME=VALUE`, where a value may be a number, or `true` or `false`.
pub fn attribute(text: &str) -> Result<(String, AttributeValue), String> {
    pair(text).map(|(name, value)| (name, valued(&value)))
}

fn valued(text: &str) -> AttributeValue {
    match (text, text.parse::<i64>()) {
        ("true", _) => true.into(),
        ("false", _) => false.into(),
        // `007` is a name, not a number.
        (_, Ok(number)) if number.to_string() == text => number.into(),
        _ => text.into(),
    }
}

/// Where a file lay, if that can be said of it.
pub fn path_of(attributes: &Attributes) -> Option<&str> {
    match attributes.get(PATH) {
        Some(AttributeValue::Text(path)) => Some(path),
        _ => None,
    }
}

/// The attributes of a file that lay there.
pub fn with_path(mut attributes: Attributes, path: Option<&str>) -> Attributes {
    if let Some(path) = path.filter(|path| path.chars().count() <= LONGEST) {
        attributes.entry(PATH.to_owned()).or_insert_with(|| path.into());
    }
    attributes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn numbers_and_flags_are_told_from_texts() {
        for (text, value) in [
            ("year=2024", 2024.into()),
            ("code=007", "007".into()),
            ("draft=true", true.into()),
            ("team=sales and more", "sales and more".into()),
            ("empty=", "".into()),
        ] {
            assert_eq!(attribute(text).unwrap().1, value, "{text}");
        }
        assert!(attribute("team").is_err());
    }

    #[test]
    fn a_path_that_somebody_has_given_stays() {
        let given = Attributes::from([("path".to_owned(), "mine".into())]);
        assert_eq!(path_of(&with_path(given, Some("a/b.md"))), Some("mine"));
        assert_eq!(path_of(&with_path(Attributes::new(), Some("a/b.md"))), Some("a/b.md"));
        assert_eq!(path_of(&with_path(Attributes::new(), Some(&"x".repeat(513)))), None);
    }
}
