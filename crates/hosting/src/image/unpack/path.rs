//! Paths in archives, taken apart. One that would climb out is refused.

use super::super::manifest::invalid;
use crate::Failure;

/// What a path may have, in bytes, and what a part of it may.
const LONGEST_PATH: usize = 4095;
const LONGEST_PART: usize = 255;

/// The names that a path goes through, from the root. None of them is empty, `.` or `..`, or has a slash or a
/// zero in it.
pub(super) fn parts(path: &[u8]) -> Result<Vec<&[u8]>, Failure> {
    if path.len() > LONGEST_PATH {
        return Err(refused(path, "it is too long"));
    }
    let parts: Vec<&[u8]> = path.split(|b| *b == b'/').filter(|part| !matches!(*part, b"" | b".")).collect();
    for part in &parts {
        if *part == b".." {
            return Err(refused(path, "it climbs out of its folder"));
        }
        if part.contains(&0) {
            return Err(refused(path, "it has a zero in it"));
        }
        if part.len() > LONGEST_PART {
            return Err(refused(path, "a part of it is too long"));
        }
    }
    Ok(parts)
}

/// Says why a path is refused.
pub(super) fn refused(path: &[u8], why: &str) -> Failure {
    invalid(format!("One of its layers has the path '{}', and {why}.", shown(path)))
}

/// A path in words, cut.
pub(super) fn shown(path: &[u8]) -> String {
    path[..path.len().min(200)].escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_taken_apart() {
        assert_eq!(parts(b"/usr//lib/./x/").unwrap(), [b"usr".as_slice(), b"lib", b"x"]);
        assert!(parts(b"./").unwrap().is_empty());
        assert_eq!(parts(b"...").unwrap(), [b"..."]);
    }

    #[test]
    fn what_climbs_out_is_refused() {
        for path in [b"..".as_slice(), b"../x", b"a/../../x", b"/..", b"a/.."] {
            assert!(parts(path).unwrap_err().message.contains("climbs out"));
        }
        assert!(parts(b"a\0b").is_err());
        assert!(parts(&[b'a'; 256]).is_err());
        assert!(parts(&b"a/".repeat(2048)).is_err());
    }

    proptest! {
        #[test]
        fn no_part_leads_anywhere_but_down(path in prop::collection::vec(any::<u8>(), 0..64)) {
            for part in parts(&path).unwrap_or_default() {
                prop_assert!(!part.is_empty() && !matches!(part, b"." | b".."));
                prop_assert!(!part.contains(&b'/') && !part.contains(&0));
            }
        }
    }
}
