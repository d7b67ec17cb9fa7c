//! The events of a run, typed.

use azure_core::http::AsyncRawResponse;
use cupola_wire::{
    classic::{Message, MessageDelta, Run, RunStatus, RunStep, RunStepDelta, StreamEvent, Thread},
    error::ErrorDetail,
};
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, Result, decode::decode, error::error_detail, sse::server_sent_events};

/// The events of a run as they come.
pub type EventStream = BoxStream<'static, Result<AgentEvent>>;

/// The names on the wire and the variants that stand for them, once for both.
macro_rules! agent_events {
    ($( $(#[$meta:meta])* $name:literal => $variant:ident($body:ty), )*) => {
        /// One event of a run.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum AgentEvent {
            $( $(#[$meta])* $variant(Box<$body>), )*
            /// `error`: what went wrong, in the service's words.
            Error(ErrorDetail),
            /// `done`: the stream is complete.
            Done,
            /// An event that this version does not know.
            Other {
                /// Its name.
                event: String,
                /// Its data.
                data: String,
            },
        }

        impl AgentEvent {
            /// Reads an event as it stands in the stream.
            pub fn read(event: StreamEvent) -> Result<Self> {
                Ok(match event.event.as_str() {
                    $( $name => Self::$variant(Box::new(body($name, &event.data)?)), )*
                    "error" => Self::Error(error(&event.data)),
                    "done" => Self::Done,
                    _ => Self::Other { event: event.event, data: event.data },
                })
            }
        }
    };
}

agent_events! {
    /// A thread was created along with its run.
    "thread.created" => ThreadCreated(Thread),
    /// The run was accepted.
    "thread.run.created" => RunCreated(Run),
    /// The run waits for its turn.
    "thread.run.queued" => RunQueued(Run),
    /// The run is at work.
    "thread.run.in_progress" => RunInProgress(Run),
    /// The run waits for tool outputs or an approval.
    "thread.run.requires_action" => RunRequiresAction(Run),
    /// The run is done.
    "thread.run.completed" => RunCompleted(Run),
    /// The run was cut short by a limit.
    "thread.run.incomplete" => RunIncomplete(Run),
    /// The run failed.
    "thread.run.failed" => RunFailed(Run),
    /// The run was asked to stop.
    "thread.run.cancelling" => RunCancelling(Run),
    /// The run was stopped.
    "thread.run.cancelled" => RunCancelled(Run),
    /// The run ran out of time.
    "thread.run.expired" => RunExpired(Run),
    /// A step began to exist.
    "thread.run.step.created" => StepCreated(RunStep),
    /// A step is at work.
    "thread.run.step.in_progress" => StepInProgress(RunStep),
    /// A piece of a step.
    "thread.run.step.delta" => StepDelta(RunStepDelta),
    /// A step is done.
    "thread.run.step.completed" => StepCompleted(RunStep),
    /// A step failed.
    "thread.run.step.failed" => StepFailed(RunStep),
    /// A step was stopped with its run.
    "thread.run.step.cancelled" => StepCancelled(RunStep),
    /// A step ran out of time with its run.
    "thread.run.step.expired" => StepExpired(RunStep),
    /// A message began to exist.
    "thread.message.created" => MessageCreated(Message),
    /// A message is being written.
    "thread.message.in_progress" => MessageInProgress(Message),
    /// A piece of a message.
    "thread.message.delta" => MessageDelta(MessageDelta),
    /// A message is complete.
    "thread.message.completed" => MessageCompleted(Message),
    /// A message was cut short.
    "thread.message.incomplete" => MessageIncomplete(Message),
}

impl AgentEvent {
    /// The run, where the event is about one.
    pub fn run(&self) -> Option<&Run> {
        match self {
            Self::RunCreated(run)
            | Self::RunQueued(run)
            | Self::RunInProgress(run)
            | Self::RunRequiresAction(run)
            | Self::RunCompleted(run)
            | Self::RunIncomplete(run)
            | Self::RunFailed(run)
            | Self::RunCancelling(run)
            | Self::RunCancelled(run)
            | Self::RunExpired(run) => Some(run),
            _ => None,
        }
    }

    /// The new text of a message, where the event brings some.
    pub fn text(&self) -> Option<String> {
        let Self::MessageDelta(message) = self else {
            return None;
        };
        let parts = message.delta.content.iter();
        let text: String = parts.filter_map(|part| part.text.as_ref()?.value.as_deref()).collect();
        Some(text).filter(|text| !text.is_empty())
    }

    /// Whether the stream may end after this event without anything missing.
    fn settles(&self) -> bool {
        match self {
            Self::Done | Self::Error(_) => true,
            _ => self
                .run()
                .is_some_and(|run| run.status.is_terminal() || run.status == RunStatus::RequiresAction),
        }
    }
}

/// Where a stream of events stands.
struct Events {
    raw: BoxStream<'static, Result<StreamEvent>>,
    settled: bool,
    over: bool,
}

/// The events in the body of `response`.
pub(crate) fn read_events(response: AsyncRawResponse) -> EventStream {
    let events = Events { raw: server_sent_events(response), settled: false, over: false };
    stream::unfold(events, |mut events| async move {
        let item = events.next().await?;
        Some((item, events))
    })
    .boxed()
}

impl Events {
    async fn next(&mut self) -> Option<Result<AgentEvent>> {
        if self.over {
            return None;
        }
        match self.raw.next().await {
            Some(Ok(event)) => Some(self.note(AgentEvent::read(event))),
            Some(Err(error)) => Some(self.broken(error)),
            None if self.settled => None,
            None => Some(self.broken(Error::StreamEnded("the service closed it".to_owned()))),
        }
    }

    fn note(&mut self, event: Result<AgentEvent>) -> Result<AgentEvent> {
        if let Ok(event) = &event {
            self.settled |= event.settles();
            self.over |= *event == AgentEvent::Done;
        }
        event
    }

    fn broken(&mut self, error: Error) -> Result<AgentEvent> {
        self.over = true;
        Err(error)
    }
}

fn body<T: DeserializeOwned>(name: &str, data: &str) -> Result<T> {
    decode(data.as_bytes()).map_err(|error| match error {
        Error::Decode { path, message } => Error::Decode { path: format!("{name}: {path}"), message },
        other => other,
    })
}

fn error(data: &str) -> ErrorDetail {
    match serde_json::from_str::<Value>(data) {
        Ok(value) => error_detail(&value),
        Err(_) => ErrorDetail { message: data.to_owned(), ..ErrorDetail::default() },
    }
}
