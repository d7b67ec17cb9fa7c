//! The one table of operations. Everything that can be asked of a project stands here once: its name,
//! method, path below `/api/projects/{project}`, the action that a caller needs, and its handler.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    http::Method,
    middleware::{from_fn, from_fn_with_state},
    routing::{MethodFilter, MethodRouter, get, on},
};

use tower::ServiceExt as _;

use crate::{
    Service, a2a, agents, authority, classic, connections, containers, conversations, datasets, deployments,
    gate, hosted, indexes, local_identity, memory_stores, passthrough, path, responses, state_stores,
    storage, tasks, vector_stores,
};

/// One operation.
pub struct Operation {
    /// Its name.
    pub name: &'static str,
    /// Its method.
    pub method: Method,
    /// Where its path begins.
    pub family: Family,
    /// Its path below the family's beginnings. A last segment with a verb (`{agent}:enable`) is one operation.
    pub path: &'static str,
    /// The action that a caller needs.
    pub action: &'static str,
    route: fn() -> MethodRouter<Service>,
}

/// Where the paths of operations begin. All beginnings of a family lead to the same handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Right below the project: classic agents.
    Classic,
    /// Right below the project: everything of the newer API that is Foundry's own.
    Foundry,
    /// What the OpenAI clients speak, under every form that a client generation uses.
    OpenAi,
}

impl Family {
    /// The beginnings, below the project. `bound_agent` is an agent that the address itself names.
    pub fn beginnings(self) -> &'static [&'static str] {
        match self {
            Self::Classic | Self::Foundry => &[""],
            Self::OpenAi => &[
                "/openai/v1",
                "/openai",
                "/agents/{bound_agent}/endpoint/protocols/openai/v1",
                "/agents/{bound_agent}/endpoint/protocols/openai",
                "/applications/{bound_agent}/protocols/openai/v1",
                "/applications/{bound_agent}/protocols/openai",
            ],
        }
    }
}

macro_rules! operations {
    ( $( $family:ident { $( $name:ident: $method:ident $path:literal needs $action:literal => $handler:path; )* } )* ) => {
        &[ $( $( Operation {
            name: stringify!($name),
            method: Method::$method,
            family: Family::$family,
            path: $path,
            action: $action,
            route: || route(MethodFilter::$method, $handler),
        }, )* )* ]
    };
}

fn route<H, T>(method: MethodFilter, handler: H) -> MethodRouter<Service>
where
    H: Handler<T, Service>,
    T: 'static,
{
    on(method, handler)
}

/// All operations.
#[rustfmt::skip]
pub const OPERATIONS: &[Operation] = operations! {
Classic {
    create_agent:          POST   "/assistants"                                     needs "agents/*/write"  => classic::agents::create;
    list_agents:           GET    "/assistants"                                     needs "agents/*/read"   => classic::agents::list;
    get_agent:             GET    "/assistants/{agent}"                             needs "agents/*/read"   => classic::agents::get;
    update_agent:          POST   "/assistants/{agent}"                             needs "agents/*/write"  => classic::agents::update;
    delete_agent:          DELETE "/assistants/{agent}"                             needs "agents/*/delete" => classic::agents::delete;

    create_thread:         POST   "/threads"                                        needs "agents/*/action" => classic::threads::create;
    list_threads:          GET    "/threads"                                        needs "agents/*/read"   => classic::threads::list;
    get_thread:            GET    "/threads/{thread}"                               needs "agents/*/read"   => classic::threads::get;
    update_thread:         POST   "/threads/{thread}"                               needs "agents/*/action" => classic::threads::update;
    delete_thread:         DELETE "/threads/{thread}"                               needs "agents/*/delete" => classic::threads::delete;

    create_message:        POST   "/threads/{thread}/messages"                      needs "agents/*/action" => classic::messages::create;
    list_messages:         GET    "/threads/{thread}/messages"                      needs "agents/*/read"   => classic::messages::list;
    get_message:           GET    "/threads/{thread}/messages/{message}"            needs "agents/*/read"   => classic::messages::get;
    update_message:        POST   "/threads/{thread}/messages/{message}"            needs "agents/*/action" => classic::messages::update;
    delete_message:        DELETE "/threads/{thread}/messages/{message}"            needs "agents/*/delete" => classic::messages::delete;

    create_thread_and_run: POST   "/threads/runs"                                   needs "agents/*/action" => classic::runs::create_with_thread;
    create_run:            POST   "/threads/{thread}/runs"                          needs "agents/*/action" => classic::runs::create;
    list_runs:             GET    "/threads/{thread}/runs"                          needs "agents/*/read"   => classic::runs::list;
    get_run:               GET    "/threads/{thread}/runs/{run}"                    needs "agents/*/read"   => classic::runs::get;
    update_run:            POST   "/threads/{thread}/runs/{run}"                    needs "agents/*/action" => classic::runs::update;
    submit_tool_outputs:   POST   "/threads/{thread}/runs/{run}/submit_tool_outputs" needs "agents/*/action" => classic::runs::submit_tool_outputs;
    cancel_run:            POST   "/threads/{thread}/runs/{run}/cancel"             needs "agents/*/action" => classic::runs::cancel;

    list_run_steps:        GET    "/threads/{thread}/runs/{run}/steps"              needs "agents/*/read"   => classic::run_steps::list;
    get_run_step:          GET    "/threads/{thread}/runs/{run}/steps/{step}"       needs "agents/*/read"   => classic::run_steps::get;

    upload_file:           POST   "/files"                                          needs "agents/*/write"  => classic::files::upload;
    list_files:            GET    "/files"                                          needs "agents/*/read"   => classic::files::list;
    get_file:              GET    "/files/{file}"                                   needs "agents/*/read"   => classic::files::get;
    get_file_content:      GET    "/files/{file}/content"                           needs "agents/*/read"   => classic::files::content;
    delete_file:           DELETE "/files/{file}"                                   needs "agents/*/delete" => classic::files::delete;

    create_vector_store:   POST   "/vector_stores"                                 needs "agents/*/write"  => vector_stores::create;
    list_vector_stores:    GET    "/vector_stores"                                 needs "agents/*/read"   => vector_stores::list;
    get_vector_store:      GET    "/vector_stores/{store}"                         needs "agents/*/read"   => vector_stores::get;
    modify_vector_store:   POST   "/vector_stores/{store}"                         needs "agents/*/write"  => vector_stores::modify;
    delete_vector_store:   DELETE "/vector_stores/{store}"                         needs "agents/*/delete" => vector_stores::delete;
    search_vector_store:   POST   "/vector_stores/{store}/search"                  needs "agents/*/read"   => vector_stores::search;
    create_store_file:     POST   "/vector_stores/{store}/files"                   needs "agents/*/write"  => vector_stores::create_file;
    list_store_files:      GET    "/vector_stores/{store}/files"                   needs "agents/*/read"   => vector_stores::list_files;
    get_store_file:        GET    "/vector_stores/{store}/files/{file}"            needs "agents/*/read"   => vector_stores::get_file;
    update_store_file:     POST   "/vector_stores/{store}/files/{file}"            needs "agents/*/write"  => vector_stores::update_file;
    delete_store_file:     DELETE "/vector_stores/{store}/files/{file}"            needs "agents/*/delete" => vector_stores::delete_file;
    get_store_content:     GET    "/vector_stores/{store}/files/{file}/content"    needs "agents/*/read"   => vector_stores::get_content;
    create_file_batch:     POST   "/vector_stores/{store}/file_batches"            needs "agents/*/write"  => vector_stores::create_batch;
    get_file_batch:        GET    "/vector_stores/{store}/file_batches/{batch}"    needs "agents/*/read"   => vector_stores::get_batch;
    cancel_file_batch:     POST   "/vector_stores/{store}/file_batches/{batch}/cancel" needs "agents/*/write"  => vector_stores::cancel_batch;
    list_batch_files:      GET    "/vector_stores/{store}/file_batches/{batch}/files" needs "agents/*/read"   => vector_stores::list_batch_files;
}
Foundry {
    create_agent_by_name:  POST   "/agents"                                         needs "agents/*/write"  => agents::create;
    list_named_agents:     GET    "/agents"                                         needs "agents/*/read"   => agents::list;
    import_agent:          POST   "/agents:import"                                  needs "agents/*/write"  => agents::import;
    generate_agent:        POST   "/agents:generate"                                needs "agents/*/write"  => agents::generate;
    get_named_agent:       GET    "/agents/{agent}"                                 needs "agents/*/read"   => agents::get;
    update_named_agent:    POST   "/agents/{agent}"                                 needs "agents/*/write"  => agents::update;
    patch_agent:           PATCH  "/agents/{agent}"                                 needs "agents/*/write"  => agents::patch;
    delete_named_agent:    DELETE "/agents/{agent}"                                 needs "agents/*/delete" => agents::delete;
    enable_agent:          POST   "/agents/{agent}:enable"                          needs "agents/*/write"  => agents::enable;
    disable_agent:         POST   "/agents/{agent}:disable"                         needs "agents/*/write"  => agents::disable;
    import_into_agent:     POST   "/agents/{agent}/import"                          needs "agents/*/write"  => agents::import_into;
    download_agent_code:   GET    "/agents/{agent}/code:download"                   needs "agents/*/read"   => agents::download_code;

    create_agent_version:  POST   "/agents/{agent}/versions"                        needs "agents/*/write"  => agents::create_version;
    list_agent_versions:   GET    "/agents/{agent}/versions"                        needs "agents/*/read"   => agents::list_versions;
    import_agent_version:  POST   "/agents/{agent}/versions:import"                 needs "agents/*/write"  => agents::import_version;
    get_agent_version:     GET    "/agents/{agent}/versions/{version}"              needs "agents/*/read"   => agents::get_version;
    delete_agent_version:  DELETE "/agents/{agent}/versions/{version}"              needs "agents/*/delete" => agents::delete_version;

    create_session:        POST   "/agents/{agent}/endpoint/sessions"               needs "sessions/write"  => hosted::session::create;
    list_sessions:         GET    "/agents/{agent}/endpoint/sessions"               needs "sessions/read"   => hosted::session::list;
    get_session:           GET    "/agents/{agent}/endpoint/sessions/{session}"     needs "sessions/read"   => hosted::session::get;
    stop_session:          POST   "/agents/{agent}/endpoint/sessions/{session}:stop" needs "sessions/write" => hosted::session::stop;
    delete_session:        DELETE "/agents/{agent}/endpoint/sessions/{session}"     needs "sessions/delete" => hosted::session::delete;

    get_session_file:      GET    "/agents/{agent}/endpoint/sessions/{session}/files/content" needs "sessions/read" => hosted::files::download;
    put_session_file:      PUT    "/agents/{agent}/endpoint/sessions/{session}/files/content" needs "sessions/write" => hosted::files::upload;
    list_session_files:    GET    "/agents/{agent}/endpoint/sessions/{session}/files" needs "sessions/read" => hosted::files::list;
    delete_session_file:   DELETE "/agents/{agent}/endpoint/sessions/{session}/files" needs "sessions/write" => hosted::files::delete;
    make_session_folder:   POST   "/agents/{agent}/endpoint/sessions/{session}/files/mkdir" needs "sessions/write" => hosted::files::make_folder;
    stat_session_file:     GET    "/agents/{agent}/endpoint/sessions/{session}/files/stat" needs "sessions/read" => hosted::files::stat;
    stream_version_log:    GET    "/agents/{agent}/versions/{version}/sessions/{session}:logstream" needs "sessions/read" => hosted::logs::stream_of_version;
    stream_session_log:    GET    "/agents/{agent}/sessions/{session}:logstream" needs "sessions/read" => hosted::logs::stream;

    start_container:       POST   "/agents/{agent}/versions/{version}/containers/default:start" needs "agents/*/write" => hosted::containers::start;
    update_container:      POST   "/agents/{agent}/versions/{version}/containers/default:update" needs "agents/*/write" => hosted::containers::update;
    stop_container:        POST   "/agents/{agent}/versions/{version}/containers/default:stop" needs "agents/*/write" => hosted::containers::stop;
    delete_container:      POST   "/agents/{agent}/versions/{version}/containers/default:delete" needs "agents/*/write" => hosted::containers::delete;
    get_container:         GET    "/agents/{agent}/versions/{version}/containers/default" needs "agents/*/read" => hosted::containers::get;
    stream_container_log:  GET    "/agents/{agent}/versions/{version}/containers/default:logstream" needs "agents/*/read" => hosted::containers::log;
    list_container_operations: GET "/agents/{agent}/versions/{version}/containers/default/operations" needs "agents/*/read" => hosted::containers::list_operations;
    list_agent_operations: GET    "/agents/{agent}/operations"                      needs "agents/*/read"   => hosted::containers::list_all_operations;
    get_agent_operation:   GET    "/agents/{agent}/operations/{operation}"          needs "agents/*/read"   => hosted::containers::get_operation;

    invoke_by_socket:      GET    "/agents/{agent}/endpoint/protocols/invocations_ws" needs "agents/*/action" => hosted::connect;
    invoke_get:            GET    "/agents/{agent}/endpoint/protocols/invocations"  needs "agents/*/action" => hosted::invoke;
    invoke_post:           POST   "/agents/{agent}/endpoint/protocols/invocations"  needs "agents/*/action" => hosted::invoke;
    invoke_put:            PUT    "/agents/{agent}/endpoint/protocols/invocations"  needs "agents/*/action" => hosted::invoke;
    invoke_patch:          PATCH  "/agents/{agent}/endpoint/protocols/invocations"  needs "agents/*/action" => hosted::invoke;
    invoke_delete:         DELETE "/agents/{agent}/endpoint/protocols/invocations"  needs "agents/*/action" => hosted::invoke;
    invoke_get_below:      GET    "/agents/{agent}/endpoint/protocols/invocations/{*rest}" needs "agents/*/action" => hosted::invoke_below;
    invoke_post_below:     POST   "/agents/{agent}/endpoint/protocols/invocations/{*rest}" needs "agents/*/action" => hosted::invoke_below;
    invoke_put_below:      PUT    "/agents/{agent}/endpoint/protocols/invocations/{*rest}" needs "agents/*/action" => hosted::invoke_below;
    invoke_patch_below:    PATCH  "/agents/{agent}/endpoint/protocols/invocations/{*rest}" needs "agents/*/action" => hosted::invoke_below;
    invoke_delete_below:   DELETE "/agents/{agent}/endpoint/protocols/invocations/{*rest}" needs "agents/*/action" => hosted::invoke_below;

    get_agent_card:        GET    "/agents/{agent}/endpoint/protocols/a2a/agentCard/v0.3" needs "agents/*/read" => a2a::card;
    call_agent:            POST   "/agents/{agent}/endpoint/protocols/a2a"          needs "agents/*/action" => a2a::call;
    send_to_agent:         POST   "/agents/{agent}/endpoint/protocols/a2a/v1/message:send" needs "agents/*/action" => a2a::send;
    stream_to_agent:       POST   "/agents/{agent}/endpoint/protocols/a2a/v1/message:stream" needs "agents/*/action" => a2a::stream;
    get_agent_task:        GET    "/agents/{agent}/endpoint/protocols/a2a/v1/tasks/{task}" needs "agents/*/read" => a2a::get;
    cancel_agent_task:     POST   "/agents/{agent}/endpoint/protocols/a2a/v1/tasks/{task}:cancel" needs "agents/*/action" => a2a::cancel;
    subscribe_agent_task:  GET    "/agents/{agent}/endpoint/protocols/a2a/v1/tasks/{task}:subscribe" needs "agents/*/read" => a2a::subscribe;

    list_connections:      GET    "/connections"                                    needs "connections/read" => connections::list;
    get_connection:        GET    "/connections/{name}"                             needs "connections/read" => connections::get;
    reveal_connection:     POST   "/connections/{name}/getConnectionWithCredentials" needs "connections/listsecrets/action" => connections::get_with_credentials;
    put_connection:        PUT    "/connections/{name}"                             needs "connections/write" => connections::put;
    delete_connection:     DELETE "/connections/{name}"                             needs "connections/delete" => connections::delete;

    list_deployments:      GET    "/deployments"                                    needs "deployments/read" => deployments::list;
    get_deployment:        GET    "/deployments/{name}"                             needs "deployments/read" => deployments::get;

    list_datasets:         GET    "/datasets"                                       needs "datasets/read"   => datasets::list;
    list_dataset_versions: GET    "/datasets/{name}/versions"                       needs "datasets/read"   => datasets::list_versions;
    get_dataset:           GET    "/datasets/{name}/versions/{version}"             needs "datasets/read"   => datasets::get;
    patch_dataset:         PATCH  "/datasets/{name}/versions/{version}"             needs "datasets/write"  => datasets::patch;
    delete_dataset:        DELETE "/datasets/{name}/versions/{version}"             needs "datasets/delete" => datasets::delete;
    start_pending_upload:  POST   "/datasets/{name}/versions/{version}/startPendingUpload" needs "datasets/write" => datasets::start_pending_upload;
    dataset_credentials:   POST   "/datasets/{name}/versions/{version}/credentials" needs "datasets/read"   => datasets::credentials;

    list_indexes:          GET    "/indexes"                                        needs "indexes/read"    => indexes::list;
    list_index_versions:   GET    "/indexes/{name}/versions"                        needs "indexes/read"    => indexes::list_versions;
    get_index:             GET    "/indexes/{name}/versions/{version}"              needs "indexes/read"    => indexes::get;
    patch_index:           PATCH  "/indexes/{name}/versions/{version}"              needs "indexes/write"   => indexes::patch;
    delete_index:          DELETE "/indexes/{name}/versions/{version}"              needs "indexes/delete"  => indexes::delete;

    store_response:        POST   "/storage/responses"                              needs "storage/write" => storage::create;
    get_stored_response:   GET    "/storage/responses/{response}"                   needs "storage/read" => storage::get;
    change_stored_response: POST  "/storage/responses/{response}"                   needs "storage/write" => storage::update;
    delete_stored_response: DELETE "/storage/responses/{response}"                  needs "storage/delete" => storage::delete;
    list_stored_input:     GET    "/storage/responses/{response}/input_items"       needs "storage/read" => storage::input_items;
    list_history_ids:      GET    "/storage/history/item_ids"                       needs "storage/read" => storage::item_ids;
    retrieve_items:        POST   "/storage/items/batch/retrieve"                   needs "storage/read" => storage::batch_retrieve;

    create_state_store:    POST   "/storage/state_stores"                           needs "storage/write" => state_stores::create;
    list_state_stores:     GET    "/storage/state_stores"                           needs "storage/read" => state_stores::list;
    get_state_store:       GET    "/storage/state_stores/{store}"                   needs "storage/read" => state_stores::get;
    patch_state_store:     PATCH  "/storage/state_stores/{store}"                   needs "storage/write" => state_stores::patch;
    delete_state_store:    DELETE "/storage/state_stores/{store}"                   needs "storage/delete" => state_stores::delete;
    create_state_item:     POST   "/storage/state_stores/{store}/items"             needs "storage/write" => state_stores::create_item;
    get_state_item:        GET    "/storage/state_stores/{store}/items/{key}"       needs "storage/read" => state_stores::get_item;
    put_state_item:        PUT    "/storage/state_stores/{store}/items/{key}"       needs "storage/write" => state_stores::put_item;
    delete_state_item:     DELETE "/storage/state_stores/{store}/items/{key}"       needs "storage/delete" => state_stores::delete_item;
    list_state_keys:       GET    "/storage/state_stores/{store}/items:keys"        needs "storage/read" => state_stores::list_keys;

    create_memory_store:   POST   "/memory_stores"                                  needs "memory_stores/write" => memory_stores::create;
    list_memory_stores:    GET    "/memory_stores"                                  needs "memory_stores/read" => memory_stores::list;
    get_memory_store:      GET    "/memory_stores/{store}"                          needs "memory_stores/read" => memory_stores::get;
    update_memory_store:   POST   "/memory_stores/{store}"                          needs "memory_stores/write" => memory_stores::update;
    delete_memory_store:   DELETE "/memory_stores/{store}"                          needs "memory_stores/delete" => memory_stores::delete;
    search_memories:       POST   "/memory_stores/{store}:search_memories"          needs "memory_stores/read" => memory_stores::search;
    update_memories:       POST   "/memory_stores/{store}:update_memories"          needs "memory_stores/write" => memory_stores::update_memories;
    delete_memory_scope:   POST   "/memory_stores/{store}:delete_scope"             needs "memory_stores/delete" => memory_stores::delete_scope;
    get_memory_update:     GET    "/memory_stores/{store}/updates/{update}"         needs "memory_stores/read" => memory_stores::get_update;
    create_memory:         POST   "/memory_stores/{store}/items"                    needs "memory_stores/write" => memory_stores::create_item;
    list_memories:         POST   "/memory_stores/{store}/items:list"               needs "memory_stores/read" => memory_stores::list_items;
    get_memory:            GET    "/memory_stores/{store}/items/{memory}"           needs "memory_stores/read" => memory_stores::get_item;
    update_memory:         POST   "/memory_stores/{store}/items/{memory}"           needs "memory_stores/write" => memory_stores::update_item;
    delete_memory:         DELETE "/memory_stores/{store}/items/{memory}"           needs "memory_stores/delete" => memory_stores::delete_item;

    create_task:           POST   "/tasks"                                          needs "tasks/write" => tasks::create;
    list_tasks:            GET    "/tasks"                                          needs "tasks/read" => tasks::list;
    get_task:              GET    "/tasks/{task}"                                   needs "tasks/read" => tasks::get;
    update_task:           PATCH  "/tasks/{task}"                                   needs "tasks/write" => tasks::update;
    delete_task:           DELETE "/tasks/{task}"                                   needs "tasks/delete" => tasks::delete;
}
OpenAi {
    create_response:       POST   "/responses"                                      needs "agents/*/action" => responses::create;
    connect_responses:     GET    "/responses:websocket"                            needs "agents/*/action" => responses::connect;
    compact_response:      POST   "/responses/compact"                              needs "agents/*/action" => responses::compact;
    count_input_tokens:    POST   "/responses/input_tokens"                         needs "agents/*/action" => responses::input_tokens;
    list_responses:        GET    "/responses"                                      needs "agents/*/read"   => responses::list;
    get_response:          GET    "/responses/{response}"                           needs "agents/*/read"   => responses::get;
    delete_response:       DELETE "/responses/{response}"                           needs "agents/*/delete" => responses::delete;
    cancel_response:       POST   "/responses/{response}/cancel"                    needs "agents/*/action" => responses::cancel;
    list_input_items:      GET    "/responses/{response}/input_items"               needs "agents/*/read"   => responses::input_items;
    create_conversation:   POST   "/conversations"                                  needs "agents/*/action" => conversations::create;
    list_conversations:    GET    "/conversations"                                  needs "agents/*/read"   => conversations::list;
    get_conversation:      GET    "/conversations/{conversation}"                   needs "agents/*/read"   => conversations::get;
    update_conversation:   POST   "/conversations/{conversation}"                   needs "agents/*/action" => conversations::update;
    delete_conversation:   DELETE "/conversations/{conversation}"                   needs "agents/*/delete" => conversations::delete;
    create_items:          POST   "/conversations/{conversation}/items"             needs "agents/*/action" => conversations::create_items;
    list_items:            GET    "/conversations/{conversation}/items"             needs "agents/*/read"   => conversations::list_items;
    get_item:              GET    "/conversations/{conversation}/items/{item}"      needs "agents/*/read"   => conversations::get_item;
    delete_item:           DELETE "/conversations/{conversation}/items/{item}"      needs "agents/*/delete" => conversations::delete_item;

    list_models:           GET    "/models"                                         needs "deployments/read" => passthrough::models::list;
    get_model:             GET    "/models/{model}"                                 needs "deployments/read" => passthrough::models::get;
    chat_completions:      POST   "/chat/completions"                               needs "agents/*/action" => passthrough::chat_completions;
    completions:           POST   "/completions"                                    needs "agents/*/action" => passthrough::completions;
    embeddings:            POST   "/embeddings"                                     needs "agents/*/action" => passthrough::embeddings;

    upload_openai_file:    POST   "/files"                                          needs "agents/*/write"  => classic::files::upload;
    create_code_container: POST   "/containers"                                     needs "agents/*/write"  => containers::create;
    list_code_containers:  GET    "/containers"                                     needs "agents/*/read"   => containers::list;
    get_code_container:    GET    "/containers/{container}"                         needs "agents/*/read"   => containers::get;
    delete_code_container: DELETE "/containers/{container}"                         needs "agents/*/delete" => containers::delete;
    create_container_file: POST   "/containers/{container}/files"                   needs "agents/*/write"  => containers::create_file;
    list_container_files:  GET    "/containers/{container}/files"                   needs "agents/*/read"   => containers::list_files;
    get_container_file:    GET    "/containers/{container}/files/{file}"            needs "agents/*/read"   => containers::get_file;
    get_container_content: GET    "/containers/{container}/files/{file}/content"    needs "agents/*/read"   => containers::get_content;
    delete_container_file: DELETE "/containers/{container}/files/{file}"            needs "agents/*/delete" => containers::delete_file;

    list_openai_files:     GET    "/files"                                          needs "agents/*/read"   => passthrough::files::list;
    get_openai_file:       GET    "/files/{file}"                                   needs "agents/*/read"   => classic::files::get;
    get_openai_content:    GET    "/files/{file}/content"                           needs "agents/*/read"   => classic::files::content;
    delete_openai_file:    DELETE "/files/{file}"                                   needs "agents/*/delete" => classic::files::delete;

    create_openai_vector_store: POST   "/vector_stores"                                 needs "agents/*/write"  => vector_stores::create;
    list_openai_vector_stores: GET    "/vector_stores"                                 needs "agents/*/read"   => vector_stores::list;
    get_openai_vector_store: GET    "/vector_stores/{store}"                         needs "agents/*/read"   => vector_stores::get;
    modify_openai_vector_store: POST   "/vector_stores/{store}"                         needs "agents/*/write"  => vector_stores::modify;
    delete_openai_vector_store: DELETE "/vector_stores/{store}"                         needs "agents/*/delete" => vector_stores::delete;
    search_openai_vector_store: POST   "/vector_stores/{store}/search"                  needs "agents/*/read"   => vector_stores::search;
    create_openai_store_file: POST   "/vector_stores/{store}/files"                   needs "agents/*/write"  => vector_stores::create_file;
    list_openai_store_files: GET    "/vector_stores/{store}/files"                   needs "agents/*/read"   => vector_stores::list_files;
    get_openai_store_file: GET    "/vector_stores/{store}/files/{file}"            needs "agents/*/read"   => vector_stores::get_file;
    update_openai_store_file: POST   "/vector_stores/{store}/files/{file}"            needs "agents/*/write"  => vector_stores::update_file;
    delete_openai_store_file: DELETE "/vector_stores/{store}/files/{file}"            needs "agents/*/delete" => vector_stores::delete_file;
    get_openai_store_content: GET    "/vector_stores/{store}/files/{file}/content"    needs "agents/*/read"   => vector_stores::get_content;
    create_openai_file_batch: POST   "/vector_stores/{store}/file_batches"            needs "agents/*/write"  => vector_stores::create_batch;
    get_openai_file_batch: GET    "/vector_stores/{store}/file_batches/{batch}"    needs "agents/*/read"   => vector_stores::get_batch;
    cancel_openai_file_batch: POST   "/vector_stores/{store}/file_batches/{batch}/cancel" needs "agents/*/write"  => vector_stores::cancel_batch;
    list_openai_batch_files: GET    "/vector_stores/{store}/file_batches/{batch}/files" needs "agents/*/read"   => vector_stores::list_batch_files;
}
};

/// The router: the operations behind the gate, and what needs no project beside them.
pub fn router(service: Service) -> Router {
    let mut classic = Router::new();
    let mut modern = Router::new();
    for operation in OPERATIONS {
        let gate = gate::Gate { service: service.clone(), action: operation.action };
        for beginning in operation.family.beginnings() {
            let path = path::with_verb_apart(operation.path);
            let path = format!("/api/projects/{{project}}{beginning}{path}");
            let route = (operation.route)().route_layer(from_fn_with_state(gate.clone(), gate::admit));
            match operation.family {
                Family::Classic => classic = classic.route(&path, route),
                Family::Foundry | Family::OpenAi => modern = modern.route(&path, route),
            }
        }
    }
    let routes = classic
        .merge(modern.layer(from_fn(gate::detail)))
        .route("/msi/token", get(local_identity::token))
        .merge(authority::routes())
        .merge(datasets::routes())
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(gate::lost)
        .method_not_allowed_fallback(gate::wrong_method)
        // Bodies are limited where they are read, each by its own limit.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(gate::identify))
        .with_state(service);
    // Outside of the router, because it changes the path that the router looks at.
    let verbs: Vec<&str> = OPERATIONS.iter().filter_map(|operation| path::verb(operation.path)).collect();
    Router::new().fallback_service(routes.map_request(move |request| path::set_verb_apart(request, &verbs)))
}
