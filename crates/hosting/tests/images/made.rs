//! Images, made in the test.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The name of this machine's architecture in images.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// An image that can be pushed.
#[derive(Clone)]
pub struct Made {
    pub manifest: Value,
    config: Vec<u8>,
    layers: Vec<Layer>,
}

/// A layer as it is sent, and the digest of what it is when unpacked.
#[derive(Clone)]
pub struct Layer {
    blob: Vec<u8>,
    kind: &'static str,
    content: String,
}

impl Layer {
    /// Files by path, compressed with gzip as Docker does it. A path that ends in a slash is a folder.
    pub fn gzip(files: &[(&str, &str)]) -> Self {
        let plain = archive(files);
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, &plain).unwrap();
        let kind = "application/vnd.docker.image.rootfs.diff.tar.gzip";
        Self { blob: encoder.finish().unwrap(), kind, content: digest(&plain) }
    }

    /// Files by path, compressed with zstd.
    pub fn zstd(files: &[(&str, &str)]) -> Self {
        let plain = archive(files);
        let blob = zstd::encode_all(plain.as_slice(), 1).unwrap();
        Self { blob, kind: "application/vnd.oci.image.layer.v1.tar+zstd", content: digest(&plain) }
    }

    /// Files by path, as they are.
    pub fn plain(files: &[(&str, &str)]) -> Self {
        let blob = archive(files);
        Self { content: digest(&blob), blob, kind: "application/vnd.oci.image.layer.v1.tar" }
    }

    pub fn digest(&self) -> String {
        digest(&self.blob)
    }

    pub fn size(&self) -> usize {
        self.blob.len()
    }
}

impl Made {
    /// An image that starts `/agent`.
    pub fn of(layers: &[Layer]) -> Self {
        Self::with(layers, json!({"config": {"Cmd": ["/agent"], "Env": ["A=b"], "User": "app"}}))
    }

    /// An image whose configuration has these fields.
    pub fn with(layers: &[Layer], mut config: Value) -> Self {
        let fields = config.as_object_mut().unwrap();
        fields.entry("os").or_insert("linux".into());
        fields.entry("architecture").or_insert(architecture().into());
        let contents: Vec<&str> = layers.iter().map(|layer| layer.content.as_str()).collect();
        fields.entry("rootfs").or_insert(json!({"type": "layers", "diff_ids": contents}));
        let config = serde_json::to_vec(&config).unwrap();
        let layers = layers.to_vec();
        let sent: Vec<Value> = layers.iter().map(|layer| described(layer.kind, &layer.blob)).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": described("application/vnd.oci.image.config.v1+json", &config),
            "layers": sent,
        });
        Self { manifest, config, layers }
    }

    /// The same image in the words of Docker.
    pub fn in_words_of_docker(mut self) -> Self {
        self.manifest["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json".into();
        self.manifest["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json".into();
        self
    }

    pub fn digest(&self) -> String {
        digest(self.manifest.to_string().as_bytes())
    }

    /// As an index lists it.
    pub fn listed(&self, architecture: &str) -> Value {
        let kind = self.manifest["mediaType"].as_str().unwrap();
        let mut listed = described(kind, self.manifest.to_string().as_bytes());
        listed["platform"] = json!({"os": "linux", "architecture": architecture});
        listed
    }

    pub fn blobs(&self) -> impl Iterator<Item = &[u8]> {
        self.layers.iter().map(|layer| layer.blob.as_slice()).chain([self.config.as_slice()])
    }
}

pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Bytes that no compression makes smaller.
pub fn noise(length: usize) -> String {
    let blocks = (0_u64..).map(|block| hex::encode(Sha256::digest(block.to_le_bytes())));
    blocks.take(length / 64 + 1).collect()
}

fn described(kind: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": digest(bytes), "size": bytes.len()})
}

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        let kind = if path.ends_with('/') { tar::EntryType::Directory } else { tar::EntryType::Regular };
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        header.set_uid(rustix::process::getuid().as_raw().into());
        header.set_gid(rustix::process::getgid().as_raw().into());
        builder.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}
