//! What the model is given: instructions, as much of the history as fits, and the turn's own transcript.

use cupola_models::{ChatMessage, FunctionDeclaration, Provider, measure};
use cupola_store::{StoreError, TurnKey};
use tokio::runtime::RuntimeFlavor;

use crate::{Dialect, Truncation, TurnSpec, turn::Turn};

/// Bytes from which counting takes noticeable time.
const LONG_TEXT: usize = 16 * 1024;

/// How many tokens something is. The number of bytes is an upper bound that costs nothing: every token of
/// a byte-level vocabulary is at least one byte. Only where that bound is too much is the text counted.
pub struct Counter<'a> {
    provider: &'a dyn Provider,
    model: &'a str,
}

impl<'a> Counter<'a> {
    /// Counts as `model` of `provider` does.
    pub fn new(provider: &'a dyn Provider, model: &'a str) -> Self {
        Self { provider, model }
    }

    fn bound(message: &ChatMessage) -> u64 {
        measure::message(message, &|text| text.len() as u64)
    }

    /// The tokens of a message.
    pub fn count(&self, message: &ChatMessage) -> u64 {
        measure::message(message, &|text| self.count_text(text))
    }

    /// The tokens of a request.
    pub fn count_request(&self, messages: &[ChatMessage], tools: &[FunctionDeclaration]) -> u64 {
        measure::request(messages, tools, &|text| self.count_text(text))
    }

    /// The tokens of a text. A long one is counted where it holds up no other task.
    pub fn count_text(&self, text: &str) -> u64 {
        let count = || self.provider.count_tokens(self.model, text) as u64;
        let threads = tokio::runtime::Handle::current().runtime_flavor();
        if text.len() > LONG_TEXT && threads == RuntimeFlavor::MultiThread {
            return tokio::task::block_in_place(count);
        }
        count()
    }
}

/// Why no context could be made.
#[derive(Debug)]
pub enum ContextError {
    /// The turn may not be given as many tokens as it needs at the least.
    PromptTokens,
    /// The history could not be read.
    Store(StoreError),
}

impl From<StoreError> for ContextError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The messages for the next model call, oldest first.
///
/// The instructions and the turn's own transcript are always whole. Of the history the newest messages
/// are kept, as many as fit; the newest one is kept even where the model's window seems too small for it,
/// since the upstream knows its window better than a configuration does. `max_prompt_tokens` is the
/// client's own limit and is kept strictly.
pub async fn fit(
    dialect: &dyn Dialect,
    key: &TurnKey,
    spec: &TurnSpec,
    turn: &Turn,
    counter: &Counter<'_>,
    window: u64,
) -> Result<Vec<ChatMessage>, ContextError> {
    let own_limit = spec.max_prompt_tokens.map(|max| max.saturating_sub(turn.usage.prompt_tokens));
    let limit = own_limit.map_or(window, |own| own.min(window));
    let most = match spec.truncation {
        Truncation::Auto => usize::MAX,
        Truncation::LastMessages(count) => usize::try_from(count).unwrap_or(usize::MAX),
    };

    let mut budget = Budget::new(limit, counter);
    let system = spec.instructions.as_ref().map(|text| ChatMessage::System { text: text.clone() });
    budget.take_always(system.iter().chain(&turn.transcript));

    let mut history: Vec<Vec<ChatMessage>> = Vec::new();
    let mut cursor: Option<String> = None;
    'pages: while history.len() < most {
        let page = dialect.history(key, spec, cursor.as_deref()).await?;
        for item in page.items {
            let fits = budget.take(&item.messages, &history);
            if !fits && !history.is_empty() {
                break 'pages;
            }
            if !fits {
                budget.take_anyway(&item.messages);
            }
            history.push(item.messages);
            if !fits || history.len() == most {
                break 'pages;
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    if own_limit.is_some_and(|own| budget.spent > own) {
        return Err(ContextError::PromptTokens);
    }

    let mut messages = Vec::with_capacity(history.len() + turn.transcript.len() + 1);
    messages.extend(system);
    messages.extend(history.into_iter().rev().flatten());
    messages.extend(turn.transcript.iter().cloned());
    Ok(messages)
}

/// Tokens left. Starts with bounds, and counts really once the bounds no longer fit.
struct Budget<'a> {
    limit: u64,
    spent: u64,
    counter: &'a Counter<'a>,
    /// What is always there.
    fixed: Vec<&'a ChatMessage>,
    exact: bool,
}

impl<'a> Budget<'a> {
    fn new(limit: u64, counter: &'a Counter<'a>) -> Self {
        Self { limit, spent: 0, counter, fixed: Vec::new(), exact: false }
    }

    fn take_always(&mut self, messages: impl Iterator<Item = &'a ChatMessage>) {
        self.fixed = messages.collect();
        self.spent = self.fixed.iter().map(|message| Counter::bound(message)).sum();
        if self.spent > self.limit {
            self.count_really(&[]);
        }
    }

    /// Takes messages that belong together if they fit beside those taken before.
    fn take(&mut self, messages: &[ChatMessage], taken: &[Vec<ChatMessage>]) -> bool {
        if !self.exact {
            let bound: u64 = messages.iter().map(Counter::bound).sum();
            if self.spent + bound <= self.limit {
                self.spent += bound;
                return true;
            }
            self.count_really(taken);
        }
        let tokens: u64 = messages.iter().map(|message| self.counter.count(message)).sum();
        let fits = self.spent + tokens <= self.limit;
        if fits {
            self.spent += tokens;
        }
        fits
    }

    /// Takes messages that do not fit.
    fn take_anyway(&mut self, messages: &[ChatMessage]) {
        self.spent += messages.iter().map(|message| self.counter.count(message)).sum::<u64>();
    }

    fn count_really(&mut self, taken: &[Vec<ChatMessage>]) {
        self.exact = true;
        let counted = self.fixed.iter().copied().chain(taken.iter().flatten());
        self.spent = counted.map(|message| self.counter.count(message)).sum();
    }
}
