//! The error envelope.

use serde::{Deserialize, Serialize};

/// The body of every answer that is not a success.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct ErrorEnvelope {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong, where, and what to do.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(default)]
pub struct ErrorDetail {
    /// A sentence for people.
    pub message: String,
    /// The family of the error, for example `invalid_request_error`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The path of the field at fault.
    pub param: Option<String>,
    /// A word for programs.
    pub code: Option<String>,
}
