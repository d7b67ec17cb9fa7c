//! Resources: JSON documents under a project, a kind and an id.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use crate::StoreError;

/// A kind of resource. The set is closed and known at compile time, so that no request can invent one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind {
    name: &'static str,
    owned: &'static [Kind],
    turns: bool,
}

impl Kind {
    /// A kind of this name, to whose resources nothing belongs.
    pub const fn named(name: &'static str) -> Self {
        Self { name, owned: &[], turns: false }
    }

    /// Resources of these kinds belong to one of this kind when they have its id as their parent, and go when
    /// it goes. Where two kinds own the same, no id may be one of both.
    pub const fn owning(self, owned: &'static [Self]) -> Self {
        Self { owned, ..self }
    }

    /// A turn that has the id of a resource of this kind belongs to it.
    pub const fn with_turns(self) -> Self {
        Self { turns: true, ..self }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// What goes when one of this kind goes.
    pub(crate) const fn owned(self) -> &'static [Self] {
        self.owned
    }

    /// Whether turns go with it.
    pub(crate) const fn has_turns(self) -> bool {
        self.turns
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kind").field(&self.name).finish()
    }
}

/// Where a resource is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The project: nothing is visible across projects.
    pub project: Arc<str>,
    /// The kind.
    pub kind: Kind,
    /// The id, unique within project and kind.
    pub id: String,
}

impl Key {
    /// A key.
    pub fn new(project: &Arc<str>, kind: Kind, id: impl Into<String>) -> Self {
        Self { project: Arc::clone(project), kind, id: id.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.project, self.kind.name, self.id)
    }
}

/// A resource as it was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The id.
    pub id: String,
    /// What it belongs to; empty for the project itself.
    pub parent: String,
    /// A second thing to filter by, for example the run of a message; may be empty.
    pub facet: String,
    /// The order of creation.
    pub seq: i64,
    /// Seconds since the Unix epoch.
    pub created_at: i64,
    /// 1 when created, then one more with each change.
    pub etag: i64,
    /// The document.
    pub doc: Bytes,
}

/// Oldest or newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    Desc,
}

impl Order {
    /// The other one.
    pub fn reversed(self) -> Self {
        match self {
            Self::Asc => Self::Desc,
            Self::Desc => Self::Asc,
        }
    }
}

/// Which resources, and which part of them.
#[derive(Clone, Debug)]
pub struct Listing<'a> {
    /// The project.
    pub project: &'a str,
    /// The kind.
    pub kind: Kind,
    /// What they belong to; empty for the project itself.
    pub parent: &'a str,
    /// Only these.
    pub facet: Option<&'a str>,
    /// Oldest or newest first.
    pub order: Order,
    /// Only what comes after this id, in the list's order. The id of a resource that was deleted not
    /// long ago still works: a client may delete while it pages.
    pub after: Option<&'a str>,
    /// Only what comes before this id, in the list's order: the nearest ones.
    pub before: Option<&'a str>,
    /// How many at most.
    pub limit: usize,
}

impl<'a> Listing<'a> {
    /// All of a kind that belong to a parent, oldest first.
    pub fn all(project: &'a str, kind: Kind, parent: &'a str) -> Self {
        // A store reads one more than the limit, to know whether there are more.
        let (order, limit) = (Order::Asc, usize::MAX - 1);
        Self { project, kind, parent, facet: None, order, after: None, before: None, limit }
    }
}

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// The resources, in the order asked for.
    pub items: Vec<Resource>,
    /// Whether there are more in that direction.
    pub has_more: bool,
}

/// How many resources share a facet, and what they weigh together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The facet.
    pub facet: String,
    /// How many there are.
    pub count: u64,
    /// The sum of their weights.
    pub weight: i64,
}

/// Reads resources.
#[async_trait]
pub trait Resources: Send + Sync {
    /// One resource.
    async fn get(&self, key: &Key) -> Result<Option<Resource>, StoreError>;

    /// What was put aside when the resource was made; `None` if there is nothing, or no such resource.
    async fn aside(&self, key: &Key) -> Result<Option<Bytes>, StoreError>;

    /// Who holds a claim.
    async fn holder(&self, project: &str, name: &str) -> Result<Option<String>, StoreError>;

    /// A part of a list. An id in `after` or `before` that never existed is [`StoreError::UnknownCursor`].
    async fn list(&self, listing: Listing<'_>) -> Result<Slice, StoreError>;

    /// How many resources of a kind belong to a parent, for each facet that is not empty, by facet.
    async fn tally(&self, project: &str, kind: Kind, parent: &str) -> Result<Vec<Tally>, StoreError>;
}
