//! Models that fail: the run fails, and says why in the upstream's words.

use std::sync::Arc;

use cupola_models::{Catalog, Fault, FaultKind, ModelDelta, ModelUsage, ModelsConfig};
use insta::assert_snapshot;
use serde_json::json;

use crate::{
    app::{Setup, TestApp, thread_of},
    model::{Piece, end, words},
};

#[tokio::test]
async fn a_failed_run_says_why_and_used_nothing() {
    let app = TestApp::start().await;
    app.model.refuses(FaultKind::RateLimited, "The upstream asks for fewer requests.");
    let run = app.run(&app.agent().await).await;
    app.user.until(&run, "failed").await;
    assert_snapshot!(app.user.get(&run).await.shown());
}

#[tokio::test]
async fn every_kind_of_fault_has_its_code() {
    let app = TestApp::start().await;
    let agent = app.agent().await;
    let kinds = [
        (FaultKind::UnknownModel, "invalid_engine_error"),
        (FaultKind::Unreachable, "model_unreachable"),
        (FaultKind::Timeout, "model_timeout"),
        (FaultKind::Unauthorized, "model_unauthorized"),
        (FaultKind::RateLimited, "rate_limit_exceeded"),
        (FaultKind::Rejected, "invalid_prompt"),
        (FaultKind::Broken, "server_error"),
    ];
    for (kind, code) in kinds {
        app.model.refuses(kind, "Its own words.");
        let run = app.run(&agent).await;
        let seen = app.user.until(&run, "failed").await;
        assert_eq!(seen["last_error"], json!({"code": code, "message": "Its own words."}));
    }
}

#[tokio::test]
async fn what_the_model_had_said_until_it_broke_off_is_kept_as_an_incomplete_message() {
    let app = TestApp::start().await;
    let fault = Fault::new(FaultKind::Broken, "It broke off.");
    app.model.then(words("Once upon").into_iter().chain([Piece::Fails(fault)]));
    let run = app.run(&app.agent().await).await;
    app.user.until(&run, "failed").await;
    assert_snapshot!(app.user.get(&format!("{}/messages?limit=1", thread_of(&run))).await.shown());
}

#[tokio::test]
async fn a_deployment_that_nobody_serves_fails_the_run_with_the_names_that_exist() {
    let config: ModelsConfig = serde_json::from_value(json!({
        "discover": false,
        "default": "none",
        "deployments": {"gpt-4o": {"provider": "builtin"}, "small": {"provider": "builtin"}},
    }))
    .unwrap();
    let catalog = Catalog::build(&config, &|_| None).await.unwrap();
    let app = TestApp::with(Setup { deployments: Some(Arc::new(catalog)), ..Setup::default() }).await;
    let run = app.run(&app.agent().await).await;
    let seen = app.user.until(&run, "failed").await;
    let sentence = "No connection matching model: gpt. Deployments that exist: gpt-4o, small.";
    assert_eq!(seen["last_error"], json!({"code": "invalid_engine_error", "message": sentence}));
}

#[tokio::test]
async fn a_tool_that_is_not_served_fails_the_run_with_its_name() {
    let app = TestApp::start().await;
    let agent = app.agent_with(json!([{"type": "fabric_dataagent"}])).await;
    let run = app.run(&agent).await;
    let seen = app.user.until(&run, "failed").await;
    assert_eq!(seen["last_error"]["code"], "tool_not_available");
    assert!(seen["last_error"]["message"].as_str().unwrap().contains("'fabric_dataagent'"));
}

#[tokio::test]
async fn code_that_can_not_run_fails_the_run_and_says_what_to_do() {
    let app = TestApp::start().await;
    let agent = app.agent_with(json!([{"type": "code_interpreter"}])).await;
    let run = app.run(&agent).await;
    let error = app.user.until(&run, "failed").await["last_error"].clone();
    assert_eq!(error["code"], "code_interpreter_not_set_up");
    assert!(error["message"].as_str().unwrap().ends_with("cupola setup code-interpreter"), "{error}");
}

#[tokio::test]
async fn a_defect_of_the_service_fails_the_run_instead_of_leaving_it_hanging() {
    let app = TestApp::start().await;
    app.model.then(words("Once ").into_iter().chain([Piece::Panics]));
    let run = app.run(&app.agent().await).await;
    let seen = app.user.until(&run, "failed").await;
    assert_eq!(seen["last_error"]["code"], "server_error");
    // The thread is free again.
    let message = json!({"role": "user", "content": "x"});
    app.user.post(&format!("{}/messages", thread_of(&run)), message).await.accepted();
}

#[tokio::test]
async fn an_upstream_that_counts_nonsense_does_not_hang_the_run() {
    let app = TestApp::start().await;
    let usage = ModelUsage {
        prompt_tokens: u64::MAX,
        completion_tokens: u64::MAX,
        cached_tokens: u64::MAX,
        reasoning_tokens: u64::MAX,
    };
    let pieces = words("Hi.").into_iter().chain([Piece::Says(ModelDelta::Usage(usage))]);
    app.model.then(pieces.chain(end(cupola_models::Finish::Stop, 1, 1).into_iter().skip(1)));
    let run = app.run(&app.agent().await).await;
    for _ in 0..500 {
        let seen = app.user.get(&run).await.accepted();
        if seen["status"] == "completed" || seen["status"] == "failed" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("the run hangs: {:#}", app.user.get(&run).await.accepted());
}
