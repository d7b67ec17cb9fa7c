//! An interpreter for a test.

use std::{env, path::PathBuf, sync::Arc, time::Duration};

use cupola_interpreter::{
    Cage, Interpreter, Ran, Runtime, Size,
    environment::{Setup, usual_folder},
};
use tempfile::TempDir;

use tokio::time::sleep;
pub const MIB: u64 = 1024 * 1024;
/// More than any code of a test takes that comes to its end.
const WITHIN: Duration = Duration::from_secs(30);
/// What is kept of what code writes.
pub const KEPT: usize = 64 * 1024;

/// Where the environment is, as `cargo xtask test` or the system says.
pub async fn environment() -> PathBuf {
    let variable = |name: &str| env::var(name).ok().map(|value| &*value.leak());
    let named = variable("CUPOLA_CODE_INTERPRETER__ENVIRONMENT").map(PathBuf::from);
    let folder = named.or_else(|| usual_folder(&variable)).unwrap();
    Setup::default().run(&folder, |_| {}).await.unwrap().folder().to_owned()
}

/// Starts interpreters.
pub struct Place {
    pub runtime: Arc<Cage>,
    pub folder: TempDir,
}

impl Place {
    pub async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let runtime = Arc::new(Cage::open(environment().await, folder.path().join("traces")).unwrap());
        Self { runtime, folder }
    }

    pub async fn start(&self, size: Size) -> Interpreter {
        Interpreter::ready(self.runtime.start(size).await.unwrap()).await.unwrap()
    }
}

/// An interpreter, and where it lives.
pub struct Python {
    pub interpreter: Interpreter,
    _place: Place,
}

impl Python {
    pub async fn new() -> Self {
        Self::of(Size::default()).await
    }

    pub async fn of(size: Size) -> Self {
        let place = Place::new().await;
        Self { interpreter: place.start(size).await, _place: place }
    }

    pub async fn run(&mut self, code: &str) -> Ran {
        self.interpreter.run(code, sleep(WITHIN), KEPT).await
    }

    /// What code writes that comes to its end.
    pub async fn says(&mut self, code: &str) -> String {
        let ran = self.run(code).await;
        assert_eq!(ran.ended, cupola_interpreter::Ended::Completed, "{}", ran.logs);
        ran.logs
    }

    pub fn files(&self) -> Vec<String> {
        self.interpreter.folder().list().unwrap().into_iter().map(|entry| entry.path).collect()
    }
}
