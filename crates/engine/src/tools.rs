//! Tools that the service runs itself: what the engine has to know of one, and those that there are.
//!
//! Adding a tool is a type that implements [`Tool`], and one line where the registry is made. The driver
//! declares its functions to the model, calls it, limits and journals what it says; what a dialect shows of
//! a call is made of its [`ToolOutput::detail`].

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use cupola_models::{ChatMessage, FunctionDeclaration, ModelUsage};
use cupola_store::TurnKey;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use crate::turn::TurnFault;

/// The most bytes of an output that a model is given, unless a tool says otherwise.
const OUTPUT_LIMIT: usize = 512 * 1024;
/// How long a call may take, unless a tool says otherwise.
const TIMEOUT: Duration = Duration::from_secs(100);

/// A tool that the service runs.
#[async_trait]
pub trait Tool: Send + Sync {
    /// The functions that a model is offered under these settings; several, where a tool stands for many.
    /// A fault ends the turn with the truth.
    async fn functions(
        &self,
        project: &Arc<str>,
        settings: &Value,
    ) -> Result<Vec<FunctionDeclaration>, TurnFault>;

    /// Whether somebody else has to be asked for its functions. What [`Tool::list`] gives is then an event of
    /// the turn, and dialects show it.
    fn has_to_list(&self) -> bool {
        false
    }

    /// Asks for the functions. A fault ends the turn with the truth; a list that is no longer wanted is
    /// dropped.
    async fn list(&self, _project: &Arc<str>, _settings: &Value) -> Result<Value, TurnFault> {
        Ok(Value::Null)
    }

    /// Whether it goes by what is said: then [`Tool::list_for`] and [`Tool::ended`] are told it.
    fn listens(&self) -> bool {
        false
    }

    /// [`Tool::list`] for a tool that goes by what was said lately, oldest first.
    async fn list_for(
        &self,
        project: &Arc<str>,
        settings: &Value,
        _said: &[ChatMessage],
    ) -> Result<Value, TurnFault> {
        self.list(project, settings).await
    }

    /// What the model is told of a list, behind its instructions.
    fn told(&self, _listed: &Value) -> Option<String> {
        None
    }

    /// The turn has come to its end, and nobody waits for what is done now. `said` is what the turn was asked
    /// with, and what was answered.
    async fn ended(&self, _turn: &TurnKey, _settings: &Value, _said: &[ChatMessage]) {}

    /// What a model is offered under these settings. `listed` is what [`Tool::list`] gave, in this turn or
    /// earlier in the conversation.
    async fn offers(
        &self,
        project: &Arc<str>,
        settings: &Value,
        _listed: &Value,
    ) -> Result<Vec<Offer>, TurnFault> {
        let functions = self.functions(project, settings).await?;
        Ok(functions.into_iter().map(Offer::from).collect())
    }

    /// Runs a call. A fault is told to the model, which may try something else. A call that is no longer
    /// wanted is dropped.
    async fn call(&self, call: ToolCall) -> Result<ToolOutput, TurnFault>;

    /// Whether a call may be made a second time where a crash took the outcome of the first. Of others the
    /// model is told that nobody knows whether they were carried out.
    fn is_repeatable(&self, function: &str, settings: &Value) -> bool;

    /// How long a call, or a list, may take. The turn's own deadline holds, too.
    fn timeout(&self) -> Duration {
        TIMEOUT
    }

    /// The most bytes of an output; what is longer is cut, and says so.
    fn output_limit(&self) -> usize {
        OUTPUT_LIMIT
    }
}

/// A function that a model is offered.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// What the model is told.
    pub declaration: FunctionDeclaration,
    /// The function as its tool knows it.
    pub function: String,
    /// Whether the client has to approve each call.
    pub needs_approval: bool,
}

impl From<FunctionDeclaration> for Offer {
    fn from(declaration: FunctionDeclaration) -> Self {
        Self { function: declaration.name.clone(), declaration, needs_approval: false }
    }
}

/// A call of a tool.
#[derive(Debug)]
pub struct ToolCall {
    /// The turn.
    pub turn: TurnKey,
    /// The call's id, unique within the turn.
    pub call_id: String,
    /// Its place among the calls of the turn that the service runs: 0, 1, 2, …. A call that is repeated has
    /// the same.
    pub ordinal: u64,
    /// The function.
    pub function: String,
    /// Its arguments, as the model wrote them. They need not fit what was declared.
    pub arguments: Map<String, Value>,
    /// The settings of the tool, as its dialect gave them.
    pub settings: Value,
    /// What came with its approval, where it needed one.
    pub grant: Value,
    /// How many bytes of output leave the model room for the rest. A tool that can choose says no more.
    pub room: usize,
    /// Where it may tell how far it is.
    pub progress: Progress,
}

/// What a call came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolOutput {
    /// What the model is told.
    pub text: String,
    /// What there is to show of it. It stands in the journal, so it is what is worth keeping.
    pub detail: Value,
    /// Tokens that it used.
    pub usage: ModelUsage,
}

/// Tells those who listen to a turn how far a call is. Nothing of it is kept.
#[derive(Clone, Debug)]
pub struct Progress {
    call_id: String,
    told: mpsc::UnboundedSender<Told>,
}

/// What a call tells on its way.
#[derive(Debug)]
pub(crate) struct Told {
    pub call_id: String,
    pub detail: Value,
}

impl Progress {
    pub(crate) fn new(call_id: &str, told: mpsc::UnboundedSender<Told>) -> Self {
        Self { call_id: call_id.to_owned(), told }
    }

    /// Tells it, in a form that the tool and the dialects agree on.
    pub fn tell(&self, detail: Value) {
        // Nobody hears it where the turn is no longer interested.
        let _ = self.told.send(Told { call_id: self.call_id.clone(), detail });
    }
}

/// The tools that there are, by kind.
#[derive(Clone, Default)]
pub struct Tools(HashMap<String, Arc<dyn Tool>>);

impl Tools {
    /// Adds the tool for a kind, for example `file_search`.
    pub fn with(mut self, kind: &str, tool: Arc<dyn Tool>) -> Self {
        self.0.insert(kind.to_owned(), tool);
        self
    }

    /// The tool for a kind.
    pub fn get(&self, kind: &str) -> Option<&Arc<dyn Tool>> {
        self.0.get(kind)
    }
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
