//! Copies classic agents into versions of named ones, each once.

use std::collections::HashMap;

use cupola_client::{
    Agents, ProjectClient, Result,
    types::{Agent, AgentObject, ListQuery},
};
use futures_util::TryStreamExt as _;

use super::{
    agents::version,
    names::Names,
    origin,
    report::{Entry, Kind, Losses, Mapped, Outcome},
};
use crate::{failure::Failure, listing::oldest_first, progress::Count};

/// Copies all agents, the oldest first: who came first gets the plain name.
pub async fn all(client: &ProjectClient, dry_run: bool) -> std::result::Result<Vec<Entry>, Failure> {
    let classic = client.classic();
    let sources = oldest_first(|query| classic.agents().list(query)).await?;
    let named = oldest_first(|query| client.agents().list(query)).await?;
    let mut names = Names::default();
    names.extend(named.iter().map(|agent| agent.name.clone()));
    let copies = copies(&client.agents(), &named).await?;

    let count = Count::of("Copying agents", sources.len());
    let mut entries = Vec::with_capacity(sources.len());
    for source in &sources {
        count.next();
        let entry = match copies.get(&source.id) {
            Some(copy) => entry(source, copy.clone(), Outcome::AlreadyCopied, Losses::default()),
            None => copy(&client.agents(), source, &mut names, dry_run).await?,
        };
        entries.push(entry);
    }
    Ok(entries)
}

/// The copies that there are, by the ids of their sources.
async fn copies(agents: &Agents, named: &[AgentObject]) -> Result<HashMap<String, String>> {
    let mut copies = HashMap::new();
    for agent in named {
        let Some(latest) = &agent.versions.latest else { continue };
        if let Some(source) = origin::source(&latest.metadata) {
            copies.insert(source.to_owned(), latest.id.clone());
            continue;
        }
        // Somebody may have added versions to a copy, which then stands behind them.
        let mut versions = agents.list_versions(&agent.name, ListQuery::default());
        while let Some(version) = versions.try_next().await? {
            if let Some(source) = origin::source(&version.metadata) {
                copies.insert(source.to_owned(), version.id.clone());
            }
        }
    }
    Ok(copies)
}

async fn copy(agents: &Agents, source: &Agent, names: &mut Names, dry_run: bool) -> Result<Entry> {
    let name = names.take(source.name.as_deref().unwrap_or_default());
    let Mapped { made, losses } = version(source, &name);
    let outcome = Outcome::of(&losses);
    if dry_run {
        return Ok(entry(source, name, outcome, losses));
    }
    match agents.create_version(&name, &made).await {
        Ok(version) => Ok(entry(source, version.id, outcome, losses)),
        // What the server refuses of this one says nothing about the others.
        Err(error) if error.status().is_some() => {
            let why = error.to_string();
            let name = source.name.clone();
            Ok(Entry { name, ..Entry::without_copy(Kind::Agent, &source.id, Outcome::Failed, why) })
        }
        Err(error) => Err(error),
    }
}

fn entry(source: &Agent, to: String, outcome: Outcome, losses: Losses) -> Entry {
    let (from, name) = (source.id.clone(), source.name.clone());
    Entry { kind: Kind::Agent, from, name, to: Some(to), outcome, why: None, losses }
}
