//! Agents with versions: every call is the request that the contract says.

use cupola_client::{
    AgentQuery, ClientOptions, ProjectClient, VersionQuery,
    types::{AgentPatch, CreateAgentVersion, Definition, Extra, ListQuery, Metadata, PromptDefinition},
};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use crate::server::{Answer, Server, quick};

const BASE: &str = "/api/projects/demo/agents";

fn version(number: &str) -> Value {
    json!({"metadata": {}, "object": "agent.version", "id": format!("weather:{number}"), "name": "weather",
        "version": number, "description": "", "created_at": 1746168385,
        "definition": {"kind": "prompt", "model": "gpt-4o"}, "status": "active", "agent_guid": "g-1"})
}

fn agent() -> Value {
    json!({"object": "agent", "id": "weather", "name": "weather", "state": "enabled",
        "configuration_state": "enabled", "versions": {"latest": version("2")}})
}

fn page(data: &[Value], last_id: Value, has_more: bool) -> Value {
    json!({"object": "list", "data": data, "first_id": null, "last_id": last_id, "has_more": has_more})
}

#[tokio::test]
async fn a_version_is_created_with_all_that_it_can_say() {
    let server = Server::start([Answer::json(version("1"))]).await;
    let prompt = PromptDefinition {
        model: "gpt-4o".to_owned(),
        instructions: Some("You know the weather.".to_owned()),
        extra: Extra::from_iter([("later".to_owned(), json!([1]))]),
        ..PromptDefinition::default()
    };
    let body = CreateAgentVersion {
        metadata: Some(Metadata::from([("a".to_owned(), "b".to_owned())])),
        description: Some("Weather.".to_owned()),
        draft: Some(true),
        ..CreateAgentVersion::new(prompt)
    };
    let created = server.project().agents().create_version("weather", &body).await.unwrap();
    assert_eq!(created.definition.prompt().unwrap().model, "gpt-4o");
    assert_eq!(created.extra["agent_guid"], "g-1");

    assert_eq!(server.lines(), [format!("POST {BASE}/weather/versions?api-version=v1")]);
    assert_eq!(
        server.asked()[0].json(),
        json!({"definition": {"kind": "prompt", "model": "gpt-4o", "instructions": "You know the weather.",
            "later": [1]}, "metadata": {"a": "b"}, "description": "Weather.", "draft": true})
    );
}

#[tokio::test]
async fn a_definition_of_another_kind_is_sent_as_it_is() {
    let fields = json!({"kind": "workflow", "workflow": "kind: Workflow"});
    let Value::Object(fields) = fields else { unreachable!() };
    let definition = Definition::try_from(fields.clone()).unwrap();
    let server = Server::start([Answer::json(version("1"))]).await;
    server.project().agents().create_version("w", &CreateAgentVersion::new(definition)).await.unwrap();
    assert_eq!(server.asked()[0].json(), json!({"definition": fields}));
}

#[tokio::test]
async fn agents_and_versions_are_read_and_deleted_where_they_are() {
    let deleted = json!({"object": "agent.deleted", "name": "weather", "deleted": true});
    let version_deleted =
        json!({"object": "agent.version.deleted", "name": "weather", "version": "1", "deleted": true});
    let server = Server::start([
        Answer::json(agent()),
        Answer::json(version("1")),
        Answer::json(version_deleted.clone()),
        Answer::json(version_deleted),
        Answer::json(deleted.clone()),
        Answer::json(deleted),
    ])
    .await;
    let agents = server.project().agents();
    let latest = agents.get("weather").await.unwrap().versions.latest.unwrap();
    assert_eq!(latest.version, "2");
    agents.get_version("weather", "1").await.unwrap();
    agents.delete_version("weather", "1").await.unwrap();
    agents.force_delete_version("weather", "1").await.unwrap();
    agents.delete("weather").await.unwrap();
    assert!(agents.force_delete("weather").await.unwrap().deleted);
    assert_eq!(
        server.lines(),
        [
            format!("GET {BASE}/weather?api-version=v1"),
            format!("GET {BASE}/weather/versions/1?api-version=v1"),
            format!("DELETE {BASE}/weather/versions/1?api-version=v1"),
            format!("DELETE {BASE}/weather/versions/1?api-version=v1&force=true"),
            format!("DELETE {BASE}/weather?api-version=v1"),
            format!("DELETE {BASE}/weather?api-version=v1&force=true"),
        ]
    );
}

#[tokio::test]
async fn lists_are_narrowed_as_the_query_says() {
    let server = Server::start([
        Answer::json(page(&[agent()], json!("weather"), false)),
        Answer::json(page(&[version("2")], json!("weather:2"), true)),
        Answer::json(page(&[version("1")], json!("weather:1"), false)),
        Answer::json(page(&[], Value::Null, false)),
    ])
    .await;
    let agents = server.project().agents();
    let query = AgentQuery { kind: Some("prompt".to_owned()), ..AgentQuery::default() };
    assert_eq!(agents.list_page(&query).await.unwrap().data.len(), 1);
    let query =
        VersionQuery { include_drafts: true, page: ListQuery { limit: Some(1), ..ListQuery::default() } };
    let versions: Vec<_> = agents.list_versions("weather", query).try_collect().await.unwrap();
    assert_eq!(versions.len(), 2);
    let none: Vec<_> = agents.list(ListQuery::default()).try_collect().await.unwrap();
    assert!(none.is_empty());
    let versions = format!("GET {BASE}/weather/versions?api-version=v1&include_drafts=true&limit=1");
    assert_eq!(
        server.lines(),
        [
            format!("GET {BASE}?api-version=v1&kind=prompt"),
            versions.clone(),
            format!("{versions}&after=weather%3A2"),
            format!("GET {BASE}?api-version=v1"),
        ]
    );
}

#[tokio::test]
async fn an_agent_is_changed_by_a_merge_patch_that_can_remove() {
    let server = Server::start([Answer::json(agent())]).await;
    let endpoint = json!({"version_selector": {"version_selection_rules":
        [{"type": "FixedRatio", "agent_version": "1", "traffic_percentage": 100}]}});
    let changes = AgentPatch {
        agent_endpoint: Some(serde_json::from_value(endpoint.clone()).unwrap()),
        extra: Extra::from_iter([("agent_card".to_owned(), Value::Null)]),
        ..AgentPatch::default()
    };
    server.project().agents().update("weather", &changes).await.unwrap();
    let asked = &server.asked()[0];
    assert_eq!(asked.line, format!("PATCH {BASE}/weather?api-version=v1"));
    assert_eq!(asked.header("content-type"), "application/merge-patch+json");
    assert_eq!(asked.json(), json!({"agent_endpoint": endpoint, "agent_card": null}));
}

#[tokio::test]
async fn an_agent_is_switched_by_a_verb_that_no_name_can_swallow() {
    let nothing = || Answer::Http { status: 204, headers: vec![], pieces: vec![] };
    let server = Server::start([nothing(), nothing(), nothing()]).await;
    let agents = server.project().agents();
    agents.enable("weather").await.unwrap();
    agents.disable("weather").await.unwrap();
    agents.disable("a/b").await.unwrap();
    agents.enable("").await.unwrap_err();
    assert_eq!(
        server.lines(),
        [
            format!("POST {BASE}/weather:enable?api-version=v1"),
            format!("POST {BASE}/weather:disable?api-version=v1"),
            format!("POST {BASE}/a%2Fb:disable?api-version=v1"),
        ]
    );
    assert_eq!(server.asked()[0].header("content-length"), "0");
}

#[tokio::test]
async fn previews_are_asked_for_only_where_the_program_says_so() {
    let server = Server::start([Answer::json(agent()), Answer::json(agent())]).await;
    server.project().agents().get("weather").await.unwrap();
    let preview_features = vec!["DraftAgents=V1Preview".to_owned(), "VoiceAgents=V1Preview".to_owned()];
    let options = ClientOptions { preview_features, ..quick() };
    let project = ProjectClient::with_key_and_options(&server.endpoint(), "key", options).unwrap();
    project.agents().get("weather").await.unwrap();
    let asked = server.asked();
    assert!(!asked[0].headers.contains_key("foundry-features"));
    assert_eq!(asked[1].header("foundry-features"), "DraftAgents=V1Preview,VoiceAgents=V1Preview");
}
