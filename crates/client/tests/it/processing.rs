//! Runs that call functions, from the first request to the end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cupola_client::{
    AgentEvent, Error, FunctionSet, JsonSchema, NoArguments, ProcessOptions,
    classic::Runs,
    types::{CreateRun, RunStatus},
};
use futures_util::TryStreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::{
    objects::{delta, run, waiting},
    server::{Answer, Server},
};

#[derive(Deserialize, JsonSchema)]
struct City {
    city: String,
}

fn weather() -> FunctionSet {
    FunctionSet::new()
        .with("get_weather", "The weather.", |place: City| async move { format!("sunny in {}", place.city) })
}

fn create_run() -> CreateRun {
    CreateRun { assistant_id: "asst_1".to_owned(), ..CreateRun::default() }
}

fn runs(server: &Server) -> Runs {
    let options =
        ProcessOptions { poll_interval: Duration::from_millis(1), deadline: Duration::from_secs(60) };
    server.client().runs("thread_1").with_options(options)
}

const LISBON: (&str, &str, &str) = ("call_1", "get_weather", r#"{"city":"Lisbon"}"#);

#[tokio::test]
async fn a_run_is_polled_and_its_functions_are_called() {
    let server = Server::start([
        Answer::json(run("queued")),
        Answer::json(run("in_progress")),
        Answer::json(waiting(&[LISBON, ("call_2", "get_weather", "{}")])),
        Answer::json(run("queued")),
        Answer::json(run("completed")),
    ])
    .await;
    let ended = runs(&server).create_and_process(&create_run(), &weather()).await.unwrap();
    assert_eq!(ended.status, RunStatus::Completed);

    const RUN: &str = "/api/projects/demo/threads/thread_1/runs";
    assert_eq!(
        server.lines(),
        [
            format!("POST {RUN}?api-version=v1"),
            format!("GET {RUN}/run_1?api-version=v1"),
            format!("GET {RUN}/run_1?api-version=v1"),
            format!("POST {RUN}/run_1/submit_tool_outputs?api-version=v1"),
            format!("GET {RUN}/run_1?api-version=v1"),
        ]
    );
    assert_eq!(
        server.asked()[3].json(),
        json!({"stream": false, "tool_outputs": [
            {"tool_call_id": "call_1", "output": "sunny in Lisbon"},
            {"tool_call_id": "call_2",
                "output": "{\"error\":\"the arguments do not fit at `.`: \
                    missing field `city` at line 1 column 2\"}"},
        ]})
    );
}

#[tokio::test]
async fn a_failed_run_is_a_result_and_not_an_error() {
    let mut failed = run("failed");
    failed["last_error"] = json!({"code": "server_error", "message": "out of luck"});
    let server = Server::start([Answer::json(failed)]).await;
    let ended = runs(&server).create_and_process(&create_run(), &weather()).await.unwrap();
    assert_eq!(ended.last_error.unwrap().message, "out of luck");
}

#[tokio::test]
async fn calls_of_one_round_run_side_by_side() {
    // Each call waits for the other: one after the other they would never end.
    let barrier = Arc::new(Barrier::new(2));
    let functions = FunctionSet::new().with("meet", "Meets.", move |_: NoArguments| {
        let barrier = barrier.clone();
        async move {
            barrier.wait().await;
            "met"
        }
    });
    let server = Server::start([
        Answer::json(waiting(&[("call_1", "meet", "{}"), ("call_2", "meet", "{}")])),
        Answer::json(run("completed")),
    ])
    .await;
    let ended = runs(&server).create_and_process(&create_run(), &functions).await.unwrap();
    assert_eq!(ended.status, RunStatus::Completed);
}

#[tokio::test]
async fn a_call_that_still_shows_after_its_answer_is_not_made_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let functions = FunctionSet::new()
        .with_sync("count", "Counts.", move |_: NoArguments| counted.fetch_add(1, Ordering::SeqCst));
    let call = [("call_1", "count", "{}")];
    let server = Server::start([
        Answer::json(waiting(&call)),
        Answer::json(waiting(&call)),
        Answer::json(waiting(&call)),
        Answer::json(run("completed")),
    ])
    .await;
    runs(&server).create_and_process(&create_run(), &functions).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_run_that_does_not_end_is_a_deadline_error_with_its_id() {
    let server = Server::start((0..2000).map(|_| Answer::json(run("in_progress")))).await;
    let options =
        ProcessOptions { poll_interval: Duration::from_millis(1), deadline: Duration::from_millis(60) };
    let runs = server.client().runs("thread_1").with_options(options);
    let error = runs.create_and_process(&create_run(), &weather()).await.unwrap_err();
    assert!(matches!(error, Error::Deadline { ref id, .. } if id == "run_1"), "{error:?}");
}

#[tokio::test]
async fn an_approval_is_not_something_functions_can_give() {
    let mut asks = run("requires_action");
    asks["required_action"] =
        json!({"type": "submit_tool_approval", "submit_tool_approval": {"tool_calls": []}});
    let server = Server::start([Answer::json(asks)]).await;
    let error = runs(&server).create_and_process(&create_run(), &weather()).await.unwrap_err();
    assert!(
        matches!(error, Error::ActionNeeded { ref kind, .. } if kind == "submit_tool_approval"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_processed_stream_goes_on_over_the_function_calls() {
    let server = Server::start([
        Answer::events(&[
            ("thread.run.created", run("queued")),
            ("thread.run.requires_action", waiting(&[LISBON])),
        ]),
        Answer::events(&[
            ("thread.message.delta", delta("Sunny.")),
            ("thread.run.completed", run("completed")),
        ]),
    ])
    .await;
    let events = runs(&server).process_stream(&create_run(), &weather()).await.unwrap();
    let events: Vec<AgentEvent> = events.try_collect().await.unwrap();
    assert_eq!(events.len(), 5, "{events:?}");
    assert_eq!(events[2].text().as_deref(), Some("Sunny."));
    assert_eq!(events[4], AgentEvent::Done);
    let submitted: Value = server.asked()[1].json();
    assert_eq!(
        submitted,
        json!({"stream": true, "tool_outputs": [{"tool_call_id": "call_1", "output": "sunny in Lisbon"}]})
    );
}

#[tokio::test]
async fn a_processed_stream_ends_with_the_error_of_a_refused_submission() {
    let server = Server::start([
        Answer::events(&[("thread.run.requires_action", waiting(&[LISBON]))]),
        Answer::status(400, json!({"error": {"message": "too late"}})),
    ])
    .await;
    let mut events = runs(&server).process_stream(&create_run(), &weather()).await.unwrap();
    assert!(matches!(events.try_next().await, Ok(Some(AgentEvent::RunRequiresAction(_)))));
    assert_eq!(events.try_next().await.unwrap_err().to_string(), "the service answered 400: too late");
    assert_eq!(events.try_next().await.unwrap(), None);
}

#[tokio::test]
async fn a_processed_stream_has_the_same_deadline() {
    let never = FunctionSet::new().with("sleep", "Never returns.", |_: NoArguments| async {
        std::future::pending::<()>().await;
    });
    let asks = [("thread.run.requires_action", waiting(&[("call_1", "sleep", "{}")]))];
    let server = Server::start([Answer::events(&asks)]).await;
    let options = ProcessOptions { deadline: Duration::from_millis(300), ..ProcessOptions::default() };
    let runs = server.client().runs("thread_1").with_options(options);
    let events = runs.process_stream(&create_run(), &never).await.unwrap();
    let error = events.try_collect::<Vec<AgentEvent>>().await.unwrap_err();
    assert!(matches!(error, Error::Deadline { ref id, .. } if id == "run_1"), "{error:?}");
}
