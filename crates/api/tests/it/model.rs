//! A model that says what the test wants, piece by piece, and remembers what it was asked.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use cupola_engine::Deployments;
use cupola_models::{
    ChatMessage, Fault, FaultKind, Finish, ModelDelta, ModelRequest, ModelStream, ModelUsage, Part, Provider,
    catalog::Resolved,
};
use serde_json::Map;
use tokio::sync::Semaphore;

/// A point at which an answer waits until the test lets it go on.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    pub fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    pub fn open(&self) {
        self.0.add_permits(1_000);
    }

    pub async fn pass(&self) {
        self.0.acquire().await.unwrap().forget();
    }
}

/// A piece of an answer.
#[derive(Clone, Debug)]
pub enum Piece {
    Says(ModelDelta),
    Fails(Fault),
    Waits(Gate),
    Panics,
}

/// An answer.
type Script = Result<Vec<Piece>, Fault>;

/// Gives its scripted answers in order, then `Hello.` again and again.
#[derive(Clone, Default)]
pub struct ScriptedModel {
    answers: Arc<Mutex<VecDeque<Script>>>,
    requests: Arc<Mutex<Vec<ModelRequest>>>,
    /// Tokens that fit into one call; 128,000 where left out.
    context_tokens: Option<u64>,
}

impl fmt::Debug for ScriptedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptedModel")
    }
}

impl ScriptedModel {
    /// A model with room for this many tokens.
    pub fn with_window(context_tokens: u64) -> Self {
        Self { context_tokens: Some(context_tokens), ..Self::default() }
    }

    /// The next answer, piece by piece.
    pub fn then(&self, pieces: impl IntoIterator<Item = Piece>) {
        self.answers.lock().unwrap().push_back(Ok(pieces.into_iter().collect()));
    }

    /// The next answer is a text.
    pub fn says(&self, text: &str) {
        self.then(words(text).into_iter().chain(end(Finish::Stop, 10, 3)));
    }

    /// The next answer is one call.
    pub fn calls(&self, name: &str, arguments: &str) {
        self.then(call(0, "call_of_the_model_1", name, arguments).into_iter().chain(end(
            Finish::ToolCalls,
            20,
            5,
        )));
    }

    /// The next call fails before it says anything.
    pub fn refuses(&self, kind: FaultKind, message: &str) {
        self.answers.lock().unwrap().push_back(Err(Fault::new(kind, message)));
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<ModelRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// What it was given last, one line for each message.
    pub fn was_given(&self) -> Vec<String> {
        self.requests.lock().unwrap().last().unwrap().messages.iter().map(line).collect()
    }
}

fn line(message: &ChatMessage) -> String {
    match message {
        ChatMessage::System { text } => format!("system: {text}"),
        ChatMessage::User { parts } => {
            let parts: Vec<String> = parts
                .iter()
                .map(|part| match part {
                    Part::Text { text } => text.clone(),
                    Part::Image { url, .. } => url.clone(),
                    Part::File { name, data } => format!("{name} = {data}"),
                })
                .collect();
            format!("user: {}", parts.join(" + "))
        }
        ChatMessage::Assistant { text, calls } => {
            let calls: Vec<String> = calls.iter().map(|c| format!("{}({})", c.name, c.arguments)).collect();
            format!("assistant: {text}{}", calls.join(" + "))
        }
        ChatMessage::Tool { output, .. } => format!("tool: {output}"),
    }
}

/// A text, word by word.
pub fn words(text: &str) -> Vec<Piece> {
    text.split_inclusive(' ').map(|word| Piece::Says(ModelDelta::Text(word.to_owned()))).collect()
}

/// A call whose arguments come in two pieces.
pub fn call(index: usize, id: &str, name: &str, arguments: &str) -> Vec<Piece> {
    let (first, second) = arguments.split_at(arguments.len() / 2);
    vec![
        Piece::Says(ModelDelta::CallBegan { index, id: id.to_owned(), name: name.to_owned() }),
        Piece::Says(ModelDelta::CallArguments { index, text: first.to_owned() }),
        Piece::Says(ModelDelta::CallArguments { index, text: second.to_owned() }),
    ]
}

/// The end of an answer.
pub fn end(finish: Finish, prompt_tokens: u64, completion_tokens: u64) -> Vec<Piece> {
    let usage = ModelUsage { prompt_tokens, completion_tokens, cached_tokens: 2, reasoning_tokens: 0 };
    vec![Piece::Says(ModelDelta::Usage(usage)), Piece::Says(ModelDelta::Finish(finish))]
}

#[async_trait]
impl Provider for ScriptedModel {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn call(&self, request: &ModelRequest) -> Result<ModelStream, Fault> {
        self.requests.lock().unwrap().push(request.clone());
        let next = self.answers.lock().unwrap().pop_front();
        let pieces = match next {
            Some(answer) => answer?,
            None => words("Hello.").into_iter().chain(end(Finish::Stop, 10, 3)).collect(),
        };
        Ok(Box::pin(futures_util::stream::unfold(pieces.into_iter(), |mut pieces| async move {
            loop {
                match pieces.next()? {
                    Piece::Says(delta) => return Some((Ok(delta), pieces)),
                    Piece::Fails(fault) => return Some((Err(fault), pieces)),
                    Piece::Waits(gate) => gate.pass().await,
                    Piece::Panics => panic!("a defect that a test put here"),
                }
            }
        })))
    }

    async fn models(&self) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    /// A word is a token.
    fn count_tokens(&self, _: &str, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

impl Deployments for ScriptedModel {
    fn resolve(&self, deployment: &str) -> Result<Resolved, Fault> {
        Ok(Resolved {
            provider: Arc::new(self.clone()),
            model: deployment.to_owned(),
            deployment: deployment.to_owned(),
            context_tokens: self.context_tokens.unwrap_or(128_000),
            max_output_tokens: None,
            extra: Map::new(),
        })
    }
}
