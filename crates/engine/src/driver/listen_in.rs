//! Tools that go by what is said: they are told it before the model is called first, and at the end of the turn.

use super::*;
use crate::{tools::Tool, turn::End};

/// How many of the newest messages they are told.
const LATELY: usize = 12;

impl Driver {
    /// Reads what was said lately, once, where a tool goes by that.
    pub(super) async fn listen_in(&mut self) -> Result<(), StoreError> {
        if self.said.is_some() || self.listeners_in().is_empty() {
            return Ok(());
        }
        let page = self.dialect.history(&self.key, &self.spec, None).await?;
        let newest_first = page.items.into_iter().flat_map(|item| item.messages.into_iter().rev());
        let mut said: Vec<ChatMessage> = newest_first.filter(is_said).take(LATELY).collect();
        said.reverse();
        self.said = Some(said.into());
        Ok(())
    }

    /// Tells them how the turn has ended, if it came to an answer.
    pub(super) fn tell_tools(&self) {
        let has_answer = matches!(self.turn.phase, Phase::Ended(End::Completed | End::Incomplete(_)));
        let listening = self.listeners_in();
        if !has_answer || listening.is_empty() {
            return;
        }
        let lately = self.said.as_deref().unwrap_or_default();
        let asked = lately.iter().rposition(|message| !matches!(message, ChatMessage::User { .. }));
        let asked = &lately[asked.map_or(0, |last| last + 1)..];
        let answered = self.turn.transcript.iter().filter(|message| is_said(message));
        let said: Vec<ChatMessage> = asked.iter().chain(answered).cloned().collect();
        let turn = self.key.clone();
        tokio::spawn(async move {
            for (tool, settings) in listening {
                tool.ended(&turn, &settings, &said).await;
            }
        });
    }

    /// The tools that go by what is said, with their settings.
    fn listeners_in(&self) -> Vec<(Arc<dyn Tool>, Value)> {
        let served = self.spec.tools.iter().filter_map(|spec| {
            let ToolSpec::Served { kind, settings } = spec else { return None };
            let tool = self.inner.tools.get(kind).filter(|tool| tool.listens())?;
            Some((Arc::clone(tool), settings.clone()))
        });
        served.collect()
    }
}

/// Whether a message is one that somebody has said, and not a call or its output.
fn is_said(message: &ChatMessage) -> bool {
    match message {
        ChatMessage::User { .. } => true,
        ChatMessage::Assistant { text, .. } => !text.trim().is_empty(),
        ChatMessage::System { .. } | ChatMessage::Tool { .. } => false,
    }
}
