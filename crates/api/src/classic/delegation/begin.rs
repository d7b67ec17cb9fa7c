//! The beginning of a run that another run asks for: its thread with the question, and the run, in one commit.

use std::sync::Arc;

use cupola_engine::{Begin, BeginError, Durable, Listen, turn::TurnFault};
use cupola_store::{Change, Conflict, Key, Kind, StoreError};
use cupola_wire::classic::{CreateMessage, CreateRun, MessageInput, Role, Run, Thread, ToolResources};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        kinds::{self, RUN},
        messages,
        projection::RunProjection,
        runs,
        spec::turn_spec,
    },
    Nested, not_asked, unreadable,
};
use crate::{
    Service,
    body::document,
    tools::{connected_agent::Errand, lineage::Lineage},
};

/// Who has asked for a run; it has the run's id.
pub const ERRAND: Kind = Kind::named("errand");

/// Who has asked for a run.
#[derive(Debug, Serialize, Deserialize)]
struct Origin {
    /// The run.
    run: String,
    /// The call in that run.
    call: String,
    /// The agents that are at work on the question, that of the new run included.
    agents: Lineage,
}

/// Begins the run of an errand.
pub async fn begin(service: &Service, errand: &Errand, nested: &Nested) -> Result<(), TurnFault> {
    let lineage = lineage(service, errand).await?.with(&errand.agent)?;
    let project = &errand.asked_by.project;
    let body = CreateRun { assistant_id: errand.agent.clone(), ..CreateRun::default() };
    let thread = nested.thread().to_owned();
    let (mut run, scope) =
        runs::prepare(service, project, thread, Some(ToolResources::default()), body).await?;
    nested.run().clone_into(&mut run.id);

    let mut changes = vec![new_thread(service, nested)];
    changes.extend(question(service, errand, nested)?);
    changes.push(runs::claim(project, nested.thread(), nested.run()));
    changes.push(origin(errand, nested, lineage, run.created_at));
    let spec = turn_spec(&run, &scope);
    let begun = service.engine().begin(Begin {
        key: nested.turn().clone(),
        dialect: Arc::clone(service.classic()) as Arc<_>,
        spec,
        projection: Box::new(RunProjection::new(project, run)),
        changes,
        listen: Listen::No,
        durable: Durable::Accepted,
        eager: false,
    });
    match begun.await {
        Ok(_) | Err(BeginError::Store(StoreError::Conflict(Conflict::Exists(_)))) => Ok(()),
        // Who asks is left where it is, too, and asks again in the next process.
        Err(BeginError::Draining) => std::future::pending().await,
        Err(BeginError::Store(error)) => Err(unreadable(error)),
    }
}

/// The agents that are at work on the question already.
async fn lineage(service: &Service, errand: &Errand) -> Result<Lineage, TurnFault> {
    let (project, run) = (&errand.asked_by.project, errand.asked_by.id.as_str());
    let key = Key::new(project, ERRAND, run);
    if let Some(found) = service.store().get(&key).await.map_err(unreadable)? {
        return Ok(kinds::read::<Origin>(&key, &found.doc)?.agents);
    }
    let key = Key::new(project, RUN, run);
    let found = service.store().get(&key).await.map_err(unreadable)?.ok_or_else(|| {
        not_asked("not_a_run", "Only runs of classic agents can ask connected agents. It was not asked.")
    })?;
    Ok(Lineage::first(&kinds::read::<Run>(&key, &found.doc)?.assistant_id))
}

fn new_thread(service: &Service, nested: &Nested) -> Change {
    let created_at = service.clock().seconds();
    let thread = Thread {
        id: nested.thread().to_owned(),
        object: "thread".to_owned(),
        created_at,
        metadata: Default::default(),
        tool_resources: ToolResources::default(),
        extra: Default::default(),
    };
    kinds::insert(nested.thread_key(), created_at, document(&thread))
}

fn question(service: &Service, errand: &Errand, nested: &Nested) -> Result<Vec<Change>, TurnFault> {
    let message = CreateMessage {
        role: Role::User,
        content: MessageInput::Text(errand.query.clone()),
        attachments: None,
        metadata: None,
        extra: Default::default(),
    };
    let (_, changes) =
        messages::prepare(service, &errand.asked_by.project, nested.thread(), "query", message)?;
    Ok(changes)
}

fn origin(errand: &Errand, nested: &Nested, agents: Lineage, created_at: i64) -> Change {
    let origin = Origin { run: errand.asked_by.id.clone(), call: errand.call_id.clone(), agents };
    Change::Insert {
        key: Key::new(&errand.asked_by.project, ERRAND, nested.run()),
        parent: nested.run().to_owned(),
        facet: String::new(),
        created_at,
        doc: document(&origin),
        aside: None,
    }
}
