//! One stream of events over a chain of responses, with functions called in between.

use cupola_wire::responses::{CreateResponse, Response, ResponseEvent};
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout};

use super::{
    ResponseStream, Responses,
    process::{Rounds, deadline_passed},
};
use crate::{Error, FunctionSet, Result};

/// A chain of responses that is read event by event.
struct Chain {
    responses: Responses,
    rounds: Rounds,
    functions: FunctionSet,
    started: Instant,
    events: ResponseStream,
    /// The response as the last event that carried it showed it.
    last: Option<Response>,
    over: bool,
}

/// The events of `events`, then those of each further response.
pub(super) fn chained(
    responses: Responses,
    request: CreateResponse,
    functions: FunctionSet,
    events: ResponseStream,
) -> ResponseStream {
    let chain = Chain {
        rounds: Rounds::new(request, responses.options.max_rounds),
        responses,
        functions,
        started: Instant::now(),
        events,
        last: None,
        over: false,
    };
    stream::unfold(chain, |mut chain| async move {
        if chain.over {
            return None;
        }
        let left = chain.responses.options.deadline.saturating_sub(chain.started.elapsed());
        let item = match timeout(left, chain.next()).await {
            Ok(item) => item?,
            Err(_) => {
                chain.over = true;
                Err(deadline_passed(&chain.responses, chain.last.as_ref()))
            }
        };
        Some((item, chain))
    })
    .boxed()
}

impl Chain {
    async fn next(&mut self) -> Option<Result<ResponseEvent>> {
        loop {
            match self.events.next().await {
                Some(Ok(event)) => {
                    if let Some(response) = event.response() {
                        self.last = Some(response.clone());
                    }
                    return Some(Ok(event));
                }
                // One event that can't be read is no reason to miss the others.
                Some(Err(error)) => {
                    self.over = !matches!(error, Error::Decode { .. });
                    return Some(Err(error));
                }
                None => match self.go_on().await {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => {
                        self.over = true;
                        return Some(Err(error));
                    }
                },
            }
        }
    }

    /// Answers the response that has ended; false where there is nothing to answer.
    async fn go_on(&mut self) -> Result<bool> {
        // Taken, so that nothing is answered twice.
        let Some(response) = self.last.take() else { return Ok(false) };
        if !self.rounds.next(&response, &self.functions).await? {
            return Ok(false);
        }
        self.events = self.responses.stream(&self.rounds.request).await?;
        Ok(true)
    }
}
