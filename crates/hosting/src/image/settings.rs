//! What the store of images is told.

use std::{path::PathBuf, time::Duration};

use super::DockerConfig;

/// What the store of images is told. Everything has a default.
#[derive(Clone, Debug, Default)]
pub struct StoreSettings {
    /// Registries, as in `registry.example.com:5000`, that may be spoken to without TLS. Those on loopback
    /// addresses always may.
    pub insecure_registries: Vec<String>,
    /// Files with certificates, in PEM, that are trusted beside those of the system.
    pub certificates: Vec<PathBuf>,
    /// Where registries' credentials are found that no connection gives.
    pub docker_config: Option<DockerConfig>,
    /// What an image may have.
    pub limits: ImageLimits,
    /// How long a registry is waited for.
    pub patience: Patience,
}

/// What an image may have. One that has more is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageLimits {
    /// Bytes to download.
    pub download_bytes: u64,
    /// Bytes of all layers, unpacked.
    pub unpacked_bytes: u64,
    /// Files, folders and links in a layer.
    pub entries: u64,
    /// Layers. What overlays can take is not far above the default.
    pub layers: usize,
}

impl Default for ImageLimits {
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        Self { download_bytes: 16 * GIB, unpacked_bytes: 32 * GIB, entries: 1_000_000, layers: 128 }
    }
}

/// How long a registry is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long it may say nothing, at the beginning and in between.
    pub silence: Duration,
    /// How often something is tried, where trying again may help. What brings bytes is not counted.
    pub attempts: u32,
    /// The pause before the second attempt. It doubles with each further one.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { silence: Duration::from_secs(30), attempts: 4, pause: Duration::from_millis(500) }
    }
}
