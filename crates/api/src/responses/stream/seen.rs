//! What listeners have seen of an answer that a crash interrupted. The answer is asked for again, and as
//! long as it says the same, it is not told again.

use std::{collections::VecDeque, mem};

use super::voice::Voice;

/// What an answer consists of, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strand {
    /// Words.
    Words(Voice),
    /// A call of this function.
    Call(String),
    /// A call of the service's own, by the type of its item.
    Served(String),
    /// A citation of the source with this key.
    Citation(String),
}

/// What is left of what was seen, in its order.
#[derive(Debug, Default)]
pub struct Seen {
    strands: VecDeque<(Strand, String)>,
    /// How much of the first of them came again.
    again: usize,
    /// Whether the answer is in the first of them.
    is_in: bool,
    /// Whether the last of them goes on behind what was seen.
    is_open: bool,
}

/// What a piece of an answer is to listeners.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing new.
    Again,
    /// Behind what they have seen.
    New(String),
    /// Another answer than before. This is all of its newest strand.
    Other(String),
}

impl Seen {
    /// More of what listeners have seen.
    pub fn add(&mut self, strand: Strand, text: &str) {
        match self.strands.back_mut() {
            Some((last, said)) if self.is_open && *last == strand => said.push_str(text),
            _ => self.strands.push_back((strand, text.to_owned())),
        }
        self.is_open = true;
    }

    /// What was added last is whole.
    pub fn end(&mut self) {
        self.is_open = false;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// A call begins, or a file is cited.
    pub fn begins(&mut self, strand: &Strand) -> Heard {
        if self.is_in && !self.leaves() {
            return Heard::Other(String::new());
        }
        self.enters(strand)
    }

    /// Forgets the strands of an answer that is not asked for again: so many of those that came first.
    /// `lengths` says how much of each voice there was; of anything else each strand counts once.
    pub fn forget(&mut self, mut lengths: Vec<(Strand, usize)>) {
        while let Some((strand, said)) = self.strands.front() {
            let size = if matches!(strand, Strand::Words(_)) { said.len() } else { 1 };
            let left = lengths.iter_mut().find(|(other, left)| other == strand && *left >= size);
            let Some((_, left)) = left else { return };
            *left -= size;
            self.strands.pop_front();
        }
    }

    /// More of a strand.
    pub fn hears(&mut self, strand: &Strand, text: &str) -> Heard {
        let is_another = self.strands.front().is_some_and(|(first, _)| first != strand);
        if self.is_in && is_another && !self.leaves() {
            return Heard::Other(text.to_owned());
        }
        match self.enters(strand) {
            Heard::Again => self.compares(text),
            Heard::New(_) => Heard::New(text.to_owned()),
            Heard::Other(_) => Heard::Other(text.to_owned()),
        }
    }

    /// The answer goes on behind the first strand; false where it should not.
    fn leaves(&mut self) -> bool {
        let is_whole = self.strands.front().is_some_and(|(_, said)| said.len() == self.again);
        if is_whole {
            self.strands.pop_front();
            (self.again, self.is_in) = (0, false);
        } else {
            self.clear();
        }
        is_whole
    }

    fn enters(&mut self, strand: &Strand) -> Heard {
        match self.strands.front() {
            None => Heard::New(String::new()),
            Some((first, _)) if first == strand => {
                self.is_in = true;
                Heard::Again
            }
            Some(_) => {
                self.clear();
                Heard::Other(String::new())
            }
        }
    }

    fn compares(&mut self, text: &str) -> Heard {
        let Some((_, said)) = self.strands.front_mut() else { return Heard::New(text.to_owned()) };
        let left = &said[self.again..];
        if left.starts_with(text) {
            self.again += text.len();
            return Heard::Again;
        }
        let more = text.strip_prefix(left).map(str::to_owned);
        let mut all = mem::take(said);
        all.truncate(self.again);
        all.push_str(text);
        let goes_on = self.strands.len() == 1 && self.is_open;
        self.clear();
        match more {
            Some(more) if goes_on => Heard::New(more),
            _ => Heard::Other(all),
        }
    }

    /// The answer is over; whether it has said everything that listeners have seen.
    pub fn is_whole(&self) -> bool {
        match self.strands.front() {
            None => true,
            Some((_, said)) => self.strands.len() == 1 && self.is_in && said.len() == self.again,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: Strand = Strand::Words(Voice::Text);
    const THOUGHT: Strand = Strand::Words(Voice::Thought);

    fn call(name: &str) -> Strand {
        Strand::Call(name.to_owned())
    }

    fn seen(strands: &[(Strand, &str)]) -> Seen {
        let mut seen = Seen::default();
        for (strand, text) in strands {
            seen.end();
            seen.add(strand.clone(), text);
        }
        seen
    }

    #[test]
    fn an_answer_that_says_the_same_goes_on_where_the_other_stopped() {
        let mut seen = seen(&[(THOUGHT, "Hm, hm."), (TEXT, "It is")]);
        assert_eq!(seen.hears(&THOUGHT, "Hm,"), Heard::Again);
        assert_eq!(seen.hears(&THOUGHT, " hm."), Heard::Again);
        assert_eq!(seen.hears(&TEXT, "It"), Heard::Again);
        assert_eq!(seen.hears(&TEXT, " is 42"), Heard::New(" 42".to_owned()));
        assert_eq!(seen.hears(&TEXT, "."), Heard::New(".".to_owned()));
        assert!(seen.is_whole());
    }

    #[test]
    fn another_answer_is_told_from_the_start_of_the_strand_in_which_it_differs() {
        let mut differs = seen(&[(THOUGHT, "Hm."), (TEXT, "It is")]);
        assert_eq!(differs.hears(&THOUGHT, "Hm."), Heard::Again);
        assert_eq!(differs.hears(&TEXT, "It "), Heard::Again);
        assert_eq!(differs.hears(&TEXT, "was"), Heard::Other("It was".to_owned()));
        let mut thinks_on = seen(&[(THOUGHT, "Hm."), (TEXT, "It is")]);
        assert_eq!(thinks_on.hears(&THOUGHT, "Hm. Well"), Heard::Other("Hm. Well".to_owned()));
        let mut speaks_at_once = seen(&[(THOUGHT, "Hm."), (TEXT, "It is")]);
        assert_eq!(speaks_at_once.hears(&TEXT, "It"), Heard::Other("It".to_owned()));
    }

    #[test]
    fn an_answer_that_stops_early_is_not_whole() {
        let mut seen = seen(&[(TEXT, "It is")]);
        assert_eq!(seen.hears(&TEXT, "It"), Heard::Again);
        assert!(!seen.is_whole());
        assert_eq!(seen.hears(&TEXT, " is"), Heard::Again);
        assert!(seen.is_whole());
    }

    #[test]
    fn what_was_done_is_not_continued() {
        let mut seen = seen(&[(TEXT, "It is")]);
        seen.end();
        assert_eq!(seen.hears(&TEXT, "It is 42"), Heard::Other("It is 42".to_owned()));
    }

    #[test]
    fn calls_are_recognised_one_by_one() {
        let mut seen = seen(&[(call("f"), "{}"), (call("f"), r#"{"a""#)]);
        assert_eq!(seen.begins(&call("f")), Heard::Again);
        assert_eq!(seen.hears(&call("f"), "{}"), Heard::Again);
        assert_eq!(seen.begins(&call("f")), Heard::Again);
        assert_eq!(seen.hears(&call("f"), r#"{"a":1"#), Heard::New(":1".to_owned()));
        assert_eq!(seen.begins(&call("g")), Heard::New(String::new()));
    }

    #[test]
    fn an_answer_that_was_written_down_is_forgotten_in_whatever_order_it_was_told() {
        let search = Strand::Served("file_search_call".to_owned());
        let cited = Strand::Citation("f".to_owned());
        let mut seen = seen(&[
            (THOUGHT, "Hm."),
            (TEXT, "Let"),
            (THOUGHT, "Hm?"),
            (TEXT, " me"),
            (search.clone(), ""),
            (TEXT, "It"),
            (cited.clone(), ""),
        ]);
        seen.forget(vec![(THOUGHT, 6), (TEXT, 6), (search, 1)]);
        assert_eq!(seen.hears(&TEXT, "It"), Heard::Again);
        assert_eq!(seen.begins(&cited), Heard::Again);
        assert!(seen.is_whole());
    }

    #[test]
    fn a_file_that_is_cited_elsewhere_makes_another_answer() {
        let cited = |file: &str| Strand::Citation(file.to_owned());
        let mut seen = seen(&[(TEXT, "It floats"), (cited("a"), ""), (TEXT, ".")]);
        assert_eq!(seen.hears(&TEXT, "It floats"), Heard::Again);
        assert_eq!(seen.begins(&cited("b")), Heard::Other(String::new()));
    }

    #[test]
    fn a_call_of_another_function_is_another_answer() {
        let mut seen = seen(&[(call("f"), "{")]);
        assert_eq!(seen.begins(&call("g")), Heard::Other(String::new()));
        assert_eq!(seen.begins(&call("f")), Heard::New(String::new()));
    }
}
