//! Responses over WebSocket.

use std::time::Duration;

use cupola_api::Limits;
use cupola_models::{FaultKind, Finish};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    app::{Setup, TestApp},
    model::{Gate, Piece, end, words},
    responses::{PATH, output, path_of},
};

/// An app whose limits are these.
async fn limited(limits: Limits) -> TestApp {
    TestApp::with(Setup { limits, ..Setup::default() }).await
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_response_comes_as_the_same_events_as_over_http() {
    let app = TestApp::start().await;
    let mut socket = app.listen().await.connect(&app.user).await;
    app.model.says("Good morning.");
    socket.create(json!({"model": "gpt", "input": "Hi"})).await;
    let events = socket.events().await;
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(types(&events), expected);
    let numbers: Vec<_> = events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..10).collect::<Vec<_>>());
    let response = &events.last().unwrap()["response"];
    assert_eq!(app.user.get(&path_of(response)).await.accepted(), *response);
    assert!(response.get("type").is_none() && response.get("stream").is_none());
}

#[tokio::test]
async fn requests_of_one_connection_are_answered_one_after_the_other_in_their_order() {
    let app = TestApp::start().await;
    let mut socket = app.listen().await.connect(&app.user).await;
    let gate = Gate::closed();
    app.model.then([Piece::Waits(gate.clone())].into_iter().chain(words("one")).chain(end(
        Finish::Stop,
        1,
        1,
    )));
    app.model.says("two");
    for input in ["first", "second"] {
        socket.create(json!({"model": "gpt", "input": input})).await;
    }
    assert_eq!(socket.next().await["type"], "response.created");
    assert_eq!(socket.next().await["type"], "response.in_progress");
    // While the first is answered, the second waits; and the connection still hears its client.
    socket.ping().await;
    assert_eq!(app.model.requests().len(), 1);
    gate.open();
    for said in ["one", "two"] {
        let last = socket.events().await.pop().unwrap();
        assert_eq!(last["response"]["output"][0]["content"][0]["text"], said);
    }
}

#[tokio::test]
async fn a_chain_that_is_not_stored_goes_on_within_its_connection() {
    let app = TestApp::start().await;
    let listening = app.listen().await;
    let mut socket = listening.connect(&app.user).await;
    let first = socket.response(json!({"model": "gpt", "input": "one", "store": false})).await;
    let next = |previous: &Value, input: &str, store: bool| json!({"model": "gpt", "input": input, "store": store, "previous_response_id": previous["id"]});
    let second = socket.response(next(&first, "two", false)).await;
    assert_eq!(second["previous_response_id"], first["id"]);
    let third = socket.response(next(&second, "three", false)).await;
    let given = ["user: one", "assistant: Hello.", "user: two", "assistant: Hello.", "user: three"];
    assert_eq!(app.model.was_given(), given);
    assert_eq!(app.user.list(PATH).await, Vec::<Value>::new());

    // Only the newest is remembered, and only here.
    let message = |previous: &Value| {
        format!("Previous response with id '{}' not found.", previous["id"].as_str().unwrap())
    };
    let not_found = |previous: &Value| {
        let code = "previous_response_not_found".to_owned();
        (400, message(previous), code, Some("previous_response_id".to_owned()))
    };
    socket.create(next(&first, "again", false)).await;
    assert_eq!(socket.refusal().await, not_found(&first));
    let mut elsewhere = listening.connect(&app.user).await;
    elsewhere.create(next(&third, "there?", false)).await;
    assert_eq!(elsewhere.refusal().await, not_found(&third));

    // One that is stored may follow what is not.
    let stored = socket.response(next(&third, "four", true)).await;
    assert_eq!(app.model.was_given().len(), 7);
    assert_eq!(app.user.get(&path_of(&stored)).await.accepted()["status"], "completed");
}

#[tokio::test]
async fn a_chain_that_is_not_stored_remembers_what_its_beginning_followed() {
    let app = TestApp::start().await;
    let stored = app.ask(json!({"model": "gpt", "input": "stored"})).await;
    let mut socket = app.listen().await.connect(&app.user).await;
    let mut previous = stored["id"].clone();
    for input in ["one", "two"] {
        let body = json!({"model": "gpt", "input": input, "store": false, "previous_response_id": previous});
        previous = socket.response(body).await["id"].clone();
    }
    let given = ["user: stored", "assistant: Hello.", "user: one", "assistant: Hello.", "user: two"];
    assert_eq!(app.model.was_given(), given);
}

#[tokio::test]
async fn what_a_failed_turn_followed_cannot_be_followed_again() {
    let app = TestApp::start().await;
    let mut socket = app.listen().await.connect(&app.user).await;
    let ask = json!({"model": "gpt", "input": "one", "store": false});
    let follow = |previous: &Value, input: Value| json!({"model": "gpt", "input": input, "store": false, "previous_response_id": previous["id"]});

    // A request that is refused.
    let first = socket.response(ask.clone()).await;
    socket.create(follow(&first, json!([output("call_of_nobody", "x")]))).await;
    assert_eq!(
        socket.refusal().await.1,
        "No tool call found for function call output with call_id \
                                         call_of_nobody."
    );
    socket.create(follow(&first, json!("again"))).await;
    assert_eq!(socket.refusal().await.2, "previous_response_not_found");

    // A model that fails, whether the response that fails is stored or not.
    for store in [false, true] {
        let second = socket.response(ask.clone()).await;
        app.model.refuses(FaultKind::Unreachable, "Nobody there.");
        let mut body = follow(&second, json!("go on"));
        body["store"] = json!(store);
        let failed = socket.response(body).await;
        let seen = (&failed["status"], &failed["error"]["code"]);
        assert_eq!(seen, (&json!("failed"), &json!("model_unreachable")));
        socket.create(follow(&second, json!("again"))).await;
        assert_eq!(socket.refusal().await.2, "previous_response_not_found");
    }
}

#[tokio::test]
async fn a_response_that_only_warms_up_is_there_to_be_followed() {
    let app = TestApp::start().await;
    let mut socket = app.listen().await.connect(&app.user).await;
    for store in [false, true] {
        let body = json!({"model": "gpt", "input": "Be brief.", "generate": false, "store": store});
        socket.create(body).await;
        let events = socket.events().await;
        assert_eq!(types(&events), ["response.created", "response.in_progress", "response.completed"]);
        let warm = &events[2]["response"];
        assert_eq!((&warm["status"], &warm["output"]), (&json!("completed"), &json!([])));
        assert!(warm.get("generate").is_none());
        let body = json!({"model": "gpt", "input": "Hi", "store": store, "previous_response_id": warm["id"]});
        socket.response(body).await;
        assert_eq!(app.model.was_given(), ["user: Be brief.", "user: Hi"]);
    }
    assert_eq!(app.model.requests().len(), 2);
}

#[tokio::test]
async fn events_name_the_lane_that_their_request_was_sent_on() {
    let app = TestApp::start().await;
    let mut socket = app.listen().await.connect(&app.user).await;
    socket.create(json!({"model": "gpt", "input": "Hi", "stream_id": "a"})).await;
    let events = socket.events().await;
    assert!(events.iter().all(|event| event["stream_id"] == "a"), "{events:#?}");
    assert!(events.last().unwrap()["response"].get("stream_id").is_none());
    socket.create(json!({"input": "Hi", "stream_id": "b"})).await;
    assert_eq!(socket.next().await["stream_id"], "b");
}

#[tokio::test]
async fn what_is_wrong_with_a_message_is_said_and_the_connection_stays() {
    let app = TestApp::start().await;
    let mut socket = app.listen().await.connect(&app.user).await;
    socket.send(json!({"type": "response.steer"})).await;
    let message = "Invalid value: \"response.steer\". Supported values are: 'response.create'.".to_owned();
    assert_eq!(socket.refusal().await, (400, message, "invalid_value".to_owned(), Some("type".to_owned())));
    socket.send(json!([1])).await;
    assert_eq!(socket.refusal().await.2, "invalid_type");
    socket.create(json!({"input": "Hi"})).await;
    let message = "Missing required parameter: 'model'.".to_owned();
    let code = "missing_required_parameter".to_owned();
    assert_eq!(socket.refusal().await, (400, message, code, Some("model".to_owned())));
    assert_eq!(socket.response(json!({"model": "gpt", "input": "Hi"})).await["status"], "completed");
}

#[tokio::test]
async fn every_address_of_responses_takes_connections_and_may_name_the_agent() {
    let app = TestApp::start().await;
    let definition = json!({"kind": "prompt", "model": "gpt-of-agent"});
    app.user.post("/agents/writer/versions", json!({"definition": definition})).await.accepted();
    let listening = app.listen().await;
    for path in ["/openai/v1/responses", "/openai/responses?api-version=v1"] {
        let mut socket = listening.open(&app.user, path).await.unwrap_or_else(|_| panic!("{path}"));
        socket.response(json!({"model": "gpt", "input": "Hi"})).await;
    }
    for beginning in ["/agents/writer/endpoint/protocols/openai", "/applications/writer/protocols/openai"] {
        for version in ["", "/v1"] {
            let path = format!("{beginning}{version}/responses");
            let mut socket = listening.open(&app.user, &path).await.unwrap_or_else(|_| panic!("{path}"));
            let response = socket.response(json!({"input": "Hi"})).await;
            assert_eq!(response["model"], "gpt-of-agent");
        }
    }
}

#[tokio::test]
async fn who_may_not_create_responses_gets_no_connection() {
    let app = TestApp::start().await;
    let listening = app.listen().await;
    let path = "/openai/v1/responses";
    for (actor, status) in [
        (&app.anon, StatusCode::UNAUTHORIZED),
        (&app.stranger, StatusCode::UNAUTHORIZED),
        (&app.neighbour, StatusCode::FORBIDDEN),
    ] {
        assert_eq!(listening.open(actor, path).await.err(), Some(status));
    }
}

#[tokio::test]
async fn a_request_without_the_handshake_is_told_so() {
    let app = TestApp::start().await;
    let request = app.user.request(http::Method::GET, PATH).header("upgrade", "websocket");
    let answer = app.user.send(request.body(axum::body::Body::empty()).unwrap()).await;
    let (status, message, ..) = answer.refusal();
    assert_eq!(status, 400);
    assert!(message.starts_with("This request can't become a WebSocket connection: "), "{message}");
}

#[tokio::test]
async fn a_response_goes_on_when_its_client_leaves() {
    let app = TestApp::start().await;
    let mut socket = app.listen().await.connect(&app.user).await;
    let gate = Gate::closed();
    let pieces = words("Once ").into_iter().chain([Piece::Waits(gate.clone())]).chain(words("upon a time."));
    app.model.then(pieces.chain(end(Finish::Stop, 10, 4)));
    socket.create(json!({"model": "gpt", "input": "Tell me."})).await;
    let response = socket.next().await["response"].clone();
    socket.leave().await;
    gate.open();
    let ended = app.user.until(&path_of(&response), "completed").await;
    assert_eq!(ended["output"][0]["content"][0]["text"], "Once upon a time.");
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_connection_with_the_reason() {
    let app = limited(Limits { max_body_bytes: 2_000, ..Limits::default() }).await;
    let mut socket = app.listen().await.connect(&app.user).await;
    socket.create(json!({"model": "gpt", "input": "x".repeat(2_000)})).await;
    let (status, message, code, _) = socket.refusal().await;
    assert_eq!((status, code.as_str()), (413, "body_too_large"), "{message}");
    let frame = socket.closed().await;
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1009, "body_too_large"));
}

#[tokio::test]
async fn a_chain_that_is_not_stored_is_no_larger_than_a_request_may_be() {
    let app = limited(Limits { max_body_bytes: 6_000, ..Limits::default() }).await;
    let mut socket = app.listen().await.connect(&app.user).await;
    let mut body = json!({"model": "gpt", "input": "x".repeat(1_500), "store": false});
    body["previous_response_id"] = socket.response(body.clone()).await["id"].clone();
    body["previous_response_id"] = socket.response(body.clone()).await["id"].clone();
    socket.create(body).await;
    let (status, message, code, _) = socket.refusal().await;
    assert_eq!((status, code.as_str()), (413, "body_too_large"));
    assert!(message.starts_with("This chain of responses that are not stored"), "{message}");
}

#[tokio::test]
async fn a_connection_that_is_old_enough_is_ended_with_the_reason() {
    let app = limited(Limits { socket_lifetime: Duration::ZERO, ..Limits::default() }).await;
    let mut socket = app.listen().await.connect(&app.user).await;
    assert_eq!(socket.refusal().await.2, "websocket_connection_limit_reached");
    assert_eq!(u16::from(socket.closed().await.code), 1000);
}

#[tokio::test]
async fn a_shutdown_lets_a_response_end_and_says_goodbye() {
    let app = TestApp::start().await;
    let listening = app.listen().await;
    let mut busy = listening.connect(&app.user).await;
    let mut idle = listening.connect(&app.user).await;
    let gate = Gate::closed();
    app.model.then([Piece::Waits(gate.clone())].into_iter().chain(words("Bye.")).chain(end(
        Finish::Stop,
        1,
        1,
    )));
    busy.create(json!({"model": "gpt", "input": "Hi"})).await;
    busy.next().await;
    let engine = app.engine.clone();
    let drained = tokio::spawn(async move { engine.drain(Duration::from_secs(60)).await });
    let frame = idle.closed().await;
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1001, "draining"));
    gate.open();
    assert_eq!(busy.events().await.pop().unwrap()["type"], "response.completed");
    assert_eq!(u16::from(busy.closed().await.code), 1001);
    drained.await.unwrap();
    listening.stop().await;
}
