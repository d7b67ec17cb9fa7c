//! An image of busybox, as a store has it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use cupola_hosting::{Code, Failure, ImageSource, Images, Progress, ProgressSink, RootImage, Source};

use crate::runtime_suite::COMMAND;

/// A store with one image.
#[derive(Clone, Debug)]
pub struct Busybox(pub RootImage);

impl Busybox {
    /// An image in this folder.
    pub fn make(folder: &Path) -> Self {
        let layer = folder.join("layer");
        for name in ["bin", "mnt"] {
            fs::create_dir_all(layer.join(name)).unwrap();
        }
        fs::copy(busybox(), layer.join("bin/busybox")).unwrap();
        for applet in ["sh", "cat", "sleep", "mkdir", "ls", "id", "ps", "env", "httpd"] {
            symlink("busybox", layer.join("bin").join(applet)).unwrap();
        }
        Self(RootImage {
            digest: format!("sha256:{}", "b".repeat(64)),
            layers: vec![layer],
            command: COMMAND.map(str::to_owned).into(),
            environment: BTreeMap::from([("FROM_IMAGE".to_owned(), "yes".to_owned())]),
            ..RootImage::default()
        })
    }

    pub fn source(&self) -> Source {
        Source::Image(ImageSource { reference: "registry.test/busybox:1".into(), credentials: None })
    }
}

#[async_trait]
impl Images for Busybox {
    async fn pull(&self, _: &ImageSource, progress: &dyn ProgressSink) -> Result<RootImage, Failure> {
        progress.report(Progress::Present { cached: true });
        Ok(self.0.clone())
    }

    fn find(&self, digest: &str) -> Option<RootImage> {
        (digest == self.0.digest).then(|| self.0.clone())
    }

    async fn forget(&self, digest: &str) -> Result<(), Failure> {
        Err(Failure::new(Code::SandboxUnavailable, format!("{digest} stays")))
    }
}

fn busybox() -> PathBuf {
    let found =
        ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from).into_iter().find(|path| path.exists());
    found.expect("busybox is installed (package busybox-static)")
}
