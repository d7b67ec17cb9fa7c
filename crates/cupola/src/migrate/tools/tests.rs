#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;

fn mapped(tools: Value, resources: Value) -> (Value, Vec<String>) {
    let tools: Vec<Tool> = serde_json::from_value(tools).unwrap();
    let resources: ToolResources = serde_json::from_value(resources).unwrap();
    let mut losses = Losses::default();
    let made = super::tools(&tools, &resources, &mut losses);
    (json!(made), losses.iter().map(|loss| loss.what.clone()).collect())
}

fn without_loss(tools: Value, resources: Value) -> Value {
    let (made, losses) = mapped(tools, resources);
    assert_eq!(losses, Vec::<String>::new());
    made
}

#[test]
fn a_function_loses_its_box_and_gains_what_the_newer_api_demands() {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let made = without_loss(
        json!([
            {"type": "function",
                "function": {"name": "f", "description": "d", "parameters": schema, "strict": true}},
            {"type": "function", "function": {"name": "g"}},
        ]),
        json!({}),
    );
    assert_eq!(
        made,
        json!([
            {"type": "function", "name": "f", "description": "d", "parameters": schema, "strict": true},
            {"type": "function", "name": "g", "parameters": {"type": "object", "properties": {}},
                "strict": false},
        ])
    );
}

#[test]
fn what_tools_work_on_moves_into_the_tools() {
    let made = without_loss(
        json!([
            {"type": "file_search", "file_search": {"max_num_results": 5, "ranking_options": null}},
            {"type": "code_interpreter"},
            {"type": "azure_ai_search"},
        ]),
        json!({
            "file_search": {"vector_store_ids": ["vs_1"]},
            "code_interpreter": {"file_ids": ["assistant-1"]},
            "azure_ai_search": {
                "indexes": [{"index_connection_id": "search", "index_name": "docs", "top_k": 3}]},
        }),
    );
    assert_eq!(
        made,
        json!([
            {"type": "file_search", "max_num_results": 5, "vector_store_ids": ["vs_1"]},
            {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["assistant-1"]}},
            {"type": "azure_ai_search", "azure_ai_search": {
                "indexes": [{"project_connection_id": "search", "index_name": "docs", "top_k": 3}]}},
        ])
    );
}

#[test]
fn connections_are_called_what_the_newer_api_calls_them() {
    let made = without_loss(
        json!([
            {"type": "bing_grounding",
                "bing_grounding": {"search_configurations": [{"connection_id": "b", "count": 3}]}},
            {"type": "sharepoint_grounding",
                "sharepoint_grounding": {"connections": [{"connection_id": "s"}]}},
            {"type": "browser_automation", "browser_automation": {"connection": {"id": "p"}}},
            {"type": "openapi", "openapi": {"name": "api", "spec": {"openapi": "3.0.0"}, "functions": [],
                "auth": {"type": "connection", "security_scheme": {"connection_id": "key"}}}},
        ]),
        json!({}),
    );
    assert_eq!(
        made,
        json!([
            {"type": "bing_grounding", "bing_grounding": {
                "search_configurations": [{"project_connection_id": "b", "count": 3}]}},
            {"type": "sharepoint_grounding_preview", "sharepoint_grounding_preview": {
                "project_connections": [{"project_connection_id": "s"}]}},
            {"type": "browser_automation_preview", "browser_automation_preview": {
                "connection": {"project_connection_id": "p"}}},
            {"type": "openapi", "openapi": {"name": "api", "spec": {"openapi": "3.0.0"},
                "auth": {"type": "project_connection", "security_scheme": {"project_connection_id": "key"}}}},
        ])
    );
}

#[test]
fn an_mcp_server_takes_its_settings_along_but_not_header_values_that_are_hidden() {
    let (made, losses) = mapped(
        json!([{"type": "mcp", "server_label": "github", "server_url": "https://mcp.example.org",
            "allowed_tools": null}]),
        json!({"mcp": [
            {"server_label": "other", "require_approval": "always"},
            {"server_label": "github", "require_approval": "never",
                "headers": {"Authorization": "REDACTED", "X-Team": "weather"}},
        ]}),
    );
    assert_eq!(
        made,
        json!([{"type": "mcp", "server_label": "github", "server_url": "https://mcp.example.org",
            "require_approval": "never", "headers": {"X-Team": "weather"}}])
    );
    assert_eq!(losses, ["tool_resources.mcp github header Authorization"]);
}

#[test]
fn tools_without_a_counterpart_are_left_out_and_named() {
    let (made, losses) = mapped(
        json!([
            {"type": "connected_agent",
                "connected_agent": {"id": "asst_1", "name": "stocks", "description": ""}},
            {"type": "deep_research", "deep_research": {}},
            {"type": "teleport"},
        ]),
        json!({}),
    );
    assert_eq!(made, json!([]));
    assert_eq!(losses, ["tools.connected_agent stocks", "tools.deep_research", "tools.teleport"]);
}

#[test]
fn what_no_tool_works_on_is_named_unless_it_is_empty() {
    let (_, losses) = mapped(
        json!([]),
        json!({"file_search": {"vector_store_ids": ["vs_1"]}, "code_interpreter": {"file_ids": []}}),
    );
    assert_eq!(losses, ["tool_resources.file_search"]);
}
