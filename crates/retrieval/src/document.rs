//! What was read from a file.

use serde::{Deserialize, Serialize};

/// The text of a file, in reading order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its sections. No chunk reaches over the end of one, unless both are small.
    pub sections: Vec<Section>,
}

/// A part of a document that stands at one place: a page, a slide, what is under a heading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// The text.
    pub text: String,
    /// Where it stands.
    #[serde(default)]
    pub place: Place,
}

/// Where a text stands in its file, as far as the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The page or slide, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// The nearest heading above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
}

/// Why a file could not be read. The sentences are for the person who uploaded it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Unreadable {
    /// A kind of file that is not read at all.
    #[error("{0}")]
    Unsupported(String),
    /// The file is broken, empty, encrypted, only pictures, or larger than what may be read.
    #[error("{0}")]
    Invalid(String),
    /// Reading it took too long or too much memory, or the reader died.
    #[error("{0}")]
    Failed(String),
}

impl Unreadable {
    /// The wire's word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported(_) => "unsupported_file",
            Self::Invalid(_) => "invalid_file",
            Self::Failed(_) => "server_error",
        }
    }
}
