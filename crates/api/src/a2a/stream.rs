//! The events of a response as the updates of a task.

use std::collections::{HashSet, VecDeque};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, future::BoxFuture};
use serde_json::{Value, json};

use super::task::{context_of, is_over, part, status, task};

/// The events of a stream of server-sent events. Nothing stands for a sign of life.
pub fn events(body: Body) -> impl Stream<Item = Option<Value>> + Send + 'static {
    let pieces = body.into_data_stream();
    futures_util::stream::unfold((pieces, BytesMut::new()), |(mut pieces, mut read)| async move {
        loop {
            if let Some(end) = end_of_block(&read) {
                let block = read.split_to(end);
                if let Some(event) = event(&block) {
                    return Some((Some(event), (pieces, read)));
                }
                continue;
            }
            // A body that breaks off has said what it had to say.
            let piece: Bytes = pieces.next().await?.ok()?;
            let is_comment = read.is_empty() && piece.starts_with(b":");
            read.extend_from_slice(&piece);
            if is_comment {
                return Some((None, (pieces, read)));
            }
        }
    })
}

fn end_of_block(read: &[u8]) -> Option<usize> {
    read.windows(2).position(|pair| pair == b"\n\n").map(|start| start + 2)
}

/// The object of an event; nothing for a block that has none.
fn event(block: &[u8]) -> Option<Value> {
    let mut lines = block.split(|byte| *byte == b'\n');
    let data = lines.find_map(|line| line.strip_prefix(b"data:"))?;
    serde_json::from_slice(data).ok()
}

/// What the updates of a task depend on.
#[derive(Debug, Default)]
pub struct Translation {
    response: Value,
    /// The messages of which a part was sent.
    begun: HashSet<String>,
    has_ended: bool,
}

/// Finds the response with an id as it is stored.
pub type Lookup = Box<dyn Fn(String) -> BoxFuture<'static, Option<Value>> + Send>;

impl Translation {
    /// The updates of the task whose response has these events.
    pub fn of(body: Body, lookup: Lookup) -> impl Stream<Item = Option<Value>> + Send + 'static {
        let source = Box::pin(events(body));
        let begin = (Some((source, lookup)), Self::default(), VecDeque::new());
        futures_util::stream::unfold(begin, |(mut source, mut translation, mut ready)| async move {
            loop {
                if let Some(update) = ready.pop_front() {
                    return Some((Some(update), (source, translation, ready)));
                }
                let (events, lookup) = source.as_mut()?;
                match events.next().await {
                    Some(None) => return Some((None, (source, translation, ready))),
                    Some(Some(event)) => ready.extend(translation.event(&event)),
                    None => {
                        let id = translation.response["id"].as_str().unwrap_or_default().to_owned();
                        ready.extend(translation.end(lookup(id).await));
                        source = None;
                    }
                }
            }
        })
    }

    /// The updates that an event comes to.
    pub fn event(&mut self, event: &Value) -> Vec<Value> {
        if event["response"].is_object() {
            self.response.clone_from(&event["response"]);
        }
        match event["type"].as_str().unwrap_or_default() {
            "response.created" => vec![task(&self.response, Vec::new())],
            "response.in_progress" => vec![self.status(false)],
            "response.output_text.delta" => {
                let text = event["delta"].as_str().unwrap_or_default();
                let id = event["item_id"].as_str().unwrap_or_default();
                let is_first = self.begun.insert(id.to_owned());
                vec![self.artifact(id, text, !is_first, false)]
            }
            "response.output_text.done" => {
                let id = event["item_id"].as_str().unwrap_or_default();
                let is_first = self.begun.insert(id.to_owned());
                // Whoever was sent the pieces has the text.
                let text = if is_first { event["text"].as_str().unwrap_or_default() } else { "" };
                vec![self.artifact(id, text, !is_first, true)]
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.has_ended = true;
                vec![self.status(true)]
            }
            "error" => {
                self.response["status"] = json!("failed");
                self.response["error"] = json!({"message": event["message"]});
                self.has_ended = true;
                vec![self.status(true)]
            }
            _ => Vec::new(),
        }
    }

    /// The update that is due when no more events come, by what is stored. A response that was cancelled ends
    /// without an event; a stream may also just have broken off, and then the task goes on without it.
    pub fn end(&mut self, stored: Option<Value>) -> Option<Value> {
        let stored = stored.filter(|response| !self.has_ended && is_over(response))?;
        self.response = stored;
        Some(self.status(true))
    }

    fn status(&self, is_final: bool) -> Value {
        json!({
            "kind": "status-update",
            "taskId": self.response["id"],
            "contextId": context_of(&self.response),
            "status": status(&self.response),
            "final": is_final,
        })
    }

    fn artifact(&self, id: &str, text: &str, append: bool, is_last: bool) -> Value {
        json!({
            "kind": "artifact-update",
            "taskId": self.response["id"],
            "contextId": context_of(&self.response),
            "artifact": {"artifactId": id, "parts": [part(text)]},
            "append": append,
            "lastChunk": is_last,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(pieces: &[&str]) -> Vec<Option<Value>> {
        let pieces: Vec<Result<Bytes, std::convert::Infallible>> =
            pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece.as_bytes()))).collect();
        events(Body::from_stream(futures_util::stream::iter(pieces))).collect().await
    }

    #[tokio::test]
    async fn events_are_read_however_they_are_cut() {
        let pieces =
            ["event: a\ndata: {\"n\"", ":1}\n", "\n: ping\ndata: {\"n\":2}\n\ndata: {\"n\":3}\n\nrest"];
        let expected = [1, 2, 3].map(|n| Some(json!({"n": n})));
        assert_eq!(read(&pieces).await, expected);
    }

    #[tokio::test]
    async fn a_comment_is_a_sign_of_life() {
        assert_eq!(read(&[": ping\n", "data: {}\n\n"]).await, [None, Some(json!({}))]);
    }

    #[test]
    fn a_stream_that_just_ends_tells_what_became_of_the_task() {
        let begun = json!({"id": "r", "status": "queued"});
        let mut translation = Translation::default();
        translation.event(&json!({"type": "response.created", "response": begun}));
        assert_eq!(translation.end(Some(begun)), None);
        let last = translation.end(Some(json!({"id": "r", "status": "cancelled"}))).expect("is due");
        assert_eq!((&last["status"]["state"], &last["final"]), (&json!("canceled"), &json!(true)));
        assert_eq!(last["taskId"], "r");
    }

    #[test]
    fn a_text_without_pieces_comes_whole() {
        let mut translation = Translation::default();
        let done = json!({"type": "response.output_text.done", "item_id": "m", "text": "Hello"});
        let updates = translation.event(&done);
        assert_eq!(updates[0]["artifact"]["parts"][0]["text"], "Hello");
        assert_eq!((&updates[0]["append"], &updates[0]["lastChunk"]), (&json!(false), &json!(true)));
    }
}
