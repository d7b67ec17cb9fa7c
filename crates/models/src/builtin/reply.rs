//! What the builtin model decided to answer, and how it becomes a stream.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::words;
use crate::{Fault, Finish, ModelDelta, ModelRequest, ModelStream, ModelUsage};

/// A decided answer.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// What it thinks before it says anything.
    pub(crate) reasoning: String,
    pub(crate) text: String,
    /// Why it does not answer.
    pub(crate) refusal: String,
    pub(crate) calls: Vec<Call>,
    /// Comes after the words and the calls; without any of them the call fails at once.
    pub(crate) fault: Option<Fault>,
    /// Why it ends, where that does not follow from the rest.
    pub(crate) finish: Option<Finish>,
    /// The wait before the first piece.
    pub(crate) before: Duration,
    /// The wait between two pieces.
    pub(crate) between: Duration,
}

/// A decided call.
#[derive(Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: String,
}

impl Reply {
    pub(crate) fn say(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The answer to `request`, word by word.
    pub(crate) async fn stream(mut self, request: &ModelRequest) -> Result<ModelStream, Fault> {
        if self.is_empty()
            && let Some(fault) = self.fault.take()
        {
            tokio::time::sleep(self.before).await;
            return Err(fault);
        }
        let (before, between) = (self.before, self.between);
        let items = stream::iter(self.into_items(request));
        if before.is_zero() && between.is_zero() {
            return Ok(Box::pin(items));
        }
        let paced = items.enumerate().then(move |(at, item)| async move {
            tokio::time::sleep(if at == 0 { before } else { between }).await;
            item
        });
        Ok(Box::pin(paced))
    }

    fn is_empty(&self) -> bool {
        let words = [&self.reasoning, &self.text, &self.refusal];
        words.into_iter().all(String::is_empty) && self.calls.is_empty()
    }

    fn into_items(self, request: &ModelRequest) -> Vec<Result<ModelDelta, Fault>> {
        let budget =
            request.max_completion_tokens.map_or(usize::MAX, |most| most.try_into().unwrap_or(usize::MAX));
        let mut writer = Writer { items: Vec::new(), written: 0, budget };
        writer.words(&self.reasoning, ModelDelta::Reasoning);
        let reasoning_tokens = writer.written();
        writer.words(&self.text, ModelDelta::Text);
        writer.words(&self.refusal, ModelDelta::Refusal);
        for (index, call) in self.calls.iter().enumerate() {
            writer.call(index, call);
        }
        if let (Some(fault), false) = (self.fault, writer.is_full()) {
            writer.items.push(Err(fault));
            return writer.items;
        }
        let natural = if self.calls.is_empty() { Finish::Stop } else { Finish::ToolCalls };
        let finish = if writer.is_full() { Finish::Length } else { self.finish.unwrap_or(natural) };
        writer.items.push(Ok(ModelDelta::Finish(finish)));
        writer.items.push(Ok(ModelDelta::Usage(ModelUsage {
            prompt_tokens: words::count_request(request),
            completion_tokens: writer.written(),
            cached_tokens: 0,
            reasoning_tokens,
        })));
        writer.items
    }
}

/// Writes tokens as long as the request allows.
struct Writer {
    items: Vec<Result<ModelDelta, Fault>>,
    /// Tokens that were to be written; more than the budget where something was left out.
    written: usize,
    budget: usize,
}

impl Writer {
    fn words(&mut self, text: &str, delta: fn(String) -> ModelDelta) {
        for piece in words::pieces(text) {
            if self.spend(piece) {
                self.items.push(Ok(delta(piece.to_owned())));
            }
        }
    }

    fn call(&mut self, index: usize, call: &Call) {
        if !self.spend(&call.name) {
            return;
        }
        let (id, name) = (format!("call_{}", index + 1), call.name.clone());
        self.items.push(Ok(ModelDelta::CallBegan { index, id, name }));
        for piece in words::pieces(&call.arguments) {
            if self.spend(piece) {
                self.items.push(Ok(ModelDelta::CallArguments { index, text: piece.to_owned() }));
            }
        }
    }

    /// Takes the tokens of a piece from the budget; whether it may be written.
    fn spend(&mut self, piece: &str) -> bool {
        self.written += words::count(piece);
        self.written <= self.budget
    }

    /// Tokens that were written.
    fn written(&self) -> u64 {
        self.written.min(self.budget) as u64
    }

    fn is_full(&self) -> bool {
        self.written > self.budget
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn items(reply: Reply, budget: Option<u64>) -> Vec<ModelDelta> {
        let request = ModelRequest { max_completion_tokens: budget, ..Default::default() };
        reply.into_items(&request).into_iter().map(Result::unwrap).collect()
    }

    fn usage(completion_tokens: u64) -> ModelDelta {
        ModelDelta::Usage(ModelUsage { completion_tokens, ..Default::default() })
    }

    #[test]
    fn text_is_written_word_by_word() {
        let expected = [
            ModelDelta::Text("Two".into()),
            ModelDelta::Text(" words".into()),
            ModelDelta::Finish(Finish::Stop),
            usage(2),
        ];
        assert_eq!(items(Reply::say("Two words"), None), expected);
        assert_eq!(items(Reply::say("Two words"), Some(2)), expected);
    }

    #[test]
    fn an_answer_that_does_not_fit_ends_with_length() {
        let expected = [ModelDelta::Text("Two".into()), ModelDelta::Finish(Finish::Length), usage(1)];
        assert_eq!(items(Reply::say("Two words"), Some(1)), expected);
    }

    #[test]
    fn what_is_thought_comes_first_and_counts() {
        let reply = || Reply { reasoning: "Hm, no".into(), refusal: "I can't".into(), ..Default::default() };
        let thought = ["Hm", ",", " no"].map(|word| ModelDelta::Reasoning(word.into()));
        let refused = ["I", " can", "'", "t"].map(|word| ModelDelta::Refusal(word.into()));
        let usage = |completion_tokens, reasoning_tokens| {
            ModelDelta::Usage(ModelUsage { completion_tokens, reasoning_tokens, ..Default::default() })
        };
        let whole = items(reply(), None);
        assert_eq!(whole[..7], [thought.as_slice(), refused.as_slice()].concat());
        assert_eq!(whole[7..], [ModelDelta::Finish(Finish::Stop), usage(7, 3)]);
        let cut = items(reply(), Some(2));
        assert_eq!(cut[..2], thought[..2]);
        assert_eq!(cut[2..], [ModelDelta::Finish(Finish::Length), usage(2, 2)]);
    }

    #[test]
    fn calls_count_too() {
        let call = || Call { name: "f".into(), arguments: "{}".into() };
        let reply = Reply { calls: vec![call(), call()], ..Default::default() };
        let whole = items(reply, None);
        assert_eq!(whole[whole.len() - 2..], [ModelDelta::Finish(Finish::ToolCalls), usage(6)]);
        let reply = Reply { calls: vec![call(), call()], ..Default::default() };
        let cut = items(reply, Some(3));
        assert_eq!(cut[cut.len() - 2..], [ModelDelta::Finish(Finish::Length), usage(3)]);
    }
}
