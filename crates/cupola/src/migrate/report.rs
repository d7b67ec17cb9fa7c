//! What became of each object: copied, copied with a loss, there already, skipped or failed.

use serde::Serialize;

/// Something that the copy does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// Where it stood in the source.
    pub what: String,
    /// Why it is not in the copy.
    pub why: String,
    /// How often that happened in this object.
    pub times: usize,
}

/// What the copy of one object does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Losses(Vec<Loss>);

impl Losses {
    /// Notes a loss. The same one again, as in a thread of many messages, is counted.
    pub fn note(&mut self, what: impl Into<String>, why: impl Into<String>) {
        let (what, why) = (what.into(), why.into());
        match self.0.iter_mut().find(|loss| loss.what == what && loss.why == why) {
            Some(loss) => loss.times += 1,
            None => self.0.push(Loss { what, why, times: 1 }),
        }
    }

    /// All of them, in the order in which they were noted first.
    pub fn iter(&self) -> impl Iterator<Item = &Loss> {
        self.0.iter()
    }

    /// Whether nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a mapping made, and what it could not take along.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapped<T> {
    /// The counterpart.
    pub made: T,
    /// What it does not have.
    pub losses: Losses,
}

/// What kind of object was to be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A classic agent, into a version of a named one.
    Agent,
    /// A thread, into a conversation.
    Thread,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything is in the copy.
    Copied,
    /// There is a copy that lacks something.
    CopiedWithLoss,
    /// An earlier migration made the copy.
    AlreadyCopied,
    /// It can't be copied now.
    Skipped,
    /// The server refused.
    Failed,
}

impl Outcome {
    /// How a copy with these losses turned out.
    pub fn of(losses: &Losses) -> Self {
        if losses.is_empty() { Self::Copied } else { Self::CopiedWithLoss }
    }

    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::CopiedWithLoss => "copied with a loss",
            Self::AlreadyCopied => "copied before",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// Whether the object has a copy now.
    pub fn has_copy(self) -> bool {
        self < Self::Skipped
    }
}

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub from: String,
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its copy. In a dry run a conversation has no id yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it has no copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What the copy does not have.
    #[serde(skip_serializing_if = "Losses::is_empty")]
    pub losses: Losses,
}

impl Entry {
    /// An object that has no copy.
    pub fn without_copy(kind: Kind, from: &str, outcome: Outcome, why: impl Into<String>) -> Self {
        let why = Some(why.into());
        Self { kind, from: from.to_owned(), name: None, to: None, outcome, why, losses: Losses::default() }
    }
}

/// What a migration did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// One entry for each object.
    pub objects: Vec<Entry>,
}

impl Report {
    /// How many objects had this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.objects.iter().filter(|entry| entry.outcome == outcome).count()
    }

    /// How many objects have no copy.
    pub fn without_copy(&self) -> usize {
        self.objects.iter().filter(|entry| !entry.outcome.has_copy()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_loss_many_times_is_one_line_with_a_count() {
        let mut losses = Losses::default();
        losses.note("messages.metadata", "items have no metadata");
        losses.note("tool_resources", "conversations have none");
        losses.note("messages.metadata", "items have no metadata");
        let counts: Vec<_> = losses.iter().map(|loss| (loss.what.as_str(), loss.times)).collect();
        assert_eq!(counts, [("messages.metadata", 2), ("tool_resources", 1)]);
    }

    #[test]
    fn a_loss_still_leaves_a_copy_and_a_skip_does_not() {
        let mut losses = Losses::default();
        assert_eq!(Outcome::of(&losses), Outcome::Copied);
        losses.note("a", "b");
        assert_eq!(Outcome::of(&losses), Outcome::CopiedWithLoss);
        assert!(Outcome::CopiedWithLoss.has_copy() && Outcome::AlreadyCopied.has_copy());
        assert!(!Outcome::Skipped.has_copy() && !Outcome::Failed.has_copy());
    }
}
