//! How far the making of a version is.

use serde::{Deserialize, Serialize};

/// How far the making of a version is. A version has it while it is being made.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum BuildProgress {
    /// The registry is asked what the image's reference means.
    Resolving,
    /// The layers of the image are on their way.
    Pulling {
        /// Bytes that are here.
        bytes_done: u64,
        /// Bytes in all, where that is known.
        bytes_total: Option<u64>,
        /// Layers that are here.
        layers_done: usize,
        /// Layers in all.
        layers_total: usize,
    },
    /// Layers, or the code, are being unpacked.
    Unpacking,
    /// What the code depends on is being installed.
    Installing,
    /// A sandbox is being made and started.
    Starting,
    /// The program was started, and is asked whether it is ready.
    Probing,
    /// Something that a newer service does.
    #[serde(other)]
    Other,
}
