//! Responses: every call is the request that the contract says.

use cupola_client::{
    Error, InputItemQuery, ResponseQuery, function_calls, output_text,
    types::{
        AgentReference, CompactRequest, CreateConversation, CreateResponse, Extra, Item, ListQuery, Order,
        Response, ResponseStatus,
    },
};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use crate::{
    objects::{call, page, response, said},
    server::{Answer, Server},
};

const BASE: &str = "/api/projects/demo/openai/v1/responses";

#[tokio::test]
async fn a_request_says_what_is_set_and_nothing_else() {
    let done = || Answer::json(response("resp_1", "completed", &[said("Hello.")]));
    let server = Server::start([done(), done(), done()]).await;
    let responses = server.project().responses();
    let answer = responses.create(&CreateResponse::to_agent("weather", "Hi")).await.unwrap();
    assert_eq!(answer.status, ResponseStatus::Completed);
    assert_eq!(output_text(&answer), "Hello.");
    assert_eq!(answer.agent_reference, Some(AgentReference::pinned("weather", "1")));
    assert_eq!(answer.field("content_filters"), Some(&json!([])));

    let request = CreateResponse::to_model("gpt-4o", vec![Item::user("Hi")]).following("resp_0");
    let request = CreateResponse {
        max_output_tokens: Some(7),
        extra: Extra::from_iter([("verbosity_of_tomorrow".to_owned(), json!({"level": 3}))]),
        ..request
    };
    responses.create(&request).await.unwrap();
    let request = CreateResponse {
        agent_reference: Some(AgentReference::pinned("weather", "2")),
        ..CreateResponse::default()
    };
    responses.create(&request.in_conversation("conv_1").in_background()).await.unwrap();

    assert_eq!(server.lines(), vec![format!("POST {BASE}"); 3]);
    let asked: Vec<Value> = server.asked().iter().map(|asked| asked.json()).collect();
    assert_eq!(
        asked,
        [
            json!({"agent_reference": {"type": "agent_reference", "name": "weather"}, "input": "Hi",
                "stream": false}),
            json!({"model": "gpt-4o", "input": [{"type": "message", "role": "user", "content": "Hi"}],
                "previous_response_id": "resp_0", "max_output_tokens": 7, "stream": false,
                "verbosity_of_tomorrow": {"level": 3}}),
            json!({"agent_reference": {"type": "agent_reference", "name": "weather", "version": "2"},
                "conversation": "conv_1", "background": true, "stream": false}),
        ]
    );
}

#[tokio::test]
async fn an_agent_is_asked_at_its_own_endpoint() {
    let conversation = json!({"id": "conv_1", "object": "conversation", "created_at": 1, "metadata": {}});
    let server = Server::start([
        Answer::json(response("resp_1", "completed", &[said("Hello.")])),
        Answer::json(conversation),
    ])
    .await;
    let project = server.project();
    project.responses_of("weather").unwrap().create(&CreateResponse::new("Hi")).await.unwrap();
    let conversations = project.conversations_of("weather").unwrap();
    conversations.create(&CreateConversation::default()).await.unwrap();
    project.responses_of("").unwrap_err();
    let endpoint = "/api/projects/demo/agents/weather/endpoint/protocols/openai";
    assert_eq!(
        server.lines(),
        [
            format!("POST {endpoint}/responses?api-version=v1"),
            format!("POST {endpoint}/conversations?api-version=v1"),
        ]
    );
    assert_eq!(server.asked()[0].json(), json!({"input": "Hi", "stream": false}));
}

#[tokio::test]
async fn responses_are_read_listed_stopped_and_deleted_where_they_are() {
    let item = || json!({"type": "message", "id": "msg_1", "role": "user", "content": "Hi"});
    let server = Server::start([
        Answer::json(response("resp_1", "queued", &[])),
        Answer::json(response("resp_1", "cancelled", &[])),
        Answer::json(json!({"id": "resp_1", "object": "response", "deleted": true})),
        Answer::json(page(&[response("resp_1", "completed", &[])], false)),
        Answer::json(page(&[item()], false)),
        Answer::json(json!({"object": "response.input_tokens", "input_tokens": 12})),
        Answer::json(json!({"id": "resp_2", "object": "response.compaction",
            "output": [{"type": "compaction", "id": "cmp_1", "encrypted_content": "x"}]})),
    ])
    .await;
    let responses = server.project().responses();
    assert_eq!(responses.get("resp_1").await.unwrap().status, ResponseStatus::Queued);
    assert_eq!(responses.cancel("resp_1").await.unwrap().status, ResponseStatus::Cancelled);
    assert!(responses.delete("resp_1").await.unwrap().deleted);
    let query = ResponseQuery {
        agent_name: Some("weather".to_owned()),
        agent_id: Some("weather:1".to_owned()),
        conversation_id: Some("conv_1".to_owned()),
        page: ListQuery { limit: Some(3), ..ListQuery::default() },
    };
    let found: Vec<Response> = responses.list(query).try_collect().await.unwrap();
    assert_eq!(found.len(), 1);
    let query = InputItemQuery {
        include: vec!["reasoning.encrypted_content".to_owned()],
        page: ListQuery { order: Some(Order::Asc), ..ListQuery::default() },
    };
    let items: Vec<Item> = responses.input_items("resp_1", query).try_collect().await.unwrap();
    assert_eq!(items[0].id(), Some("msg_1"));
    let request = CreateResponse::to_model("gpt-4o", "Hi");
    assert_eq!(responses.input_tokens(&request).await.unwrap().input_tokens, 12);
    let request = CompactRequest { model: Some("gpt-4o".to_owned()), ..CompactRequest::default() };
    assert_eq!(responses.compact(&request).await.unwrap().output[0].kind(), "compaction");

    let list = "agent_name=weather&agent_id=weather%3A1&conversation_id=conv_1&limit=3";
    let include = "include%5B%5D=reasoning.encrypted_content&order=asc";
    assert_eq!(
        server.lines(),
        [
            format!("GET {BASE}/resp_1"),
            format!("POST {BASE}/resp_1/cancel"),
            format!("DELETE {BASE}/resp_1"),
            format!("GET {BASE}?{list}"),
            format!("GET {BASE}/resp_1/input_items?{include}"),
            format!("POST {BASE}/input_tokens"),
            format!("POST {BASE}/compact"),
        ]
    );
    assert_eq!(server.asked()[5].json(), json!({"model": "gpt-4o", "input": "Hi"}));
    assert_eq!(server.asked()[6].json(), json!({"model": "gpt-4o"}));
}

#[tokio::test]
async fn what_came_out_is_the_text_of_all_messages_and_the_calls_of_functions() {
    let refusal = json!({"type": "message", "role": "assistant", "status": "completed", "id": "msg_2",
        "content": [{"type": "refusal", "refusal": "No."}, {"type": "output_text", "text": "there.",
            "annotations": []}]});
    let odd = json!({"type": "hologram", "id": "h_1"});
    let output = [said("Hello "), call("1", "get_weather", "{}"), odd, refusal];
    let response: Response = serde_json::from_value(response("resp_1", "completed", &output)).unwrap();
    assert_eq!(output_text(&response), "Hello there.");
    let calls = function_calls(&response);
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].name.as_str(), calls[0].call_id.as_str()), ("get_weather", "1"));
}

#[tokio::test]
async fn a_response_is_not_asked_for_twice_where_the_first_may_have_been_made() {
    let server = Server::start([Answer::HangUp, Answer::json(response("resp_1", "completed", &[]))]).await;
    let responses = server.project().responses();
    let error = responses.create(&CreateResponse::to_model("gpt-4o", "Hi")).await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn a_refused_stream_is_an_error_with_the_words_of_the_service() {
    let refused = json!({"error": {"code": "invalid_payload", "param": "tools",
        "message": "Not allowed when agent is specified.", "type": "invalid_request_error",
        "details": [], "additionalInfo": {"request_id": "r-1"}}});
    let server = Server::start([Answer::status(400, refused)]).await;
    let request = CreateResponse::to_agent("weather", "Hi");
    let Err(error) = server.project().responses().stream(&request).await else { panic!("is refused") };
    assert_eq!(
        error.to_string(),
        "the service answered 400 (invalid_payload): Not allowed when agent is specified."
    );
}
