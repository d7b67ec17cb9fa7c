//! The ids of items: each type has its own prefix.

/// The prefix of ids of a type, with its underscore.
pub fn prefix(kind: &str) -> &'static str {
    match kind {
        "message" => "msg_",
        "function_call" => "fc_",
        "function_call_output" => "fco_",
        "custom_tool_call" => "ctc_",
        "custom_tool_call_output" => "ctco_",
        "reasoning" => "rs_",
        "file_search_call" => "fs_",
        "web_search_call" => "ws_",
        "code_interpreter_call" => "ci_",
        "image_generation_call" => "ig_",
        "computer_call" => "cu_",
        "computer_call_output" => "cuo_",
        "mcp_list_tools" => "mcpl_",
        "mcp_approval_request" => "mcpr_",
        "mcp_approval_response" => "mcpa_",
        "mcp_call" => "mcp_",
        "compaction" => "cmp_",
        "local_shell_call" | "shell_call" => "sh_",
        "local_shell_call_output" | "shell_call_output" => "sho_",
        "apply_patch_call" => "apc_",
        "apply_patch_call_output" => "apco_",
        "workflow_action" => "wfa_",
        "openapi_call" => "oa_",
        "openapi_call_output" => "oao_",
        "azure_function_call" => "azf_",
        "azure_function_call_output" => "azfo_",
        "bing_grounding_call" => "bg_",
        "bing_grounding_call_output" => "bgo_",
        "bing_custom_search_preview_call" => "bcs_",
        "bing_custom_search_preview_call_output" => "bcso_",
        "azure_ai_search_call" => "ais_",
        "azure_ai_search_call_output" => "aiso_",
        "a2a_preview_call" => "a2a_",
        "a2a_preview_call_output" => "a2ao_",
        "memory_search_call" => "mem_",
        _ => "item_",
    }
}

/// Whether items of a type have a status.
pub fn has_status(kind: &str) -> bool {
    !matches!(
        kind,
        "reasoning"
            | "mcp_list_tools"
            | "mcp_approval_request"
            | "mcp_approval_response"
            | "compaction"
            | "item_reference"
            | "custom_tool_call"
            | "additional_tools"
            | "structured_outputs"
            | "oauth_consent_request"
    )
}
