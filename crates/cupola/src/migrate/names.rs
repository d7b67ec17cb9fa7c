//! Names that named agents may have, made from the free texts that classic agents are called.

use std::collections::HashSet;

/// The longest name.
const LONGEST: usize = 63;
/// What an agent is called whose name has no letter and no digit that could stay.
const NAMELESS: &str = "agent";

/// The names that are taken.
#[derive(Debug, Default)]
pub struct Names(HashSet<String>);

impl Names {
    /// A name near to `wanted` that is valid and nobody has; it is taken from now on.
    pub fn take(&mut self, wanted: &str) -> String {
        let base = valid(wanted);
        let mut name = base.clone();
        let mut number = 2;
        while !self.0.insert(name.clone()) {
            let suffix = format!("-{number}");
            name = format!("{}{suffix}", shortened(&base, LONGEST - suffix.len()));
            number += 1;
        }
        name
    }
}

impl Extend<String> for Names {
    fn extend<T: IntoIterator<Item = String>>(&mut self, names: T) {
        self.0.extend(names);
    }
}

/// Letters and digits stay, and what stands between them becomes one hyphen.
fn valid(wanted: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric();
    let words: Vec<&str> =
        wanted.split(|character| !is_plain(character)).filter(|word| !word.is_empty()).collect();
    let name = shortened(&words.join("-"), LONGEST).to_owned();
    if name.is_empty() { NAMELESS.to_owned() } else { name }
}

/// The name cut to so many bytes, without a hyphen at its end. It is ASCII.
fn shortened(name: &str, longest: usize) -> &str {
    name[..name.len().min(longest)].trim_end_matches('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_name_stays_and_other_characters_become_hyphens() {
        let mut names = Names::default();
        assert_eq!(names.take("weather-agent"), "weather-agent");
        assert_eq!(names.take("  My agent (v2)! "), "My-agent-v2");
        assert_eq!(names.take("Wetter_für_Köln"), "Wetter-f-r-K-ln");
        assert_eq!(names.take("天気"), "agent");
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let mut names = Names::default();
        names.extend(["helper".to_owned()]);
        assert_eq!(names.take("helper"), "helper-2");
        assert_eq!(names.take("helper!"), "helper-3");
        assert_eq!(names.take("other"), "other");
    }

    #[test]
    fn long_names_are_cut_and_stay_unique_and_never_end_with_a_hyphen() {
        let mut names = Names::default();
        let long = format!("{} tail", "a".repeat(62));
        assert_eq!(names.take(&long), "a".repeat(62));
        let second = names.take(&long);
        assert_eq!(second, format!("{}-2", "a".repeat(61)));
        assert!(second.len() <= LONGEST);
    }
}
