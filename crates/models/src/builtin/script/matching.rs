//! Whether a rule applies to a request, and the values that it takes from it.

use super::{
    format::{OutputTest, TextTest, When},
    template::Values,
};
use crate::{
    ChatMessage, ModelRequest,
    builtin::{latest_outputs, latest_user_text},
};

/// What rules look at.
pub(super) struct Scene<'a> {
    request: &'a ModelRequest,
    user: String,
    instructions: String,
    /// Function and output of the tool outputs that were just delivered.
    outputs: Vec<(&'a str, &'a str)>,
    /// How many messages the user has written.
    turn: u64,
}

impl<'a> Scene<'a> {
    pub(super) fn of(request: &'a ModelRequest) -> Self {
        let instructions = request.messages.iter().filter_map(|message| match message {
            ChatMessage::System { text } => Some(text.as_str()),
            _ => None,
        });
        let is_user = |message: &&ChatMessage| matches!(message, ChatMessage::User { .. });
        Self {
            request,
            user: latest_user_text(request),
            instructions: instructions.collect::<Vec<_>>().join("\n"),
            outputs: latest_outputs(request),
            turn: request.messages.iter().filter(is_user).count() as u64,
        }
    }

    /// The values for the rule's templates if all of its conditions hold.
    pub(super) fn matches(&self, when: &When) -> Option<Values> {
        let mut values = self.values();
        // Otherwise a rule that calls a function would answer the function's output with the same call.
        if when.tool_output.is_none() && !self.outputs.is_empty() {
            return None;
        }
        let offered = |name: &String| self.request.tools.iter().any(|tool| tool.name == *name);
        let holds = when.turn.is_none_or(|turn| turn == self.turn)
            && when.tools.iter().all(offered)
            && tested(when.model.as_ref(), &self.request.model, &mut values)
            && tested(when.instructions.as_ref(), &self.instructions, &mut values)
            && tested(when.user.as_ref(), &self.user, &mut values)
            && when.tool_output.as_ref().is_none_or(|test| self.has_output(test, &mut values));
        holds.then_some(values)
    }

    /// The values that need no rule.
    pub(super) fn values(&self) -> Values {
        let output = self.outputs.first().map_or("", |(_, output)| *output);
        Values::new(&self.user, output, &self.request.model)
    }

    fn has_output(&self, test: &OutputTest, values: &mut Values) -> bool {
        let named = |name: &str| test.name.as_deref().is_none_or(|wanted| wanted == name);
        for (_, output) in self.outputs.iter().filter(|(name, _)| named(name)) {
            if tested(test.text.as_ref(), output, values) {
                values.set_tool_output(output);
                return true;
            }
        }
        false
    }
}

fn tested(test: Option<&TextTest>, text: &str, values: &mut Values) -> bool {
    match test {
        None => true,
        Some(TextTest::Contains(part)) => text.to_lowercase().contains(part),
        Some(TextTest::Matches(regex)) => match regex.captures(text) {
            Some(captures) => {
                values.capture(regex, &captures);
                true
            }
            None => false,
        },
    }
}
