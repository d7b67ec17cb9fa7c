//! The simple rules, for when there is no script or none of its rules applies.
//! After tool outputs: report them. Code that the user wrote: run it. Functions that fit: call them. Files to search:
//! search them. JSON asked for: make some. Else: explain.

use serde_json::{Value, json};

use super::{
    choice::choose,
    code, files,
    hints::Hints,
    instance::{Generator, Optional},
    latest_file_names, latest_outputs, latest_user_text, memories,
    reply::{Call, Reply},
};
use crate::{ChatMessage, FunctionDeclaration, ModelRequest, ResponseFormat, ToolChoice};

/// The most characters of a tool output or a question that are repeated.
const REPEATED: usize = 1000;

pub(crate) fn reply(request: &ModelRequest) -> Reply {
    let user_text = latest_user_text(request);
    let functions = fitting(request, &user_text);
    if !functions.is_empty() && !matches!(request.messages.last(), Some(ChatMessage::Tool { .. })) {
        let mut hints = Hints::read(&user_text);
        let calls = functions.into_iter().map(|function| match code::block(&user_text) {
            Some(block) if code::runs_code(function) => code::call(function, block),
            _ if files::is_search(function) => files::search(function, &user_text),
            _ => call(function, &mut hints),
        });
        return Reply { calls: calls.collect(), ..Reply::default() };
    }
    let outputs = latest_outputs(request);
    match &request.response_format {
        ResponseFormat::Text if outputs.is_empty() => Reply::say(explanation(request, &user_text)),
        ResponseFormat::Text => Reply::say(report(&outputs)),
        ResponseFormat::JsonObject => Reply::say(json_object(&user_text, &outputs).to_string()),
        ResponseFormat::JsonSchema { name, schema, .. } if memories::is_asked_for(name) => {
            Reply::say(memories::operations(schema, &user_text).to_string())
        }
        ResponseFormat::JsonSchema { schema, .. } => {
            let mut hints = Hints::read(&user_text);
            Reply::say(Generator::new(schema, Optional::All, &mut hints).generate().to_string())
        }
    }
}

/// The functions that fit what was asked. Where none does, the files may know.
fn fitting<'r>(request: &'r ModelRequest, user_text: &str) -> Vec<&'r FunctionDeclaration> {
    let is_free = !matches!(request.tool_choice, ToolChoice::None | ToolChoice::Function(_));
    let runs_code = request.tools.iter().find(|function| code::runs_code(function));
    if let Some(function) = runs_code.filter(|_| is_free && code::block(user_text).is_some()) {
        return vec![function];
    }
    let mut chosen = choose(request, user_text);
    if request.tool_choice == ToolChoice::Auto {
        // There is no code to run.
        chosen.retain(|function| !code::runs_code(function));
    }
    if !chosen.is_empty() || request.tool_choice == ToolChoice::None || user_text.trim().is_empty() {
        return chosen;
    }
    request.tools.iter().filter(|function| files::is_search(function)).take(1).collect()
}

fn call(function: &FunctionDeclaration, hints: &mut Hints) -> Call {
    let arguments = match &function.parameters {
        Value::Object(_) => Generator::new(&function.parameters, Optional::WithEvidence, hints).generate(),
        _ => Value::Null,
    };
    // Arguments are an object whatever the schema says.
    let arguments = if arguments.is_object() { arguments } else { json!({}) };
    Call { name: function.name.clone(), arguments: arguments.to_string() }
}

fn report(outputs: &[(&str, &str)]) -> String {
    let lines = outputs.iter().map(|(name, output)| match files::is_named_so(name) {
        true => files::answer(output, clip),
        false if code::is_named_so(name) => code::answer(output, clip),
        false => format!("{name} returned: {}", clip(output)),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn json_object(user_text: &str, outputs: &[(&str, &str)]) -> Value {
    let mut object = json!({ "model": "builtin", "asked": clip(user_text) });
    if !outputs.is_empty() {
        let outputs = outputs.iter().map(|(name, output)| json!({ "name": name, "output": clip(output) }));
        object["outputs"] = outputs.collect();
    }
    object
}

fn explanation(request: &ModelRequest, user_text: &str) -> String {
    let mut text = String::from(
        "I am Cupola's built-in offline model, not a language model: I follow simple rules and do not \
         understand what I am asked. No model server is configured for this deployment. To use one, set \
         OPENAI_API_KEY (and OPENAI_BASE_URL for a server other than OpenAI's), start Ollama, LM Studio, \
         vLLM or llama-server on this machine, or add a provider under [models] in cupola.toml; then \
         restart Cupola.",
    );
    if !request.tools.is_empty() {
        let names: Vec<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
        text.push_str(&format!(" I called none of the functions I may call ({}).", names.join(", ")));
    }
    if !user_text.trim().is_empty() {
        text.push_str(&format!(" You asked: \"{}\"", clip(user_text)));
    }
    let files = latest_file_names(request);
    if !files.is_empty() {
        text.push_str(&format!(" I did not open what you sent ({}).", files.join(", ")));
    }
    text
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(REPEATED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
