//! `file_search` in responses.

use std::time::Duration;

use cupola_models::{Finish, ModelDelta, ToolChoice};
use serde_json::{Value, json};

use crate::{
    app::{Setup, TestApp},
    golden::{assert_golden, names},
    library::Shelf,
    model::{Gate, Piece, call, end, words},
    responses::{PATH, declared, path_of},
    responses_streams::assert_gapless,
};

async fn app() -> TestApp {
    let app = TestApp::with(Setup { shelf: Shelf::about_boats(), ..Setup::default() }).await;
    for store in ["vs_1", "vs_7", "vs_8", "vs_gone"] {
        app.add_store(store).await;
    }
    app
}

fn question() -> Value {
    json!({
        "model": "gpt", "input": "Do boats float?",
        "tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}],
    })
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

fn search(app: &TestApp) {
    app.model.calls("file_search", r#"{"queries":["boat"]}"#);
}

/// What is said of the files in the text of an output: the text, and where which file is cited.
fn cited(output: &Value) -> (String, Vec<(u64, String)>) {
    let part = &output.as_array().unwrap().last().unwrap()["content"][0];
    let annotations = part["annotations"].as_array().unwrap().iter();
    let annotations = annotations.map(|annotation| {
        assert_eq!(annotation["type"], "file_citation");
        (annotation["index"].as_u64().unwrap(), annotation["filename"].as_str().unwrap().to_owned())
    });
    (part["text"].as_str().unwrap().to_owned(), annotations.collect())
}

#[tokio::test]
async fn a_search_and_a_cited_answer_are_streamed_as_the_service_does() {
    let app = app().await;
    app.model.calls("file_search", r#"{"queries":["boat","ship"]}"#);
    let bits = ["🚤 It floats【0", ":0†sou", "rce】", ", even of stone【0:1†source】."];
    let bits = bits.map(|bit| Piece::Says(ModelDelta::Text(bit.to_owned())));
    app.model.then(bits.into_iter().chain(end(Finish::Stop, 90, 12)));
    let stream = app.user.stream(PATH, question()).await.all().await;
    assert_gapless(&stream);
    assert_golden("responses/file_search", &stream);
}

#[tokio::test]
async fn the_marker_leaves_the_text_and_the_annotation_says_where_it_stood() {
    let app = app().await;
    search(&app);
    app.model.says("🚤 floats【0:0†source】, stone too【0:1†source】【0:0†source】.【9:9†source】");
    let response = app.user.post(PATH, question()).await.accepted();
    let (text, cited) = cited(&response["output"]);
    assert_eq!(text, "🚤 floats, stone too.【9:9†source】");
    let expected = [(8, "boats.md"), (19, "stones.md"), (19, "boats.md")];
    assert_eq!(cited, expected.map(|(index, file)| (index, file.to_owned())));
    assert_eq!(response["output"].as_array().unwrap().len(), 2);
    // What the model said itself is what it is given again within the turn, but not in another one.
    let next =
        with(json!({"model": "gpt", "input": "Sure?"}), "previous_response_id", response["id"].clone());
    app.user.post(PATH, next).await.accepted();
    assert_eq!(app.model.was_given()[3], "assistant: 🚤 floats, stone too.【9:9†source】");
}

#[tokio::test]
async fn results_are_shown_to_those_who_ask_for_them() {
    let app = app().await;
    let result = |response: &Value| response["output"][0]["results"].clone();
    let best = json!({
        "file_id": "boats-md", "filename": "boats.md", "score": 0.9, "attributes": {"year": 2026},
        "text": "A boat floats because it is lighter than water.",
    });
    search(&app);
    let without = app.user.post(PATH, question()).await.accepted();
    assert_eq!(without["output"][0]["queries"], json!(["boat"]));
    assert_eq!(result(&without), json!(null));
    let path = path_of(&without);
    assert_eq!(result(&app.user.get(&path).await.accepted()), json!(null));
    let listed = app.user.list(PATH).await;
    assert_eq!(result(&listed[0]), json!(null));
    let asked = app.user.get(&format!("{path}?include[]=file_search_call.results")).await.accepted();
    assert_eq!(result(&asked)[0], best);

    search(&app);
    let included = with(question(), "include", json!(["file_search_call.results"]));
    assert_eq!(result(&app.user.post(PATH, included).await.accepted())[0], best);
}

#[tokio::test]
async fn results_are_streamed_to_those_who_ask_for_them() {
    let app = app().await;
    search(&app);
    app.model.says("It floats.");
    let included = with(question(), "include", json!(["file_search_call.results"]));
    let mut events = app.user.stream(PATH, included).await;
    events.until("response.completed").await;
    let done = &events.object("response.completed")["response"]["output"][0];
    assert_eq!(done["results"][1]["filename"], "stones.md");
    search(&app);
    let mut events = app.user.stream(PATH, question()).await;
    events.until("response.completed").await;
    let done = &events.object("response.completed")["response"]["output"][0];
    assert_eq!(done["results"], json!(null));
}

#[tokio::test]
async fn a_conversation_keeps_the_search_and_the_next_turn_knows_of_it() {
    let app = app().await;
    let conversation = app.user.create("/openai/v1/conversations", json!({})).await;
    search(&app);
    app.model.says("It floats【0:0†source】.");
    let body = with(question(), "conversation", json!(conversation));
    app.user.post(PATH, body).await.accepted();
    let path = format!("/openai/v1/conversations/{conversation}/items?order=asc");
    let items = app.user.list(&path).await;
    let types: Vec<_> = items.iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["message", "file_search_call", "message"]);
    assert_eq!(items[1]["results"], json!(null));
    let asked = app.user.list(&format!("{path}&include[]=file_search_call.results")).await;
    assert_eq!(asked[1]["results"][0]["filename"], "boats.md");

    let next = json!({"model": "gpt", "input": "Sure?", "conversation": conversation});
    app.user.post(PATH, next).await.accepted();
    let given = app.model.was_given();
    assert_eq!(given[1], r#"assistant: file_search({"queries":["boat"]})"#);
    assert!(given[2].starts_with("tool: [What was found then"), "{given:?}");
    assert_eq!(given[3], "assistant: It floats.");
}

#[tokio::test]
async fn a_search_that_a_client_sends_again_is_understood() {
    let app = app().await;
    search(&app);
    let mut input = vec![json!({"role": "user", "content": "Do boats float?"})];
    let answered = app.user.post(PATH, question()).await.accepted();
    input.extend(answered["output"].as_array().unwrap().iter().cloned());
    input.push(json!({"role": "user", "content": "Sure?"}));
    app.user.post(PATH, with(question(), "input", json!(input))).await.accepted();
    assert_eq!(app.model.was_given()[1], r#"assistant: file_search({"queries":["boat"]})"#);
}

#[tokio::test]
async fn the_settings_of_an_agent_reach_the_search_and_are_echoed_with_their_defaults() {
    let app = app().await;
    let filters = json!({"type": "eq", "key": "year", "value": 2026});
    let weights = json!({"embedding_weight": 1.0, "text_weight": 0.5});
    let tool = json!({
        "type": "file_search", "vector_store_ids": ["{{store}}"], "max_num_results": 1, "filters": filters,
        "ranking_options": {"ranker": "auto", "score_threshold": 0.2, "hybrid_search": weights},
        "description": "About boats.",
    });
    let definition = json!({
        "kind": "prompt", "model": "gpt", "tools": [tool, {"type": "file_search", "vector_store_ids": ["vs_8"]}],
        "structured_inputs": {"store": {"default_value": "vs_7"}},
    });
    app.user.post("/agents/boatswain/versions", json!({"definition": definition})).await.accepted();
    search(&app);
    let agent = json!({"name": "boatswain", "type": "agent_reference"});
    let body = json!({"input": "Do boats float?", "agent_reference": agent});
    let response = app.user.post(PATH, body).await.accepted();
    let (stores, wanted) = app.shelf.searches().remove(0);
    assert_eq!(stores, ["vs_7"]);
    assert_eq!((wanted.limit, wanted.threshold, wanted.may_rerank), (1, 0.2, true));
    assert_eq!((wanted.filters, wanted.weights), (Some(filters), Some(weights)));
    let offered = app.model.requests()[0].tools.clone();
    assert_eq!(offered[1].name, "file_search_2");
    assert!(offered[0].description.as_ref().unwrap().ends_with("About boats."));
    let defaults = json!({
        "type": "file_search", "vector_store_ids": ["vs_8"], "max_num_results": 20,
        "ranking_options": {"ranker": "auto", "score_threshold": 0},
    });
    assert_eq!(response["tools"][1], defaults);
}

#[tokio::test]
async fn a_search_can_be_forced_or_be_the_only_tool_that_is_allowed() {
    let app = app().await;
    let tools = json!([question()["tools"][0], declared("get_weather")]);
    let body = with(question(), "tools", tools);
    search(&app);
    app.user.post(PATH, with(body.clone(), "tool_choice", json!({"type": "file_search"}))).await.accepted();
    let requests = app.model.requests();
    assert_eq!(requests[0].tool_choice, ToolChoice::Function("file_search".to_owned()));
    assert_eq!((requests[0].tools.len(), requests[1].tools.len()), (1, 2));

    let allowed = json!({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "file_search"}]});
    app.user.post(PATH, with(body, "tool_choice", allowed)).await.accepted();
    let names: Vec<_> = app.model.requests()[2].tools.iter().map(|tool| tool.name.clone()).collect();
    assert_eq!(names, ["file_search"]);
}

#[tokio::test]
async fn calls_of_the_client_are_handed_over_once_the_search_is_done() {
    let app = app().await;
    let calls = [
        call(0, "call_of_the_model_1", "get_weather", "{}"),
        call(1, "call_of_the_model_2", "file_search", r#"{"queries":["boat"]}"#),
    ];
    app.model.then(calls.concat().into_iter().chain(end(Finish::ToolCalls, 20, 9)));
    let tools = json!([declared("get_weather"), question()["tools"][0]]);
    let body = with(question(), "tools", tools);
    let mut events = app.user.stream(PATH, body.clone()).await;
    events.until("response.completed").await;
    let response = events.object("response.completed")["response"].clone();
    let stream = events.all().await;
    assert_gapless(&stream);
    assert_golden("responses/file_search_and_function", &stream);
    let types: Vec<_> = response["output"].as_array().unwrap().iter().map(|item| &item["type"]).collect();
    assert_eq!(types, ["function_call", "file_search_call"]);

    let output = json!({"type": "function_call_output", "call_id": "call_of_the_model_1", "output": "rain"});
    let next = with(with(body, "input", json!([output])), "previous_response_id", response["id"].clone());
    app.user.post(PATH, next).await.accepted();
    assert!(app.model.was_given().contains(&"tool: rain".to_owned()));
}

#[tokio::test]
async fn searches_at_the_same_time_have_places_of_their_own_and_are_done_in_any_order() {
    let app = app().await;
    let gate = Gate::closed();
    app.shelf.wait_at(&gate);
    let calls = [
        call(0, "call_of_the_model_1", "file_search", r#"{"queries":["water"]}"#),
        call(1, "call_of_the_model_2", "file_search", r#"{"queries":["sinks"]}"#),
    ];
    app.model.then(calls.concat().into_iter().chain(end(Finish::ToolCalls, 20, 9)));
    app.model.says("Both【0:0†source】【1:0†source】.");
    let mut events = app.user.stream(PATH, question()).await;
    events.until("response.file_search_call.searching").await;
    gate.open();
    events.until("response.completed").await;
    let output = events.object("response.completed")["response"]["output"].clone();
    assert_gapless(&events.all().await);
    let queries: Vec<_> = output.as_array().unwrap().iter().map(|item| &item["queries"]).collect();
    assert_eq!(queries[..2], [&json!(["water"]), &json!(["sinks"])]);
    assert_eq!(cited(&output).1, [(4, "boats.md".to_owned()), (4, "stones.md".to_owned())]);
}

#[tokio::test]
async fn a_search_that_fails_is_an_item_that_failed() {
    let app = app().await;
    search(&app);
    app.model.says("I can't look.");
    let tools = json!([{"type": "file_search", "vector_store_ids": ["vs_gone"]}]);
    let stream = app.user.stream(PATH, with(question(), "tools", tools)).await.all().await;
    assert_gapless(&stream);
    assert_golden("responses/file_search_failed", &stream);
}

#[tokio::test]
async fn a_call_of_a_function_that_does_not_exist_concerns_the_model_alone() {
    let app = app().await;
    app.model.calls("teleport", "{}");
    app.model.says("Then not.");
    let stream = app.user.stream(PATH, question()).await.all().await;
    assert_gapless(&stream);
    assert!(!stream.contains("teleport"), "{stream}");
    assert_eq!(stream.matches("response.output_item.added\n").count(), 1, "{stream}");
    assert!(app.model.was_given().pop().unwrap().contains("There is no function 'teleport'"));
}

#[tokio::test]
async fn no_more_calls_are_made_than_a_response_may_make() {
    let app = app().await;
    search(&app);
    app.model.says("Enough.");
    app.user.post(PATH, with(question(), "max_tool_calls", json!(1))).await.accepted();
    let requests = app.model.requests();
    assert_eq!((requests[0].tools.len(), requests[1].tools.len()), (1, 0));
}

#[tokio::test]
async fn a_search_that_is_cut_short_is_an_item_that_is_incomplete() {
    let app = app().await;
    app.shelf.wait_at(&Gate::closed());
    search(&app);
    let mut events = app.user.stream(PATH, with(question(), "background", json!(true))).await;
    events.until("response.file_search_call.searching").await;
    let path = path_of(&events.object("response.created")["response"]);
    app.user.post_nothing(&format!("{path}/cancel")).await.accepted();
    let response = app.user.get(&path).await.accepted();
    assert_eq!(
        (&response["status"], &response["output"][0]["status"]),
        (&json!("cancelled"), &json!("incomplete"))
    );
    assert_gapless(&events.all().await);
}

/// The whole stream of a response in the background, as it can be read again.
async fn read_again(app: &TestApp, path: &str) -> String {
    String::from_utf8(app.user.get(&format!("{path}?stream=true")).await.body.to_vec()).unwrap()
}

/// The next service on what this one has left behind.
async fn restarted(app: TestApp, shelf: Shelf, text: &str) -> TestApp {
    app.engine.drain(Duration::ZERO).await;
    let next = Setup { home: Some(app.home), shelf, ..Setup::default() };
    next.model.says(text);
    TestApp::with(next).await
}

async fn ended(app: &TestApp, path: &str) -> Value {
    loop {
        let response = app.user.get(&format!("{path}?include[]=file_search_call.results")).await.accepted();
        if !matches!(response["status"].as_str(), Some("queued" | "in_progress")) {
            return response;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_search_that_a_crash_interrupted_goes_on_in_the_same_stream() {
    let app = app().await;
    app.shelf.wait_at(&Gate::closed());
    search(&app);
    let mut events = app.user.stream(PATH, with(question(), "background", json!(true))).await;
    events.until("response.file_search_call.searching").await;
    let path = path_of(&events.object("response.created")["response"]);
    app.shelf.until_searched().await;
    let app = restarted(app, Shelf::about_boats(), "It floats【0:0†source】.").await;
    let response = ended(&app, &path).await;
    assert_eq!(cited(&response["output"]), ("It floats.".to_owned(), vec![(9, "boats.md".to_owned())]));
    assert_eq!(response["output"][0]["results"][0]["filename"], "boats.md");
    let stream = read_again(&app, &path).await;
    assert_gapless(&stream);
    assert_golden("responses/file_search_after_a_crash", &stream);
}

#[tokio::test]
async fn an_answer_that_a_crash_interrupted_goes_on_behind_its_citation() {
    let app = app().await;
    search(&app);
    let begun = words("It floats【0:0†source】, even ").into_iter();
    app.model.then(begun.chain([Piece::Waits(Gate::closed())]));
    let mut events = app.user.stream(PATH, with(question(), "background", json!(true))).await;
    events.until("response.output_text.annotation.added").await;
    let path = path_of(&events.object("response.created")["response"]);
    let app = restarted(app, Shelf::default(), "It floats【0:0†source】, even of stone【0:1†source】.").await;
    let response = ended(&app, &path).await;
    let (text, cited) = cited(&response["output"]);
    assert_eq!(text, "It floats, even of stone.");
    assert_eq!(cited, [(9, "boats.md".to_owned()), (24, "stones.md".to_owned())]);
    // What was found stands in the journal, also what listeners were not shown.
    assert_eq!(response["output"][0]["results"][1]["filename"], "stones.md");
    let stream = read_again(&app, &path).await;
    assert_gapless(&stream);
    let annotated = names(&stream).into_iter().filter(|name| name.ends_with("annotation.added")).count();
    assert_eq!(annotated, 2, "{stream}");
    assert_eq!(stream.matches("response.output_item.added\n").count(), 2, "{stream}");
}

#[tokio::test]
async fn a_streamed_response_keeps_what_was_before_a_crash() {
    let app = app().await;
    search(&app);
    app.model.then(words("It ").into_iter().chain([Piece::Waits(Gate::closed())]));
    let mut events = app.user.stream(PATH, question()).await;
    events.until("response.output_text.delta").await;
    let path = path_of(&events.object("response.created")["response"]);
    let app = restarted(app, Shelf::default(), "It floats【0:0†source】.").await;
    let response = ended(&app, &path).await;
    assert_eq!(response["output"][0]["results"][0]["filename"], "boats.md");
    assert_eq!(cited(&response["output"]), ("It floats.".to_owned(), vec![(9, "boats.md".to_owned())]));
}
