//! WebSocket connections to the service as it is reached from outside: through its accept loop, over TLS.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use cupola_api::Server;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::watch, task::JoinHandle};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest, protocol::CloseFrame},
};

use crate::app::{Actor, TestApp};

/// The service, listening.
pub struct Listening {
    pub address: SocketAddr,
    connector: TlsConnector,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl TestApp {
    /// Listens until the end of the test.
    pub async fn listen(&self) -> Listening {
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = server.address();
        let (stop, stopped) = watch::channel(false);
        let tls = self.certificates.server_config().unwrap();
        let serving = tokio::spawn(server.serve(self.service.clone(), tls, stopped, Duration::from_secs(5)));
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificates.ca_der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        // As browsers and HTTP libraries do it for WebSockets.
        client.alpn_protocols = vec![b"http/1.1".to_vec()];
        Listening { address, connector: TlsConnector::from(Arc::new(client)), stop, serving }
    }
}

impl Listening {
    /// Opens a connection as this actor; a refusal is the status of the answer.
    pub async fn open(&self, actor: &Actor, path: &str) -> Result<Socket, StatusCode> {
        let uri = format!("wss://localhost/api/projects/demo{path}");
        let mut request = uri.into_client_request().unwrap();
        if let Some(token) = &actor.token {
            let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
            request.headers_mut().insert("authorization", value);
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        let stream = self.connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        match client_async(request, stream).await {
            Ok((socket, answer)) => {
                assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
                Ok(Socket(socket))
            }
            Err(tungstenite::Error::Http(refusal)) => Err(refusal.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens a connection to responses.
    pub async fn connect(&self, actor: &Actor) -> Socket {
        self.open(actor, "/openai/v1/responses").await.unwrap()
    }

    /// Stops the service, and waits until it has let everybody go.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.serving.await.unwrap();
    }
}

/// A connection.
pub struct Socket(WebSocketStream<TlsStream<TcpStream>>);

impl Socket {
    /// Sends an object.
    pub async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Asks for a response.
    pub async fn create(&mut self, mut body: Value) {
        body["type"] = json!("response.create");
        self.send(body).await;
    }

    /// The next object.
    pub async fn next(&mut self) -> Value {
        loop {
            match self.0.next().await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The events up to the end of a response, or up to an error.
    pub async fn events(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.next().await;
            let last = ["response.completed", "response.failed", "response.incomplete", "error"];
            let is_last = last.contains(&event["type"].as_str().unwrap());
            events.push(event);
            if is_last {
                return events;
            }
        }
    }

    /// A response that must come to its end.
    pub async fn response(&mut self, body: Value) -> Value {
        self.create(body).await;
        let mut last = self.events().await.pop().unwrap();
        assert!(last["response"].is_object(), "{last:#}");
        last["response"].take()
    }

    /// A refusal: its status, message, code and param.
    pub async fn refusal(&mut self) -> (u64, String, String, Option<String>) {
        let mut events = self.events().await;
        assert_eq!(events.len(), 1, "{events:#?}");
        let event = events.remove(0);
        let text = |field: &str| event["error"][field].as_str().map(str::to_owned);
        assert_eq!(event["type"], "error");
        (event["status"].as_u64().unwrap(), text("message").unwrap(), text("code").unwrap(), text("param"))
    }

    /// How the service closes the connection.
    pub async fn closed(&mut self) -> CloseFrame {
        loop {
            match self.0.next().await.unwrap().unwrap() {
                Message::Close(frame) => return frame.unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Sends a ping and waits for its answer.
    pub async fn ping(&mut self) {
        self.0.send(Message::Ping("are you there".into())).await.unwrap();
        let answer = self.0.next().await.unwrap().unwrap();
        assert_eq!(answer, Message::Pong("are you there".into()));
    }

    /// Says goodbye and waits for the answer.
    pub async fn leave(mut self) {
        self.0.close(None).await.unwrap();
        while let Some(Ok(_)) = self.0.next().await {}
    }
}
