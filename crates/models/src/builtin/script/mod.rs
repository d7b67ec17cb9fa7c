//! Scripts: ordered rules that say what the builtin model answers to what.

mod format;
mod matching;
mod template;

use std::sync::atomic::{AtomicU64, Ordering};

use format::{ScriptFile, Then, When};
use matching::Scene;
use template::{Template, Values};

use super::reply::{Call, Reply};
use crate::{Fault, ModelRequest};

/// A checked script.
#[derive(Debug)]
pub struct Script {
    rules: Vec<Rule>,
    otherwise: Option<Then>,
}

#[derive(Debug)]
struct Rule {
    when: When,
    then: Then,
    /// How often it was used, for `times`.
    used: AtomicU64,
}

/// What is wrong in a script, with line and column where they are known.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ScriptError(#[from] serde_norway::Error);

impl Script {
    /// Reads and checks a script.
    pub fn parse(yaml: &str) -> Result<Self, ScriptError> {
        let file: ScriptFile = serde_norway::from_str(yaml)?;
        let rules = file.rules.into_iter();
        let rules =
            rules.map(|rule| Rule { when: rule.when, then: rule.then, used: AtomicU64::new(0) }).collect();
        Ok(Self { rules, otherwise: file.otherwise })
    }

    /// The answer of the first rule that applies; `None` if none does and there is no `otherwise`.
    pub(crate) fn reply(&self, request: &ModelRequest) -> Option<Reply> {
        let scene = Scene::of(request);
        for rule in &self.rules {
            if let Some(values) = scene.matches(&rule.when)
                && rule.take_turn()
            {
                return Some(perform(&rule.then, &values));
            }
        }
        self.otherwise.as_ref().map(|then| perform(then, &scene.values()))
    }
}

impl Rule {
    /// Counts the use; whether the rule may be used once more.
    fn take_turn(&self) -> bool {
        let Some(times) = self.when.times else { return true };
        let count = |used: u64| (used < times).then_some(used + 1);
        self.used.try_update(Ordering::Relaxed, Ordering::Relaxed, count).is_ok()
    }
}

fn perform(then: &Then, values: &Values) -> Reply {
    let calls = then
        .call
        .iter()
        .map(|call| Call { name: call.name.clone(), arguments: call.arguments.render(values).to_string() });
    let text = match (&then.say, &then.json) {
        (Some(say), _) => say.render(values),
        (None, Some(json)) => json.render(values).to_string(),
        (None, None) => String::new(),
    };
    let words = |said: &Option<Template>| said.as_ref().map(|said| said.render(values)).unwrap_or_default();
    Reply {
        reasoning: words(&then.reason),
        text,
        refusal: words(&then.refuse),
        calls: calls.collect(),
        fault: then.fail.as_ref().map(|fail| Fault::new(fail.kind, fail.message.render(values))),
        finish: then.finish,
        before: then.delay.first.0,
        between: then.delay.between.0,
    }
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
