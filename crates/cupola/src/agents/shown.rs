//! Agents and their versions as people read them.

use cupola_client::{
    VersionQuery,
    types::{AgentObject, AgentState, AgentVersion, AgentVersionStatus, Definition, Extra},
};
use serde_json::Value;

use super::{LIST, hosted, reference::AgentName};
use crate::{
    failure::Failure,
    fields::{Fields, metadata_lines},
    listing::ListArgs,
    progress,
    server::Server,
    table::{Cell, Table, shrinking, whole},
    terminal::{self, DIM, GREEN, RED, YELLOW},
    when,
};

/// Prints the agents.
pub async fn list(server: &Server, list: ListArgs, json: bool) -> Result<(), Failure> {
    let agents = server.client.agents();
    let newest = list.fetch(|query| agents.list(query)).await?;
    if json {
        return terminal::print_json(&newest.items);
    }
    if newest.items.is_empty() {
        let create = server.command("agents create helper");
        anstream::eprintln!("There are no agents. Create one: {create}");
        return Ok(());
    }
    let mut table = Table::new([
        whole("NAME"),
        whole("VERSION"),
        whole("STATE"),
        shrinking("MODEL"),
        shrinking("TOOLS"),
        whole("CREATED"),
    ]);
    for agent in &newest.items {
        table.push(row(agent));
    }
    terminal::print(&table.render(terminal::width()))?;
    list.mention_more(newest.has_more);
    Ok(())
}

fn row(agent: &AgentObject) -> [Cell; 6] {
    let latest = agent.versions.latest.as_ref();
    let definition = latest.map(|version| &version.definition);
    [
        agent.name.as_str().into(),
        latest.map_or("-", |version| version.version.as_str()).into(),
        state(agent.state),
        definition.map_or_else(|| "-".to_owned(), model).into(),
        definition.map_or_else(|| "-".to_owned(), tools).into(),
        latest.map_or_else(|| "-".to_owned(), |version| when::ago(version.created_at)).into(),
    ]
}

/// Prints the versions of an agent.
pub async fn versions(
    server: &Server,
    name: &str,
    include_drafts: bool,
    list: ListArgs,
    json: bool,
) -> Result<(), Failure> {
    let agents = server.client.agents();
    let agent = progress::during("Reading the agent", agents.get(name)).await;
    agent.map_err(|error| server.unknown(error, LIST))?;
    let newest = list.fetch(|page| agents.list_versions(name, VersionQuery { include_drafts, page })).await?;
    if json {
        return terminal::print_json(&newest.items);
    }
    let mut table = Table::new([
        whole("VERSION"),
        whole("STATUS"),
        shrinking("MODEL"),
        shrinking("TOOLS"),
        shrinking("INSTRUCTIONS"),
        whole("CREATED"),
    ]);
    for version in &newest.items {
        table.push([
            version.version.as_str().into(),
            status(version.status),
            model(&version.definition).into(),
            tools(&version.definition).into(),
            text(&version.definition, "instructions").unwrap_or("-").into(),
            when::ago(version.created_at).into(),
        ]);
    }
    terminal::print(&table.render(terminal::width()))?;
    list.mention_more(newest.has_more);
    Ok(())
}

/// Prints one agent in its newest version, or one version.
pub async fn one(server: &Server, agent: &AgentName, json: bool) -> Result<(), Failure> {
    let agents = server.client.agents();
    if let Some(version) = &agent.version {
        let found = progress::during("Reading the version", agents.get_version(&agent.name, version)).await;
        let list = format!("agents versions {}", agent.name);
        let version = found.map_err(|error| server.unknown(error, &list))?;
        return match json {
            true => terminal::print_json(&version),
            false => terminal::print(&version_fields(&version).finish()),
        };
    }
    let found = progress::during("Reading the agent", agents.get(&agent.name)).await;
    let agent = found.map_err(|error| server.unknown(error, LIST))?;
    if json {
        return terminal::print_json(&agent);
    }
    let mut fields = match &agent.versions.latest {
        Some(latest) => version_fields(latest),
        None => Fields::new(terminal::width()),
    };
    let (style, words) = match agent.state {
        AgentState::Enabled => (GREEN, "enabled"),
        AgentState::Disabled => (YELLOW, "disabled: it refuses every request"),
    };
    fields.add_styled(DIM, "state", words, style);
    fields.add_some("traffic", traffic(&agent));
    terminal::print(&fields.finish())
}

/// What is to be said of a version.
pub fn version_fields(version: &AgentVersion) -> Fields {
    let definition = &version.definition;
    let mut fields = Fields::new(terminal::width());
    fields.add("name", &version.name);
    let draft = if version.draft == Some(true) { " (draft)" } else { "" };
    fields.add("version", format!("{}{draft}", version.version));
    fields.add_some("description", Some(&version.description));
    fields.add("kind", definition.kind());
    fields.add_some("model", text(definition, "model"));
    fields.add_some("instructions", text(definition, "instructions"));
    match definition.hosted() {
        Some(hosted) => hosted::add(&mut fields, &hosted),
        None => fields.add("tools", tools(definition)),
    }
    for name in ["temperature", "top_p", "tool_choice", "text", "reasoning"] {
        let value = definition.fields().get(name).filter(|value| !value.is_null());
        fields.add_some(name, value.map(ToString::to_string));
    }
    if let Some(Value::Object(inputs)) = definition.fields().get("structured_inputs") {
        fields.add_some("inputs", Some(inputs.keys().cloned().collect::<Vec<_>>().join(", ")));
    }
    fields
        .add("created", format!("{} ({})", when::moment(version.created_at), when::ago(version.created_at)));
    fields.add_some("metadata", Some(metadata_lines(&version.metadata)));
    if version.status != AgentVersionStatus::Active {
        fields.add("status", status_word(version.status));
    }
    fields.add_some(
        "error",
        version.error().map(|error| match error.code {
            Some(code) => format!("{} ({code})", error.message),
            None => error.message,
        }),
    );
    fields
}

/// Which versions answer, where that was said.
fn traffic(agent: &AgentObject) -> Option<String> {
    use cupola_client::types::VersionSelectionRule::FixedRatio;
    let selector = agent.agent_endpoint.as_ref()?.version_selector.as_ref()?;
    let rules = selector.version_selection_rules.iter().map(|rule| match rule {
        FixedRatio(rule) => format!("{} % version {}", rule.traffic_percentage, rule.agent_version),
        other => other.kind().to_owned(),
    });
    Some(rules.collect::<Vec<_>>().join(", "))
}

fn text<'a>(definition: &'a Definition, name: &str) -> Option<&'a str> {
    definition.fields().get(name).and_then(Value::as_str)
}

/// The model; other kinds of agent than `prompt` have none and are named by their kind.
fn model(definition: &Definition) -> String {
    text(definition, "model").map_or_else(|| format!("({})", definition.kind()), str::to_owned)
}

/// Functions by their names, other tools by their types.
fn tools(definition: &Definition) -> String {
    let tools = definition.fields().get("tools").and_then(Value::as_array);
    let tools = tools.map(Vec::as_slice).unwrap_or_default();
    let names: Vec<&str> = tools.iter().filter_map(Value::as_object).filter_map(tool).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

fn tool(tool: &Extra) -> Option<&str> {
    let field = |name: &str| tool.get(name).and_then(Value::as_str);
    match field("type") {
        Some("function" | "custom") => field("name").or(field("type")),
        Some("mcp") => field("server_label").or(field("type")),
        kind => kind,
    }
}

fn state(state: AgentState) -> Cell {
    match state {
        AgentState::Enabled => Cell::styled("enabled", GREEN),
        AgentState::Disabled => Cell::styled("disabled", YELLOW),
    }
}

fn status(status: AgentVersionStatus) -> Cell {
    let style = match status {
        AgentVersionStatus::Active => GREEN,
        AgentVersionStatus::Failed => RED,
        _ => DIM,
    };
    Cell::styled(status_word(status), style)
}

fn status_word(status: AgentVersionStatus) -> &'static str {
    match status {
        AgentVersionStatus::Creating => "creating",
        AgentVersionStatus::Active => "active",
        AgentVersionStatus::Failed => "failed",
        AgentVersionStatus::Deleting => "deleting",
        AgentVersionStatus::Deleted => "deleted",
    }
}
