//! Asks an agent of this service: as others ask it over A2A, without HTTP in between.

use std::{pin::pin, sync::Arc};

use cupola_engine::turn::TurnFault;
use cupola_tools::a2a::{Heard, Question, Version};
use futures_util::StreamExt;
use tokio::{runtime::Handle, time::timeout};

use super::fault;
use crate::{Service, a2a::Talk, storage::Requester, tools::lineage::Lineage};

/// Asks an agent, and waits for the end of its task. A task that is no longer waited for is cancelled.
pub async fn ask(
    service: Service,
    project: &Arc<str>,
    agent: &str,
    lineage: &Lineage,
    question: &Question,
) -> Result<Heard, TurnFault> {
    let requester = Requester::of_service(lineage.first_agent());
    let talk = Talk::begin(service, Arc::clone(project), requester, agent.to_owned()).await;
    let talk = talk.map_err(|error| fault("not_asked", error.detail().message.clone()))?;
    let talk = talk.asked_by(lineage);
    let message = Version::V0.message(&question.id, &question.text);
    let updates = talk.stream(&message).await;
    let mut updates = pin!(updates.map_err(|refusal| fault("not_asked", refusal.message().to_owned()))?);
    let mut heard = Heard::default();
    let mut leaving = CancelOnDrop { talk: &talk, task: None };
    let listening = timeout(question.within, async {
        while let Some(update) = updates.next().await {
            if let Some(update) = update {
                heard.take(&update);
                leaving.task.clone_from(&heard.task);
            }
        }
    });
    if listening.await.is_err() {
        let message =
            format!("The agent did not come to an end within {} seconds.", question.within.as_secs());
        return Err(fault("timeout", message));
    }
    leaving.task = None;
    Ok(heard)
}

/// Cancels a task that is no longer waited for.
struct CancelOnDrop<'t> {
    talk: &'t Talk,
    task: Option<String>,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if let (Some(task), Ok(runtime)) = (self.task.take(), Handle::try_current()) {
            let talk = self.talk.clone();
            runtime.spawn(async move {
                if let Err(refusal) = talk.cancel(&task).await {
                    tracing::debug!(task, reason = refusal.message(), "a task could not be cancelled");
                }
            });
        }
    }
}
