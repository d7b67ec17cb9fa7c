//! What a model is offered: the functions of the client, and those of the tools that the service runs.

use cupola_models::{FunctionDeclaration, RequestedCall, ToolChoice};

use super::*;
use crate::{Runner, tools::Offer, turn::ServedCall};

/// The functions of the turn's own tools. A turn without such tools has none.
pub(super) struct Toolbox {
    served: Vec<Served>,
    /// The functions of the client.
    client: Vec<String>,
}

/// A function that the service runs.
struct Served {
    /// As the model knows it.
    offered: FunctionDeclaration,
    /// As its tool knows it.
    function: String,
    /// Which of the turn's tools it belongs to.
    tool: usize,
    kind: String,
    needs_approval: bool,
}

impl Toolbox {
    fn add(&mut self, tool: usize, kind: &str, offer: Offer) {
        let Offer { declaration: mut offered, function, needs_approval } = offer;
        offered.name = free_name(&offered.name, |name| self.runner(name) != Runner::Nobody);
        self.served.push(Served { offered, function, tool, kind: kind.to_owned(), needs_approval });
    }

    fn runner(&self, name: &str) -> Runner<'_> {
        match self.served.iter().find(|served| served.offered.name == name) {
            Some(Served { function, tool, kind, needs_approval, .. }) => {
                Runner::Service { tool: *tool, kind, function, needs_approval: *needs_approval }
            }
            None if self.client.iter().any(|client| client == name) => Runner::Client,
            None => Runner::Nobody,
        }
    }
}

/// Who will run a call of this function. Where the service runs nothing, all calls are the client's.
pub(super) fn runner<'t>(toolbox: Option<&'t Toolbox>, name: &str) -> Runner<'t> {
    toolbox.map_or(Runner::Client, |toolbox| toolbox.runner(name))
}

impl Driver {
    /// Finds out which functions the turn's own tools have: once, and at once where it has no such tools.
    pub(super) async fn open_toolbox(&mut self) -> Result<(), TurnFault> {
        let most = self.inner.settings.max_tool_rounds;
        if self.turn.tool_rounds > most {
            return Err(too_many_rounds(most));
        }
        let is_served = |tool: &ToolSpec| matches!(tool, ToolSpec::Served { .. });
        if self.toolbox.is_some() || !self.spec.tools.iter().any(is_served) {
            return Ok(());
        }
        let client = self.spec.tools.iter().filter_map(|tool| match tool {
            ToolSpec::Function(function) => Some(function.name.clone()),
            ToolSpec::Served { .. } => None,
        });
        let mut toolbox = Toolbox { served: Vec::new(), client: client.collect() };
        let mut told = Vec::new();
        for (index, spec) in self.spec.tools.iter().enumerate() {
            let ToolSpec::Served { kind, settings } = spec else { continue };
            let tool = self.inner.tools.get(kind).cloned().ok_or_else(|| unavailable(kind))?;
            let listed = self.listed(index).cloned().unwrap_or_default();
            told.extend(tool.told(&listed));
            for offer in tool.offers(&self.key.project, settings, &listed).await? {
                toolbox.add(index, kind, offer);
            }
        }
        self.toolbox = Some(toolbox);
        if !told.is_empty() {
            let texts = self.spec.instructions.take().into_iter().chain(told);
            self.spec.instructions = Some(texts.collect::<Vec<_>>().join("\n\n"));
        }
        Ok(())
    }

    /// Those of the calls that the service runs.
    pub(super) fn served(&self, calls: &[RequestedCall]) -> Vec<ServedCall> {
        let served = calls.iter().filter_map(|call| {
            let call_id = call.id.clone();
            match runner(self.toolbox.as_ref(), &call.name) {
                Runner::Client => None,
                Runner::Nobody => Some(ServedCall { call_id, ..ServedCall::default() }),
                Runner::Service { tool, kind, function, needs_approval } => Some(ServedCall {
                    call_id,
                    tool: Some(tool),
                    kind: kind.to_owned(),
                    function: function.to_owned(),
                    needs_approval,
                    ..ServedCall::default()
                }),
            }
        });
        served.collect()
    }

    /// The functions that the model may call now, and whether and what it must call.
    pub(super) fn offer(&self) -> (Vec<FunctionDeclaration>, ToolChoice) {
        let forced = self.spec.forced_tool.as_deref().filter(|_| self.has_said_nothing());
        let mut offered = Vec::with_capacity(self.spec.tools.len());
        for (index, tool) in self.spec.tools.iter().enumerate() {
            match (tool, &self.toolbox) {
                (ToolSpec::Function(function), _) if forced.is_none() => offered.push(function.clone()),
                (ToolSpec::Served { kind, .. }, Some(toolbox))
                    if self.calls_left() > 0 && forced.is_none_or(|forced| forced == kind) =>
                {
                    let own = toolbox.served.iter().filter(|served| served.tool == index);
                    offered.extend(own.map(|served| served.offered.clone()));
                }
                _ => {}
            }
        }
        let choice = match (forced, offered.as_slice()) {
            (_, []) => ToolChoice::Auto,
            (Some(_), [only]) => ToolChoice::Function(only.name.clone()),
            (Some(_), _) => ToolChoice::Required,
            (None, _) => self.tool_choice(),
        };
        (offered, choice)
    }

    /// A forced call is forced once: after its output the model has to be free to answer.
    fn tool_choice(&self) -> ToolChoice {
        match &self.spec.tool_choice {
            ToolChoice::Required | ToolChoice::Function(_) if !self.has_said_nothing() => ToolChoice::Auto,
            choice => choice.clone(),
        }
    }

    /// Whether the turn has no calls yet: neither an answer, nor calls that were approved.
    fn has_said_nothing(&self) -> bool {
        self.turn.transcript.is_empty()
    }

    /// How many calls the service still runs in this turn.
    fn calls_left(&self) -> u64 {
        self.spec.max_tool_calls.map_or(u64::MAX, |most| most.saturating_sub(self.turn.tool_calls))
    }
}

/// A name that is not taken yet. Clients know their functions by name, so it is the service's own that give way.
fn free_name(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let others = (2..).map(|number: u32| format!("{name}_{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(others);
    // There is always a further number.
    names.find(|name| !is_taken(name)).unwrap_or_default()
}

fn unavailable(kind: &str) -> TurnFault {
    TurnFault {
        code: "tool_not_available".to_owned(),
        message: format!(
            "The tool '{kind}' is not available in this version of Cupola. \
             Remove it from the agent or the run, or use function tools."
        ),
    }
}

fn too_many_rounds(most: u32) -> TurnFault {
    TurnFault {
        code: "too_many_tool_rounds".to_owned(),
        message: format!(
            "The model has asked for tools in more than {most} answers without coming to an end. \
             Change the instructions, or allow more (runs.max_tool_rounds)."
        ),
    }
}
