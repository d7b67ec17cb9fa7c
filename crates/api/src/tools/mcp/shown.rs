//! How servers and their calls are shown: items of responses, steps of runs.

use cupola_engine::{
    ids,
    turn::{CallOutcome, Listing, ServedCall, TurnFault},
};
use cupola_models::RequestedCall;
use serde_json::{Map, Value, json};

use super::{APPROVAL, HTTP, LIST, PROTOCOL, REQUEST, TOOL_ERROR, tools};
use crate::{
    citations::Source,
    tools::{Shown, ShownServer, Stage},
};

/// Calls of tools of servers.
pub struct Calls;

impl Shown for Calls {
    fn item_type(&self) -> &'static str {
        "mcp_call"
    }

    fn item(&self, call: &RequestedCall, stage: Stage<'_>) -> Value {
        let (status, output, error) = match stage {
            Stage::Asked | Stage::UnderWay => ("in_progress", None, None),
            Stage::CutShort => ("incomplete", None, None),
            Stage::Done(outcome) => match &outcome.fault {
                None => ("completed", Some(&outcome.output), None),
                Some(fault) => ("failed", None, Some(error(fault))),
            },
        };
        json!({
            "status": status, APPROVAL: null, "arguments": call.arguments, "name": call.name,
            "server_label": "", "error": error, "output": output,
        })
    }

    fn events(&self, stage: Stage<'_>) -> &'static [&'static str] {
        match stage {
            Stage::Asked => &["response.mcp_call.in_progress"],
            Stage::UnderWay => &[],
            Stage::Done(CallOutcome { fault: None, .. }) => &["response.mcp_call.completed"],
            Stage::Done(..) | Stage::CutShort => &["response.mcp_call.failed"],
        }
    }

    fn in_step(&self, _: &Value, call: &RequestedCall, stage: Stage<'_>) -> Map<String, Value> {
        let output = match stage {
            Stage::Done(outcome) => Some(&outcome.output),
            Stage::Asked | Stage::UnderWay | Stage::CutShort => None,
        };
        let fields = [("arguments", json!(call.arguments)), ("output", json!(output))];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn about(&self, settings: &Value, call: &ServedCall) -> Map<String, Value> {
        let mut about = Map::new();
        about.insert("server_label".to_owned(), settings["server_label"].clone());
        about.insert("name".to_owned(), json!(call.function));
        if let Some(request) = call.grant.get(APPROVAL) {
            about.insert(APPROVAL.to_owned(), request.clone());
        }
        about
    }

    fn about_item(&self, item: &Value) -> Map<String, Value> {
        let said = ["server_label", "name", APPROVAL].into_iter().filter(|name| !item[*name].is_null());
        said.map(|name| (name.to_owned(), item[name].clone())).collect()
    }

    fn arguments_event(&self) -> Option<&'static str> {
        Some("response.mcp_call_arguments")
    }

    fn server(&self) -> Option<&dyn ShownServer> {
        Some(self)
    }

    fn sources(&self, _: &CallOutcome) -> (u64, Vec<Source>) {
        (0, Vec::new())
    }
}

/// The numbers that clients of the protocol use for a connection that ended, and for a wait that did.
const CLOSED: i64 = -32000;
const TIMED_OUT: i64 = -32001;

/// What went wrong with a call, in the forms that clients know.
fn error(fault: &TurnFault) -> Value {
    let (code, message) = (fault.code.as_str(), &fault.message);
    let number = |prefix: &str| code.strip_prefix(prefix).and_then(|number| number.parse::<i64>().ok());
    if code == TOOL_ERROR {
        let content = json!([{"type": "text", "text": message}]);
        return json!({"type": "mcp_tool_execution_error", "content": content});
    }
    if let Some(status) = number(HTTP) {
        return json!({"type": "http_error", "code": status, "message": message});
    }
    let otherwise = if code == "timeout" { TIMED_OUT } else { CLOSED };
    json!({"type": "mcp_protocol_error", "code": number(PROTOCOL).unwrap_or(otherwise), "message": message})
}

/// The words of an error, in whatever form it is.
pub fn words(error: &Value) -> Option<&str> {
    let content = &error["content"][0]["text"];
    [error, &error["message"], content].into_iter().find_map(Value::as_str)
}

impl ShownServer for Calls {
    fn request_type(&self) -> &'static str {
        REQUEST
    }

    fn list_type(&self) -> &'static str {
        LIST
    }

    fn list(&self, settings: &Value, listing: Option<&Listing>) -> Value {
        let functions = listing.map(|listing| &listing.functions["tools"]).filter(|tools| tools.is_array());
        let mut item = json!({
            "server_label": settings["server_label"], "tools": functions.cloned().unwrap_or_else(|| json!([])),
        });
        if let Some(fault) = listing.and_then(|listing| listing.fault.as_ref()) {
            item["error"] = json!(fault.message);
        }
        item
    }

    fn activity(&self, settings: &Value, listing: &Listing) -> Value {
        let tools = tools(&listing.functions).into_iter().map(|tool| {
            let function = json!({"description": tool.description, "parameters": tool.input_schema});
            (tool.name, function)
        });
        json!({
            "id": ids::new("activity_"), "type": LIST, "server_label": settings["server_label"],
            "tools": tools.collect::<Map<_, _>>(),
        })
    }
}
