//! `/threads/{thread}/runs` and `/threads/runs`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::{TestApp, assert_refused, function, thread_of},
    model::{Gate, Piece, end, words},
};
use cupola_models::Finish;

#[tokio::test]
async fn a_new_run_is_queued_with_the_settings_of_its_agent() {
    let app = TestApp::start().await;
    let agent = json!({
        "model": "gpt-4o", "instructions": "Be brief.", "tools": [function("f")], "temperature": 0.3,
        "response_format": {"type": "json_object"}, "metadata": {"of": "the agent"},
    });
    let agent = app.user.create("/assistants", agent).await;
    let path = format!("/threads/{}/runs", app.thread().await);
    assert_snapshot!(app.user.post(&path, json!({"assistant_id": agent})).await.shown());
}

#[tokio::test]
async fn a_run_overrides_the_settings_of_its_agent() {
    let app = TestApp::start().await;
    let agent = json!({"model": "gpt-4o", "instructions": "Be brief.", "tools": [function("f")]});
    let agent = app.user.create("/assistants", agent).await;
    let path = format!("/threads/{}/runs", app.thread().await);
    let body = json!({
        "assistant_id": agent, "model": "other", "instructions": "Be long.",
        "additional_instructions": "And kind.", "tools": [function("g")], "temperature": 0, "top_p": 0.5,
        "max_prompt_tokens": 900, "max_completion_tokens": 90,
        "truncation_strategy": {"type": "last_messages", "last_messages": 3},
        "tool_choice": {"type": "function", "function": {"name": "g"}}, "parallel_tool_calls": false,
        "response_format": "auto", "metadata": {"of": "the run"}, "tool_resources": {"code_interpreter": {}},
        "invented_later": 1, "status": "completed", "usage": {},
    });
    assert_snapshot!(app.user.post(&path, body).await.shown());
}

#[tokio::test]
async fn a_completed_run_has_usage_and_its_end_but_no_deadline() {
    let app = TestApp::start().await;
    let run = app.run(&app.agent().await).await;
    app.user.until(&run, "completed").await;
    assert_snapshot!(app.user.get(&run).await.shown());
}

#[tokio::test]
async fn a_thread_and_a_run_are_created_at_once() {
    let app = TestApp::start().await;
    let agent = app.agent().await;
    let body = json!({"assistant_id": agent, "thread": {"messages": [{"role": "user", "content": "Hi"}]}});
    let run = app.user.post("/threads/runs", body).await.accepted();
    let run = format!("/threads/{}/runs/{}", run["thread_id"].as_str().unwrap(), run["id"].as_str().unwrap());
    app.user.until(&run, "completed").await;
    assert_eq!(app.model.was_given(), ["user: Hi"]);
}

#[tokio::test]
async fn a_run_on_an_empty_thread_completes() {
    let app = TestApp::start().await;
    let agent = app.agent().await;
    let run = app.user.post("/threads/runs", json!({"assistant_id": agent})).await.accepted();
    let run = format!("/threads/{}/runs/{}", run["thread_id"].as_str().unwrap(), run["id"].as_str().unwrap());
    app.user.until(&run, "completed").await;
}

#[tokio::test]
async fn an_update_changes_the_metadata_also_while_the_run_is_at_work() {
    let app = TestApp::start().await;
    let gate = Gate::closed();
    app.model.then([Piece::Waits(gate.clone())].into_iter().chain(words("Done.")).chain(end(
        Finish::Stop,
        1,
        1,
    )));
    let run = app.run(&app.agent().await).await;
    app.user.until(&run, "in_progress").await;
    let changed = app.user.post(&run, json!({"metadata": {"k": "v"}})).await.accepted();
    assert_eq!((&changed["metadata"], &changed["status"]), (&json!({"k": "v"}), &json!("in_progress")));
    gate.open();
    let done = app.user.until(&run, "completed").await;
    assert_eq!(done["metadata"], json!({"k": "v"}), "the end of the run keeps what was changed meanwhile");
    let after = app.user.post(&run, json!({"metadata": {}})).await.accepted();
    assert_eq!((&after["metadata"], &after["status"]), (&json!({}), &json!("completed")));
}

#[tokio::test]
async fn of_many_runs_at_once_on_one_thread_exactly_one_is_accepted() {
    let app = TestApp::start().await;
    app.model.then([Piece::Waits(Gate::closed())]);
    let agent = app.agent().await;
    let path = format!("/threads/{}/runs", app.thread().await);
    let attempts: Vec<_> = (0..20)
        .map(|_| {
            let (user, path, body) = (app.user.clone(), path.clone(), json!({"assistant_id": agent}));
            tokio::spawn(async move { user.post(&path, body).await })
        })
        .collect();
    let mut accepted = Vec::new();
    let mut refused = Vec::new();
    for attempt in attempts {
        let answer = attempt.await.unwrap();
        if answer.status.is_success() { accepted.push(answer) } else { refused.push(answer) }
    }
    assert_eq!(accepted.len(), 1);
    let active = accepted[0].json()["id"].as_str().unwrap().to_owned();
    let thread = path.split('/').nth(2).unwrap();
    for answer in refused {
        let sentence = format!("Thread {thread} already has an active run {active}.");
        assert_refused(&answer, 400, &sentence, None, None);
    }
    assert_eq!(app.user.list(&path).await.len(), 1);
}

#[tokio::test]
async fn a_refused_run_leaves_none_of_its_messages() {
    let app = TestApp::start().await;
    let (run, _) = app.waiting_run().await;
    let agent = app.agent().await;
    let body = json!({"assistant_id": agent, "additional_messages": [{"role": "user", "content": "More"}]});
    let thread = thread_of(&run);
    assert_eq!(app.user.post(&format!("{thread}/runs"), body).await.status, 400);
    assert_eq!(app.user.list(&format!("{thread}/messages")).await.len(), 1);
}

#[tokio::test]
async fn the_next_run_is_accepted_as_soon_as_the_last_one_is_seen_to_be_over() {
    let app = TestApp::start().await;
    let agent = app.agent().await;
    let path = format!("/threads/{}/runs", app.thread().await);
    for _ in 0..30 {
        let run = app.user.create(&path, json!({"assistant_id": agent})).await;
        app.user.until(&format!("{path}/{run}"), "completed").await;
    }
    assert_eq!(app.user.list(&format!("{path}?limit=100")).await.len(), 30);
}

#[tokio::test]
async fn additional_messages_come_before_the_run_and_stay_in_the_thread() {
    let app = TestApp::start().await;
    let agent = app.agent().await;
    let thread = app.thread().await;
    let more = json!([{"role": "user", "content": "Two"}, {"role": "assistant", "content": "Three"}]);
    let body =
        json!({"assistant_id": agent, "additional_messages": more, "additional_instructions": "Be kind."});
    let run = app.user.create(&format!("/threads/{thread}/runs"), body).await;
    app.user.until(&format!("/threads/{thread}/runs/{run}"), "completed").await;
    assert_eq!(app.model.was_given(), ["system: Be kind.", "user: Hello", "user: Two", "assistant: Three"]);
    assert_eq!(app.user.list(&format!("/threads/{thread}/messages")).await.len(), 4);
}

#[tokio::test]
async fn deleting_the_thread_gives_up_its_active_run() {
    let app = TestApp::start().await;
    let gate = Gate::closed();
    app.model.then(words("Once ").into_iter().chain([Piece::Waits(gate.clone())]));
    let agent = app.agent().await;
    let thread = app.thread().await;
    let mut events =
        app.user.stream(&format!("/threads/{thread}/runs"), json!({"assistant_id": agent})).await;
    events.until("thread.message.delta").await;
    app.user.delete(&format!("/threads/{thread}")).await.accepted();
    gate.open();
    // The stream ends, and nothing of the run comes back.
    events.all().await;
    assert_eq!(app.user.get(&format!("/threads/{thread}")).await.status, 404);
    app.engine.drain(std::time::Duration::from_secs(10)).await;
}

#[tokio::test]
async fn deleting_a_thread_whose_run_waits_leaves_nothing_behind() {
    let app = TestApp::start().await;
    let (run, call) = app.waiting_run().await;
    app.user.delete(thread_of(&run)).await.accepted();
    let outputs = json!({"tool_outputs": [{"tool_call_id": call, "output": "x"}]});
    assert_eq!(app.user.post(&format!("{run}/submit_tool_outputs"), outputs).await.status, 404);
    assert_eq!(app.user.post_nothing(&format!("{run}/cancel")).await.status, 404);
}

#[tokio::test]
async fn runs_are_listed_newest_first() {
    let app = TestApp::start().await;
    let agent = app.agent().await;
    let path = format!("/threads/{}/runs", app.thread().await);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let run = app.user.create(&path, json!({"assistant_id": agent})).await;
        app.user.until(&format!("{path}/{run}"), "completed").await;
        ids.push(Value::from(run));
    }
    let listed = app.user.get(&path).await.accepted();
    assert_eq!((&listed["first_id"], &listed["last_id"]), (&ids[1], &ids[0]));
}
