//! Images, by this service's own cage.

use std::sync::Arc;

use cupola_hosting::{OciRuntime, OciSettings, RunnerChoice};

use super::root::Busybox;
use crate::runtime_suite::{Bench, runtime_suite};

async fn builtin() -> Bench {
    bench(RunnerChoice::Builtin).await
}

async fn bench(runner: RunnerChoice) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let images = Busybox::make(folder.path());
    let settings = OciSettings { state: folder.path().join("state"), runner };
    Bench {
        source: images.source(),
        runtime: Arc::new(OciRuntime::open(settings, Arc::new(images)).await.unwrap()),
        isolates: true,
        _keeps: vec![Box::new(folder)],
    }
}

runtime_suite!(builtin);
