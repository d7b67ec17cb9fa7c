//! What code writes, within limits: the beginning and the end of it are kept, and what lies between is counted.

use std::collections::VecDeque;

/// Collects what code writes.
#[derive(Debug)]
pub struct Console {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    /// How many bytes each of them holds.
    half: usize,
    /// How many bytes there were.
    all: u64,
}

impl Console {
    /// Keeps at most so many bytes.
    pub fn new(limit: usize) -> Self {
        Self { head: Vec::new(), tail: VecDeque::new(), half: limit / 2, all: 0 }
    }

    /// More was written.
    pub fn add(&mut self, bytes: &[u8]) {
        self.all += bytes.len() as u64;
        let room = self.half - self.head.len();
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        let rest = &rest[rest.len().saturating_sub(self.half)..];
        let surplus = (self.tail.len() + rest.len()).saturating_sub(self.half);
        self.tail.drain(..surplus);
        self.tail.extend(rest);
    }

    /// What was written, as text; where something is left out, it says so.
    pub fn into_text(self) -> String {
        let left_out = self.all - (self.head.len() + self.tail.len()) as u64;
        let tail: Vec<u8> = self.tail.into();
        if left_out == 0 {
            let all = [self.head, tail].concat();
            return String::from_utf8_lossy(&all).into_owned();
        }
        let (head, tail) = (String::from_utf8_lossy(&self.head), String::from_utf8_lossy(&tail));
        format!("{head}\n[… {left_out} of {} bytes are left out here …]\n{tail}", self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(limit: usize, pieces: &[&str]) -> String {
        let mut console = Console::new(limit);
        pieces.iter().for_each(|piece| console.add(piece.as_bytes()));
        console.into_text()
    }

    #[test]
    fn what_fits_is_kept_as_it_is() {
        assert_eq!(text(10, &[]), "");
        assert_eq!(text(10, &["ab", "cdefg", "hij"]), "abcdefghij");
        assert_eq!(text(8, &["Grüße", "!"]), "Grüße!");
    }

    #[test]
    fn of_what_does_not_fit_the_beginning_and_the_end_are_kept() {
        let expected = "abc\n[… 20 of 26 bytes are left out here …]\nxyz";
        assert_eq!(text(6, &["abcdefghijklmnopqrstuvwxyz"]), expected);
        let letters: Vec<String> = ('a'..='z').map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        assert_eq!(text(6, &letters), expected);
    }
}
