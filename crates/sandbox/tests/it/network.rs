//! What a program can reach, and how it is reached.

use std::{io, time::Duration};

use cupola_sandbox::spawn;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::root::{Place, end};

#[tokio::test]
async fn there_is_no_network_but_its_own() {
    let place = Place::new();
    let host = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = host.local_addr().unwrap().port();
    let ended = place
        .run(&format!(
            "ifconfig -a | grep -c Link; nc -w 2 127.0.0.1 {port} </dev/null; \
             nc -w 2 192.0.2.1 80 </dev/null; echo end"
        ))
        .await;
    assert_eq!(ended.output, "1\nend\n", "{ended:?}");
    assert!(ended.errors.contains("refused") && ended.errors.contains("unreachable"), "{ended:?}");
}

#[tokio::test]
async fn the_service_dials_in_and_is_dialled_back() {
    let place = Place::new();
    let mut script =
        place.script("while true; do nc -l -p 8088 -e sh -c 'wget -q -O - http://127.0.0.1:8087/'; done");
    script.listen = vec![8087];
    let mut child = spawn(script).await.unwrap();
    let back = child.take_listeners().remove(0);
    let answer = tokio::spawn(async move {
        let (mut caller, _) = back.accept().await.unwrap();
        let mut request = [0; 5];
        caller.read_exact(&mut request).await.unwrap();
        caller.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nback").await.unwrap();
        caller.shutdown().await.unwrap();
        request
    });
    assert_eq!(first_words(&child, 8088).await, "back");
    assert_eq!(&answer.await.unwrap(), b"GET /");
    child.kill();
    end(&child).await;
}

#[tokio::test]
async fn a_port_on_which_nobody_listens_refuses() {
    let place = Place::new();
    let child = spawn(place.script("exec sleep 1000")).await.unwrap();
    let error = child.door().connect(8088).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    child.kill();
    end(&child).await;
}

/// What is said by whoever listens.
pub async fn first_words(child: &cupola_sandbox::Child, port: u16) -> String {
    let mut said = String::new();
    dial(child, port).await.read_to_string(&mut said).await.unwrap();
    said
}

/// Dials until somebody listens.
async fn dial(child: &cupola_sandbox::Child, port: u16) -> tokio::net::TcpStream {
    let dialled = async {
        loop {
            match child.door().connect(port).await {
                Ok(connection) => return connection,
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), dialled).await.expect("somebody listens")
}
