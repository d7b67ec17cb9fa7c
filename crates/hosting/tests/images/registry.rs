//! A real registry on a port of its own, and what it takes to push to it.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use reqwest::{Client, StatusCode, header::CONTENT_TYPE};
use serde_json::Value;
use tempfile::TempDir;

use crate::made::{Made, digest};

/// A registry that lives as long as this does.
pub struct Registry {
    child: Child,
    address: SocketAddr,
    http: Client,
    _folder: TempDir,
}

impl Registry {
    pub fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = TempDir::new().unwrap();
        // The registry can't choose its port. Should somebody else get this one first, another is tried.
        for _ in 0..5 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = free.local_addr().unwrap();
            drop(free);
            if let Some(child) = begin(&folder, address) {
                return Self { child, address, http: Client::new(), _folder: folder };
            }
        }
        panic!("docker-registry does not start");
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Pushes an image and says how it is pulled.
    pub async fn push(&self, repository: &str, tag: &str, image: &Made) -> String {
        for blob in image.blobs() {
            self.push_blob(repository, blob).await;
        }
        self.push_manifest(repository, tag, &image.manifest).await;
        format!("{}/{repository}:{tag}", self.address)
    }

    /// Pushes a manifest, whose blobs are there, under a tag or digest.
    pub async fn push_manifest(&self, repository: &str, version: &str, manifest: &Value) {
        let url = format!("http://{}/v2/{repository}/manifests/{version}", self.address);
        let kind = manifest["mediaType"].as_str().unwrap();
        let request = self.http.put(url).header(CONTENT_TYPE, kind).body(manifest.to_string());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED, "{}", answer.text().await.unwrap());
    }

    async fn push_blob(&self, repository: &str, blob: &[u8]) {
        let url = format!("http://{}/v2/{repository}/blobs/uploads/", self.address);
        let begun = self.http.post(url).send().await.unwrap();
        let location = begun.headers()["location"].to_str().unwrap();
        let location = format!("{location}&digest={}", digest(blob));
        let answer = self.http.put(location).body(blob.to_vec()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the registry. `None` if it ends instead of listening.
fn begin(folder: &TempDir, address: SocketAddr) -> Option<Child> {
    let config = folder.path().join("config.yml");
    let data = folder.path().join("data");
    let text = format!(
        "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
        data.display()
    );
    fs::write(&config, text).unwrap();
    let mut child = Command::new("docker-registry")
        .arg("serve")
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect(
            "docker-registry is missing: `apt-get install docker-registry`, or `cargo xtask test` as root",
        );
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        if TcpStream::connect(address).is_ok() {
            return Some(child);
        }
        sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}
