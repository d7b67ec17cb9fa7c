//! A script as it is written in YAML. Everything is checked while it is read, so that errors have a line.

use std::{fmt, time::Duration};

use regex::Regex;
use serde::{
    Deserialize, Deserializer,
    de::{
        self, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

use super::template::{JsonTemplate, Template};
use crate::{FaultKind, Finish, Span};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScriptFile {
    pub(super) rules: Vec<RuleEntry>,
    #[serde(default)]
    pub(super) otherwise: Option<Then>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleEntry {
    #[serde(default)]
    pub(super) when: When,
    pub(super) then: Then,
}

/// All of the conditions that are given must hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct When {
    /// The latest text of the user.
    pub(super) user: Option<TextTest>,
    /// The model's name.
    pub(super) model: Option<TextTest>,
    /// The instructions.
    pub(super) instructions: Option<TextTest>,
    /// Functions that must be offered.
    pub(super) tools: Vec<String>,
    /// A tool output that was just delivered. Without this the rule is not for answers to tool outputs.
    pub(super) tool_output: Option<OutputTest>,
    /// Which message of the user it is: 1, 2, ….
    pub(super) turn: Option<u64>,
    /// How often the rule may be used while the program runs.
    pub(super) times: Option<u64>,
}

/// A test of a text.
#[derive(Debug)]
pub(super) enum TextTest {
    /// Contains this, in any case.
    Contains(String),
    /// Matches this.
    Matches(Regex),
}

#[derive(Debug)]
pub(super) struct OutputTest {
    /// The function; any if it is left out.
    pub(super) name: Option<String>,
    pub(super) text: Option<TextTest>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "ThenEntry")]
pub(super) struct Then {
    pub(super) reason: Option<Template>,
    pub(super) say: Option<Template>,
    pub(super) refuse: Option<Template>,
    pub(super) call: Vec<CallEntry>,
    pub(super) json: Option<JsonTemplate>,
    pub(super) fail: Option<Fail>,
    pub(super) delay: Delay,
    pub(super) finish: Option<Finish>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThenEntry {
    reason: Option<Template>,
    say: Option<Template>,
    refuse: Option<Template>,
    #[serde(default, deserialize_with = "one_or_many")]
    call: Vec<CallEntry>,
    json: Option<JsonTemplate>,
    fail: Option<Fail>,
    #[serde(default)]
    delay: Delay,
    finish: Option<Finish>,
}

impl TryFrom<ThenEntry> for Then {
    type Error = &'static str;

    fn try_from(entry: ThenEntry) -> Result<Self, Self::Error> {
        let ThenEntry { reason, say, refuse, call, json, fail, delay, finish } = entry;
        let texts = [&reason, &say, &refuse];
        if texts.into_iter().all(Option::is_none) && call.is_empty() && json.is_none() && fail.is_none() {
            return Err("`then` needs at least one of `reason`, `say`, `refuse`, `call`, `json` and `fail`");
        }
        if say.is_some() && json.is_some() {
            return Err("`say` and `json` can't both be the answer");
        }
        Ok(Self { reason, say, refuse, call, json, fail, delay, finish })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallEntry {
    pub(super) name: String,
    #[serde(default)]
    pub(super) arguments: JsonTemplate,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fail {
    pub(super) kind: FaultKind,
    pub(super) message: Template,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Delay {
    /// Before the first piece.
    pub(super) first: Span,
    /// Between two pieces.
    pub(super) between: Span,
}

impl Default for Delay {
    fn default() -> Self {
        Self { first: Span(Duration::ZERO), between: Span(Duration::ZERO) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextTestEntry {
    contains: Option<String>,
    regex: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputTestEntry {
    name: Option<String>,
    contains: Option<String>,
    regex: Option<String>,
}

impl<'de> Deserialize<'de> for OutputTest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let OutputTestEntry { name, contains, regex } = OutputTestEntry::deserialize(deserializer)?;
        Ok(Self { name, text: text_test(contains, regex).map_err(de::Error::custom)? })
    }
}

/// A text alone means "contains".
impl<'de> Deserialize<'de> for TextTest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = TextTest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a mapping with `contains` or `regex`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<TextTest, E> {
                Ok(TextTest::Contains(text.to_lowercase()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TextTest, A::Error> {
                let entry = TextTestEntry::deserialize(MapAccessDeserializer::new(map))?;
                text_test(entry.contains, entry.regex)
                    .and_then(|test| test.ok_or_else(|| "needs `contains` or `regex`".to_owned()))
                    .map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

fn text_test(contains: Option<String>, regex: Option<String>) -> Result<Option<TextTest>, String> {
    match (contains, regex) {
        (Some(_), Some(_)) => Err("`contains` and `regex` can't be combined; a regex can do both".to_owned()),
        (Some(text), None) => Ok(Some(TextTest::Contains(text.to_lowercase()))),
        (None, Some(pattern)) => {
            let regex = Regex::new(&pattern).map_err(|error| format!("the regex can't be read: {error}"))?;
            Ok(Some(TextTest::Matches(regex)))
        }
        (None, None) => Ok(None),
    }
}

/// One call, or a list of calls.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CallEntry>, D::Error> {
    struct OneOrMany;
    impl<'de> Visitor<'de> for OneOrMany {
        type Value = Vec<CallEntry>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a call or a list of calls")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            CallEntry::deserialize(MapAccessDeserializer::new(map)).map(|call| vec![call])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }
    deserializer.deserialize_any(OneOrMany)
}
