//! The events of a response, typed, over one connection.

use azure_core::http::AsyncRawResponse;
use cupola_wire::{
    classic::StreamEvent,
    responses::{ErrorEvent, ResponseEvent},
};
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use serde_json::Value;

use crate::{Error, Result, decode::decode, error::error_detail, sse::server_sent_events};

/// The events of a response as they come. The last one is terminal, or an error says that there are more.
pub type ResponseStream = BoxStream<'static, Result<ResponseEvent>>;

/// Why a stream ended that the service ended itself, but too early.
pub(super) const CLOSED: &str = "the service closed it before the response had ended";

/// Where a stream of events stands.
struct Events {
    raw: BoxStream<'static, Result<StreamEvent>>,
    over: bool,
}

/// The events in the body of `answer`.
pub(super) fn read_events(answer: AsyncRawResponse) -> ResponseStream {
    let events = Events { raw: server_sent_events(answer), over: false };
    stream::unfold(events, |mut events| async move {
        let item = events.next().await?;
        Some((item, events))
    })
    .boxed()
}

impl Events {
    async fn next(&mut self) -> Option<Result<ResponseEvent>> {
        if self.over {
            return None;
        }
        let item = match self.raw.next().await {
            // Some services say that they are done, some just close.
            Some(Ok(event)) if event.data == "[DONE]" => Err(closed()),
            Some(Ok(event)) => read(event),
            Some(Err(error)) => Err(error),
            None => Err(closed()),
        };
        self.over = match &item {
            Ok(event) => event.is_terminal(),
            // Only one event could not be read.
            Err(Error::Decode { .. }) => false,
            Err(_) => true,
        };
        Some(item)
    }
}

fn closed() -> Error {
    Error::StreamEnded(CLOSED.to_owned())
}

/// One event. Its kind stands in its data; some services say it in its name alone.
fn read(event: StreamEvent) -> Result<ResponseEvent> {
    let StreamEvent { event: name, data } = event;
    let at = |error| match error {
        Error::Decode { path, message } => Error::Decode { path: format!("{name}: {path}"), message },
        other => other,
    };
    let mut value: Value = decode(data.as_bytes()).map_err(at)?;
    if name == "error" && value.get("error").is_some_and(Value::is_object) {
        return Ok(ResponseEvent::Error(enveloped(&value)));
    }
    if let Value::Object(fields) = &mut value
        && !name.is_empty()
    {
        fields.entry("type").or_insert_with(|| Value::String(name.clone()));
    }
    decode(value.to_string().as_bytes()).map_err(at)
}

/// An error in the envelope that answers without success have.
fn enveloped(value: &Value) -> ErrorEvent {
    let detail = error_detail(value);
    ErrorEvent {
        sequence_number: value.get("sequence_number").and_then(Value::as_u64),
        message: detail.message,
        code: detail.code,
        param: detail.param,
        extra: Default::default(),
    }
}
