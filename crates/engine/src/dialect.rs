//! How a wire dialect takes part in a turn.

use async_trait::async_trait;
use bytes::Bytes;
use cupola_models::ChatMessage;
use cupola_store::{Change, Key, Resource, StoreError, TurnKey};
use serde_json::Value;

use crate::{
    Millis, TurnSpec,
    turn::{Event, Turn},
};

/// A piece of a stream, ready to be sent. The engine does not look into it.
pub type Frame = Bytes;

/// A dialect: where a turn's history is, and how a turn is shown.
#[async_trait]
pub trait Dialect: Send + Sync {
    /// The name under which turns of this dialect are kept.
    fn name(&self) -> &'static str;

    /// What is needed to go on with a turn: after a crash, or after it has waited for its client.
    /// `None` if the resource that shows it is gone.
    async fn resume(&self, turn: &TurnKey) -> Result<Option<Resumed>, StoreError>;

    /// A page of the history before this turn, newest first. `after` is the cursor of the page before.
    async fn history(
        &self,
        turn: &TurnKey,
        spec: &TurnSpec,
        after: Option<&str>,
    ) -> Result<HistoryPage, StoreError>;

    /// What the history says of the functions of this tool, so that it need not be asked for them again.
    async fn listed(
        &self,
        _turn: &TurnKey,
        _spec: &TurnSpec,
        _tool: usize,
    ) -> Result<Option<Value>, StoreError> {
        Ok(None)
    }
}

/// A turn that was found in the store.
pub struct Resumed {
    /// What was asked for.
    pub spec: TurnSpec,
    /// How it is shown.
    pub projection: Box<dyn Projection>,
    /// How many of its frames are kept.
    pub kept: i64,
}

/// A part of a conversation's history, newest first.
#[derive(Debug, Default)]
pub struct HistoryPage {
    /// The messages.
    pub items: Vec<HistoryItem>,
    /// Where the next page begins; `None` if there is none.
    pub next: Option<String>,
}

/// Messages of the history that belong together: one, or calls with their outputs.
#[derive(Debug)]
pub struct HistoryItem {
    /// What the model is given, oldest first.
    pub messages: Vec<ChatMessage>,
}

/// How one turn is shown. Events and deltas go in; changes of resources and frames come out. There is no
/// IO in here, so that a whole stream can be tested against its golden file.
pub trait Projection: Send {
    /// The model is about to be called, or a call that was approved to be made. Frames are wanted only if
    /// somebody is `heard` to listen.
    fn model_call_began(&mut self, at: Millis, heard: bool) -> Changes;

    /// Whether it has to be told everything that the model says, also when nobody listens any more.
    fn wants_every_delta(&self) -> bool {
        false
    }

    /// The model said something more. Only called while somebody listens, or every delta is wanted.
    fn delta(&mut self, at: Millis, delta: Delta<'_>) -> Vec<Frame>;

    /// Something happened that is about to be written down. `turn` is the state after it. Frames are
    /// wanted only if somebody is `heard` to listen.
    fn event(&mut self, at: Millis, event: &Event, turn: &Turn, heard: bool) -> Changes;

    /// Something happened and was written down before this projection was made; `turn` is the state after
    /// it. Told in order, before anything else.
    fn recall(&mut self, _at: Millis, _event: &Event, _turn: &Turn) {}

    /// The resource that shows the turn was changed by somebody else: keep what they changed, and give
    /// the change that replaces theirs.
    fn rebase(&mut self, current: &Resource) -> Result<Change, StoreError>;

    /// The key of the resource that shows the turn.
    fn key(&self) -> &Key;

    /// The resource that shows the turn, as it is now.
    fn document(&self) -> Bytes;
}

/// What an event changes.
#[derive(Debug, Default)]
pub struct Changes {
    /// Changes that are committed together with the event.
    pub changes: Vec<Change>,
    /// Frames for whoever listens, once the event is durable.
    pub frames: Vec<Frame>,
}

/// What a model, or a tool, said more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delta<'a> {
    /// More text.
    Text(&'a str),
    /// More of why it does not answer.
    Refusal(&'a str),
    /// More of what it thinks on its way.
    Reasoning(&'a str),
    /// More of what it thinks, in short.
    ReasoningSummary(&'a str),
    /// A call begins.
    CallBegan {
        /// Its place among the calls of this answer.
        index: usize,
        /// Its id.
        id: &'a str,
        /// The function.
        name: &'a str,
        /// Who will run it.
        by: Runner<'a>,
    },
    /// More of a call's arguments.
    CallArguments {
        /// Which call.
        index: usize,
        /// The next piece.
        text: &'a str,
    },
    /// A tool is asked for its functions.
    ListingBegan {
        /// Which of the turn's tools.
        tool: usize,
        /// The tool's kind, for example `mcp`.
        kind: &'a str,
    },
    /// A call that the service runs says how far it is.
    Progress {
        /// Which call.
        call_id: &'a str,
        /// What it says, in the form of its tool.
        detail: &'a Value,
    },
}

/// Who runs a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner<'a> {
    /// The client.
    Client,
    /// The service.
    Service {
        /// Which of the turn's tools runs it.
        tool: usize,
        /// The tool's kind, for example `file_search`.
        kind: &'a str,
        /// The function as its tool knows it.
        function: &'a str,
        /// Whether the client has to approve it first.
        needs_approval: bool,
    },
    /// Nobody: there is no such function. The model is told so.
    Nobody,
}
