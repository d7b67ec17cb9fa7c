//! Faults become errors that say what happened, and nothing is done twice.

use cupola_client::{Error, types::CreateRun};
use serde_json::json;

use crate::{
    objects::{agent, run, thread},
    server::{Answer, Server},
};

fn unavailable(status: u16) -> Answer {
    Answer::status(status, json!({"error": {"message": "not now"}}))
}

#[tokio::test]
async fn the_error_envelope_is_read_in_full() {
    let body = json!({"error": {"message": "Missing required parameter: 'model'.",
        "type": "invalid_request_error", "param": "model", "code": "missing_required_parameter"}});
    let server = Server::start([Answer::status(400, body).with_header("x-request-id", "r-1")]).await;
    let error = server.client().agents().create(&Default::default()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the service answered 400 (missing_required_parameter): Missing required parameter: 'model'. \
         [request r-1]"
    );
    assert!(matches!(error, Error::Service { param: Some(ref param), .. } if param == "model"));
}

#[tokio::test]
async fn an_answer_that_is_no_envelope_is_quoted() {
    let server = Server::start([
        Answer::Http { status: 403, headers: vec![], pieces: vec!["<h1>\n  Forbidden\n</h1>".into()] },
        Answer::Http { status: 404, headers: vec![], pieces: vec![] },
        Answer::status(409, json!({"error": {"code": 409, "message": "busy"}})),
    ])
    .await;
    let agents = server.client().agents();
    let text = agents.get("a").await.unwrap_err().to_string();
    assert_eq!(text, "the service answered 403: <h1> Forbidden </h1>");
    let error = agents.get("a").await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), "the service answered 404: the answer has no body");
    let text = agents.get("a").await.unwrap_err().to_string();
    assert_eq!(text, "the service answered 409 (409): busy");
}

#[tokio::test]
async fn an_answer_against_the_contract_names_the_field() {
    let mut wrong = agent("asst_1");
    wrong["created_at"] = json!("yesterday");
    let server = Server::start([Answer::json(wrong)]).await;
    let error = server.client().agents().get("asst_1").await.unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    assert!(error.to_string().contains("`created_at`"), "{error}");
}

#[tokio::test]
async fn a_get_is_repeated_until_the_service_is_well() {
    let server =
        Server::start([Answer::HangUp, unavailable(500), unavailable(429), Answer::json(thread("thread_1"))])
            .await;
    server.client().threads().get("thread_1").await.unwrap();
    assert_eq!(server.lines().len(), 4);
}

#[tokio::test]
async fn a_post_is_repeated_when_the_service_says_not_now() {
    let server = Server::start([unavailable(429), unavailable(503), Answer::json(run("queued"))]).await;
    server.client().runs("thread_1").create(&CreateRun::default()).await.unwrap();
    assert_eq!(server.lines().len(), 3);
}

#[tokio::test]
async fn a_post_that_may_have_been_carried_out_is_not_repeated() {
    for status in [500, 502, 504] {
        let server = Server::start([unavailable(status), Answer::json(run("queued"))]).await;
        let error = server.client().runs("thread_1").create(&CreateRun::default()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the service answered {status}: not now"));
        assert_eq!(server.lines().len(), 1);
    }
    let server = Server::start([Answer::HangUp, Answer::json(run("queued"))]).await;
    let error = server.client().runs("thread_1").create(&CreateRun::default()).await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    assert!(
        error.to_string().starts_with("no complete answer from the service: error sending request"),
        "{error}"
    );
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn retries_come_to_an_end() {
    let server = Server::start((0..9).map(|_| unavailable(503))).await;
    let error = server.client().threads().get("thread_1").await.unwrap_err();
    assert_eq!(error.status(), Some(503));
    assert_eq!(server.lines().len(), 4);
}

#[tokio::test]
async fn nobody_at_the_endpoint_is_a_transport_error_with_its_cause() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/api/projects/demo", closed.local_addr().unwrap());
    drop(closed);
    let client =
        cupola_client::AgentsClient::with_key_and_options(&endpoint, "key", crate::server::quick()).unwrap();
    let error = client.agents().get("a").await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    assert!(error.to_string().contains("Connection refused"), "{error}");
}
