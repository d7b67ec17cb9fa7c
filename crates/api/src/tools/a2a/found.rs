//! Finds the agent that a tool means, and remembers it for a while.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cupola_engine::turn::TurnFault;
use cupola_tools::{a2a::Agent, outgoing::Outgoing};
use tokio::time::Instant;

use super::{Own, fault, place, settings::Settings};
use crate::{Service, connections::Keyring, service::LateService, tools::lineage::Lineage};

/// How long an agent is taken for what it was.
const FRESH: Duration = Duration::from_secs(300);
/// How many agents are remembered.
const MOST: usize = 512;
/// The most characters of what an agent says of its skills.
const MOST_OF_SKILLS: usize = 4_000;

/// An agent that was found.
#[derive(Debug)]
pub enum Found {
    /// An agent of this service.
    Inside {
        /// Its name.
        agent: String,
        /// What it does.
        description: Option<String>,
    },
    /// An agent elsewhere.
    Elsewhere(Box<Agent>),
}

impl Found {
    /// What it calls itself.
    pub fn name(&self) -> &str {
        match self {
            Self::Inside { agent, .. } => agent,
            Self::Elsewhere(agent) => &agent.card().name,
        }
    }

    /// What it says of itself.
    pub fn description(&self) -> Option<String> {
        match self {
            Self::Inside { description, .. } => description.clone(),
            Self::Elsewhere(agent) => {
                let card = agent.card();
                let skills = card.skills.iter().map(|skill| format!("{}: {}", skill.name, skill.description));
                let skills = skills.collect::<Vec<_>>().join("; ");
                let skills: String = skills.chars().take(MOST_OF_SKILLS).collect();
                let said = [card.description.as_str(), &skills].into_iter().filter(|text| !text.is_empty());
                Some(said.collect::<Vec<_>>().join(" Skills: ")).filter(|said| !said.is_empty())
            }
        }
    }
}

/// An agent of a project by the settings of a tool.
type Key = (Arc<str>, Settings);

/// Finds agents.
pub struct Finder {
    outgoing: Outgoing,
    own: Own,
    keyring: Keyring,
    service: Arc<LateService>,
    known: Mutex<HashMap<Key, (Instant, Arc<Found>)>>,
}

impl Finder {
    /// Finds agents that can be reached so.
    pub fn new(outgoing: Outgoing, own: Own, keyring: Keyring, service: Arc<LateService>) -> Self {
        Self { outgoing, own, keyring, service, known: Mutex::default() }
    }

    /// This service.
    pub async fn service(&self) -> Result<Service, TurnFault> {
        let gone = || fault("server_error", "The service is being shut down.".to_owned());
        self.service.get().await.ok_or_else(gone)
    }

    /// The agent that a tool means.
    pub async fn find(&self, project: &Arc<str>, settings: &Settings) -> Result<Arc<Found>, TurnFault> {
        // Who asks makes no difference to who is asked.
        let key = (Arc::clone(project), Settings { lineage: Lineage::default(), ..settings.clone() });
        if let Some(found) = self.remembered(&key) {
            return Ok(found);
        }
        let place = place::place(&self.keyring, project, settings).await?;
        let found = match self.own.agent(&place.base).filter(|(of, _)| **of == **project) {
            Some((_, agent)) => Found::Inside { description: settings.description.clone(), agent },
            None => {
                let agent = Agent::find(&self.outgoing, place).await;
                Found::Elsewhere(Box::new(
                    agent.map_err(|failure| fault(failure.code(), failure.to_string()))?,
                ))
            }
        };
        let found = Arc::new(found);
        self.remember(key, &found);
        Ok(found)
    }

    fn remembered(&self, key: &Key) -> Option<Arc<Found>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, found) = known.get(key)?;
        (at.elapsed() < FRESH).then(|| Arc::clone(found))
    }

    fn remember(&self, key: Key, found: &Arc<Found>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (at, _)| at.elapsed() < FRESH);
        if known.len() < MOST {
            known.insert(key, (Instant::now(), Arc::clone(found)));
        }
    }
}
