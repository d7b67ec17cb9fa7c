//! Runs that other runs ask for. An agent that is connected to another one is asked on a thread of its own, in a
//! run like any other; who has asked for it stands beside it.

mod begin;
mod nested;
mod outcome;
mod stop;

use std::sync::Arc;

use async_trait::async_trait;
use cupola_engine::{CommandError, Engine};
use cupola_store::StoreError;
use cupola_wire::classic::{Run, RunStatus};

use self::{begin::begin, nested::Nested, outcome::report, stop::StopOnDrop};
use super::kinds;
use crate::{
    ApiError, Service,
    service::LateService,
    tools::connected_agent::{Colleagues, Errand, NotAsked, Report},
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
    async fn ask(&self, errand: Errand) -> Result<Report, NotAsked> {
        let service = self.service.get().await.ok_or_else(|| NotAsked::from(ApiError::draining()))?;
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
async fn ended(service: &Service, nested: &Nested) -> Result<(Option<Run>, Option<String>), NotAsked> {
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
async fn until_rest(engine: &Engine, nested: &Nested) -> Result<(), NotAsked> {
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
        Err(CommandError::Store(error)) => Err(error.into()),
    }
}

async fn find(service: &Service, nested: &Nested) -> Result<Option<Run>, NotAsked> {
    let key = nested.run_key();
    let Some(found) = service.store().get(&key).await? else { return Ok(None) };
    Ok(Some(kinds::read(&key, &found.doc)?))
}

fn not_asked(code: &'static str, message: &str) -> NotAsked {
    NotAsked { code, message: message.to_owned() }
}

impl From<ApiError> for NotAsked {
    fn from(error: ApiError) -> Self {
        Self { code: "not_asked", message: error.detail().message.clone() }
    }
}

impl From<StoreError> for NotAsked {
    fn from(error: StoreError) -> Self {
        ApiError::from(error).into()
    }
}
