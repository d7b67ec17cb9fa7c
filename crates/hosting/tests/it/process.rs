//! Plain processes. They are no cage, and the cases that need one do nothing.

use std::sync::Arc;

use cupola_hosting::{ProcessRuntime, Program, Source};

use crate::runtime_suite::{Bench, COMMAND, runtime_suite};

async fn bench() -> Bench {
    let (records, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = Program {
        folder: folder.path().into(),
        entry_point: COMMAND.map(str::to_owned).into(),
        language: "shell".into(),
    };
    Bench {
        runtime: Arc::new(ProcessRuntime::open(records.path().join("records")).unwrap()),
        source: Source::Code(program),
        isolates: false,
        _keeps: vec![Box::new(records), Box::new(folder)],
    }
}

runtime_suite!(bench);
