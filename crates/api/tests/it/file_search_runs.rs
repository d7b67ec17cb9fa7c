//! `file_search` in runs.

use std::time::Duration;

use cupola_models::{Finish, ModelDelta, ToolChoice};
use serde_json::{Value, json};

use crate::{
    app::{Setup, TestApp, function, thread_of},
    golden::{assert_golden, names},
    library::Shelf,
    model::{Gate, Piece, call, end, words},
};

const INCLUDE: &str = "include[]=step_details.tool_calls%5B%2A%5D.file_search.results%5B%2A%5D.content";

async fn app() -> TestApp {
    TestApp::with(Setup { shelf: Shelf::about_boats(), ..Setup::default() }).await
}

/// An agent that searches these stores, with further tools.
async fn searcher(app: &TestApp, stores: Value, more: &[Value]) -> String {
    let tools: Vec<Value> =
        [json!({"type": "file_search"})].into_iter().chain(more.iter().cloned()).collect();
    let resources = json!({"file_search": {"vector_store_ids": stores}});
    let body = json!({"model": "gpt", "tools": tools, "tool_resources": resources});
    app.user.create("/assistants", body).await
}

/// The model searches, then says this.
fn searches_and_says(app: &TestApp, text: &str) {
    app.model.calls("file_search", r#"{"queries":["boat"]}"#);
    app.model.says(text);
}

async fn streamed(app: &TestApp, agent: &str, query: &str) -> String {
    let thread = app.thread().await;
    let path = format!("/threads/{thread}/runs{query}");
    app.user.stream(&path, json!({"assistant_id": agent})).await.all().await
}

/// The run once it has ended, and its steps, the oldest first.
async fn done(app: &TestApp, agent: &str) -> (String, Value, Vec<Value>) {
    let run = app.run(agent).await;
    let seen = app.user.until(&run, "completed").await;
    let steps = app.user.list(&format!("{run}/steps?order=asc&{INCLUDE}")).await;
    (run, seen, steps)
}

/// The newest message of a thread: its text.
async fn newest_text(app: &TestApp, run: &str) -> Value {
    let messages = app.user.list(&format!("{}/messages", thread_of(run))).await;
    messages[0]["content"][0]["text"].clone()
}

/// What of a text stands from one code point to another.
fn between(text: &Value, annotation: &Value) -> String {
    let index = |field: &str| annotation[field].as_u64().unwrap() as usize;
    let (start, end) = (index("start_index"), index("end_index"));
    text["value"].as_str().unwrap().chars().skip(start).take(end - start).collect()
}

#[tokio::test]
async fn a_search_and_a_cited_answer_are_streamed_as_the_service_does() {
    let app = app().await;
    let agent = searcher(&app, json!(["vs_1"]), &[]).await;
    app.model.calls("file_search", r#"{"queries":["boat","ship"]}"#);
    let bits = ["🚤 It floats【0", ":0†sou", "rce】", ", even of stone【0:1†source】."];
    let bits = bits.map(|bit| Piece::Says(ModelDelta::Text(bit.to_owned())));
    app.model.then(bits.into_iter().chain(end(Finish::Stop, 90, 12)));
    assert_golden("file_search", &streamed(&app, &agent, "").await);
}

#[tokio::test]
async fn the_passages_are_streamed_to_those_who_ask_for_them() {
    let app = app().await;
    let agent = searcher(&app, json!(["vs_1"]), &[]).await;
    searches_and_says(&app, "It floats【0:0†source】.");
    assert_golden("file_search_included", &streamed(&app, &agent, &format!("?{INCLUDE}")).await);
}

#[tokio::test]
async fn annotations_point_at_their_markers_in_code_points() {
    let app = app().await;
    let agent = searcher(&app, json!(["vs_1"]), &[]).await;
    searches_and_says(&app, "Grüße 👩‍🚀【0:1†source】 und 🚤【0:0†boats.md】!");
    let (run, ..) = done(&app, &agent).await;
    let text = newest_text(&app, &run).await;
    let annotations = text["annotations"].as_array().unwrap();
    let cited: Vec<_> =
        annotations.iter().map(|a| (between(&text, a), a["file_citation"]["file_id"].clone())).collect();
    assert_eq!(
        cited,
        [
            ("【0:1†source】".to_owned(), json!("stones-md")),
            ("【0:0†boats.md】".to_owned(), json!("boats-md")),
        ]
    );
    let of_text: Vec<_> = annotations.iter().map(|a| a["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(of_text, ["【0:1†source】", "【0:0†boats.md】"]);
}

#[tokio::test]
async fn a_marker_that_names_nothing_stays_text() {
    let app = app().await;
    let agent = searcher(&app, json!(["vs_1"]), &[]).await;
    let said = "See【4:0†source】 and【0:9†source】 and【0:";
    searches_and_says(&app, said);
    let stream = streamed(&app, &agent, "").await;
    let deltas = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    let deltas = deltas.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let told: String = deltas
        .filter(|event| event["object"] == "thread.message.delta")
        .map(|event| event["delta"]["content"][0]["text"]["value"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, said);
    assert!(!stream.contains("file_citation"));
}

#[tokio::test]
async fn the_step_shows_passages_only_to_those_who_ask_and_the_steps_add_up() {
    let app = app().await;
    let agent = searcher(&app, json!(["vs_1"]), &[]).await;
    searches_and_says(&app, "It floats【0:0†source】.");
    let (run, seen, steps) = done(&app, &agent).await;
    let kinds: Vec<&str> = steps.iter().map(|step| step["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["tool_calls", "message_creation"]);
    for field in ["prompt_tokens", "completion_tokens", "total_tokens"] {
        let sum: u64 = steps.iter().map(|step| step["usage"][field].as_u64().unwrap()).sum();
        assert_eq!(seen["usage"][field], sum, "{field}");
    }
    let call = &steps[0]["step_details"]["tool_calls"][0];
    let content = json!([{"type": "text", "text": "A boat floats because it is lighter than water."}]);
    let best = json!({
        "file_id": "boats-md", "file_name": "boats.md", "score": 0.9, "attributes": {"year": 2026},
        "content": content,
    });
    assert_eq!((&call["type"], &call["file_search"]["results"][0]), (&json!("file_search"), &best));

    let path = format!("{run}/steps/{}", steps[0]["id"].as_str().unwrap());
    let without = app.user.get(&path).await.accepted();
    let result = &without["step_details"]["tool_calls"][0]["file_search"]["results"][0];
    assert_eq!(result["file_name"], "boats.md");
    assert!(result.get("content").is_none(), "{result}");
    let listed = app.user.list(&format!("{run}/steps")).await;
    assert_eq!(listed[1], without);
    assert_eq!(app.user.get(&format!("{path}?{INCLUDE}")).await.accepted(), steps[0]);
}

#[tokio::test]
async fn the_stores_of_the_agent_and_of_the_thread_are_searched_with_the_settings_of_the_tool() {
    let app = app().await;
    let ranking = json!({"ranker": "none", "score_threshold": 0.5});
    let tool =
        json!({"type": "file_search", "file_search": {"max_num_results": 7, "ranking_options": ranking}});
    let stores = |ids: Value| json!({"file_search": {"vector_store_ids": ids}});
    let agent = json!({"model": "gpt", "tools": [tool], "tool_resources": stores(json!(["vs_1", "vs_2"]))});
    let agent = app.user.create("/assistants", agent).await;
    let thread = json!({"tool_resources": stores(json!(["vs_2", "vs_3"]))});
    let thread = app.user.create("/threads", thread).await;
    for (own, expected) in
        [(None, vec!["vs_1", "vs_2", "vs_3"]), (Some("vs_9"), vec!["vs_9", "vs_2", "vs_3"])]
    {
        searches_and_says(&app, "Yes.");
        let mut body = json!({"assistant_id": agent});
        if let Some(own) = own {
            body["tool_resources"] = stores(json!([own]));
        }
        let run = app.user.create(&format!("/threads/{thread}/runs"), body).await;
        let run = format!("/threads/{thread}/runs/{run}");
        app.user.until(&run, "completed").await;
        let (searched, wanted) = app.shelf.searches().pop().unwrap();
        assert_eq!(searched, expected);
        assert_eq!((wanted.limit, wanted.may_rerank, wanted.threshold), (7, false, 0.5));
        let steps = app.user.list(&format!("{run}/steps?order=asc")).await;
        let search = &steps[0]["step_details"]["tool_calls"][0]["file_search"];
        assert_eq!(search["ranking_options"], ranking);
        assert_eq!(search["results"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_thread_that_comes_with_its_run_brings_its_stores() {
    let app = app().await;
    let agent = searcher(&app, json!([]), &[]).await;
    searches_and_says(&app, "Yes.");
    let thread = json!({
        "messages": [{"role": "user", "content": "Hi"}],
        "tool_resources": {"file_search": {"vector_store_ids": ["vs_5"]}},
    });
    app.user.stream("/threads/runs", json!({"assistant_id": agent, "thread": thread})).await.all().await;
    assert_eq!(app.shelf.searches()[0].0, ["vs_5"]);
}

#[tokio::test]
async fn the_client_is_asked_for_its_own_calls_alone_once_the_search_is_done() {
    let app = app().await;
    let agent = searcher(&app, json!(["vs_1"]), &[function("get_weather")]).await;
    let calls = [
        call(0, "call_of_the_model_1", "get_weather", "{}"),
        call(1, "call_of_the_model_2", "file_search", r#"{"queries":["boat"]}"#),
    ];
    app.model.then(calls.concat().into_iter().chain(end(Finish::ToolCalls, 20, 9)));
    app.model.says("It floats in the rain【0:0†source】.");
    let stream = streamed(&app, &agent, "").await;
    assert_golden("file_search_and_function", &stream);
    let run = run_of(&stream);
    let outputs = json!({"tool_outputs": [{"tool_call_id": "call_of_the_model_1", "output": "rain"}]});
    let submit = format!("{run}/submit_tool_outputs");
    let stream = app.user.stream(&submit, outputs).await.all().await;
    assert_golden("file_search_and_function_submitted", &stream);
    let given = app.model.was_given();
    assert_eq!(given[2], "tool: rain");
    assert!(given[3].starts_with("tool: Passages from the files"), "{given:?}");
}

/// The path of the run that a stream tells of.
fn run_of(stream: &str) -> String {
    let data = stream.lines().nth(1).unwrap().strip_prefix("data: ").unwrap();
    let run: Value = serde_json::from_str(data).unwrap();
    format!("/threads/{}/runs/{}", run["thread_id"].as_str().unwrap(), run["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_search_can_be_forced() {
    let app = app().await;
    let agent = searcher(&app, json!(["vs_1"]), &[function("get_weather")]).await;
    searches_and_says(&app, "Yes.");
    let thread = app.thread().await;
    let body = json!({"assistant_id": agent, "tool_choice": {"type": "file_search"}});
    let run = app.user.create(&format!("/threads/{thread}/runs"), body).await;
    app.user.until(&format!("/threads/{thread}/runs/{run}"), "completed").await;
    let requests = app.model.requests();
    assert_eq!(requests[0].tool_choice, ToolChoice::Function("file_search".to_owned()));
    assert_eq!(requests[0].tools.len(), 1);
    assert_eq!(requests[1].tool_choice, ToolChoice::Auto);
    assert_eq!(requests[1].tools.len(), 2);
}

#[tokio::test]
async fn a_search_that_fails_is_told_to_the_model_and_the_run_goes_on() {
    let app = app().await;
    let agent = searcher(&app, json!(["vs_gone"]), &[]).await;
    searches_and_says(&app, "I can't look.");
    let (_, _, steps) = done(&app, &agent).await;
    assert_eq!(steps[0]["status"], "completed");
    assert_eq!(steps[0]["step_details"]["tool_calls"][0]["file_search"]["results"], json!([]));
    let told = app.model.was_given().pop().unwrap();
    assert_eq!(told, "tool: The call failed. No vector store found with id 'vs_gone'.");
}

#[tokio::test]
async fn a_call_of_a_function_that_does_not_exist_is_shown_with_what_the_model_was_told() {
    let app = app().await;
    let agent = searcher(&app, json!(["vs_1"]), &[]).await;
    app.model.calls("teleport", "{}");
    app.model.says("Then not.");
    let (_, _, steps) = done(&app, &agent).await;
    let call = &steps[0]["step_details"]["tool_calls"][0];
    assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("teleport")));
    let output = "The call failed. There is no function 'teleport'. There are: file_search.";
    assert_eq!(call["function"]["output"], output);
}

#[tokio::test]
async fn a_later_run_is_not_given_the_markers_of_an_earlier_one() {
    let app = app().await;
    let agent = searcher(&app, json!(["vs_1"]), &[]).await;
    searches_and_says(&app, "It 🚤 floats【0:0†source】, and【7:7†source】.");
    let (run, ..) = done(&app, &agent).await;
    let thread = thread_of(&run);
    let next = app.user.create(&format!("{thread}/runs"), json!({"assistant_id": agent})).await;
    app.user.until(&format!("{thread}/runs/{next}"), "completed").await;
    assert_eq!(app.model.was_given()[1], "assistant: It 🚤 floats, and【7:7†source】.");
}

#[tokio::test]
async fn a_run_can_be_cancelled_while_it_searches() {
    let app = app().await;
    app.shelf.wait_at(&Gate::closed());
    let agent = searcher(&app, json!(["vs_1"]), &[]).await;
    searches_and_says(&app, "Never said.");
    let run = app.run(&agent).await;
    app.shelf.until_searched().await;
    app.user.post_nothing(&format!("{run}/cancel")).await.accepted();
    app.user.until(&run, "cancelled").await;
    let steps = app.user.list(&format!("{run}/steps")).await;
    assert_eq!((steps.len(), &steps[0]["status"]), (1, &json!("cancelled")));
    assert_eq!(app.model.requests().len(), 1);
}

#[tokio::test]
async fn a_search_that_a_crash_interrupted_is_made_again_and_can_be_cited() {
    let app = app().await;
    app.shelf.wait_at(&Gate::closed());
    let agent = searcher(&app, json!(["vs_1"]), &[]).await;
    app.model.calls("file_search", r#"{"queries":["boat"]}"#);
    let run = app.run(&agent).await;
    app.shelf.until_searched().await;
    app.engine.drain(Duration::ZERO).await;

    let next = Setup { home: Some(app.home), shelf: Shelf::about_boats(), ..Setup::default() };
    next.model.says("It floats【0:0†source】.");
    let app = TestApp::with(next).await;
    app.user.until(&run, "completed").await;
    let text = newest_text(&app, &run).await;
    assert_eq!(text["annotations"][0]["file_citation"]["file_id"], "boats-md");
    let steps = app.user.list(&format!("{run}/steps?order=asc")).await;
    assert_eq!(steps.len(), 2);
    let results = &steps[0]["step_details"]["tool_calls"][0]["file_search"]["results"];
    assert_eq!((&steps[0]["status"], results.as_array().unwrap().len()), (&json!("completed"), 2));
}

#[tokio::test]
async fn an_answer_that_a_crash_interrupted_still_knows_what_was_found_before() {
    let app = app().await;
    let agent = searcher(&app, json!(["vs_1"]), &[]).await;
    app.model.calls("file_search", r#"{"queries":["boat"]}"#);
    app.model.then(words("It ").into_iter().chain([Piece::Waits(Gate::closed())]));
    let run = app.run(&agent).await;
    while app.model.requests().len() < 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    app.engine.drain(Duration::ZERO).await;

    let next = Setup { home: Some(app.home), ..Setup::default() };
    next.model.says("It floats【0:1†source】.");
    let app = TestApp::with(next).await;
    app.user.until(&run, "completed").await;
    let text = newest_text(&app, &run).await;
    assert_eq!(text["annotations"][0]["file_citation"]["file_id"], "stones-md");
    assert!(app.shelf.searches().is_empty(), "what was found stands in the journal");
}

#[tokio::test]
async fn several_searches_in_a_row_have_markers_of_their_own() {
    let app = app().await;
    let agent = searcher(&app, json!(["vs_1"]), &[]).await;
    app.model.calls("file_search", r#"{"queries":["water"]}"#);
    app.model.calls("file_search", r#"{"queries":["sinks"]}"#);
    app.model.says("One【0:0†source】, two【1:0†source】.");
    let (run, _, steps) = done(&app, &agent).await;
    assert_eq!(steps.len(), 3);
    let text = newest_text(&app, &run).await;
    let files: Vec<_> = text["annotations"].as_array().unwrap().iter().collect();
    let files: Vec<_> = files.into_iter().map(|a| a["file_citation"]["file_id"].as_str().unwrap()).collect();
    assert_eq!(files, ["boats-md", "stones-md"]);
}

#[tokio::test]
async fn a_run_that_goes_on_after_a_search_is_not_queued_again() {
    let app = app().await;
    let agent = searcher(&app, json!(["vs_1"]), &[]).await;
    searches_and_says(&app, "Yes.");
    let stream = streamed(&app, &agent, "").await;
    let count = |event: &str| names(&stream).into_iter().filter(|name| *name == event).count();
    assert_eq!((count("thread.run.queued"), count("thread.run.in_progress")), (1, 1));
}
