//! `openapi`: the operations of a service, from the document that describes it.

mod shown;

pub(crate) use shown::CALLS;

/// The tool's kind.
pub const KIND: &str = "openapi";
