//! The proxy against real connections.

#![allow(clippy::unwrap_used)]

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// A host that says back what it hears, and what a program hears of it over a proxy.
struct Scene {
    proxy: SocketAddr,
    host: SocketAddr,
    logs: Arc<LogBook>,
}

impl Scene {
    /// A proxy that may reach the host, which is on loopback since it has to be somewhere.
    async fn new(is_forbidden: fn(IpAddr) -> bool, only: Option<IpAddr>) -> Self {
        let host = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = host.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = host.accept().await {
                tokio::spawn(async move {
                    let mut heard = [0; 1024];
                    let count = stream.read(&mut heard).await.unwrap();
                    let text = String::from_utf8_lossy(&heard[..count]).into_owned();
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", text.len());
                    stream.write_all(format!("{head}{text}").as_bytes()).await.unwrap();
                });
            }
        });
        let logs = Arc::new(LogBook::default());
        let hosts = [format!("127.0.0.1:{}", address.port()), format!("localhost:{}", address.port())];
        let proxy = Proxy { is_forbidden, ..Proxy::new(&hosts, Arc::clone(&logs)).unwrap() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scene = Self { proxy: listener.local_addr().unwrap(), host: address, logs };
        tokio::spawn(proxy.serve(listener, only));
        scene
    }

    async fn open() -> Self {
        Self::new(|_| false, None).await
    }

    async fn say(&self, text: &str) -> String {
        let mut stream = TcpStream::connect(self.proxy).await.unwrap();
        let text = text.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A proxy that closes at once may also reset.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    fn logged(&self) -> String {
        self.logs.since(0).into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n")
    }
}

#[tokio::test]
async fn a_tunnel_leads_to_an_allowed_host() {
    let scene = Scene::open().await;
    let mut stream = TcpStream::connect(scene.proxy).await.unwrap();
    let port = scene.host.port();
    stream.write_all(format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    while !answer.ends_with(b"\r\n\r\n") {
        answer.rotate_left(1);
        answer[11] = stream.read_u8().await.unwrap();
    }
    stream.write_all(b"anything").await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert!(heard.ends_with("anything"), "{heard}");
}

#[tokio::test]
async fn a_plain_request_arrives_as_its_host_expects_it() {
    let scene = Scene::open().await;
    let port = scene.host.port();
    let request = format!(
        "GET http://localhost:{port}/a?b=c HTTP/1.1\r\nhost: elsewhere\r\n\
         proxy-authorization: Basic eA==\r\n\r\n"
    );
    let answer = scene.say(&request).await.to_ascii_lowercase();
    assert!(answer.contains("get /a?b=c http/1.1"), "{answer}");
    assert!(answer.contains(&format!("host: localhost:{port}")), "{answer}");
    assert!(!answer.contains("proxy-authorization") && !answer.contains("elsewhere"), "{answer}");
}

#[tokio::test]
async fn a_host_that_is_not_in_the_list_is_refused_and_logged() {
    let scene = Scene::open().await;
    for request in ["CONNECT example.com:443 HTTP/1.1\r\n\r\n", "GET http://example.com/ HTTP/1.1\r\n\r\n"] {
        let answer = scene.say(request).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert!(answer.contains("not in the agent's list of allowed hosts"), "{answer}");
    }
    assert!(scene.logged().contains("may not reach example.com:443"), "{}", scene.logged());
}

#[tokio::test]
async fn an_allowed_name_does_not_lead_to_this_machine() {
    let scene = Scene::new(address::is_forbidden, None).await;
    for host in ["127.0.0.1", "localhost"] {
        let request = format!("CONNECT {host}:{} HTTP/1.1\r\n\r\n", scene.host.port());
        let answer = scene.say(&request).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert!(answer.contains("an address of this machine"), "{answer}");
    }
}

#[tokio::test]
async fn the_service_is_always_reached() {
    let scene = Scene::open().await;
    let proxy =
        Proxy::new(&[], Arc::default()).unwrap().with_service("cupola.internal:7".to_owned(), scene.host);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scene = Scene { proxy: listener.local_addr().unwrap(), ..scene };
    tokio::spawn(proxy.serve(listener, None));
    let answer = scene.say("GET http://cupola.internal:7/here HTTP/1.1\r\n\r\n").await;
    assert!(answer.contains("GET /here"), "{answer}");
    let answer = scene.say("GET http://cupola.internal:8/here HTTP/1.1\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[tokio::test]
async fn a_host_that_is_down_is_named() {
    let scene = Scene::open().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let logs = Arc::new(LogBook::default());
    let proxy = Proxy { is_forbidden: |_| false, ..Proxy::new(&[free.to_string()], logs).unwrap() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scene = Scene { proxy: listener.local_addr().unwrap(), ..scene };
    tokio::spawn(proxy.serve(listener, None));
    let answer = scene.say(&format!("CONNECT {free} HTTP/1.1\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 502") && answer.contains(&free.to_string()), "{answer}");
}

#[tokio::test]
async fn strangers_are_not_served() {
    let scene = Scene::new(|_| false, Some(IpAddr::from([192, 0, 2, 1]))).await;
    let request = format!("CONNECT 127.0.0.1:{} HTTP/1.1\r\n\r\n", scene.host.port());
    assert_eq!(scene.say(&request).await, "");
}

#[tokio::test]
async fn what_is_no_request_to_a_proxy_is_told_so() {
    let answer = Scene::open().await.say("GET /here HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("This is a proxy"), "{answer}");
}
