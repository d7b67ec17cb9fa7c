//! Runs that other runs ask for. An agent that is connected to another one is asked on a thread of its own, in a
//! run like any other; who has asked for it stands beside it.

mod begin;
mod nested;
mod outcome;
mod stop;

use std::sync::Arc;

use async_trait::async_trait;
use cupola_engine::{CommandError, Engine, turn::TurnFault};
use cupola_store::StoreError;
use cupola_wire::classic::{Run, RunStatus};

use self::{begin::begin, nested::Nested, outcome::report, stop::StopOnDrop};
use super::kinds;
use crate::{
    ApiError, Service,
    service::LateService,
    tools::connected_agent::{Colleagues, Errand, Report},
};

pub use begin::ERRAND;

/// The classic agents of this service, as the tool knows them.
pub struct ClassicColleagues {
    service: Arc<LateService>,
}

impl ClassicColleagues {
    /// The agents of a service that may still have to be made.
    pub fn new(service: Arc<LateService>) -> Self {
        Self { service }
    }
}

#[async_trait]
impl Colleagues for ClassicColleagues {
    async fn ask(&self, errand: Errand) -> Result<Report, TurnFault> {
        let service = self.service.get().await.ok_or_else(|| TurnFault::from(ApiError::draining()))?;
        let nested = Nested::of(&errand);
        let stop = StopOnDrop::of(service.engine(), nested.turn());
        if find(&service, &nested).await?.is_none() {
            begin(&service, &errand, &nested).await?;
        }
        let run = ended(&service, &nested).await?;
        stop.no_longer();
        match run {
            (Some(run), needed) => report(&service, &nested, run, needed).await,
            (None, _) => {
                Err(not_asked("run_deleted", "The run of the agent was deleted before it had ended."))
            }
        }
    }
}

/// The run of an errand once nothing more will change in it, and what it needed of its client, if it was stopped
/// for that: nobody would ever bring it.
async fn ended(service: &Service, nested: &Nested) -> Result<(Option<Run>, Option<String>), TurnFault> {
    let mut needed = None;
    loop {
        until_rest(service.engine(), nested).await?;
        match find(service, nested).await? {
            Some(run) if run.status == RunStatus::RequiresAction => {
                needed = Some(outcome::need(&run));
                stop::stop(service.engine(), nested.turn()).await;
            }
            Some(run) if !run.status.is_terminal() => {}
            found => return Ok((found, needed)),
        }
    }
}

/// Waits until a run waits for its client or is over.
async fn until_rest(engine: &Engine, nested: &Nested) -> Result<(), TurnFault> {
    if engine.leaves_running() {
        // The next process goes on with this run, and with the one that has asked for it.
        return std::future::pending().await;
    }
    match engine.attach(nested.turn().clone(), 0).await {
        Ok(mut frames) => {
            while frames.recv().await.is_some() {}
            Ok(())
        }
        // It is over for so long that nothing is known of it but its resource.
        Err(CommandError::Unknown | CommandError::Refused(_)) => Ok(()),
        Err(CommandError::Draining) => std::future::pending().await,
        Err(CommandError::Store(error)) => Err(unreadable(error)),
    }
}

async fn find(service: &Service, nested: &Nested) -> Result<Option<Run>, TurnFault> {
    let key = nested.run_key();
    let Some(found) = service.store().get(&key).await.map_err(unreadable)? else { return Ok(None) };
    Ok(Some(kinds::read(&key, &found.doc)?))
}

fn not_asked(code: &str, message: &str) -> TurnFault {
    TurnFault { code: code.to_owned(), message: message.to_owned() }
}

fn unreadable(error: StoreError) -> TurnFault {
    ApiError::from(error).into()
}
