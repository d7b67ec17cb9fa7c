//! The Rust SDK against the real binary: agents, conversations, responses.

use cupola_client::{
    AgentQuery, ClientOptions, ConversationQuery, DeploymentQuery, FunctionSet, JsonSchema, ProjectClient,
    ResponseQuery, VersionQuery, output_text,
    types::{
        AgentPatch, AgentReference, AgentState, ContentPart, CreateAgentVersion, CreateConversation,
        CreateResponse, Extra, Item, ItemContent, ItemRole, ListQuery, Metadata, Order, PromptDefinition,
        Response, ResponseEvent, ResponseStatus,
    },
};
use futures_util::TryStreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::home::Home;

const SCRIPT: &str = r"
rules:
  - when: { user: { regex: '^weather in (\w+)' }, tools: [get_weather] }
    then: { call: { name: get_weather, arguments: { city: '{{1}}' } } }
  - when: { user: { regex: '^weather in (\w+)' }, tool_output: { name: get_weather } }
    then: { say: 'It is {{tool_output}}.' }
  - when: { user: slow }
    then: { say: one two three four five six seven eight nine ten, delay: { between: 100ms } }
otherwise: { say: Good morning. }
";

fn home() -> Home {
    let home = Home::new();
    std::fs::write(home.path().join("script.yaml"), SCRIPT).unwrap();
    home.configure(
        "listen = \"127.0.0.1:0\"\n[models]\ndiscover = false\ndefault = \"scripted\"\n\
         [models.providers.scripted]\nkind = \"builtin\"\nscript = \"script.yaml\"\n\
         [models.deployments.chat]\nprovider = \"scripted\"\n",
    );
    home
}

fn client(home: &Home) -> ProjectClient {
    let variables: Value = serde_json::from_str(&home.output_of(&["env", "--shell", "json"])).unwrap();
    let variable = |name: &str| variables[name].as_str().map(str::to_owned);
    let options = ClientOptions {
        preview_features: vec!["DraftAgents=V1Preview".to_owned()],
        ..ClientOptions::default()
    };
    ProjectClient::from_variables(variable, options).unwrap()
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "cupola_client::schemars")]
struct Place {
    city: String,
}

fn functions() -> FunctionSet {
    FunctionSet::new()
        .with_sync("get_weather", "The weather.", |place: Place| format!("sunny in {}", place.city))
}

fn prompt(instructions: &str) -> CreateAgentVersion {
    CreateAgentVersion::new(PromptDefinition {
        model: "chat".to_owned(),
        instructions: Some(instructions.to_owned()),
        tools: Some(functions().tools()),
        ..PromptDefinition::default()
    })
}

fn oldest_first() -> ListQuery {
    ListQuery { order: Some(Order::Asc), ..ListQuery::default() }
}

#[tokio::test]
async fn an_agent_lives_from_its_first_version_to_its_deletion() {
    let home = home();
    let _server = home.serve();
    let agents = client(&home).agents();
    let first = CreateAgentVersion {
        metadata: Some(Metadata::from([("team".to_owned(), "sky".to_owned())])),
        description: Some("Knows the weather.".to_owned()),
        ..prompt("Be brief.")
    };
    let first = agents.create_version("weather", &first).await.unwrap();
    assert_eq!((first.version.as_str(), first.description.as_str()), ("1", "Knows the weather."));
    assert_eq!(first.metadata["team"], "sky");
    agents.create_version("weather", &prompt("Be verbose.")).await.unwrap();
    let draft = CreateAgentVersion { draft: Some(true), ..prompt("Be odd.") };
    let draft = agents.create_version("weather", &draft).await.unwrap();

    let agent = agents.get("weather").await.unwrap();
    assert_eq!(agent.versions.latest.unwrap().version, "2");
    let numbers = |include_drafts| {
        let query = VersionQuery { include_drafts, page: oldest_first() };
        agents.list_versions("weather", query).map_ok(|version| version.version).try_collect::<Vec<_>>()
    };
    assert_eq!(numbers(false).await.unwrap(), ["1", "2"]);
    assert_eq!(numbers(true).await.unwrap(), ["1", "2", draft.version.as_str()]);
    let kept = agents.get_version("weather", "1").await.unwrap();
    assert_eq!(kept.definition.prompt().unwrap().instructions.as_deref(), Some("Be brief."));
    let query = AgentQuery { kind: Some("prompt".to_owned()), ..AgentQuery::default() };
    assert_eq!(agents.list_page(&query).await.unwrap().data.len(), 1);

    let endpoint = json!({"version_selector": {"version_selection_rules":
        [{"type": "FixedRatio", "agent_version": "1", "traffic_percentage": 100}]}});
    let agent_endpoint = Some(serde_json::from_value(endpoint).unwrap());
    let changed = agents.update("weather", &AgentPatch { agent_endpoint, ..Default::default() }).await;
    assert!(changed.unwrap().agent_endpoint.is_some());
    let removal = AgentPatch {
        extra: Extra::from_iter([("agent_endpoint".to_owned(), Value::Null)]),
        ..AgentPatch::default()
    };
    assert!(agents.update("weather", &removal).await.unwrap().agent_endpoint.is_none());

    agents.disable("weather").await.unwrap();
    assert_eq!(agents.get("weather").await.unwrap().state, AgentState::Disabled);
    agents.enable("weather").await.unwrap();
    assert_eq!(agents.get("weather").await.unwrap().state, AgentState::Enabled);

    agents.force_delete_version("weather", "1").await.unwrap();
    assert!(agents.get_version("weather", "1").await.unwrap_err().is_not_found());
    agents.force_delete("weather").await.unwrap();
    assert!(agents.get("weather").await.unwrap_err().is_not_found());
}

/// The kinds and the texts of the items of a conversation, oldest first.
async fn told(client: &ProjectClient, conversation: &str) -> Vec<String> {
    let items = client.conversations().items(conversation).list(oldest_first());
    let shown = items.map_ok(|item| match &item {
        Item::Message(message) => format!("{}: {}", message.role, message.content.text()),
        other => other.kind().to_owned(),
    });
    shown.try_collect().await.unwrap()
}

#[tokio::test]
async fn an_agent_answers_in_a_conversation_and_calls_functions_of_this_program() {
    let home = home();
    let _server = home.serve();
    let client = client(&home);
    client.agents().create_version("weather", &prompt("Be brief.")).await.unwrap();
    let conversation = client.conversations().create(&CreateConversation::default()).await.unwrap();

    let responses = client.responses();
    let request = CreateResponse::to_agent("weather", "weather in Lisbon").in_conversation(&conversation.id);
    let answer = responses.create_and_process(&request, &functions()).await.unwrap();
    assert_eq!(output_text(&answer), "It is sunny in Lisbon.");
    assert_eq!(answer.agent_reference, Some(AgentReference::pinned("weather", "1")));
    assert_eq!(
        told(&client, &conversation.id).await,
        [
            "user: weather in Lisbon",
            "function_call",
            "function_call_output",
            "assistant: It is sunny in Lisbon."
        ]
    );

    let own = client.responses_of("weather").unwrap().create(&CreateResponse::new("Hello")).await.unwrap();
    assert_eq!(own.agent_reference, answer.agent_reference);

    let query = ConversationQuery { agent_name: Some("weather".to_owned()), ..Default::default() };
    let found = client.conversations().list_page(&query).await.unwrap().data;
    assert_eq!(found, std::slice::from_ref(&conversation));
    let query = ResponseQuery { conversation_id: Some(conversation.id.clone()), ..Default::default() };
    let found: Vec<Response> = responses.list(query).try_collect().await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0], answer);
    let input: Vec<Item> =
        responses.input_items(&answer.id, ListQuery::default()).try_collect().await.unwrap();
    assert!(matches!(&input[..], [Item::FunctionCallOutput(_)]), "{input:?}");
}

#[tokio::test]
async fn one_stream_tells_of_a_chain_of_responses() {
    let home = home();
    let _server = home.serve();
    let responses = client(&home).responses();
    let request = CreateResponse {
        tools: Some(functions().tools()),
        ..CreateResponse::to_model("chat", "weather in Oslo")
    };
    let events = responses.process_stream(&request, &functions()).await.unwrap();
    let events: Vec<ResponseEvent> = events.try_collect().await.unwrap();
    assert!(events.iter().all(|event| !matches!(event, ResponseEvent::Other(_))), "{events:?}");
    let ends: Vec<_> = events.iter().filter(|event| event.is_terminal()).collect();
    assert_eq!(ends.len(), 2);
    assert_eq!(events.iter().filter_map(ResponseEvent::text).collect::<String>(), "It is sunny in Oslo.");
    let first = ends[0].response().unwrap();
    assert_eq!(ends[1].response().unwrap().previous_response_id.as_ref(), Some(&first.id));
}

#[tokio::test]
async fn what_was_cancelled_in_the_background_ends_for_whoever_follows_it() {
    let home = home();
    let _server = home.serve();
    let responses = client(&home).responses();
    let request = CreateResponse::to_model("chat", "slow").in_background();
    let mut events = responses.stream(&request).await.unwrap();
    let mut id = None;
    let last = loop {
        let event = events.try_next().await.unwrap().unwrap();
        if let Some(response) = event.response() {
            id = Some(response.id.clone());
        }
        match event {
            ResponseEvent::TextDelta(_) => drop(responses.cancel(id.as_ref().unwrap()).await),
            ResponseEvent::Cancelled(last) => break last.response,
            other => assert!(!other.is_terminal(), "{other:?}"),
        }
    };
    assert_eq!(last.status, ResponseStatus::Cancelled);
    assert!(events.try_next().await.unwrap().is_none());
    assert_eq!(responses.wait_for(&last.id).await.unwrap().status, ResponseStatus::Cancelled);
}

#[tokio::test]
async fn responses_are_chained_counted_kept_and_deleted() {
    let home = home();
    let _server = home.serve();
    let client = client(&home);
    let responses = client.responses();
    let first = responses.create(&CreateResponse::to_model("chat", "Hello")).await.unwrap();
    let again = responses.wait_for(&first.id).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(responses.get(&first.id).await.unwrap(), first);
    let Item::Message(message) = &first.output[0] else { panic!("{first:?}") };
    assert_eq!(message.role, ItemRole::Assistant);
    let ItemContent::Parts(parts) = &message.content else { panic!("{message:?}") };
    assert!(matches!(parts[..], [ContentPart::OutputText(_)]), "{parts:?}");

    let next = CreateResponse::to_model("chat", vec![Item::user("And now?")]).following(&first.id);
    let counted = responses.input_tokens(&next).await.unwrap();
    let alone = responses.input_tokens(&CreateResponse::to_model("chat", "And now?")).await.unwrap();
    assert!(counted.input_tokens > alone.input_tokens, "what was said before counts: {counted:?}, {alone:?}");
    let next = responses.create(&next).await.unwrap();
    assert_eq!(next.previous_response_id, Some(first.id.clone()));
    assert!(responses.delete(&first.id).await.unwrap().deleted);
    assert!(responses.get(&first.id).await.unwrap_err().is_not_found());

    let deployments: Vec<_> =
        client.deployments().list(&DeploymentQuery::default()).try_collect().await.unwrap();
    assert!(deployments.iter().any(|deployment| deployment.name == "chat"), "{deployments:?}");
    assert_eq!(client.deployments().get("chat").await.unwrap().kind, "ModelDeployment");
}

#[tokio::test]
async fn items_are_added_to_a_conversation_and_taken_out() {
    let home = home();
    let _server = home.serve();
    let client = client(&home);
    let conversations = client.conversations();
    let body =
        CreateConversation { items: Some(vec![Item::user("Hello").into()]), ..CreateConversation::default() };
    let conversation = conversations.create(&body).await.unwrap();
    let items = conversations.items(&conversation.id);
    let added = items.create(&[Item::assistant("Hi."), Item::user("Bye")]).await.unwrap();
    assert_eq!(told(&client, &conversation.id).await, ["user: Hello", "assistant: Hi.", "user: Bye"]);
    let id = added.data[0].id().unwrap();
    assert_eq!(items.get(id).await.unwrap(), added.data[0]);
    assert_eq!(items.delete(id).await.unwrap(), conversation);
    assert_eq!(told(&client, &conversation.id).await, ["user: Hello", "user: Bye"]);
    let metadata = Metadata::from([("a".to_owned(), "b".to_owned())]);
    let changed = conversations.update(&conversation.id, metadata.clone()).await.unwrap();
    assert_eq!(changed.metadata, metadata);
    conversations.delete(&conversation.id).await.unwrap();
    assert!(conversations.get(&conversation.id).await.unwrap_err().is_not_found());
}
