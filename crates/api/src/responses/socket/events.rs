//! What the service sends over a connection: the events of streams without the marks of server-sent events,
//! and errors.

use axum::extract::ws::{Message, Utf8Bytes};
use bytes::Bytes;
use cupola_engine::Frame;
use serde_json::{Value, json};

use crate::{ApiError, body::document, frames};

/// An event of a response.
#[derive(Debug)]
pub struct Event {
    data: Bytes,
    /// Whether the response is over with it.
    pub is_last: bool,
    /// Whether the response failed.
    pub is_failure: bool,
}

impl Event {
    /// The event in a frame; nothing if there is none in it.
    pub fn of(frame: &Frame) -> Option<Self> {
        let (kind, data) = frames::event(frame)?;
        let is_failure = kind == "response.failed";
        let is_last = is_failure || matches!(kind, "response.completed" | "response.incomplete");
        Some(Self { data, is_last, is_failure })
    }

    /// The response that it is about.
    pub fn response(&self) -> Value {
        let event: Value = serde_json::from_slice(&self.data).unwrap_or_default();
        event["response"].clone()
    }

    /// How large it is.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// As it is sent on a lane.
    pub fn message(&self, lane: Option<&str>) -> Message {
        text(&self.data, lane)
    }
}

/// An error as it is sent on a lane.
pub fn error(error: &ApiError, lane: Option<&str>) -> Message {
    let detail = error.detail();
    let mut said = json!({"type": detail.kind, "code": detail.code, "message": detail.message});
    // Every error has a code here; where there is no word for it, its family has to do.
    if detail.code.is_none() {
        said["code"] = json!(detail.kind);
    }
    if let Some(param) = &detail.param {
        said["param"] = json!(param);
    }
    let event = json!({"type": "error", "status": error.status().as_u16(), "error": said});
    text(&document(&event), lane)
}

/// An object as a text, with the lane that it belongs to in front.
fn text(object: &Bytes, lane: Option<&str>) -> Message {
    let text = match lane {
        None => object.clone(),
        Some(lane) => {
            let lane = document(&json!({"stream_id": lane}));
            let (lane, rest) = (lane.strip_suffix(b"}"), object.strip_prefix(b"{"));
            Bytes::from([lane.unwrap_or_default(), b",", rest.unwrap_or_default()].concat())
        }
    };
    // JSON that was written here is UTF-8.
    Message::Text(Utf8Bytes::try_from(text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn said(message: &Message) -> &str {
        message.to_text().unwrap()
    }

    #[test]
    fn an_event_is_sent_without_the_marks_of_server_sent_events() {
        let frame = frames::frame("response.completed", &json!({"type": "x", "response": {"id": "r"}}));
        let event = Event::of(&frame).unwrap();
        assert!(event.is_last && !event.is_failure);
        assert_eq!(event.response(), json!({"id": "r"}));
        assert_eq!(said(&event.message(None)), r#"{"type":"x","response":{"id":"r"}}"#);
        assert_eq!(
            said(&event.message(Some("a\"b"))),
            r#"{"stream_id":"a\"b","type":"x","response":{"id":"r"}}"#
        );
        assert!(Event::of(&Frame::new()).is_none());
    }

    #[test]
    fn an_error_has_a_status_and_a_code() {
        let refused = ApiError::invalid("No.").param("input");
        let event: Value = serde_json::from_str(said(&error(&refused, None))).unwrap();
        let detail = json!({
            "type": "invalid_request_error", "code": "invalid_request_error", "message": "No.", "param": "input",
        });
        assert_eq!(event, json!({"type": "error", "status": 400, "error": detail}));
    }
}
