//! Upstreams that refuse, hang, break off or talk nonsense, over a real socket.

use std::sync::Arc;

use cupola_models::{Catalog, ModelsConfig};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::app::{Setup, TestApp};

/// How an upstream treats a request.
#[derive(Clone, Copy)]
enum Manner {
    /// Answers with these bytes and closes the connection.
    Says(&'static str),
    /// Reads the request and never answers.
    Hangs,
    /// Answers with these bytes and then nothing more.
    Stalls(&'static str),
}

/// The run of an agent whose upstream has this manner, after its end.
async fn failed(manner: Manner) -> Value {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(treat(stream, manner));
        }
    });
    run_against(&base_url).await
}

async fn run_against(base_url: &str) -> Value {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config: ModelsConfig = serde_json::from_value(json!({
        "discover": false,
        "default": "upstream",
        "providers": {"upstream": {
            "kind": "openai", "base_url": base_url, "retries": 0,
            "connect_timeout": "1500ms", "first_byte_timeout": "1500ms", "idle_timeout": "1500ms",
        }},
    }))
    .unwrap();
    let catalog = Catalog::build(&config, &|_| None).await.unwrap();
    let app = TestApp::with(Setup { deployments: Some(Arc::new(catalog)), ..Setup::default() }).await;
    let run = app.run(&app.agent().await).await;
    app.user.until(&run, "failed").await["last_error"].clone()
}

async fn treat(mut stream: TcpStream, manner: Manner) {
    let mut request = [0; 16 * 1024];
    let _ = stream.read(&mut request).await;
    match manner {
        Manner::Says(bytes) => {
            let _ = stream.write_all(bytes.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Manner::Hangs => std::future::pending().await,
        Manner::Stalls(bytes) => {
            let _ = stream.write_all(bytes.as_bytes()).await;
            std::future::pending::<()>().await;
        }
    }
}

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n\
                      data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Once \"}}]}\n\n";

#[tokio::test]
async fn an_upstream_that_refuses_is_quoted() {
    let refusal = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 62\r\n\r\n\
                   {\"error\":{\"message\":\"The moon is in the wrong phase.\",\"code\":1}}";
    let error = failed(Manner::Says(refusal)).await;
    assert_eq!(error["code"], "invalid_prompt");
    assert!(error["message"].as_str().unwrap().contains("The moon is in the wrong phase."), "{error}");
}

#[tokio::test]
async fn an_upstream_that_hangs_fails_the_run_in_time() {
    assert_eq!(failed(Manner::Hangs).await["code"], "model_timeout");
}

#[tokio::test]
async fn an_upstream_that_stops_in_the_middle_of_its_answer_fails_the_run_in_time() {
    assert_eq!(failed(Manner::Stalls(STREAM)).await["code"], "model_timeout");
}

#[tokio::test]
async fn an_upstream_that_breaks_off_fails_the_run() {
    assert_eq!(failed(Manner::Says(STREAM)).await["code"], "server_error");
}

#[tokio::test]
async fn an_upstream_that_talks_nonsense_fails_the_run() {
    let nonsense =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: <html>nonsense</html>\n\n";
    assert_eq!(failed(Manner::Says(nonsense)).await["code"], "server_error");
    let error = failed(Manner::Says("SSH-2.0-OpenSSH\r\n")).await;
    assert!(["server_error", "model_unreachable"].contains(&error["code"].as_str().unwrap()), "{error}");
}

#[tokio::test]
async fn an_upstream_that_is_not_there_fails_the_run_with_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = run_against(&format!("http://{address}/v1")).await;
    assert_eq!(error["code"], "model_unreachable");
    assert!(error["message"].as_str().unwrap().contains(&address.to_string()), "{error}");
}
