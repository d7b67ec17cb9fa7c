//! The client of MCP servers, against servers that behave and servers that do not.
#![allow(clippy::unwrap_used, missing_docs)]

mod server;

use std::{collections::BTreeSet, time::Duration};

use cupola_tools::{
    mcp::{Client, Failure, Outcome, Patience, Wanted},
    outgoing::{Allow, Outgoing},
};
use serde_json::{Map, Value, json};
use server::{Does, Scripted, Then, said, tool};

fn client() -> Client {
    patient(Patience::default())
}

fn patient(patience: Patience) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new(Outgoing::new(Allow::read(["127.0.0.1"]).unwrap()).unwrap(), patience)
}

fn hasty() -> Client {
    let short = Duration::from_millis(300);
    patient(Patience { open: Duration::from_secs(20), list: short, call: short, longest_call: short * 4 })
}

fn arguments() -> Map<String, Value> {
    Map::from_iter([("n".to_owned(), json!(1))])
}

async fn names(client: &Client, server: &Scripted, wanted: &Wanted) -> Result<Vec<String>, Failure> {
    let tools = client.list(&server.server(), wanted).await?;
    Ok(tools.iter().map(|tool| tool.name.clone()).collect())
}

/// Says `does` to requests of one method, and behaves otherwise.
async fn at(method: &'static str, does: impl Fn() -> Does + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |asked, _| (asked == method).then(&does)).await
}

async fn called(client: &Client, server: &Scripted) -> Result<Outcome, Failure> {
    client.call(&server.server(), "look", arguments()).await
}

#[tokio::test]
async fn tools_are_listed_page_by_page_and_called_in_one_session() {
    let server = Scripted::start(|_, _| None).await;
    let client = client();
    let told = server.server().with_header("X-Key", "k3y").with_header("Authorization", "Bearer t0ken");
    let tools = client.list(&told, &Wanted::default()).await.unwrap();
    assert_eq!(tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["look", "pay"]);
    let outcome = client.call(&told, "look", arguments()).await.unwrap();
    assert_eq!(outcome, Outcome { text: r#"{"n":1}"#.to_owned(), is_error: false });
    client.list(&told, &Wanted::default()).await.unwrap();
    assert_eq!((server.asked("initialize").len(), server.asked("tools/list").len()), (1, 2));
    let call = server.asked("tools/call").remove(0);
    assert_eq!(call.headers["x-key"], "k3y");
    assert_eq!(call.headers["authorization"], "Bearer t0ken");
    assert_eq!(call.headers["mcp-session-id"], "session-1");
}

#[tokio::test]
async fn who_says_something_else_has_a_session_of_its_own() {
    let server = Scripted::start(|_, _| None).await;
    let client = client();
    for key in ["one", "two"] {
        let told = server.server().with_header("x-key", key);
        client.call(&told, "look", arguments()).await.unwrap();
    }
    assert_eq!(server.asked("initialize").len(), 2);
}

#[tokio::test]
async fn the_older_transport_is_spoken_where_the_newer_one_is_refused() {
    let server = Scripted::older("/messages?session=1").await;
    let client = client();
    let told = server.server().with_header("x-key", "k3y");
    assert_eq!(client.list(&told, &Wanted::default()).await.unwrap().len(), 2);
    assert_eq!(client.call(&told, "look", arguments()).await.unwrap().text, r#"{"n":1}"#);
    assert_eq!(server.asked("tools/call")[0].headers["x-key"], "k3y");
}

#[tokio::test]
async fn credentials_are_not_posted_to_an_address_of_another_server() {
    let server = Scripted::older("http://127.0.0.2:9/messages").await;
    let failure = names(&client(), &server, &Wanted::default()).await.unwrap_err();
    // What is refused first says more.
    assert!(matches!(failure, Failure::Status { status: 405, .. }), "{failure:?}");
    assert!(server.asked("initialize").is_empty());
}

#[tokio::test]
async fn a_server_with_endless_tools_harms_nobody_but_itself() {
    let endless = Scripted::start(|method, params| {
        let page = params["cursor"].as_str().and_then(|page| page.parse::<u64>().ok()).unwrap_or_default();
        (method == "tools/list").then(|| {
            let name = format!("tool_{page}");
            Does::Result(json!({"tools": [tool(&name)], "nextCursor": (page + 1).to_string()}))
        })
    });
    let million = at("tools/list", || {
        let tools: Vec<_> = (0..5_000).map(|n| tool(&format!("tool_{n}"))).collect();
        Does::Result(json!({ "tools": tools }))
    });
    let verbose = at("tools/list", || {
        let mut tool = tool("look");
        tool["description"] = json!("x".repeat(3 * 1024 * 1024));
        Does::Result(json!({"tools": [tool]}))
    });
    for (server, most) in
        [(endless.await, "100 pages"), (million.await, "512 tools"), (verbose.await, "2 MiB")]
    {
        let failure = names(&client(), &server, &Wanted::default()).await.unwrap_err();
        assert_eq!(failure.code(), "too_large");
        assert!(failure.to_string().contains(most), "{failure}");
    }
}

#[tokio::test]
async fn of_many_tools_those_that_are_named_can_be_used() {
    let server = at("tools/list", || {
        let tools: Vec<_> = (0..5_000).map(|n| tool(&format!("tool_{n}"))).collect();
        Does::Result(json!({ "tools": tools }))
    });
    let wanted = Wanted { names: Some(BTreeSet::from(["tool_4321".to_owned()])), read_only: None };
    assert_eq!(names(&client(), &server.await, &wanted).await.unwrap(), ["tool_4321"]);
}

#[tokio::test]
async fn what_is_not_the_protocol_is_told_so() {
    let html = || Does::Says(200, "text/html", "<html>".to_owned());
    let broken = || Does::Says(200, "application/json", "{\"jsonrpc\": ".to_owned());
    let lie = || Does::Result(json!({"tools": [{"name": "look", "inputSchema": "none"}]}));
    for server in [at("tools/list", html).await, at("tools/list", broken).await, at("tools/list", lie).await]
    {
        let failure = names(&client(), &server, &Wanted::default()).await.unwrap_err();
        assert_eq!(failure.code(), "protocol_error", "{failure}");
    }
    let failure = names(&client(), &at("initialize", html).await, &Wanted::default()).await.unwrap_err();
    assert_eq!(failure.to_string(), "'127.0.0.1' does not answer as an MCP server: it sends text/html.");
}

#[tokio::test]
async fn a_refusal_is_told_with_the_servers_words_but_without_what_it_was_told() {
    let refused = at("tools/call", || Does::Error(json!({"code": -32602, "message": "No such tool."})));
    let failure = called(&client(), &refused.await).await.unwrap_err();
    assert_eq!(failure.to_string(), "The MCP server '127.0.0.1' refused: No such tool (error -32602).");
    let unauthorized = at("initialize", || Does::Says(401, "text/plain", "Who are you?".to_owned())).await;
    let told = unauthorized.server().with_header("x-key", "k3y");
    let failure = client().call(&told, "look", arguments()).await.unwrap_err();
    assert_eq!(failure.code(), "unauthorized");
    let all = format!("{failure} {failure:?} {told:?}");
    assert!(all.contains("Who are you?") && all.contains("x-key") && !all.contains("k3y"), "{all}");
}

#[tokio::test]
async fn a_tool_that_fails_says_so_itself() {
    let server = at("tools/call", || {
        Does::Result(json!({"content": [{"type": "text", "text": "No luck."}], "isError": true}))
    });
    let outcome = called(&client(), &server.await).await.unwrap();
    assert_eq!(outcome, Outcome { text: "No luck.".to_owned(), is_error: true });
}

#[tokio::test]
async fn what_can_not_be_given_to_a_model_is_named() {
    let content = json!([
        {"type": "text", "text": "Here:"},
        {"type": "image", "data": "AAAA", "mimeType": "image/png"},
        {"type": "resource", "resource": {"uri": "file:///a.txt", "text": "A note."}},
        {"type": "resource_link", "uri": "file:///b.txt", "name": "b"},
    ]);
    let server = at("tools/call", move || Does::Result(json!({ "content": content })));
    let expected =
        "Here:\n[an image of the type image/png, which is not shown]\nA note.\n[a resource: file:///b.txt]";
    assert_eq!(called(&client(), &server.await).await.unwrap().text, expected);
    let structured = at("tools/call", || Does::Result(json!({"content": [], "structuredContent": {"a": 1}})));
    assert_eq!(called(&client(), &structured.await).await.unwrap().text, r#"{"a":1}"#);
}

#[tokio::test]
async fn a_server_that_hangs_is_not_waited_for_and_is_told_so() {
    let list = at("tools/list", || Does::Hangs).await;
    let failure = names(&hasty(), &list, &Wanted::default()).await.unwrap_err();
    assert_eq!(failure.code(), "timeout");
    let call = at("tools/call", || Does::Hangs).await;
    let failure = called(&hasty(), &call).await.unwrap_err();
    assert_eq!(failure.code(), "timeout");
    call.until_asked("notifications/cancelled").await;
    let open = Patience { open: Duration::from_millis(300), ..Patience::default() };
    let failure = called(&patient(open), &at("initialize", || Does::Hangs).await).await.unwrap_err();
    assert_eq!(failure.to_string(), "The MCP server '127.0.0.1' opened no session within 0.3 seconds.");
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled() {
    let server = at("tools/call", || Does::Hangs).await;
    let client = client();
    tokio::select! {
        _ = called(&client, &server) => panic!("it hangs"),
        _ = server.until_asked("tools/call") => {}
    }
    server.until_asked("notifications/cancelled").await;
}

#[tokio::test]
async fn a_call_that_says_how_far_it_is_may_take_longer() {
    // Nine notifications, 60 milliseconds apart, where silence is borne for 300.
    let server = Scripted::start(|method, params| {
        let token = params["_meta"]["progressToken"].clone();
        let progress = |n: u64| {
            let params = json!({"progressToken": token, "progress": n, "total": 9});
            json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
        };
        (method == "tools/call")
            .then(|| Does::Streams((0..9).map(progress).collect(), Then::Result(said("done"))))
    });
    assert_eq!(called(&hasty(), &server.await).await.unwrap().text, "done");
}

#[tokio::test]
async fn a_server_that_dies_within_a_call_is_told_as_gone_and_found_again() {
    let server = at("tools/call", || Does::Streams(Vec::new(), Then::Breaks)).await;
    let client = hasty();
    let failure = called(&client, &server).await.unwrap_err();
    assert!(["broken_answer", "protocol_error", "timeout"].contains(&failure.code()), "{failure:?}");
    assert_eq!(names(&client, &server, &Wanted::default()).await.unwrap(), ["look", "pay"]);
}

#[tokio::test]
async fn a_server_that_has_forgotten_its_session_is_asked_in_a_new_one() {
    let forgets = std::sync::atomic::AtomicBool::new(true);
    let server = Scripted::start(move |method, _| {
        let now = method == "tools/call" && forgets.swap(false, std::sync::atomic::Ordering::SeqCst);
        now.then(|| Does::Says(404, "text/plain", String::new()))
    });
    let server = server.await;
    assert_eq!(called(&client(), &server).await.unwrap().text, r#"{"n":1}"#);
    assert_eq!(server.asked("initialize").len(), 2);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read_to_its_end() {
    let server = at("tools/call", || Does::Result(said(&"x".repeat(9 * 1024 * 1024)))).await;
    let failure = called(&client(), &server).await.unwrap_err();
    assert_eq!(failure.code(), "too_large", "{failure:?}");
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_not_asked() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let strict = Client::new(Outgoing::new(Allow::default()).unwrap(), Patience::default());
    let server = Scripted::start(|_, _| None).await;
    let failure = called(&strict, &server).await.unwrap_err();
    assert_eq!(failure.code(), "address_not_allowed");
    assert!(server.asked("initialize").is_empty());
}
