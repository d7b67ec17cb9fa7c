//! Ids: a prefix that tells the kind, then 24 base62 digits.
//!
//! The first seven digits are the time of creation, so that ids made one after another lie next to each
//! other in the store's indexes; the other seventeen are random (101 bits), so that none can be guessed.

use std::time::{SystemTime, UNIX_EPOCH};

use rand::RngExt;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const TIME_DIGITS: usize = 7;

/// A new id: `prefix` and 24 base62 digits.
pub fn new(prefix: &str) -> String {
    of_length(prefix, 24)
}

/// A new id: `prefix` and `length` base62 digits.
pub fn of_length(prefix: &str, length: usize) -> String {
    let mut id = String::with_capacity(prefix.len() + length);
    id.push_str(prefix);
    let mut millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let mut time = [0; TIME_DIGITS];
    for digit in time.iter_mut().rev() {
        *digit = DIGITS[(millis % 62) as usize];
        millis /= 62;
    }
    id.extend(time.iter().map(|digit| char::from(*digit)));
    let mut random = rand::rng();
    id.extend((TIME_DIGITS..length).map(|_| char::from(DIGITS[random.random_range(0..DIGITS.len())])));
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_the_form_of_the_service() {
        let id = new("run_");
        let digits = id.strip_prefix("run_").expect("prefix");
        assert_eq!(digits.len(), 24);
        assert!(digits.chars().all(|c| c.is_ascii_alphanumeric()));
    }

    #[test]
    fn ids_made_later_sort_later() {
        let earlier = new("a");
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(earlier < new("a"));
    }
}
