//! The events of a response in the background over as many connections as it takes.

use std::time::Duration;

use cupola_wire::responses::{Response, ResponseEvent, ResponseStateEvent, ResponseStatus};
use futures_util::{StreamExt as _, stream};
use tokio::time::sleep;
use tracing::debug;

use super::{ResponseStream, Responses, events::CLOSED};
use crate::{Error, Result};

/// After so many connections in a row that brought nothing, there is no hope.
const FRUITLESS: u32 = 5;
/// How long to wait after the first of them; twice as long after each further one.
const PAUSE: Duration = Duration::from_millis(100);

/// A response that is followed.
struct Following {
    responses: Responses,
    /// Known from the first event that carries the response.
    id: Option<String>,
    /// The last event that was given.
    last: Option<u64>,
    events: ResponseStream,
    /// How many connections in a row brought nothing new.
    fruitless: u32,
    over: bool,
}

/// The events of `events` and, where they break off, those behind them.
pub(super) fn following(
    responses: Responses,
    id: Option<String>,
    last: Option<u64>,
    events: ResponseStream,
) -> ResponseStream {
    let following = Following { responses, id, last, events, fruitless: 0, over: false };
    stream::unfold(following, |mut following| async move {
        let item = following.next().await?;
        Some((item, following))
    })
    .boxed()
}

impl Following {
    async fn next(&mut self) -> Option<Result<ResponseEvent>> {
        while !self.over {
            match self.events.next().await {
                Some(Ok(event)) if self.is_new(&event) => return Some(Ok(event)),
                Some(Ok(_)) => {}
                Some(Err(Error::StreamEnded(why))) => match self.reconnect(why).await {
                    Ok(None) => {}
                    ended => {
                        self.over = true;
                        return ended.transpose();
                    }
                },
                Some(Err(error)) => return Some(Err(error)),
                None => self.over = true,
            }
        }
        None
    }

    /// Notes an event; false for one that was given before.
    fn is_new(&mut self, event: &ResponseEvent) -> bool {
        let number = event.sequence_number();
        if number.is_some() && number <= self.last {
            return false;
        }
        self.last = number.or(self.last);
        self.fruitless = 0;
        self.over = event.is_terminal();
        if let Some(response) = event.response() {
            self.id.get_or_insert_with(|| response.id.clone());
        }
        true
    }

    /// Goes on behind the last event; gives the end of the response where no event will tell of it.
    async fn reconnect(&mut self, why: String) -> Result<Option<ResponseEvent>> {
        let Some(id) = &self.id else { return Err(Error::StreamEnded(why)) };
        if why == CLOSED {
            let response = self.responses.get(id).await?;
            if self.is_untold(&response) {
                return Ok(end_of(response));
            }
        }
        if self.fruitless == FRUITLESS {
            return Err(Error::StreamEnded(why));
        }
        if self.fruitless > 0 {
            sleep(PAUSE * 2_u32.pow(self.fruitless - 1)).await;
        }
        debug!(response = id, after = self.last, why, "the events broke off: reading on");
        self.fruitless += 1;
        self.events = self.responses.stream_again(id, self.last).await?;
        Ok(None)
    }

    /// Whether the service, which has told all that it has to tell, has not told the end of `response`.
    fn is_untold(&self, response: &Response) -> bool {
        // A cancelled response has no last event. With any other end, events may have come meanwhile.
        response.status == ResponseStatus::Cancelled || (response.status.is_terminal() && self.fruitless > 0)
    }
}

/// The event that tells of the end of `response`.
fn end_of(response: Response) -> Option<ResponseEvent> {
    let event = match response.status {
        ResponseStatus::Completed => ResponseEvent::Completed,
        ResponseStatus::Incomplete => ResponseEvent::Incomplete,
        ResponseStatus::Failed => ResponseEvent::Failed,
        ResponseStatus::Cancelled => ResponseEvent::Cancelled,
        _ => return None,
    };
    let response = Box::new(response);
    Some(event(ResponseStateEvent { sequence_number: None, response, extra: Default::default() }))
}
