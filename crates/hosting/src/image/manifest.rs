//! Manifests: which blobs an image is made of, and which image an index has for this machine.

use serde::Deserialize;

use super::digest::Digest;
use crate::{Code, Failure};

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// What a registry is told that is understood here.
pub(super) const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// The largest manifest or configuration that is read. Registries take no larger ones.
pub(super) const LARGEST_DOCUMENT: u64 = 4 << 20;

const LAYERS: [&str; 10] = [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
];

const CONFIGURATIONS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// A blob, as manifests tell of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    #[serde(default)]
    pub media_type: String,
    pub digest: Digest,
    pub size: u64,
    #[serde(default)]
    platform: Option<Platform>,
}

/// What a machine runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Platform {
    #[serde(default)]
    pub os: String,
    #[serde(default)]
    pub architecture: String,
    #[serde(default)]
    variant: Option<String>,
}

/// A manifest of one of the kinds that are understood.
#[derive(Debug)]
pub(super) enum Manifest {
    /// Of an image.
    Image {
        /// Its configuration.
        config: Descriptor,
        /// Its layers, bottom first.
        layers: Vec<Descriptor>,
    },
    /// Of one image for several platforms.
    Index(Vec<Descriptor>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    schema_version: u32,
    media_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
}

impl Manifest {
    /// Reads a manifest that a registry sent with this media type.
    pub fn read(bytes: &[u8], sent_as: &str) -> Result<Self, Failure> {
        let document: Document = serde_json::from_slice(bytes)
            .map_err(|error| invalid(format!("Its manifest is damaged: {error}.")))?;
        if document.schema_version != 2 {
            let version = document.schema_version;
            return Err(invalid(format!(
                "Its manifest has schema version {version}, and only 2 is understood. Build and push it anew."
            )));
        }
        let sent_as = sent_as.split(';').next().unwrap_or_default().trim();
        match document.media_type.as_deref().unwrap_or(sent_as) {
            OCI_INDEX | DOCKER_LIST => document.into_index(),
            OCI_MANIFEST | DOCKER_MANIFEST => document.into_image(),
            // Some registries send no more than "JSON".
            "" | "application/json" | "text/plain" if document.manifests.is_some() => document.into_index(),
            "" | "application/json" | "text/plain" => document.into_image(),
            other => Err(unsupported("manifest", other)),
        }
    }
}

impl Document {
    fn into_index(self) -> Result<Manifest, Failure> {
        let manifests = self.manifests.ok_or_else(|| invalid("Its index lists nothing."))?;
        Ok(Manifest::Index(manifests))
    }

    fn into_image(self) -> Result<Manifest, Failure> {
        let config = self.config.ok_or_else(|| invalid("Its manifest names no configuration."))?;
        let layers = self.layers.unwrap_or_default();
        if !CONFIGURATIONS.contains(&config.media_type.as_str()) {
            return Err(unsupported("configuration", &config.media_type));
        }
        if let Some(layer) = layers.iter().find(|layer| !LAYERS.contains(&layer.media_type.as_str())) {
            return Err(unsupported("layer", &layer.media_type));
        }
        Ok(Manifest::Image { config, layers })
    }
}

impl Platform {
    /// What this machine runs, in the words of images.
    pub fn of_this_machine() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            "loongarch64" => "loong64",
            other => other,
        };
        Self { os: "linux".into(), architecture: architecture.into(), variant: None }
    }

    pub fn name(&self) -> String {
        format!("{}/{}", self.os, self.architecture)
    }

    /// Whether what is made for `self` is made for `machine`.
    pub fn is_for(&self, machine: &Self) -> bool {
        self.os == machine.os && self.architecture == machine.architecture
    }
}

/// The image of an index that is for this machine.
pub(super) fn choose(entries: Vec<Descriptor>, machine: &Platform) -> Result<Descriptor, Failure> {
    let mut others: Vec<String> = Vec::new();
    let mut chosen: Option<Descriptor> = None;
    for entry in entries {
        let Some(platform) = &entry.platform else { continue };
        if platform.is_for(machine) {
            // One without a variant runs on every machine of its kind.
            if chosen.is_none() || platform.variant.is_none() {
                let had = chosen.as_ref().and_then(|chosen| chosen.platform.as_ref());
                if had.is_none_or(|had| had.variant.is_some()) {
                    chosen = Some(entry);
                }
            }
        } else if platform.os != "unknown" {
            others.push(platform.name());
        }
    }
    chosen.ok_or_else(|| wrong_architecture(&others.join(", "), machine))
}

/// Says that there is nothing for this machine.
pub(super) fn wrong_architecture(has: &str, machine: &Platform) -> Failure {
    let has = if has.is_empty() { "nothing that can be run" } else { has };
    let machine = machine.name();
    invalid(format!(
        "It is for the wrong architecture: it has {has}, and this machine is {machine}. Build it for \
         {machine}."
    ))
}

/// A failure of what the image is.
pub(super) fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(Code::InvalidContainerImage, message)
}

fn unsupported(what: &str, media_type: &str) -> Failure {
    let media_type: String = media_type.chars().take(100).collect();
    invalid(format!("Its {what} has the media type '{}', which is not supported.", media_type.escape_debug()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn entry(digit: char, os: &str, architecture: &str, variant: Option<&str>) -> Descriptor {
        let digest = format!("sha256:{}", digit.to_string().repeat(64));
        let platform = json!({"os": os, "architecture": architecture, "variant": variant});
        serde_json::from_value(json!({"digest": digest, "size": 1, "platform": platform})).unwrap()
    }

    fn amd64() -> Platform {
        Platform { os: "linux".into(), architecture: "amd64".into(), variant: None }
    }

    #[test]
    fn the_image_for_this_machine_is_chosen() {
        let entries = vec![
            entry('1', "linux", "arm64", Some("v8")),
            entry('2', "linux", "amd64", Some("v3")),
            entry('3', "linux", "amd64", None),
            entry('4', "windows", "amd64", None),
            entry('5', "unknown", "unknown", None),
        ];
        assert!(choose(entries, &amd64()).unwrap().digest.as_str().ends_with('3'));
    }

    #[test]
    fn an_index_without_this_machine_says_what_it_has() {
        let entries = vec![entry('1', "linux", "arm64", Some("v8")), entry('5', "unknown", "unknown", None)];
        let failure = choose(entries, &amd64()).unwrap_err();
        assert_eq!(failure.code, Code::InvalidContainerImage);
        let expected = "wrong architecture: it has linux/arm64, and this machine is linux/amd64";
        assert!(failure.message.contains(expected), "{failure}");
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let digest = Digest::of(b"x");
        let image = |config: &str, layer: &str| {
            let blob = |kind: &str| json!({"mediaType": kind, "digest": digest, "size": 1});
            let document = json!({"schemaVersion": 2, "config": blob(config), "layers": [blob(layer)]});
            Manifest::read(&serde_json::to_vec(&document).unwrap(), OCI_MANIFEST)
        };
        assert!(image(CONFIGURATIONS[0], LAYERS[1]).is_ok());
        assert!(image("application/vnd.example", LAYERS[1]).unwrap_err().message.contains("vnd.example"));
        assert!(image(CONFIGURATIONS[0], "application/zip").unwrap_err().message.contains("application/zip"));
        let old = Manifest::read(br#"{"schemaVersion":1}"#, "application/json").unwrap_err();
        assert!(old.message.contains("schema version 1"), "{old}");
        let bad = br#"{"schemaVersion":2,"manifests":[{"digest":"sha256:../../x","size":1}]}"#;
        assert!(Manifest::read(bad, OCI_INDEX).unwrap_err().message.contains("not a SHA-256 digest"));
    }
}
