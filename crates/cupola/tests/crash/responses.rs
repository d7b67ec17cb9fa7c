//! Responses in the background while the process is killed: nobody who listens misses or hears anything twice.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::{
    caller::{Caller, PAUSE},
    server::Server,
};

const PATH: &str = "/openai/v1/responses";
const ANSWER: &str = "one two three four five six seven eight nine ten";

/// What one client has heard of a response, over all its connections.
#[derive(Default)]
struct Heard {
    events: Vec<Value>,
}

impl Heard {
    /// Reads events until `enough` says so, or the stream ends or breaks. An event that is cut off counts
    /// as not heard.
    async fn listen(&mut self, response: reqwest::Response, enough: impl Fn(&Self) -> bool) {
        let mut pieces = response.bytes_stream();
        let mut text = String::new();
        while let Some(Ok(piece)) = pieces.next().await {
            text.push_str(std::str::from_utf8(&piece).unwrap());
            while let Some((event, rest)) = text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
                self.events.push(serde_json::from_str(data).unwrap());
                text = rest.to_owned();
            }
            if enough(self) {
                return;
            }
        }
    }

    fn id(&self) -> String {
        self.events[0]["response"]["id"].as_str().unwrap().to_owned()
    }

    fn last_number(&self) -> i64 {
        self.events.last().unwrap()["sequence_number"].as_i64().unwrap()
    }

    fn deltas(&self) -> usize {
        self.events.iter().filter(|event| event["type"] == "response.output_text.delta").count()
    }

    /// Pieces of thoughts and of text.
    fn pieces(&self) -> usize {
        self.events.iter().filter(|event| event["delta"].is_string()).count()
    }

    fn is_over(&self) -> bool {
        self.events.last().is_some_and(|event| event["type"] == "response.completed")
    }

    /// Every number once, in order, and pieces that add up to every item as it is in the end.
    fn check(&self) {
        let numbers: Vec<i64> =
            self.events.iter().map(|event| event["sequence_number"].as_i64().unwrap()).collect();
        assert_eq!(numbers, (0..numbers.len() as i64).collect::<Vec<_>>());
        for once in ["response.created", "response.queued", "response.in_progress", "response.completed"] {
            let times = self.events.iter().filter(|event| event["type"] == once).count();
            assert_eq!(times, 1, "{once} is told once");
        }
        let mut texts: BTreeMap<u64, String> = BTreeMap::new();
        for event in &self.events {
            let index = event["output_index"].as_u64().unwrap_or_default();
            match event["type"].as_str().unwrap() {
                "response.output_text.delta" | "response.reasoning_text.delta" => {
                    texts.entry(index).or_default().push_str(event["delta"].as_str().unwrap());
                }
                "response.output_item.done" => {
                    assert_eq!(event["item"]["content"][0]["text"], texts[&index].as_str());
                }
                _ => {}
            }
        }
        assert_eq!(self.events.last().unwrap()["response"]["status"], "completed");
        // What an answer consists of is told once.
        assert_eq!(self.texts(), texts.into_values().collect::<Vec<_>>());
    }

    /// The text of each item in the end.
    fn texts(&self) -> Vec<String> {
        let output = self.events.last().unwrap()["response"]["output"].as_array().unwrap();
        output.iter().map(|item| item["content"][0]["text"].as_str().unwrap().to_owned()).collect()
    }
}

/// Starts a response in the background and hears it until a few words have come.
async fn begin(caller: &Caller, conversation: &str, words: usize) -> Heard {
    begin_with(caller, "slow", conversation, |heard| heard.deltas() >= words).await
}

async fn begin_with(
    caller: &Caller,
    input: &str,
    conversation: &str,
    enough: impl Fn(&Heard) -> bool,
) -> Heard {
    let body = json!({
        "model": "scripted", "input": input, "background": true, "stream": true,
        "conversation": conversation,
    });
    let mut heard = Heard::default();
    let response = caller.open(PATH, Some(&body)).await.unwrap();
    heard.listen(response, enough).await;
    heard
}

/// Goes on behind what was heard last. `false` if nobody answered.
async fn go_on(caller: &Caller, heard: &mut Heard, enough: impl Fn(&Heard) -> bool) -> bool {
    let path = format!("{PATH}/{}?stream=true&starting_after={}", heard.id(), heard.last_number());
    match caller.open(&path, None).await {
        Ok(response) => {
            heard.listen(response, enough).await;
            true
        }
        Err(()) => false,
    }
}

async fn new_conversation(caller: &Caller) -> String {
    let created = caller.post_until_done("/openai/v1/conversations", &json!({})).await;
    created["id"].as_str().unwrap().to_owned()
}

/// The texts in a conversation, oldest first.
async fn texts(caller: &Caller, conversation: &str) -> Vec<String> {
    let items = caller.all(&format!("/openai/v1/conversations/{conversation}/items")).await;
    items.iter().map(|item| item["content"][0]["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_comes_back_after_a_kill_misses_nothing_and_hears_nothing_twice() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data);
    let listen = server.listen().to_owned();
    let caller = Caller::new(&data, &listen).await;
    let conversation = new_conversation(&caller).await;
    let mut heard = begin(&caller, &conversation, 3).await;
    server.kill();

    // It is killed a second time, behind what the first attempt had reached.
    let server = Server::start_on(&data, &listen);
    assert!(go_on(&caller, &mut heard, |heard| heard.deltas() >= 6).await);
    assert!(!heard.is_over(), "the second kill comes in the middle as well");
    server.kill();

    let _server = Server::start_on(&data, &listen);
    assert!(go_on(&caller, &mut heard, |_| false).await);
    heard.check();
    assert_eq!(heard.texts(), [ANSWER]);
    let kept = caller.get(&format!("{PATH}/{}", heard.id())).await;
    assert_eq!(&kept, &heard.events.last().unwrap()["response"]);
    assert_eq!(texts(&caller, &conversation).await, ["slow", ANSWER]);

    let mut again = Heard::default();
    let path = format!("{PATH}/{}?stream=true", heard.id());
    again.listen(caller.open(&path, None).await.unwrap(), |_| false).await;
    assert_eq!(again.events, heard.events, "whoever reads it again reads the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thoughts_are_told_once_whether_the_kill_comes_while_the_model_thinks_or_while_it_speaks() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data);
    let listen = server.listen().to_owned();
    let caller = Caller::new(&data, &listen).await;
    let conversation = new_conversation(&caller).await;
    let mut heard = begin_with(&caller, "ponder", &conversation, |heard| heard.pieces() >= 2).await;
    assert_eq!(heard.deltas(), 0, "the first kill comes while it thinks");
    server.kill();

    let server = Server::start_on(&data, &listen);
    assert!(go_on(&caller, &mut heard, |heard| heard.deltas() >= 2).await);
    assert!(!heard.is_over(), "the second kill comes while it speaks");
    server.kill();

    let _server = Server::start_on(&data, &listen);
    assert!(go_on(&caller, &mut heard, |_| false).await);
    heard.check();
    assert_eq!(heard.texts(), ["let me think of it", "one two three four"]);
    assert_eq!(texts(&caller, &conversation).await, ["ponder", "let me think of it", "one two three four"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_responses_at_once_survive_a_kill_with_every_item_in_its_conversation_once() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data);
    let listen = server.listen().to_owned();
    let caller = Caller::new(&data, &listen).await;
    let mut turns = Vec::new();
    for words in 0..8 {
        let conversation = new_conversation(&caller).await;
        let begun = caller.clone();
        turns.push(tokio::spawn(async move {
            let heard = begin(&begun, &conversation, words).await;
            (conversation, heard)
        }));
    }
    let mut begun = Vec::new();
    for turn in turns {
        begun.push(turn.await.unwrap());
    }
    server.kill();

    let _server = Server::start_on(&data, &listen);
    for (conversation, mut heard) in begun {
        while !heard.is_over() {
            go_on(&caller, &mut heard, |_| false).await;
        }
        heard.check();
        assert_eq!(heard.texts(), [ANSWER]);
        assert_eq!(texts(&caller, &conversation).await, ["slow", ANSWER]);
        // The conversation is free, and its next turn sees the one before it.
        let body = json!({"model": "scripted", "input": "plain x", "conversation": conversation});
        let next = caller.post(PATH, &body).await.unwrap();
        assert_eq!(next["output"][0]["content"][0]["text"], "A plain answer to x.");
        assert_eq!(texts(&caller, &conversation).await.len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_that_nobody_listens_to_is_completed_after_a_kill_and_waiting_ones_keep_their_order() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data);
    let listen = server.listen().to_owned();
    let caller = Caller::new(&data, &listen).await;
    let conversation = new_conversation(&caller).await;
    let mut ids = Vec::new();
    let waiting = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let plain = waiting.map(|name| format!("plain {name}"));
    for input in ["slow"].into_iter().chain(plain.iter().map(String::as_str)) {
        let body =
            json!({"model": "scripted", "input": input, "background": true, "conversation": conversation});
        let response = caller.post(PATH, &body).await.unwrap();
        ids.push(response["id"].as_str().unwrap().to_owned());
    }
    server.kill();

    let _server = Server::start_on(&data, &listen);
    for id in &ids {
        loop {
            let seen = caller.get(&format!("{PATH}/{id}")).await;
            match seen["status"].as_str().unwrap() {
                "queued" | "in_progress" => tokio::time::sleep(PAUSE).await,
                status => break assert_eq!(status, "completed"),
            }
        }
    }
    let mut expected = vec!["slow".to_owned(), ANSWER.to_owned()];
    for name in waiting {
        expected.extend([format!("plain {name}"), format!("A plain answer to {name}.")]);
    }
    assert_eq!(texts(&caller, &conversation).await, expected);
}
