//! The workers: as many as there are processors, and one task for the stores that expire. They end with the service.

use std::{num::NonZero, sync::Arc, thread};

use cupola_store::StoreError;
use tokio::sync::watch;

use super::{VectorStores, Work};

impl VectorStores {
    /// Takes up what was in progress when the service ended, and begins to work.
    pub async fn start(self: &Arc<Self>, projects: &[Arc<str>]) -> Result<(), StoreError> {
        for project in projects {
            self.take_up(project).await?;
            self.watch_all_expiries(project).await?;
        }
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        for _ in 0..workers {
            self.spawn(Self::work);
        }
        self.spawn(Self::watch_expiries);
        let projects = projects.to_vec();
        self.spawn(|stores| async move { stores.discard_others(&projects).await });
        Ok(())
    }

    /// Runs a task until it ends or the service is stopped. What it was about to do is taken up at the next start.
    fn spawn<F: Future<Output = ()> + Send + 'static>(self: &Arc<Self>, task: impl FnOnce(Arc<Self>) -> F) {
        let mut closing = self.closing();
        let task = task(Arc::clone(self));
        self.tasks().spawn(async move {
            tokio::select! {
                () = task => {}
                _ = closing.wait_for(|is_closing| *is_closing) => {}
            }
        });
    }

    async fn work(self: Arc<Self>) {
        loop {
            match self.waiting().next().await {
                Work::Clear(place, files) => self.clear(place, files).await,
                Work::Read(group) => self.read_group(group).await,
                Work::Mend(place) => self.mend(&place).await,
            }
        }
    }

    async fn watch_expiries(self: Arc<Self>) {
        loop {
            self.expire_next().await;
        }
    }

    /// Ends the workers, where they stand. When this returns, nobody writes any more.
    pub async fn close(&self) {
        self.stop();
        self.tasks().close();
        self.tasks().wait().await;
        // What a thread of its own is writing can't be stopped.
        self.library().rest().await;
    }

    /// Waits until all files of these stores have come to their end, whichever it is.
    pub async fn until_settled(&self, project: &Arc<str>, stores: &[String]) -> Result<(), StoreError> {
        let mut settled: watch::Receiver<u64> = self.waiting().settled.subscribe();
        for store in stores {
            loop {
                settled.mark_unchanged();
                if !self.is_in_progress(project, store).await? {
                    break;
                }
                if settled.changed().await.is_err() {
                    return Err(StoreError::Stopped);
                }
            }
        }
        Ok(())
    }
}
