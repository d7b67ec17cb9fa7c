//! Code packages on the system of this machine, in a cage.

use std::sync::Arc;

use cupola_hosting::{OciRuntime, OciSettings, Program, RunnerChoice, Source};

use super::root::Busybox;
use crate::runtime_suite::{Bench, COMMAND, runtime_suite};

async fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let images = Arc::new(Busybox::make(folder.path()));
    let settings = OciSettings { state: folder.path().join("state"), runner: RunnerChoice::Builtin };
    let program = Program {
        folder: folder.path().join("layer"),
        entry_point: COMMAND.map(str::to_owned).into(),
        language: "shell".into(),
    };
    Bench {
        source: Source::Code(program),
        runtime: Arc::new(OciRuntime::open(settings, images).await.unwrap()),
        isolates: true,
        _keeps: vec![Box::new(folder)],
    }
}

runtime_suite!(bench);
