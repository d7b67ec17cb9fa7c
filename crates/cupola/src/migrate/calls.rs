//! The tool calls of a run step as items: what was asked for, then what came back.

use cupola_client::types::{
    Extra, FunctionCallDetails, FunctionCallItem, Item, RunStep, StepDetails, ToolCall,
};
use serde_json::json;

use super::report::Losses;

/// The items of a step. A step that wrote a message has none: the message is an item itself.
pub fn items(step: &RunStep, losses: &mut Losses) -> Vec<Item> {
    let details = match &step.step_details {
        StepDetails::ToolCalls(details) => details,
        StepDetails::MessageCreation(_) => return Vec::new(),
        StepDetails::Other(_) => {
            losses.note(format!("run_steps {}", step.step_details.kind()), "the newer API has no such item");
            return Vec::new();
        }
    };
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    for call in &details.tool_calls {
        match call {
            ToolCall::Function(call) => match &call.function.output {
                Some(output) => {
                    asked.push(function_call(call));
                    answered.push(Item::function_output(&call.id, output));
                }
                // A model that is shown a call without its output refuses everything after it.
                None => {
                    losses.note(format!("run_steps call of {}", call.function.name), "it was never answered")
                }
            },
            ToolCall::Other(fields) if call.kind() == "mcp" => asked.push(mcp_call(fields)),
            ToolCall::Other(_) => {
                let what = format!("run_steps call of {}", call.kind());
                losses.note(what, "what the newer API shows of this tool, the classic API did not keep");
            }
        }
    }
    asked.extend(answered);
    asked
}

fn function_call(call: &FunctionCallDetails) -> Item {
    Item::FunctionCall(FunctionCallItem {
        call_id: call.id.clone(),
        name: call.function.name.clone(),
        arguments: call.function.arguments.clone(),
        ..FunctionCallItem::default()
    })
}

fn mcp_call(classic: &Extra) -> Item {
    let mut item = Extra::new();
    item.insert("type".to_owned(), json!("mcp_call"));
    for name in ["name", "arguments", "server_label", "output"] {
        item.insert(name.to_owned(), classic.get(name).cloned().unwrap_or_default());
    }
    Item::Other(item)
}

#[cfg(test)]
pub mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::Value;

    use super::*;

    pub fn step(run: &str, details: Value) -> RunStep {
        serde_json::from_value(json!({
            "id": "step_1", "object": "thread.run.step", "created_at": 1, "run_id": run,
            "assistant_id": "asst_1",
            "thread_id": "thread_1", "type": details["type"], "status": "completed", "cancelled_at": null,
            "completed_at": 1, "failed_at": null, "last_error": null, "usage": null, "step_details": details,
        }))
        .unwrap()
    }

    pub fn function_call(id: &str, output: Option<&str>) -> Value {
        let function = json!({"name": "get_time", "arguments": "{}", "output": output});
        json!({"id": id, "type": "function", "function": function})
    }

    fn mapped(calls: Value) -> (Vec<Value>, Vec<String>) {
        let mut losses = Losses::default();
        let items = items(&step("run_1", json!({"type": "tool_calls", "tool_calls": calls})), &mut losses);
        let items = items.iter().map(|item| serde_json::to_value(item).unwrap()).collect();
        (items, losses.iter().map(|loss| loss.what.clone()).collect())
    }

    #[test]
    fn parallel_calls_come_first_and_their_outputs_after_them() {
        let (items, losses) =
            mapped(json!([function_call("call_a", Some("1")), function_call("call_b", Some("2"))]));
        let shape: Vec<_> =
            items.iter().map(|item| (item["type"].as_str(), item["call_id"].as_str())).collect();
        assert_eq!(
            shape,
            [
                (Some("function_call"), Some("call_a")),
                (Some("function_call"), Some("call_b")),
                (Some("function_call_output"), Some("call_a")),
                (Some("function_call_output"), Some("call_b")),
            ]
        );
        assert_eq!(items[3]["output"], "2");
        assert!(losses.is_empty());
    }

    #[test]
    fn a_call_that_was_never_answered_is_left_out_and_named() {
        assert_eq!(
            mapped(json!([function_call("call_a", None)])),
            (Vec::new(), vec!["run_steps call of get_time".to_owned()])
        );
    }

    #[test]
    fn a_call_of_an_mcp_server_is_one_item_and_other_tools_are_losses() {
        let (items, losses) = mapped(json!([
            {"id": "call_m", "type": "mcp", "name": "search", "arguments": "{}", "server_label": "docs",
                "output": "found"},
            {"id": "call_c", "type": "code_interpreter", "code_interpreter": {"input": "1", "outputs": []}},
        ]));
        assert_eq!(
            items,
            [json!({"type": "mcp_call", "name": "search", "arguments": "{}", "server_label": "docs",
                "output": "found"})]
        );
        assert_eq!(losses, ["run_steps call of code_interpreter"]);
    }
}
