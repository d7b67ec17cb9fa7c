//! The tools that the service runs, and how their calls are shown in both dialects.

pub mod a2a;
pub mod connected_agent;
pub mod file_search;
pub(crate) mod lineage;
pub mod mcp;
pub mod memory_search;
pub(crate) mod naming;
pub mod openapi;
mod paired;

use std::sync::Arc;

use cupola_engine::{
    tools::Tools,
    turn::{CallOutcome, Listing, ServedCall, TurnFault},
};
use cupola_identity::SealingKey;
use cupola_models::RequestedCall;
use cupola_tools::{mcp::Client, outgoing::Outgoing};
use serde_json::{Map, Value};

use crate::{
    ApiError, citations::Source, connections::Keyring, memory_stores::Memories, service::LateService,
};
use a2a::A2a;
use connected_agent::{Colleagues, ConnectedAgent};
use file_search::{FileSearch, Library};
use mcp::Mcp;
use memory_search::MemorySearch;

/// What the tools work with.
pub struct ToolParts {
    /// What `file_search` searches.
    pub library: Arc<dyn Library>,
    /// Reaches other services.
    pub outgoing: Outgoing,
    /// Whom `connected_agent` asks.
    pub colleagues: Arc<dyn Colleagues>,
    /// What `memory_search_preview` searches.
    pub memories: Arc<Memories>,
    /// The addresses of this service.
    pub own: a2a::Own,
    /// The service, once it is there.
    pub service: Arc<LateService>,
    /// How long MCP servers are waited for.
    pub mcp: cupola_tools::mcp::Patience,
    /// Finds connections with their secrets.
    pub keyring: Keyring,
    /// Opens what clients give for servers.
    pub sealing: Arc<SealingKey>,
}

/// All tools, by kind. A new one has its line here, and one in [`shown`].
pub fn registry(parts: ToolParts) -> Tools {
    let ToolParts { library, outgoing, mcp, keyring, sealing, colleagues, memories, own, service } = parts;
    let servers = Client::new(outgoing.clone(), mcp);
    let a2a = Arc::new(A2a::new(outgoing, own, keyring.clone(), service));
    Tools::default()
        .with(file_search::KIND, Arc::new(FileSearch::new(library)))
        .with(mcp::KIND, Arc::new(Mcp::new(servers, keyring, sealing)))
        .with(connected_agent::KIND, Arc::new(ConnectedAgent::new(colleagues)))
        .with(a2a::KIND, Arc::clone(&a2a) as Arc<_>)
        .with(a2a::PREVIEW, a2a)
        .with(memory_search::KIND, Arc::new(MemorySearch::new(memories)))
}

/// The kind of tool whose calls are items of this type.
pub(crate) fn kind_of_item(item_type: &str) -> Option<&'static str> {
    let kinds = [file_search::KIND, mcp::KIND, openapi::KIND, connected_agent::KIND, a2a::KIND];
    kinds.into_iter().find(|kind| shown(kind).is_some_and(|shown| shown.item_type() == item_type))
}

/// Whether items of this type ask for an approval.
pub(crate) fn is_request(item_type: &str) -> bool {
    servers().any(|(_, server)| server.request_type() == item_type)
}

/// The kinds of tools that have servers, and how these are shown.
pub(crate) fn servers() -> impl Iterator<Item = (&'static str, &'static dyn ShownServer)> {
    [mcp::KIND, memory_search::KIND].into_iter().filter_map(|kind| Some((kind, shown(kind)?.server()?)))
}

/// How calls of a kind of tool are shown.
pub(crate) fn shown(kind: &str) -> Option<&'static dyn Shown> {
    match kind {
        file_search::KIND => Some(&file_search::Calls),
        connected_agent::KIND => Some(&connected_agent::Calls),
        a2a::KIND | a2a::PREVIEW => Some(&a2a::CALLS),
        openapi::KIND => Some(&openapi::CALLS),
        mcp::KIND => Some(&mcp::Calls),
        memory_search::KIND => Some(&memory_search::Searches),
        _ => None,
    }
}

/// How far a call is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage<'a> {
    /// The model asks for it.
    Asked,
    /// The tool is at work.
    UnderWay,
    /// It is done.
    Done(&'a CallOutcome),
    /// It ended before it was done.
    CutShort,
}

/// How calls of one kind of tool are shown in both dialects.
pub(crate) trait Shown: Sync {
    /// The type of their items in a response.
    fn item_type(&self) -> &'static str;

    /// The item, without the fields that all items have. The arguments of the call are known once it is done.
    fn item(&self, call: &RequestedCall, stage: Stage<'_>) -> Value;

    /// How outputs are shown, where they are items of their own, each behind that of its call.
    fn output(&self) -> Option<&dyn ShownOutput> {
        None
    }

    /// The events that tell of a stage, beside those that announce the item and tell its end.
    fn events(&self, stage: Stage<'_>) -> &'static [&'static str];

    /// What the step of a run shows of the call, beside its id and its type. `settings` are those of the tool.
    fn in_step(&self, settings: &Value, call: &RequestedCall, stage: Stage<'_>) -> Map<String, Value>;

    /// What its item and its step say from the beginning of who runs it. `settings` are those of the tool.
    fn about(&self, _settings: &Value, _call: &ServedCall) -> Map<String, Value> {
        Map::new()
    }

    /// The same, from an item that was kept.
    fn about_item(&self, _item: &Value) -> Map<String, Value> {
        Map::new()
    }

    /// The events that tell the arguments of a call, without their endings; a step then shows a call only when
    /// its arguments are whole.
    fn arguments_event(&self) -> Option<&'static str> {
        None
    }

    /// How a server is shown that is asked for its functions, and whose calls may need an approval.
    fn server(&self) -> Option<&dyn ShownServer> {
        None
    }

    /// What the model may cite now: the call's place among the turn's calls, and its passages.
    fn sources(&self, outcome: &CallOutcome) -> (u64, Vec<Source>);
}

/// How outputs of one kind of tool are shown as items of their own.
pub(crate) trait ShownOutput: Sync {
    /// The type of the items.
    fn item_type(&self) -> &'static str;

    /// The item, without the fields that all items have; before its end without an outcome.
    fn item(&self, call: &RequestedCall, outcome: Option<&CallOutcome>) -> Value;
}

/// How servers of one kind of tool are shown.
pub(crate) trait ShownServer: Sync {
    /// The type of the items that ask for an approval.
    fn request_type(&self) -> &'static str;

    /// The type of the items that show what a server has.
    fn list_type(&self) -> &'static str;

    /// Whether events tell of them, beside those that announce the item and tell its end.
    fn has_events(&self) -> bool {
        true
    }

    /// Such an item, without the fields that all items have; before the server has answered without a listing.
    fn list(&self, settings: &Value, listing: Option<&Listing>) -> Value;

    /// What the step of a run shows of it.
    fn activity(&self, settings: &Value, listing: &Listing) -> Value;
}

/// What a model is told of a refusal.
impl From<ApiError> for TurnFault {
    fn from(error: ApiError) -> Self {
        let detail = error.detail();
        let code = detail.code.clone().unwrap_or_else(|| "not_asked".to_owned());
        Self { code, message: detail.message.clone() }
    }
}
