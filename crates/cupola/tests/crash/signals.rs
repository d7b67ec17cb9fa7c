//! SIGTERM: a clean end, after which everything goes on at the next start.

use std::sync::Arc;

use serde_json::json;

use crate::{
    caller::{Caller, PAUSE},
    kills::create_agent,
    server::Server,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_sigterm_interrupts_go_on_after_the_next_start() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data);
    let listen = server.listen().to_owned();
    let caller = Caller::new(&data, &listen).await;
    let agent = create_agent(&caller).await;
    let mut runs = Vec::new();
    for _ in 0..8 {
        let body =
            json!({"assistant_id": &*agent, "thread": {"messages": [{"role": "user", "content": "slow"}]}});
        let run = caller.post("/threads/runs", &body).await.unwrap();
        runs.push(format!(
            "/threads/{}/runs/{}",
            run["thread_id"].as_str().unwrap(),
            run["id"].as_str().unwrap()
        ));
    }

    let ended = server.terminate();
    assert_eq!(ended.code(), Some(0), "{ended}");

    let _server = Server::start_on(&data, &listen);
    for run in &runs {
        let seen = completed(&caller, run).await;
        let thread = seen["thread_id"].as_str().unwrap();
        let messages = caller.all(&format!("/threads/{thread}/messages")).await;
        let roles: Vec<&str> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["user", "assistant"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_server_ends_at_once_and_cleanly() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data);
    let _caller = Caller::new(&data, server.listen()).await;
    assert_eq!(server.terminate().code(), Some(0));
    assert!(!data.join("serving.json").exists(), "nobody is told of a server that is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_waits_for_outputs_still_waits_after_a_kill() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data);
    let listen = server.listen().to_owned();
    let caller = Caller::new(&data, &listen).await;
    let agent: Arc<str> = create_agent(&caller).await;
    let body =
        json!({"assistant_id": &*agent, "thread": {"messages": [{"role": "user", "content": "ask x"}]}});
    let run = caller.post("/threads/runs", &body).await.unwrap();
    let path =
        format!("/threads/{}/runs/{}", run["thread_id"].as_str().unwrap(), run["id"].as_str().unwrap());
    let waiting = loop {
        let seen = caller.get(&path).await;
        if seen["status"] == "requires_action" {
            break seen;
        }
        tokio::time::sleep(PAUSE).await;
    };

    server.kill();
    let _server = Server::start_on(&data, &listen);
    assert_eq!(caller.get(&path).await, waiting, "nothing about it has changed");
    let call = &waiting["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"];
    let outputs = json!({"tool_outputs": [{"tool_call_id": call, "output": "found"}]});
    let queued = caller.post(&format!("{path}/submit_tool_outputs"), &outputs).await.unwrap();
    assert_eq!(queued["status"], "queued");
    completed(&caller, &path).await;
}

/// Polls a run until it is completed.
pub async fn completed(caller: &Caller, path: &str) -> serde_json::Value {
    loop {
        let seen = caller.get(path).await;
        match seen["status"].as_str().unwrap() {
            "queued" | "in_progress" => tokio::time::sleep(PAUSE).await,
            "completed" => return seen,
            other => panic!("{path} is {other}: {seen}"),
        }
    }
}
