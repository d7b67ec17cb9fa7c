//! The tools that the service runs, and how their calls are shown in both dialects.

pub mod a2a;
pub mod azure_function;
pub mod code_interpreter;
pub mod connected_agent;
pub mod file_search;
pub(crate) mod lineage;
pub mod mcp;
pub mod memory_search;
pub(crate) mod naming;
pub mod openapi;
mod paired;
pub mod web_search;

use std::sync::Arc;

use cupola_engine::{
    tools::Tools,
    turn::{CallOutcome, Listing, ServedCall, TurnFault},
};
use cupola_identity::SealingKey;
use cupola_models::RequestedCall;
use cupola_tools::{machine_identity::MachineIdentity, mcp::Client, outgoing::Outgoing, web::Provider};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    ApiError, citations::Source, connections::Keyring, containers::Containers, memory_stores::Memories,
    service::LateService,
};
use a2a::A2a;
use azure_function::AzureFunction;
use code_interpreter::CodeInterpreter;
use connected_agent::{Colleagues, ConnectedAgent};
use file_search::{FileSearch, Library};
use mcp::Mcp;
use memory_search::MemorySearch;
use openapi::OpenApi;
use web_search::WebSearch;

/// What the tools work with.
pub struct ToolParts {
    /// What `file_search` searches.
    pub library: Arc<dyn Library>,
    /// Where `code_interpreter` runs code.
    pub containers: Arc<Containers>,
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
    /// Proves to services of Azure who this one is.
    pub identity: MachineIdentity,
    /// Searches the web, where the configuration says through whom.
    pub web: Option<Provider>,
}

/// All tools, by kind. A new one has its line here, and one in [`shown`].
pub fn registry(parts: ToolParts) -> Tools {
    let ToolParts {
        library,
        containers,
        outgoing,
        mcp,
        keyring,
        sealing,
        colleagues,
        memories,
        own,
        service,
        identity,
        web,
    } = parts;
    let servers = Client::new(outgoing.clone(), mcp);
    let a2a = Arc::new(A2a::new(outgoing.clone(), own, keyring.clone(), service));
    let tools = Tools::default()
        .with(code_interpreter::KIND, Arc::new(CodeInterpreter::new(containers)))
        .with(file_search::KIND, Arc::new(FileSearch::new(library)))
        .with(mcp::KIND, Arc::new(Mcp::new(servers, keyring.clone(), sealing)))
        .with(connected_agent::KIND, Arc::new(ConnectedAgent::new(colleagues)))
        .with(a2a::KIND, Arc::clone(&a2a) as Arc<_>)
        .with(a2a::PREVIEW, a2a)
        .with(memory_search::KIND, Arc::new(MemorySearch::new(memories)))
        .with(
            azure_function::KIND,
            Arc::new(AzureFunction::new(outgoing.clone(), keyring.clone(), identity.clone())),
        )
        .with(openapi::KIND, Arc::new(OpenApi::new(outgoing, keyring, identity)));
    let searches = web_search::kinds().map(|kind| (kind, Arc::new(WebSearch::new(kind, web.clone()))));
    searches.fold(tools, |tools, (kind, search)| tools.with(kind, search))
}

/// The kind of tool whose calls are items of this type.
pub(crate) fn kind_of_item(item_type: &str) -> Option<&'static str> {
    let kinds = [
        code_interpreter::KIND,
        file_search::KIND,
        mcp::KIND,
        openapi::KIND,
        connected_agent::KIND,
        a2a::KIND,
        azure_function::KIND,
    ];
    let mut kinds = kinds.into_iter().chain(web_search::kinds());
    kinds.find(|kind| shown(kind).is_some_and(|shown| shown.item_type() == item_type))
}

/// Whether items of this type are calls whose outputs are items of their own.
pub(crate) fn is_paired_call(item_type: &str) -> bool {
    item_type.ends_with("_call") && output_type(item_type).is_some()
}

/// Whether items of this type are outputs of such calls.
pub(crate) fn is_paired_output(item_type: &str) -> bool {
    let call = item_type.strip_suffix("_output");
    call.is_some_and(|call| output_type(call) == Some(item_type))
}

/// The type of the items of outputs, for calls of this type.
fn output_type(call_type: &str) -> Option<&'static str> {
    Some(shown(kind_of_item(call_type)?)?.output()?.item_type())
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
        code_interpreter::KIND => Some(&code_interpreter::Calls),
        file_search::KIND => Some(&file_search::Calls),
        connected_agent::KIND => Some(&connected_agent::Calls),
        a2a::KIND | a2a::PREVIEW => Some(&a2a::CALLS),
        openapi::KIND => Some(&openapi::CALLS),
        azure_function::KIND => Some(&azure_function::CALLS),
        mcp::KIND => Some(&mcp::Calls),
        memory_search::KIND => Some(&memory_search::Searches),
        web_search::GROUNDING_KIND => Some(&web_search::GROUNDING),
        web_search::CUSTOM_SEARCH_PREVIEW_KIND => Some(&web_search::CUSTOM_SEARCH_PREVIEW),
        web_search::CUSTOM_SEARCH_KIND => Some(&web_search::CUSTOM_SEARCH),
        kind if web_search::KINDS.contains(&kind) => Some(&web_search::Searches),
        _ => None,
    }
}

/// Refuses settings of a tool that can't work, with the path of what is at fault. `param` is the tool's own path.
pub(crate) fn check(param: &str, tool: &Map<String, Value>) -> Result<(), ApiError> {
    match tool.get("type").and_then(Value::as_str) {
        Some(openapi::KIND) => openapi::check(param, tool),
        _ => Ok(()),
    }
}

/// Why a call is not made, or has failed.
pub(crate) fn fault(code: &str, message: impl Into<String>) -> TurnFault {
    TurnFault { code: code.to_owned(), message: message.into() }
}

/// The settings of a tool, in the form that it knows them in.
fn read_settings<T: DeserializeOwned>(kind: &str, settings: &Value) -> Result<T, TurnFault> {
    T::deserialize(settings).map_err(|error| {
        fault("invalid_value", format!("The settings of the tool '{kind}' can't be read: {error}."))
    })
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

    /// The argument that is told while the model writes it.
    fn spelled_out(&self) -> Option<SpelledOut> {
        None
    }

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

    /// What else it may cite, by the links that it writes for it.
    fn links(&self, _outcome: &CallOutcome) -> Vec<(String, Source)> {
        Vec::new()
    }

    /// Pictures that the client is to see, also where the model does not speak of them.
    fn figures(&self, _outcome: &CallOutcome) -> Vec<Source> {
        Vec::new()
    }
}

/// An argument that is told while the model writes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpelledOut {
    /// Its name.
    pub argument: &'static str,
    /// How the events of a response begin that tell it.
    pub event: &'static str,
    /// Under which field it stands in the step of a run.
    pub field: &'static str,
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
