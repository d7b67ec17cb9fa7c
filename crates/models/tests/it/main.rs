//! The crate against real sockets and files.
#![allow(clippy::unwrap_used, missing_docs)]

mod builtin_answers;
mod cassettes;
mod discovery;
mod documentation;
mod stand_in;
mod upstream_misbehaviour;
mod upstream_requests;
mod vectors_and_scores;

use std::sync::Once;

use cupola_models::{
    ChatMessage, Fault, Finish, ModelDelta, ModelRequest, ModelStream, ModelUsage, Part, Provider,
    RequestedCall,
};
use futures_util::StreamExt;

/// What a whole answer came to.
#[derive(Debug, Default, PartialEq)]
struct Answer {
    text: String,
    refusal: String,
    reasoning: String,
    calls: Vec<RequestedCall>,
    finish: Option<Finish>,
    usage: Option<ModelUsage>,
}

/// Installs the TLS provider that the binary installs at its start.
fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().unwrap();
    });
}

fn user(text: &str) -> ChatMessage {
    ChatMessage::User { parts: vec![Part::Text { text: text.into() }] }
}

fn asking(text: &str) -> ModelRequest {
    ModelRequest { model: "some-model".into(), messages: vec![user(text)], ..Default::default() }
}

async fn ask(provider: &dyn Provider, request: &ModelRequest) -> Result<Answer, Fault> {
    read(provider.call(request).await?).await
}

/// Reads an answer and checks what every stream promises: places without gaps, nothing but usage after the
/// finish, and a finish if there is no fault.
async fn read(mut stream: ModelStream) -> Result<Answer, Fault> {
    let mut answer = Answer::default();
    while let Some(delta) = stream.next().await {
        let delta = delta?;
        assert!(
            answer.finish.is_none() || matches!(delta, ModelDelta::Usage(_)),
            "{delta:?} after the finish"
        );
        match delta {
            ModelDelta::Text(text) => answer.text.push_str(&text),
            ModelDelta::Refusal(text) => answer.refusal.push_str(&text),
            ModelDelta::Reasoning(text) | ModelDelta::ReasoningSummary(text) => {
                answer.reasoning.push_str(&text);
            }
            ModelDelta::CallBegan { index, id, name } => {
                assert_eq!(index, answer.calls.len());
                answer.calls.push(RequestedCall { id, name, arguments: String::new() });
            }
            ModelDelta::CallArguments { index, text } => answer.calls[index].arguments.push_str(&text),
            ModelDelta::Usage(usage) => answer.usage = Some(usage),
            ModelDelta::Finish(finish) => answer.finish = Some(finish),
        }
    }
    assert!(answer.finish.is_some(), "the stream ended without finish or fault");
    Ok(answer)
}
