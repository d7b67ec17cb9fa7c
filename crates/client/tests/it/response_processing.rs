//! Responses that ask for functions, from the first request to the last answer.

use cupola_client::{
    Error, FunctionSet, JsonSchema, ResponseOptions, output_text,
    types::{CreateResponse, Item, ResponseEvent, ResponseStatus},
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    objects::{call, response, said},
    server::{Answer, Server},
};

const BASE: &str = "/api/projects/demo/openai/v1/responses";

#[derive(Deserialize, JsonSchema)]
struct City {
    city: String,
}

fn weather() -> FunctionSet {
    FunctionSet::new()
        .with("get_weather", "The weather.", |place: City| async move { format!("sunny in {}", place.city) })
}

fn asks(id: &str) -> Value {
    response(id, "completed", &[call("1", "get_weather", r#"{"city":"Lisbon"}"#)])
}

fn answers(id: &str) -> Value {
    response(id, "completed", &[said("It is sunny.")])
}

fn output() -> Value {
    json!({"type": "function_call_output", "call_id": "1", "output": "sunny in Lisbon"})
}

fn bodies(server: &Server) -> Vec<Value> {
    server.asked().iter().map(|asked| asked.json()).collect()
}

#[tokio::test]
async fn functions_are_answered_until_the_model_answers() {
    let twice = response(
        "resp_1",
        "completed",
        &[call("1", "get_weather", r#"{"city":"Lisbon"}"#), call("2", "nope", "{}")],
    );
    let server =
        Server::start([Answer::json(twice), Answer::json(asks("resp_2")), Answer::json(answers("resp_3"))])
            .await;
    let request = CreateResponse::to_agent("weather", "How is the weather?");
    let answer = server.project().responses().create_and_process(&request, &weather()).await.unwrap();
    assert_eq!((answer.id.as_str(), output_text(&answer).as_str()), ("resp_3", "It is sunny."));

    assert_eq!(server.lines(), vec![format!("POST {BASE}"); 3]);
    let agent = json!({"type": "agent_reference", "name": "weather"});
    let unknown = "{\"error\":\"no function `nope`; there are: get_weather\"}";
    assert_eq!(
        bodies(&server),
        [
            json!({"agent_reference": agent, "input": "How is the weather?", "stream": false}),
            json!({"agent_reference": agent, "previous_response_id": "resp_1", "stream": false,
                "input": [output(), {"type": "function_call_output", "call_id": "2", "output": unknown}]}),
            json!({"agent_reference": agent, "previous_response_id": "resp_2", "stream": false,
                "input": [output()]}),
        ]
    );
}

#[tokio::test]
async fn in_a_conversation_the_outputs_go_to_the_conversation() {
    let server = Server::start([Answer::json(asks("resp_1")), Answer::json(answers("resp_2"))]).await;
    let request = CreateResponse::to_model("gpt-4o", "Hm?").in_conversation("conv_1");
    server.project().responses().create_and_process(&request, &weather()).await.unwrap();
    assert_eq!(
        bodies(&server)[1],
        json!({"model": "gpt-4o", "conversation": "conv_1", "input": [output()], "stream": false})
    );
}

#[tokio::test]
async fn what_is_not_stored_is_sent_along() {
    let server = Server::start([
        Answer::json(asks("resp_1")),
        Answer::json(asks("resp_2")),
        Answer::json(answers("resp_3")),
    ])
    .await;
    let request = CreateResponse { store: Some(false), ..CreateResponse::to_model("gpt-4o", "Hm?") };
    server.project().responses().create_and_process(&request, &weather()).await.unwrap();
    let asked = &asks("resp_1")["output"][0];
    let question = json!({"type": "message", "role": "user", "content": "Hm?"});
    assert_eq!(
        bodies(&server)[2],
        json!({"model": "gpt-4o", "store": false, "stream": false,
            "input": [question, asked, output(), asked, output()]})
    );
}

#[tokio::test]
async fn a_forced_call_is_forced_once() {
    for (choice, kept) in [
        (json!("required"), None),
        (json!({"type": "function", "name": "get_weather"}), None),
        (json!("auto"), Some(json!("auto"))),
    ] {
        let server = Server::start([Answer::json(asks("resp_1")), Answer::json(answers("resp_2"))]).await;
        let request =
            CreateResponse { tool_choice: Some(choice.clone()), ..CreateResponse::to_model("gpt-4o", "Hm?") };
        server.project().responses().create_and_process(&request, &weather()).await.unwrap();
        let bodies = bodies(&server);
        assert_eq!(bodies[0]["tool_choice"], choice);
        assert_eq!(bodies[1].get("tool_choice"), kept.as_ref());
    }
}

#[tokio::test]
async fn a_model_that_never_stops_asking_is_given_up() {
    let server = Server::start((0..9).map(|_| Answer::json(asks("resp_1")))).await;
    let options = ResponseOptions { max_rounds: 2, ..ResponseOptions::default() };
    let responses = server.project().responses().with_options(options);
    let request = CreateResponse::to_model("gpt-4o", "Hm?");
    let error = responses.create_and_process(&request, &weather()).await.unwrap_err();
    assert!(matches!(error, Error::TooManyRounds { rounds: 2, .. }), "{error:?}");
    assert_eq!(server.lines().len(), 3);
}

#[tokio::test]
async fn what_functions_can_not_answer_is_given_as_it_is() {
    let approval = json!({"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "s", "name": "f",
        "arguments": "{}"});
    let cut_off = response("resp_1", "incomplete", &[call("1", "get_weather", "{\"ci")]);
    let mixed = response("resp_1", "completed", &[call("1", "get_weather", "{}"), approval]);
    let server = Server::start([Answer::json(cut_off), Answer::json(mixed)]).await;
    let responses = server.project().responses();
    let request = CreateResponse::to_model("gpt-4o", "Hm?");
    let given = responses.create_and_process(&request, &weather()).await.unwrap();
    assert_eq!(given.status, ResponseStatus::Incomplete);
    let given = responses.create_and_process(&request, &weather()).await.unwrap();
    assert!(matches!(given.output[1], Item::McpApprovalRequest(_)), "{given:?}");
    assert_eq!(server.lines().len(), 2);
}

/// The events of one response.
fn told(response: &Value) -> Answer {
    let started = json!({"type": "response.created", "sequence_number": 0,
        "response": {"id": response["id"], "status": "in_progress"}});
    let ended = json!({"type": "response.completed", "sequence_number": 1, "response": response});
    Answer::bytes_of(format!(
        "event: response.created\ndata: {started}\n\nevent: response.completed\ndata: {ended}\n\n"
    ))
}

#[tokio::test]
async fn responses_in_the_background_are_followed_round_by_round() {
    let server = Server::start([
        Answer::json(response("resp_1", "queued", &[])),
        told(&asks("resp_1")),
        Answer::json(response("resp_2", "queued", &[])),
        told(&answers("resp_2")),
    ])
    .await;
    let request = CreateResponse::to_agent("weather", "Hm?").in_background();
    let answer = server.project().responses().create_and_process(&request, &weather()).await.unwrap();
    assert_eq!(output_text(&answer), "It is sunny.");
    assert_eq!(
        server.lines(),
        [
            format!("POST {BASE}"),
            format!("GET {BASE}/resp_1?stream=true"),
            format!("POST {BASE}"),
            format!("GET {BASE}/resp_2?stream=true"),
        ]
    );
}

#[tokio::test]
async fn one_stream_tells_of_all_rounds() {
    let server = Server::start([told(&asks("resp_1")), told(&answers("resp_2"))]).await;
    let request = CreateResponse::to_agent("weather", "Hm?");
    let events = server.project().responses().process_stream(&request, &weather()).await.unwrap();
    let events: Vec<ResponseEvent> = events.try_collect().await.unwrap();
    let told: Vec<_> =
        events.iter().map(|event| (event.kind(), event.response().unwrap().id.as_str())).collect();
    assert_eq!(
        told,
        [
            ("response.created", "resp_1"),
            ("response.completed", "resp_1"),
            ("response.created", "resp_2"),
            ("response.completed", "resp_2"),
        ]
    );
    let bodies = bodies(&server);
    assert_eq!(bodies[1]["previous_response_id"], "resp_1");
    assert_eq!(bodies[1]["stream"], true);
}

#[tokio::test]
async fn a_stream_over_too_many_rounds_ends_with_an_error() {
    let server = Server::start((0..9).map(|_| told(&asks("resp_1")))).await;
    let options = ResponseOptions { max_rounds: 1, ..ResponseOptions::default() };
    let responses = server.project().responses().with_options(options);
    let request = CreateResponse::to_model("gpt-4o", "Hm?");
    let events: Vec<_> = responses.process_stream(&request, &weather()).await.unwrap().collect().await;
    assert_eq!(events.len(), 5);
    assert!(matches!(events[4], Err(Error::TooManyRounds { rounds: 1, .. })), "{events:?}");
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_the_chain() {
    let started = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":\
        {\"id\":\"resp_1\",\"status\":\"in_progress\"}}\n\n";
    let server = Server::start([Answer::bytes(&[started])]).await;
    let request = CreateResponse::to_model("gpt-4o", "Hm?");
    let events = server.project().responses().process_stream(&request, &weather()).await.unwrap();
    let events: Vec<_> = events.collect().await;
    assert_eq!(events.len(), 2);
    assert!(matches!(events[1], Err(Error::StreamEnded(_))), "{events:?}");
}

#[test]
fn functions_are_flat_tools_for_responses() {
    assert_eq!(
        serde_json::to_value(weather().tools()).unwrap(),
        json!([{"type": "function", "name": "get_weather", "description": "The weather.", "strict": false,
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                "required": ["city"]}}])
    );
}
