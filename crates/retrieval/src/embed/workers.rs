//! The threads on which models run: as many as the machine has cores, and never those that serve requests.

use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::oneshot;

use crate::{EmbedError, Purpose};

/// Where a piece of work waits. Somebody waits for the answer to a query, so queries have threads of their
/// own: they share the cores with an ingestion that is under way instead of waiting for its end.
static QUERIES: OnceLock<ThreadPool> = OnceLock::new();
static PASSAGES: OnceLock<ThreadPool> = OnceLock::new();

/// Runs `work` on the threads for this purpose. It does not begin if nobody waits for it any more.
pub(super) async fn run<T: Send + 'static>(
    purpose: Purpose,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EmbedError> {
    let (sender, result) = oneshot::channel();
    pool(purpose)?.spawn(move || {
        if !sender.is_closed() {
            // Whoever wanted it may have gone in the meantime.
            let _ = sender.send(work());
        }
    });
    result.await.map_err(|_| EmbedError {
        message: "the model's computation broke down; the log says more".into(),
        is_transient: false,
    })
}

fn pool(purpose: Purpose) -> Result<&'static ThreadPool, EmbedError> {
    let pool = match purpose {
        Purpose::Query => &QUERIES,
        Purpose::Passage => &PASSAGES,
    };
    if let Some(pool) = pool.get() {
        return Ok(pool);
    }
    let built = ThreadPoolBuilder::new()
        .thread_name(|number| format!("cupola-embed-{number}"))
        // The panic itself has been written to the log's place; without this it would end the process.
        .panic_handler(|_| tracing::error!("a model's computation panicked"))
        .build()
        .map_err(|error| EmbedError {
            message: format!("no threads could be started for the model: {error}"),
            is_transient: true,
        })?;
    Ok(pool.get_or_init(|| built))
}
