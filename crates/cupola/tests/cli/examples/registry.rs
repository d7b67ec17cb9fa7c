//! A real registry, and an image from scratch that is pushed to it.

use std::{
    env::consts::ARCH,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use reqwest::{Client, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// A registry that lives as long as this does.
pub struct Registry {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Registry {
    pub fn start() -> Self {
        let folder = TempDir::new().unwrap();
        // The registry can't choose its port. Should somebody else get this one first, another is tried.
        for _ in 0..5 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = free.local_addr().unwrap();
            drop(free);
            if let Some(child) = begin(&folder, address) {
                return Self { child, address, _folder: folder };
            }
        }
        panic!("docker-registry does not start");
    }

    /// Pushes an image that holds this program alone, and says how it is pulled.
    pub async fn push(&self, repository: &str, tag: &str, name: &str, program: &[u8]) -> String {
        // Another library may have named the cryptography already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::new();
        let layer = layer(name, program);
        let config = json!({
            "os": "linux",
            "architecture": match ARCH { "x86_64" => "amd64", "aarch64" => "arm64", other => other },
            "config": {"Entrypoint": [format!("/{name}")]},
            "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
        });
        let config = config.to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": described("application/vnd.oci.image.config.v1+json", &config),
            "layers": [described("application/vnd.oci.image.layer.v1.tar", &layer)],
        });
        let base = format!("http://{}/v2/{repository}", self.address);
        for blob in [layer, config] {
            let begun = http.post(format!("{base}/blobs/uploads/")).send().await.unwrap();
            let location = begun.headers()["location"].to_str().unwrap();
            let location = format!("{location}&digest={}", digest(&blob));
            assert_eq!(http.put(location).body(blob).send().await.unwrap().status(), StatusCode::CREATED);
        }
        let kind = manifest["mediaType"].as_str().unwrap();
        let put = http.put(format!("{base}/manifests/{tag}")).header(CONTENT_TYPE, kind);
        let answer = put.body(manifest.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        format!("{}/{repository}:{tag}", self.address)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn layer(name: &str, program: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, name, program).unwrap();
    archive.into_inner().unwrap()
}

fn described(kind: &str, blob: &[u8]) -> Value {
    json!({"mediaType": kind, "size": blob.len(), "digest": digest(blob)})
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Starts the registry. `None` if it ends instead of listening.
fn begin(folder: &TempDir, address: SocketAddr) -> Option<Child> {
    let (config, data) = (folder.path().join("config.yml"), folder.path().join("data"));
    let data = data.display();
    let text = format!(
        "version: 0.1\nstorage:\n  filesystem: {{rootdirectory: {data}}}\nhttp: {{addr: '{address}'}}\n"
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child =
        command.spawn().expect("docker-registry is missing: `cargo xtask test` as root installs it");
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
        if TcpStream::connect(address).is_ok() {
            return Some(child);
        }
        sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}
