//! Code that runs in a container. It goes on to its end, or is stopped, also when nobody waits for it any more: only
//! so is it known what became of it.

use std::{future::Future, sync::Arc};

use cupola_interpreter::{Ended, Size};
use cupola_store::{Conflict, Resource, StoreError};
use tokio::{sync::oneshot, time::sleep};

use super::{
    Containers,
    alive::{Alive, Slot},
    carrying::{Copied, by_path},
    fault::ContainerFault,
    handle::replace,
    record::{ContainerRecord, FileRecord},
};

/// Code that is to run.
#[derive(Clone, Debug, Default)]
pub struct Code {
    /// The code.
    pub code: String,
    /// Uploaded files that it finds in its container.
    pub uploaded: Vec<String>,
    /// How much memory it may use, where its container is made for it.
    pub memory_limit: Option<String>,
    /// Whether its container is made if it is not there.
    pub makes_container: bool,
    /// How many bytes of what it writes are kept.
    pub limit: usize,
}

/// What became of code.
#[derive(Clone, Debug)]
pub struct CodeRan {
    /// How it ended.
    pub ended: Ended,
    /// What it wrote.
    pub logs: String,
    /// Whether variables of earlier calls were gone when it began.
    pub began_anew: bool,
    /// The files that it has written or changed.
    pub written: Vec<FileRecord>,
    /// Those of them that are figures, as it has drawn them.
    pub figures: Vec<String>,
    /// All files of the container now.
    pub files: Vec<FileRecord>,
}

impl Containers {
    /// Runs code in a container. Code that nobody waits for any more is stopped.
    pub async fn run(
        self: &Arc<Self>,
        project: &Arc<str>,
        container: &str,
        code: Code,
    ) -> Result<CodeRan, ContainerFault> {
        let (waiting, nobody_waits) = oneshot::channel::<()>();
        let (containers, project, container) = (Arc::clone(self), Arc::clone(project), container.to_owned());
        let task = self.tasks().spawn(async move {
            let mut closing = containers.closing();
            let (within, stop) = (containers.settings().timeout, async {
                tokio::select! {
                    _ = nobody_waits => {}
                    _ = closing.wait_for(|is_closing| *is_closing) => {}
                }
            });
            let stop = async {
                tokio::select! {
                    () = sleep(within) => {}
                    () = stop => {}
                }
            };
            containers.run_in_turn(&project, &container, &code, stop).await
        });
        let ran = task.await;
        drop(waiting);
        ran.map_err(|_| ContainerFault::Stopping)?
    }

    async fn run_in_turn(
        &self,
        project: &Arc<str>,
        container: &str,
        code: &Code,
        stop: impl Future<Output = ()>,
    ) -> Result<CodeRan, ContainerFault> {
        if code.makes_container {
            self.ensure(project, container, code.memory_limit.as_deref()).await?;
        }
        let slot: Arc<Slot> = self.slots().of(project, container);
        let mut turn = slot.alive.lock().await;
        let (found, record) = self.active(project, container).await?;
        let began_anew = self.wake(project, &record, &mut turn).await?;
        self.note_use(project, &found, &record).await?;
        let Some(alive) = turn.as_mut() else { return Err(ContainerFault::Stopping) };
        self.mount(project, container, &code.uploaded, alive).await?;
        let ran = alive.interpreter.run(&code.code, stop, code.limit).await;
        let written = self.carry_out(project, container, alive).await;
        let files = by_path(&alive.known);
        if ran.ended.is_fatal() {
            turn.take();
        }
        self.slots().touch(project, container, self.now());
        let written = written?;
        let figures = ran.figures.into_iter().filter(|name| written.iter().any(|file| file.path == *name));
        Ok(CodeRan {
            ended: ran.ended,
            logs: ran.logs,
            began_anew,
            figures: figures.collect(),
            written,
            files,
        })
    }

    /// Makes sure that a container has an interpreter with its files. Says whether variables are gone.
    async fn wake(
        &self,
        project: &Arc<str>,
        record: &ContainerRecord,
        turn: &mut Option<Alive>,
    ) -> Result<bool, ContainerFault> {
        if turn.as_ref().is_some_and(|alive| alive.interpreter.lives()) {
            return Ok(false);
        }
        turn.take();
        let place = self.place().await?;
        let interpreter = self.interpreters().start(self.size(record)).await?;
        let mut alive = Alive::new(interpreter, place);
        for file in self.files(project, &record.id).await? {
            self.carry_in(&mut alive, file).await?;
        }
        *turn = Some(alive);
        Ok(record.has_run)
    }

    /// Writes down that code has run: later, variables may be gone that there were.
    async fn note_use(
        &self,
        project: &Arc<str>,
        found: &Resource,
        record: &ContainerRecord,
    ) -> Result<(), ContainerFault> {
        if record.has_run {
            self.touch(project, found, record);
            return Ok(());
        }
        self.slots().touch(project, &record.id, self.now());
        let has_run = ContainerRecord { has_run: true, last_active_at: self.now(), ..record.clone() };
        match self.store().commit(vec![replace(project, found, &has_run)]).await {
            // Somebody else used it; the next call notes it.
            Ok(()) | Err(StoreError::Conflict(Conflict::Changed(_))) => Ok(()),
            Err(StoreError::Conflict(_)) => Err(ContainerFault::Missing(record.id.clone())),
            Err(error) => Err(error.into()),
        }
    }

    fn size(&self, record: &ContainerRecord) -> Size {
        self.interpreters().usual_size().with_memory(record.memory())
    }

    /// Puts uploaded files into the container that are not there yet.
    async fn mount(
        &self,
        project: &Arc<str>,
        container: &str,
        uploaded: &[String],
        alive: &mut Alive,
    ) -> Result<(), ContainerFault> {
        let copied = self.copy_uploaded(project, container, uploaded, &by_path(&alive.known)).await?;
        if copied.is_empty() {
            return Ok(());
        }
        let changes = copied.iter().map(|copy| copy.insert(project)).collect();
        if let Err(error) = self.store().commit(changes).await {
            self.forget_blobs(copied.into_iter().map(Copied::into_blob)).await;
            return Err(error.into());
        }
        for Copied(file) in copied {
            self.carry_in(alive, file).await?;
        }
        Ok(())
    }
}
