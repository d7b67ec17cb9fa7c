//! The store is where the daemonless runtime has its images from.

use async_trait::async_trait;

use super::{Image, ImageStore};
use crate::{Failure, ImageSource, Images, ProgressSink, RootImage};

#[async_trait]
impl Images for ImageStore {
    async fn pull(&self, source: &ImageSource, progress: &dyn ProgressSink) -> Result<RootImage, Failure> {
        Self::pull(self, source, progress).await.map(RootImage::from)
    }

    fn find(&self, digest: &str) -> Option<RootImage> {
        Self::find(self, digest).map(RootImage::from)
    }

    async fn forget(&self, digest: &str) -> Result<(), Failure> {
        Self::forget(self, digest).await
    }
}

impl From<Image> for RootImage {
    fn from(image: Image) -> Self {
        let command = image.config.command();
        Self {
            digest: image.digest,
            layers: image.layers,
            command,
            environment: image.config.env.into_iter().collect(),
            folder: image.config.working_dir,
            user: image.config.user,
        }
    }
}
