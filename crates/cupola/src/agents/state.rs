//! `cupola agents enable`, `disable` and `delete`.

use serde_json::{Value, json};

use super::{LIST, reference::AgentName};
use crate::{failure::Failure, progress, server::Server, terminal};

/// Lets agents answer, or refuse what comes.
pub async fn set(server: &Server, names: &[String], answers: bool, json: bool) -> Result<(), Failure> {
    let agents = server.client.agents();
    let state = if answers { "enabled" } else { "disabled" };
    for name in names {
        let setting = async {
            match answers {
                true => agents.enable(name).await,
                false => agents.disable(name).await,
            }
        };
        let outcome = progress::during("Changing the agent", setting).await;
        outcome.map_err(|error| server.unknown(error, LIST))?;
        if !json {
            terminal::print(&format!("{} is {state}.\n", terminal::clean(name)))?;
        }
    }
    let set = |name: &String| json!({"name": name, "state": state});
    if json { terminal::print_json(&names.iter().map(set).collect::<Vec<_>>()) } else { Ok(()) }
}

/// Deletes agents with all their versions, or single versions.
pub async fn delete(server: &Server, agents: &[AgentName], force: bool, json: bool) -> Result<(), Failure> {
    let mut deleted: Vec<Value> = Vec::new();
    for agent in agents {
        let outcome = progress::during("Deleting", delete_one(server, agent, force)).await;
        let list = match &agent.version {
            Some(_) => format!("agents versions {}", agent.name),
            None => LIST.to_owned(),
        };
        deleted.push(outcome.map_err(|error| server.unknown(error, &list))?);
        if !json {
            terminal::print(&format!("{} is deleted.\n", terminal::clean(&agent.to_string())))?;
        }
    }
    if json { terminal::print_json(&deleted) } else { Ok(()) }
}

async fn delete_one(server: &Server, agent: &AgentName, force: bool) -> cupola_client::Result<Value> {
    let agents = server.client.agents();
    let name = &agent.name;
    Ok(match (&agent.version, force) {
        (None, false) => json!(agents.delete(name).await?),
        (None, true) => json!(agents.force_delete(name).await?),
        (Some(version), false) => json!(agents.delete_version(name, version).await?),
        (Some(version), true) => json!(agents.force_delete_version(name, version).await?),
    })
}
