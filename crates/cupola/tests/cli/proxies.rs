//! Proxies in the environment: for other machines, never for this one.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
};

use serde_json::Value;

use crate::home::{Ended, Home};

/// Something on this machine that answers every request with a list of models.
struct StandIn {
    address: SocketAddr,
    asked: Receiver<String>,
}

impl StandIn {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, asked) = channel();
        thread::spawn(move || {
            for connection in listener.incoming() {
                // The test has ended where nobody takes the request line any more.
                if sender.send(answer(connection.unwrap())).is_err() {
                    return;
                }
            }
        });
        Self { address, asked }
    }
}

/// Answers and gives the request line.
fn answer(connection: TcpStream) -> String {
    let mut head = BufReader::new(&connection).lines();
    let line = head.next().unwrap().unwrap();
    assert!(head.any(|line| line.unwrap().is_empty()));
    let body = r#"{"object":"list","data":[{"id":"far-away"}]}"#;
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    (&connection).write_all((head + body).as_bytes()).unwrap();
    line
}

fn nobody() -> String {
    format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

fn through(home: &Home, proxy: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = home.command(arguments);
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        command.env(name, proxy);
    }
    command.envs(variables.iter().copied());
    Ended::of(command)
}

#[test]
fn a_server_on_this_machine_is_reached_past_the_proxy() {
    let home = Home::new();
    let _server = home.serve();
    let ended = through(&home, &nobody(), &["agents", "list", "--json"], &[]);
    assert_eq!((ended.code, ended.out.trim()), (Some(0), "[]"), "{ended:?}");
}

#[test]
fn a_server_elsewhere_is_reached_through_the_proxy() {
    let proxy = StandIn::start();
    let variables = [
        ("PROJECT_ENDPOINT", "https://192.0.2.1/api/projects/demo"),
        ("IDENTITY_ENDPOINT", "http://192.0.2.1/msi/token"),
        ("IDENTITY_HEADER", "s3cret"),
    ];
    let ended = through(&Home::new(), &format!("http://{}", proxy.address), &["agents", "list"], &variables);
    assert_eq!(ended.code, Some(1), "the proxy gives no token: {ended:?}");
    let line = proxy.asked.recv().unwrap();
    assert!(line.starts_with("GET http://192.0.2.1/msi/token?"), "{line}");
}

#[test]
fn a_model_server_on_this_machine_is_asked_past_the_proxy() {
    let models = StandIn::start();
    let base_url = format!("http://{}/v1", models.address);
    let line = provider_line(&nobody(), &base_url);
    assert!(line.contains("far-away"), "{line}");
    assert_eq!(models.asked.recv().unwrap(), "GET /v1/models HTTP/1.1");
}

#[test]
fn a_model_server_elsewhere_is_asked_through_the_proxy() {
    let proxy = StandIn::start();
    let line = provider_line(&format!("http://{}", proxy.address), "http://192.0.2.1/v1");
    assert!(line.contains("far-away"), "{line}");
    assert_eq!(proxy.asked.recv().unwrap(), "GET http://192.0.2.1/v1/models HTTP/1.1");
}

/// What `cupola doctor` says of a provider at this address.
fn provider_line(proxy: &str, base_url: &str) -> String {
    let home = Home::new();
    home.configure("listen = \"127.0.0.1:0\"\n");
    let variables = [("OPENAI_API_KEY", "s3cret"), ("OPENAI_BASE_URL", base_url)];
    let ended = through(&home, proxy, &["doctor"], &variables);
    let line = ended.out.lines().find(|line| line.contains("model provider"));
    line.unwrap_or_else(|| panic!("{ended:?}")).to_owned()
}

#[test]
fn the_environment_excepts_this_machine_where_there_is_a_proxy() {
    let home = Home::new();
    let _server = home.serve();
    let without = home.json_of_env(&[]);
    assert_eq!(without["NO_PROXY"], Value::Null);
    let with = home.json_of_env(&[("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", "intranet")]);
    for name in ["NO_PROXY", "no_proxy"] {
        assert_eq!(with[name], "intranet,localhost,127.0.0.1,::1", "{name}");
    }
}

impl Home {
    fn json_of_env(&self, variables: &[(&str, &str)]) -> Value {
        let mut command = self.command(&["env", "--shell", "json"]);
        command.envs(variables.iter().copied());
        serde_json::from_str(&Ended::of(command).out).unwrap()
    }
}
