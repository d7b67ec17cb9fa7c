//! `GET tasks/{task}` and `GET tasks`.

use axum::{extract::State, response::Response};
use cupola_store::Listing;
use futures_util::FutureExt;

use super::{
    attachments::fill,
    kinds::{TASK, binding, find, read, shown_id, stored_id},
    moment::Moment,
    record::{Status, Task},
    refusal::invalid,
};
use crate::{
    ApiError, Service,
    body::{answer, document},
    listing::{ListQuery, page},
    path::{Ids, Project},
    precondition::with_etag,
    sieve,
    storage::Requester,
    values::Parameters,
};

/// `GET tasks/{task}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([id]): Ids<1>,
    requester: Requester,
) -> Result<Response, ApiError> {
    let (mut task, _) = find(&service, &project, &requester, &id).await?;
    fill(&service, &project, &mut task).await?;
    Ok(with_etag(answer(&task), Some(&task.etag)))
}

/// `GET tasks`: those that all of the filters let through.
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    requester: Requester,
    mut query: ListQuery,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    query.after = query.after.as_deref().map(stored_id);
    query.before = query.before.as_deref().map(stored_id);
    let mut filter = Filter::of(&parameters, Moment(service.clock().now()))?;
    if let Some(sandbox) = &requester.sandbox {
        // A sandbox sees the tasks of its own session, whatever it asks for.
        if !filter.admits(&sandbox.agent, &sandbox.session) {
            return Ok(page(&cupola_store::Slice::default()));
        }
        (filter.agent, filter.session) = (Some(sandbox.agent.as_str()), Some(sandbox.session.as_str()));
    }
    let bound = filter.agent.zip(filter.session).map(|(agent, session)| binding(agent, session));
    let listing = Listing { facet: bound.as_deref(), ..query.of(&project, TASK, "") };
    let mut slice = sieve::list(&service, listing, |stored| {
        let is_wanted = read(stored).map(|task| filter.lets_through(&task));
        async move { is_wanted }.boxed()
    })
    .await?;
    if parameters.flag("omit_attachment_values")? != Some(true) {
        for stored in &mut slice.items {
            let mut task = read(stored)?;
            if task.attachments.is_some() {
                fill(&service, &project, &mut task).await?;
                stored.doc = document(&task);
            }
        }
    }
    for stored in &mut slice.items {
        stored.id = shown_id(&stored.id).to_owned();
    }
    Ok(page(&slice))
}

/// Which tasks are wanted.
struct Filter<'f> {
    agent: Option<&'f str>,
    session: Option<&'f str>,
    status: Option<Status>,
    lease_owner: Option<&'f str>,
    source: Option<&'f str>,
    has_error: Option<bool>,
    lease_expired: Option<bool>,
    tags: Vec<(&'f str, &'f str)>,
    now: Moment,
}

impl<'f> Filter<'f> {
    fn of(parameters: &'f Parameters, now: Moment) -> Result<Self, ApiError> {
        let status = parameters.get("status").map(|name| {
            let unknown = || invalid(format!("There is no status '{name}'."), "status");
            Status::named(name).ok_or_else(unknown)
        });
        Ok(Self {
            agent: parameters.get("agent_name"),
            session: parameters.get("session_id"),
            status: status.transpose()?,
            lease_owner: parameters.get("lease_owner"),
            source: parameters.get("source_type"),
            has_error: parameters.flag("has_error")?,
            lease_expired: parameters.flag("lease_expired")?,
            tags: parameters.under("tag.").collect(),
            now,
        })
    }

    fn admits(&self, agent: &str, session: &str) -> bool {
        self.agent.is_none_or(|wanted| wanted == agent) && self.session.is_none_or(|wanted| wanted == session)
    }

    fn lets_through(&self, task: &Task) -> bool {
        let owner = task.lease.as_ref().map(|lease| lease.owner.as_str());
        // A task that nobody has leased counts as one whose lease has ended: it is free.
        let is_free = task.lease.as_ref().is_none_or(|lease| lease.has_expired(self.now));
        let source = task.source.as_ref().and_then(|source| source["type"].as_str());
        let tag = |name: &str| task.tags.as_ref().and_then(|tags| tags.get(name)).map(String::as_str);
        self.admits(&task.agent_name, &task.session_id)
            && self.status.is_none_or(|wanted| wanted == task.status)
            && self.lease_owner.is_none_or(|wanted| owner == Some(wanted))
            && self.source.is_none_or(|wanted| source == Some(wanted))
            && self.has_error.is_none_or(|wanted| wanted == task.error.is_some())
            && self.lease_expired.is_none_or(|wanted| wanted == is_free)
            && self.tags.iter().all(|(name, wanted)| tag(name) == Some(*wanted))
    }
}
