//! The HTTP face, in process: real router, real engine, real store, and a model that says what the test
//! wants it to say.
#![allow(clippy::unwrap_used, missing_docs)]

mod a2a;
mod a2a_tools;
mod access;
mod agent_traffic;
mod agent_versions;
mod agents;
mod app;
mod authority;
mod bad_input;
mod cancellation;
mod connected_agents;
mod connections;
mod containers;
mod context;
mod conversation_items;
mod conversations;
mod datasets;
mod deadlines;
mod deployments;
mod disconnects;
mod embedder;
mod envelopes;
mod faults;
mod file_search_responses;
mod file_search_runs;
mod files;
mod golden;
mod hosted_agent;
mod hosted_containers;
mod hosted_definitions;
mod hosted_files;
mod hosted_gateway;
mod hosted_logs;
mod hosted_sessions;
mod hosted_sources;
mod indexes;
mod input_tokens;
mod library;
mod lists;
mod memory_stores;
mod messages;
mod model;
mod named_agents;
mod open_responses;
mod open_responses_shapes;
mod passthrough;
mod redaction;
mod responses;
mod responses_attachments;
mod responses_background;
mod responses_background_streams;
mod responses_checks;
mod responses_compact;
mod responses_conversations;
mod responses_custom_tools;
mod responses_history;
mod responses_refusals;
mod responses_sockets;
mod responses_streams;
mod responses_voices;
mod run_steps;
mod runs;
mod sockets;
mod state_items;
mod state_stores;
mod storage;
mod storage_history;
mod storage_users;
mod streams;
mod tasks;
mod tasks_lists;
mod threads;
mod tool_outputs;
mod upstreams;
mod vector_store_attachments;
mod vector_store_files;
mod vector_store_ingestion;
mod vector_store_search;
mod vector_store_sources;
mod vector_stores;

/// A sandbox is this same program, started again. The test harness has its own `main`, so this comes before
/// it.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
// SAFETY: the section holds pointers to functions of this type, which the C runtime calls one by one.
#[unsafe(link_section = ".init_array")]
#[used]
static ENTER: extern "C" fn() = {
    extern "C" fn enter() {
        cupola_sandbox::enter_if_asked();
    }
    enter
};
