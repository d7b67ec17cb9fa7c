//! A client that keeps trying: whatever it asks, it finds out whether it was done.

use std::{fs, path::Path, time::Duration};

use cupola_identity::LocalClient;
use futures_util::StreamExt;
use reqwest::{Certificate, Client, Method, Response, StatusCode};
use serde_json::Value;

/// An answer that takes longer than this is taken for a hang.
const PATIENCE: Duration = Duration::from_secs(20);
/// The pause before a request is tried again, and between two polls.
pub const PAUSE: Duration = Duration::from_millis(15);

/// What became of a request.
#[derive(Debug)]
pub enum Answer {
    /// The service answered.
    Answered(StatusCode, Value),
    /// The connection was refused, or broke before there was a whole answer.
    Broken,
}

/// A client with a token.
#[derive(Clone)]
pub struct Caller {
    client: Client,
    base: String,
    token: String,
}

impl Caller {
    /// A client of the server at `listen` that owns `data`.
    pub async fn new(data: &Path, listen: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let local = LocalClient::open(data).unwrap();
        let ca = Certificate::from_pem(&fs::read(&local.ca_file).unwrap()).unwrap();
        let client = Client::builder().tls_certs_only([ca]).timeout(PATIENCE).no_proxy().build().unwrap();
        let token: Value = client
            .get(format!("https://{listen}/msi/token?api-version=2019-08-01&resource=https://ai.azure.com"))
            .header("x-identity-header", local.identity_header.expose())
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let token = token["access_token"].as_str().unwrap().to_owned();
        Self { client, base: format!("https://{listen}/api/projects/demo"), token }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Response, ()> {
        let mut request =
            self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.map_err(|error| {
            assert!(!error.is_timeout(), "{path} was not answered within {PATIENCE:?}");
        })
    }

    /// One attempt.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let Ok(response) = self.send(method, path, body).await else { return Answer::Broken };
        let status = response.status();
        match response.bytes().await {
            Ok(bytes) => {
                let body = serde_json::from_slice(&bytes)
                    .unwrap_or_else(|_| panic!("{path}: {status} with a body that is not JSON: {bytes:?}"));
                Answer::Answered(status, body)
            }
            Err(_) => Answer::Broken,
        }
    }

    /// One attempt to upload a file.
    pub async fn upload(&self, bytes: Vec<u8>) -> Answer {
        let part = reqwest::multipart::Part::bytes(bytes).file_name("data.bin");
        let form = reqwest::multipart::Form::new().text("purpose", "assistants").part("file", part);
        let request = self.client.post(format!("{}/files", self.base)).bearer_auth(&self.token);
        match request.multipart(form).send().await {
            Ok(response) => Answer::Answered(response.status(), response.json().await.unwrap()),
            Err(_) => Answer::Broken,
        }
    }

    /// Reads, again and again until there is an answer.
    pub async fn get(&self, path: &str) -> Value {
        loop {
            match self.ask(Method::GET, path, None).await {
                Answer::Answered(status, body) => {
                    assert_eq!(status, StatusCode::OK, "GET {path}: {body}");
                    return body;
                }
                Answer::Broken => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// One attempt that must be accepted if it is answered.
    pub async fn post(&self, path: &str, body: &Value) -> Option<Value> {
        match self.ask(Method::POST, path, Some(body)).await {
            Answer::Answered(status, answer) => {
                assert_eq!(status, StatusCode::OK, "POST {path}: {answer}");
                Some(answer)
            }
            Answer::Broken => None,
        }
    }

    /// Writes, where doing it twice does no harm.
    pub async fn post_until_done(&self, path: &str, body: &Value) -> Value {
        loop {
            if let Some(answer) = self.post(path, body).await {
                return answer;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Every object of a list, oldest first.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("{path}?limit=100&order=asc{after}")).await;
            all.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["last_id"].as_str() {
                Some(last) => after = format!("&after={last}"),
                None => return all,
            }
        }
    }

    /// Opens a stream: of what a body asks for, or of what there is. `Err` if there was no answer.
    pub async fn open(&self, path: &str, body: Option<&Value>) -> Result<Response, ()> {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let response = self.send(method, path, body).await?;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        Ok(response)
    }

    /// Posts, reads the stream to its end or to where it breaks, and gives the text that came.
    /// `None` if there was no answer at all.
    pub async fn stream(&self, path: &str, body: &Value) -> Option<String> {
        let response = self.send(Method::POST, path, Some(body)).await.ok()?;
        let status = response.status();
        let mut pieces = response.bytes_stream();
        let mut text = Vec::new();
        while let Some(Ok(piece)) = pieces.next().await {
            text.extend_from_slice(&piece);
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        assert_eq!(status, StatusCode::OK, "POST {path}: {text}");
        Some(text)
    }
}
