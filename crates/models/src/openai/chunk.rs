//! What an upstream sends: the chunks of a streamed completion, or one whole completion.
//! Texts are borrowed from the received bytes wherever they hold no escapes.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::ModelUsage;

/// A chunk (with `delta`) or a whole completion (with `message`).
#[derive(Debug, Deserialize)]
pub(crate) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub(crate) choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    pub(crate) usage: Option<Usage>,
    /// Some servers report a failure in the middle of a stream.
    #[serde(borrow, default)]
    pub(crate) error: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Choice<'a> {
    #[serde(borrow, default, alias = "message")]
    pub(crate) delta: Option<Piece<'a>>,
    #[serde(borrow, default)]
    pub(crate) finish_reason: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Piece<'a> {
    #[serde(borrow, default)]
    pub(crate) content: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) refusal: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) tool_calls: Option<Vec<CallPiece<'a>>>,
    /// DeepSeek, llama-server, and vLLM.
    #[serde(borrow, default)]
    reasoning_content: Option<&'a RawValue>,
    /// Ollama, OpenRouter, and newer versions of vLLM; some send both.
    #[serde(borrow, default)]
    reasoning: Option<&'a RawValue>,
    /// OpenRouter: the same again, with its type.
    #[serde(borrow, default)]
    reasoning_details: Option<&'a RawValue>,
}

/// What a model thought, word by word or in short.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Thought<'a> {
    Text(Cow<'a, str>),
    Summary(Cow<'a, str>),
}

#[derive(Deserialize)]
struct ReasoningDetail<'a> {
    #[serde(rename = "type", default)]
    kind: &'a str,
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default)]
    summary: Option<Text<'a>>,
}

impl<'a> Piece<'a> {
    /// What the model thought. No standard says how it is sent: what is not understood is left out.
    pub(crate) fn thought(&self) -> Option<Thought<'a>> {
        let details = self
            .reasoning_details
            .and_then(|details| serde_json::from_str::<Vec<ReasoningDetail<'a>>>(details.get()).ok());
        let (mut texts, mut summaries) = (String::new(), String::new());
        for detail in details.into_iter().flatten() {
            match detail.kind {
                "reasoning.summary" => summaries.push_str(Text::filled(&detail.summary).unwrap_or_default()),
                _ => texts.push_str(Text::filled(&detail.text).unwrap_or_default()),
            }
        }
        if !summaries.is_empty() {
            return Some(Thought::Summary(Cow::Owned(summaries)));
        }
        let plain = [self.reasoning_content, self.reasoning].into_iter().flatten().find_map(filled_text);
        plain.or_else(|| (!texts.is_empty()).then_some(Cow::Owned(texts))).map(Thought::Text)
    }
}

/// A text that is not empty.
fn filled_text(json: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(json.get()).ok().map(|text| text.0).filter(|text| !text.is_empty())
}

/// A fragment of a call, or all of it.
#[derive(Debug, Deserialize)]
pub(crate) struct CallPiece<'a> {
    #[serde(default)]
    pub(crate) index: Option<i64>,
    #[serde(borrow, default)]
    pub(crate) id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) function: Option<FunctionPiece<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FunctionPiece<'a> {
    #[serde(borrow, default)]
    pub(crate) name: Option<Text<'a>>,
    /// A string by the contract; some servers send the object itself.
    #[serde(borrow, default)]
    pub(crate) arguments: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

impl From<Usage> for ModelUsage {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens.unwrap_or(0),
            completion_tokens: usage.completion_tokens.unwrap_or(0),
            cached_tokens: usage.prompt_tokens_details.and_then(|d| d.cached_tokens).unwrap_or(0),
            reasoning_tokens: usage.completion_tokens_details.and_then(|d| d.reasoning_tokens).unwrap_or(0),
        }
    }
}

impl<'a> FunctionPiece<'a> {
    /// The arguments as text, whichever way they were sent.
    pub(crate) fn arguments(&self) -> Result<Cow<'a, str>, serde_json::Error> {
        match self.arguments.map(RawValue::get) {
            None => Ok(Cow::Borrowed("")),
            Some(json) if json.starts_with('"') => serde_json::from_str::<Text<'a>>(json).map(|text| text.0),
            Some(json) => Ok(Cow::Borrowed(json)),
        }
    }
}

/// A text that borrows if it can. A list of text parts, which some servers send, is joined.
#[derive(Debug)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl Text<'_> {
    /// The text, or nothing where it is empty: servers fill absent fields with `""`.
    pub(crate) fn filled(text: &Option<Self>) -> Option<&str> {
        text.as_ref().map(|text| &*text.0).filter(|text| !text.is_empty())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut joined = String::new();
        while let Some(part) = parts.next_element::<TextPart<'de>>()? {
            joined.push_str(Text::filled(&part.text).unwrap_or_default());
        }
        Ok(Text(Cow::Owned(joined)))
    }
}

#[derive(Deserialize)]
struct TextPart<'a> {
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text_of(json: &str) -> Cow<'_, str> {
        serde_json::from_str::<Text<'_>>(json).unwrap().0
    }

    #[test]
    fn a_text_without_escapes_is_borrowed() {
        assert!(matches!(text_of(r#""plain""#), Cow::Borrowed("plain")));
        assert!(matches!(text_of(r#""two\nlines""#), Cow::Owned(text) if text == "two\nlines"));
    }

    #[test]
    fn a_list_of_text_parts_is_joined() {
        let json = r#"[{"type":"text","text":"a"},{"type":"thinking"},{"type":"text","text":"b"}]"#;
        assert_eq!(text_of(json), "ab");
    }

    #[test]
    fn arguments_may_be_a_text_or_the_object_itself() {
        for json in [r#"{"arguments":"{\"a\":1}"}"#, r#"{"arguments":{"a":1}}"#] {
            let piece: FunctionPiece<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(piece.arguments().unwrap(), r#"{"a":1}"#);
        }
    }

    fn thought_of(json: &str) -> Option<Thought<'_>> {
        serde_json::from_str::<Piece<'_>>(json).unwrap().thought()
    }

    #[test]
    fn thoughts_are_understood_in_the_words_of_each_server() {
        for json in [
            r#"{"content":null,"reasoning_content":"hm"}"#,
            r#"{"content":"","reasoning":"hm"}"#,
            r#"{"reasoning_content":"hm","reasoning":"hm"}"#,
            r#"{"reasoning_content":null,"reasoning":"hm"}"#,
            r#"{"reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm","signature":null}]}"#,
            r#"{"reasoning_details":[{"type":"reasoning.text","text":"hm"}]}"#,
        ] {
            assert_eq!(thought_of(json), Some(Thought::Text("hm".into())), "{json}");
        }
        let summary =
            r#"{"reasoning":"hm","reasoning_details":[{"type":"reasoning.summary","summary":"hm"}]}"#;
        assert_eq!(thought_of(summary), Some(Thought::Summary("hm".into())));
    }

    #[test]
    fn thoughts_that_are_not_understood_are_left_out() {
        for json in [
            r#"{"reasoning":{"effort":"low"}}"#,
            r#"{"reasoning":true,"reasoning_content":""}"#,
            r#"{"reasoning_details":[{"type":"reasoning.encrypted","data":"x"}]}"#,
            r#"{"reasoning_details":"x"}"#,
        ] {
            assert_eq!(thought_of(json), None, "{json}");
        }
    }

    #[test]
    fn null_and_unknown_fields_are_nothing() {
        let json = r#"{"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":null,
            "tool_calls":null,"reasoning_content":"hm"},
            "logprobs":null,"finish_reason":null}],"usage":null}"#;
        let chunk: Chunk<'_> = serde_json::from_str(json).unwrap();
        let choice = &chunk.choices.unwrap()[0];
        assert!(choice.finish_reason.is_none() && choice.delta.as_ref().unwrap().content.is_none());
    }
}
