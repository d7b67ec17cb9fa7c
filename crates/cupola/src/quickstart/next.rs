//! What to do next: the same service from one's own code.

use crate::{
    config::Config,
    failure::Failure,
    invocation,
    quickstart::demo::Shown,
    server::Server,
    terminal::{self, BOLD, DIM},
};

const BUILTIN: &str = "The built-in model is not a language model. For a real one, start Ollama or export \
    OPENAI_API_KEY (and OPENAI_BASE_URL), then start Cupola again.";

/// Shows the commands and the code. They start at the margin, so that they can be pasted as they are.
pub fn show(config: &Config, server: &Server, demonstration: &Shown) -> Result<(), Failure> {
    let deployment = &demonstration.deployment;
    let mut shown = format!("\n{BOLD}Now your own code.{BOLD:#} In another terminal:\n\n");
    shown.push_str(&format!("eval \"$({})\"\n", invocation::command("env", config)));
    shown.push_str("pip install azure-ai-projects==1.0.0 azure-identity   # in a virtual environment\n");
    shown.push_str(&format!("\nand then in Python:\n\n{}\n", snippet(server.client.endpoint(), deployment)));
    let again = invocation::command(&format!("classic threads show {}", demonstration.thread_id), config);
    shown.push_str(&format!("{DIM}To see the conversation again:{DIM:#}\n\n{again}\n\n"));
    if deployment == "builtin" {
        let lines = terminal::wrap(BUILTIN, terminal::width().unwrap_or(80)).join("\n");
        shown.push_str(&format!("{DIM}{lines}{DIM:#}\n\n"));
    }
    terminal::print(&shown)
}

/// Five lines for the official SDK.
fn snippet(endpoint: &str, deployment: &str) -> String {
    format!(
        "from azure.ai.projects import AIProjectClient\n\
         from azure.identity import DefaultAzureCredential\n\
         agents = AIProjectClient({endpoint:?}, DefaultAzureCredential()).agents\n\
         run = agents.create_thread_and_process_run(agent_id=agents.create_agent(model={deployment:?}).id, \
         thread={{\"messages\": [{{\"role\": \"user\", \"content\": \"Hello!\"}}]}})\n\
         print(agents.messages.get_last_message_text_by_role(run.thread_id, \"assistant\").text.value)\n"
    )
}
