//! Sessions as people read them.

use cupola_client::types::{AgentSession, ListQuery, Order, SessionStatus};
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::{SessionName, list_of};
use crate::{
    agents::{self, reference::AgentName},
    failure::Failure,
    fields::Fields,
    listing::ListArgs,
    progress,
    server::Server,
    table::{Cell, Table, whole},
    terminal::{self, DIM, GREEN, RED},
    when,
};

/// Prints the sessions of an agent.
pub async fn list(
    server: &Server,
    agent: &str,
    all: bool,
    list: ListArgs,
    json: bool,
) -> Result<(), Failure> {
    let name = AgentName { name: agent.to_owned(), version: None };
    agents::require(server, &name).await?.require_hosted(&name)?;
    let sessions = server.client.sessions(agent);
    let newest = list.fetch(|query| {
        let query = ListQuery { order: Some(Order::Desc), ..query };
        let is_wanted = move |session: &AgentSession| std::future::ready(all || !is_gone(session));
        sessions.list(query).try_filter(is_wanted).boxed()
    });
    let newest = newest.await?;
    if json {
        return terminal::print_json(&newest.items);
    }
    if newest.items.is_empty() {
        let create = server.command(&format!("sessions create {agent}"));
        anstream::eprintln!("{} has no sessions. Create one: {create}", terminal::clean(agent));
        return Ok(());
    }
    let mut table =
        Table::new([whole("SESSION"), whole("STATUS"), whole("VERSION"), whole("USED"), whole("CREATED")]);
    for session in &newest.items {
        table.push([
            session.agent_session_id.as_str().into(),
            status(&session.status),
            session.version_indicator.agent_version.as_str().into(),
            when::ago(session.last_accessed_at).into(),
            when::ago(session.created_at).into(),
        ]);
    }
    terminal::print(&table.render(terminal::width()))?;
    list.mention_more(newest.has_more);
    Ok(())
}

/// Prints one session.
pub async fn one(server: &Server, name: &SessionName, json: bool) -> Result<(), Failure> {
    let sessions = server.client.sessions(&name.agent);
    let found = progress::during("Reading the session", sessions.get(&name.id)).await;
    let session = found.map_err(|error| server.unknown(error, &list_of(&name.agent)))?;
    match json {
        true => terminal::print_json(&session),
        false => terminal::print(&fields(&name.agent, &session).finish()),
    }
}

/// What is to be said of a session.
pub fn fields(agent: &str, session: &AgentSession) -> Fields {
    let mut fields = Fields::new(terminal::width());
    let moment = |seconds: i64| format!("{} ({})", when::moment(seconds), when::ago(seconds));
    fields.add("session", &session.agent_session_id);
    fields.add("agent", format!("{agent}:{}", session.version_indicator.agent_version));
    fields.add("status", session.status.as_str());
    let error = session.error.as_ref();
    fields.add_some(
        "error",
        error.map(|error| match &error.code {
            Some(code) => format!("{} ({code})", error.message),
            None => error.message.clone(),
        }),
    );
    fields.add("created", moment(session.created_at));
    fields.add("used", moment(session.last_accessed_at));
    fields.add_some("stopped", session.stopped_at.map(moment));
    fields.add_some("expires", session.expires_at.map(when::moment));
    fields
}

/// Whether it can't be used again.
pub fn is_gone(session: &AgentSession) -> bool {
    matches!(session.status, SessionStatus::Deleted | SessionStatus::Expired)
}

fn status(status: &SessionStatus) -> Cell {
    let style = match status {
        SessionStatus::Active => GREEN,
        SessionStatus::Failed => RED,
        _ => DIM,
    };
    Cell::styled(status.as_str(), style)
}
