//! Images, by this service's own cage and by an installed OCI runtime.

use std::sync::Arc;

use cupola_hosting::{OciRuntime, OciSettings, RunnerChoice};

use super::root::Busybox;
use crate::runtime_suite::{Bench, runtime_suite};

mod builtin {
    async fn bench() -> super::Bench {
        super::bench(super::RunnerChoice::Builtin).await
    }
    super::runtime_suite!(bench);
}

mod runc {
    async fn bench() -> super::Bench {
        super::bench(super::RunnerChoice::Runc).await
    }
    super::runtime_suite!(bench);
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
