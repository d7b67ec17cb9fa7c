//! Server-sent events as the official clients parse them.
//!
//! One `event:` line, one `data:` line with JSON on it, one empty line, and `\n` everywhere: the Python
//! client separates events by `\n\n`, keeps only the last `data:` line, and fails on a block that is
//! only a comment. So the keep-alive is a comment line without an empty line after it: it becomes part
//! of the next event's block.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use cupola_engine::{Frame, Frames};
use serde::Serialize;

/// Silence after which a comment is sent, so that nobody in between takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Frames that are sent together at the most.
const AT_ONCE: usize = 64;

/// One event.
pub fn frame<T: Serialize>(event: &str, data: &T) -> Frame {
    let mut frame = Vec::with_capacity(256);
    frame.extend_from_slice(b"event: ");
    frame.extend_from_slice(event.as_bytes());
    frame.extend_from_slice(b"\ndata: ");
    // Plain data with text keys: writing it as JSON can't fail. JSON has no raw line breaks.
    let _ = serde_json::to_writer(&mut frame, data);
    frame.extend_from_slice(b"\n\n");
    Bytes::from(frame)
}

/// The name and the data of the event in a frame; nothing if there is none in it.
pub fn event(frame: &Frame) -> Option<(&str, Bytes)> {
    let text = std::str::from_utf8(frame).ok()?;
    let mut lines = text.lines();
    let kind = lines.next()?.strip_prefix("event: ")?;
    let data = lines.next()?.strip_prefix("data: ")?;
    Some((kind, frame.slice_ref(data.as_bytes())))
}

/// The end of every stream.
pub fn done() -> Frame {
    Bytes::from_static(b"event: done\ndata: [DONE]\n\n")
}

/// Frames as an answer.
pub fn stream(frames: Frames) -> Response {
    let body = futures_util::stream::unfold(frames, |mut frames| async move {
        let mut ready = Vec::new();
        let piece = match tokio::time::timeout(KEEP_ALIVE, frames.recv_many(&mut ready, AT_ONCE)).await {
            Ok(0) => return None,
            // Frames that came together go out together.
            Ok(1) => ready.swap_remove(0),
            Ok(_) => Bytes::from(ready.concat()),
            Err(_) => Bytes::from_static(b": ping\n"),
        };
        Some((Ok::<_, Infallible>(piece), frames))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies that buffer would hold the tokens back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
