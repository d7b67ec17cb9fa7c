//! The Rust SDK while the process is killed: whoever follows a response in the background does not notice.

use std::{fs, path::Path};

use cupola_client::{
    ClientOptions, ProjectClient, output_text,
    types::{CreateConversation, CreateResponse, ResponseEvent},
};
use cupola_identity::LocalClient;
use futures_util::StreamExt as _;

use crate::server::Server;

const ANSWER: &str = "one two three four five six seven eight nine ten";

/// A client of the server at `listen` that owns `data`, set up as programs are.
fn client(data: &Path, listen: &str) -> ProjectClient {
    let local = LocalClient::open(data).unwrap();
    let variable = |name: &str| match name {
        "PROJECT_ENDPOINT" => Some(format!("https://{listen}/api/projects/demo")),
        "IDENTITY_ENDPOINT" => Some(format!("https://{listen}/msi/token")),
        "IDENTITY_HEADER" => Some(local.identity_header.expose().to_owned()),
        _ => None,
    };
    let options =
        ClientOptions { ca_pem: Some(fs::read(&local.ca_file).unwrap()), ..ClientOptions::default() };
    ProjectClient::from_variables(variable, options).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_followed_goes_on_over_a_kill_without_a_gap() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let mut server = Server::start(&data);
    let listen = server.listen().to_owned();
    let client = client(&data, &listen);
    let conversation = client.conversations().create(&CreateConversation::default()).await.unwrap();
    let request = CreateResponse::to_model("scripted", "slow").in_conversation(conversation.id);
    let mut events = client.responses().stream(&request.in_background()).await.unwrap();

    let (mut numbers, mut text, mut last, mut was_killed) = (Vec::new(), String::new(), None, false);
    while let Some(event) = events.next().await {
        let event: ResponseEvent = event.unwrap();
        numbers.push(event.sequence_number().unwrap());
        text.push_str(event.text().unwrap_or_default());
        if text == "one two three" && !was_killed {
            was_killed = true;
            server.kill();
            server = Server::start_on(&data, &listen);
        }
        last = Some(event);
    }
    assert!(was_killed);
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
    assert_eq!(text, ANSWER);
    let Some(ResponseEvent::Completed(end)) = last else { panic!("{last:?}") };
    assert_eq!(output_text(&end.response), ANSWER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_response_gets_it_over_a_kill() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data);
    let listen = server.listen().to_owned();
    let responses = client(&data, &listen).responses();
    let request = CreateResponse::to_model("scripted", "slow").in_background();
    let accepted = responses.create(&request).await.unwrap();
    let waiting = tokio::spawn({
        let (responses, id) = (responses.clone(), accepted.id.clone());
        async move { responses.wait_for(&id).await }
    });
    let mut events = responses.follow(&accepted.id, None).await.unwrap();
    while let Some(event) = events.next().await {
        if event.unwrap().text().is_some() {
            break;
        }
    }
    server.kill();
    let _server = Server::start_on(&data, &listen);
    let ended = waiting.await.unwrap().unwrap();
    assert_eq!(output_text(&ended), ANSWER);
}
