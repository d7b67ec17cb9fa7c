//! Waits for the end of a response.

use cupola_wire::responses::{Response, ResponseEvent};
use futures_util::TryStreamExt as _;
use tokio::time::{sleep, timeout};

use super::{ResponseStream, Responses};
use crate::{Error, Result};

/// The response at its end; an error where there is none within the deadline.
pub(super) async fn until_ended(responses: &Responses, id: &str) -> Result<Response> {
    let deadline = responses.options.deadline;
    match timeout(deadline, attend(responses, id)).await {
        Ok(ended) => ended,
        Err(_) => Err(too_late(id, None, responses)),
    }
}

pub(super) fn too_late(id: &str, last: Option<&Response>, responses: &Responses) -> Error {
    let status = last.map_or("under way", |response| response.status.as_str()).to_owned();
    Error::Deadline { id: id.to_owned(), status, after: responses.options.deadline }
}

async fn attend(responses: &Responses, id: &str) -> Result<Response> {
    match responses.follow(id, None).await {
        Ok(events) => last_of(responses, id, events).await,
        // The service keeps no events of this response, or shows them to nobody.
        Err(error) if error.status() == Some(400) => look_again_and_again(responses, id).await,
        Err(error) => Err(error),
    }
}

async fn last_of(responses: &Responses, id: &str, mut events: ResponseStream) -> Result<Response> {
    while let Some(event) = events.try_next().await? {
        if let ResponseEvent::Error(error) = &event {
            return failed(responses, id, &error.message).await;
        }
        if let (true, Some(response)) = (event.is_terminal(), event.response()) {
            return Ok(response.clone());
        }
    }
    Err(Error::StreamEnded(format!("response {id} has not ended")))
}

/// The response behind an error event, where it has ended all the same.
async fn failed(responses: &Responses, id: &str, message: &str) -> Result<Response> {
    let response = responses.get(id).await?;
    match response.status.is_terminal() {
        true => Ok(response),
        false => Err(Error::StreamEnded(message.to_owned())),
    }
}

async fn look_again_and_again(responses: &Responses, id: &str) -> Result<Response> {
    loop {
        let response = responses.get(id).await?;
        if response.status.is_terminal() {
            return Ok(response);
        }
        sleep(responses.options.poll_interval).await;
    }
}
