//! The shapes of the Open Responses specification: which fields its objects must have, and of which types; and
//! the order of its events.

use serde_json::Value;

/// What a field may hold.
#[derive(Clone, Copy, Debug)]
enum Is {
    Text,
    Whole,
    Number,
    Flag,
    List,
    Object,
    /// The text, or null.
    TextOrNull,
    WholeOrNull,
    ObjectOrNull,
    /// One of these words.
    Word(&'static [&'static str]),
    WordOrNull(&'static [&'static str]),
}

impl Is {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Whole => value.is_i64(),
            Self::Number => value.is_number(),
            Self::Flag => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
            Self::TextOrNull => value.is_null() || value.is_string(),
            Self::WholeOrNull => value.is_null() || value.is_i64(),
            Self::ObjectOrNull => value.is_null() || value.is_object(),
            Self::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::WordOrNull(words) => value.is_null() || Self::Word(words).fits(value),
        }
    }
}

type Fields = &'static [(&'static str, Is)];

const RESPONSE: Fields = &[
    ("id", Is::Text),
    ("object", Is::Word(&["response"])),
    ("created_at", Is::Whole),
    ("completed_at", Is::WholeOrNull),
    ("status", Is::Text),
    ("incomplete_details", Is::ObjectOrNull),
    ("model", Is::Text),
    ("previous_response_id", Is::TextOrNull),
    ("instructions", Is::TextOrNull),
    ("output", Is::List),
    ("error", Is::ObjectOrNull),
    ("tools", Is::List),
    ("truncation", Is::Word(&["auto", "disabled"])),
    ("parallel_tool_calls", Is::Flag),
    ("text", Is::Object),
    ("top_p", Is::Number),
    ("presence_penalty", Is::Number),
    ("frequency_penalty", Is::Number),
    ("top_logprobs", Is::Whole),
    ("temperature", Is::Number),
    ("reasoning", Is::ObjectOrNull),
    ("usage", Is::ObjectOrNull),
    ("max_output_tokens", Is::WholeOrNull),
    ("max_tool_calls", Is::WholeOrNull),
    ("store", Is::Flag),
    ("background", Is::Flag),
    ("service_tier", Is::Text),
    ("metadata", Is::Object),
    ("safety_identifier", Is::TextOrNull),
    ("prompt_cache_key", Is::TextOrNull),
];
const REASONING: Fields = &[
    ("effort", Is::WordOrNull(&["none", "minimal", "low", "medium", "high", "xhigh"])),
    ("summary", Is::WordOrNull(&["concise", "detailed", "auto"])),
];
const USAGE: Fields = &[
    ("input_tokens", Is::Whole),
    ("output_tokens", Is::Whole),
    ("total_tokens", Is::Whole),
    ("input_tokens_details", Is::Object),
    ("output_tokens_details", Is::Object),
];
const FUNCTION: Fields = &[
    ("type", Is::Word(&["function"])),
    ("name", Is::Text),
    ("description", Is::TextOrNull),
    ("parameters", Is::ObjectOrNull),
];
const STATUS: (&str, Is) = ("status", Is::Word(&["in_progress", "completed", "incomplete"]));
const MESSAGE: Fields = &[
    ("id", Is::Text),
    STATUS,
    ("role", Is::Word(&["user", "assistant", "system", "developer"])),
    ("content", Is::List),
];
const CALL: Fields =
    &[("id", Is::Text), ("call_id", Is::Text), ("name", Is::Text), ("arguments", Is::Text), STATUS];
const COMPACTED_ITEM: Fields = &[("id", Is::Text), ("encrypted_content", Is::Text)];
const COMPACTION: Fields = &[
    ("id", Is::Text),
    ("object", Is::Word(&["response.compaction"])),
    ("created_at", Is::Whole),
    ("output", Is::List),
    ("usage", Is::Object),
];
const OUTPUT_TEXT: Fields = &[("text", Is::Text), ("annotations", Is::List), ("logprobs", Is::List)];
const ERROR: Fields = &[("type", Is::Word(&["error"])), ("status", Is::Whole), ("error", Is::Object)];

#[track_caller]
fn check(what: &str, object: &Value, fields: Fields) {
    for (name, is) in fields {
        let value = object.get(name);
        assert!(value.is_some(), "{what} has no '{name}': {object:#}");
        assert!(is.fits(&object[name]), "'{name}' of {what} is not {is:?}: {object:#}");
    }
}

/// A response as a whole.
#[track_caller]
pub fn check_response(response: &Value) {
    check("a response", response, RESPONSE);
    if !response["reasoning"].is_null() {
        check("the reasoning", &response["reasoning"], REASONING);
    }
    if !response["usage"].is_null() {
        check_usage(&response["usage"]);
    }
    if !response["error"].is_null() {
        check("the error", &response["error"], &[("code", Is::Text), ("message", Is::Text)]);
    }
    if !response["incomplete_details"].is_null() {
        check("the details", &response["incomplete_details"], &[("reason", Is::Text)]);
    }
    let formats = Is::Word(&["text", "json_object", "json_schema"]);
    assert!(formats.fits(&response["text"]["format"]["type"]), "{response:#}");
    let choices = Is::Word(&["none", "auto", "required"]);
    assert!(choices.fits(&response["tool_choice"]) || response["tool_choice"].is_object(), "{response:#}");
    for tool in response["tools"].as_array().unwrap() {
        check("a function", tool, FUNCTION);
        assert!(tool["strict"].is_null() || tool["strict"].is_boolean(), "{tool:#}");
        assert!(tool.get("strict").is_some(), "{tool:#}");
    }
    response["output"].as_array().unwrap().iter().for_each(check_item);
}

/// What `responses/compact` answers: what the user said, and one compaction item behind it.
#[track_caller]
pub fn check_compaction(compaction: &Value) {
    check("a compaction", compaction, COMPACTION);
    check_usage(&compaction["usage"]);
    let output = compaction["output"].as_array().unwrap();
    output.iter().for_each(check_item);
    let (last, kept) = output.split_last().unwrap();
    assert_eq!(last["type"], "compaction");
    assert!(kept.iter().all(|item| item["role"] == "user"), "{compaction:#}");
}

/// An error over WebSocket.
#[track_caller]
pub fn check_error(event: &Value) {
    check("an error", event, ERROR);
    let fields: Fields = &[("type", Is::Text), ("code", Is::Text), ("message", Is::Text)];
    check("the detail of an error", &event["error"], fields);
}

#[track_caller]
fn check_usage(usage: &Value) {
    check("the usage", usage, USAGE);
    check("its input", &usage["input_tokens_details"], &[("cached_tokens", Is::Whole)]);
    check("its output", &usage["output_tokens_details"], &[("reasoning_tokens", Is::Whole)]);
}

#[track_caller]
fn check_item(item: &Value) {
    match item["type"].as_str() {
        Some("message") => {
            check("a message", item, MESSAGE);
            item["content"].as_array().unwrap().iter().for_each(check_part);
        }
        Some("function_call") => check("a call", item, CALL),
        Some("compaction") => check("a compaction item", item, COMPACTED_ITEM),
        _ => panic!("an item of a type that is not expected here: {item:#}"),
    }
}

#[track_caller]
fn check_part(part: &Value) {
    match part["type"].as_str() {
        Some("output_text") => check("a text", part, OUTPUT_TEXT),
        Some("input_text") => check("a text", part, &[("text", Is::Text)]),
        _ => panic!("a part of a type that is not expected here: {part:#}"),
    }
}

/// The events of a whole response: each in its shape, numbered without a gap, and in an order in which items and
/// parts are opened before they grow, and closed before the next one opens.
#[track_caller]
pub fn check_stream(events: &[Value]) {
    let mut open = Open::default();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "events are numbered without a gap: {event:#}");
        let kind = event["type"].as_str().unwrap();
        if event.get("response").is_some() {
            check_response(&event["response"]);
        } else {
            open.see(kind, event);
        }
    }
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.first(), Some(&"response.created"));
    let is_last =
        |kind: &&str| matches!(*kind, "response.completed" | "response.incomplete" | "response.failed");
    assert_eq!(kinds.iter().position(is_last), Some(kinds.len() - 1), "{kinds:?}");
    assert!(open.item.is_none() && open.part.is_none(), "everything is closed at the end: {kinds:?}");
    let output = events.last().unwrap()["response"]["output"].as_array().unwrap();
    assert_eq!(output, &open.done, "the output is what was announced as done");
}

/// What is open in a stream.
#[derive(Default)]
struct Open {
    item: Option<String>,
    part: Option<u64>,
    grown: String,
    done: Vec<Value>,
}

impl Open {
    #[track_caller]
    fn see(&mut self, kind: &str, event: &Value) {
        check(kind, event, &[("output_index", Is::Whole)]);
        assert_eq!(event["output_index"], self.done.len(), "{event:#}");
        match kind {
            "response.output_item.added" => {
                check_item(&event["item"]);
                assert_eq!(event["item"]["status"], "in_progress");
                assert!(self.item.is_none(), "the item before is not done: {event:#}");
                self.item = event["item"]["id"].as_str().map(str::to_owned);
                self.grown.clear();
            }
            "response.output_item.done" => {
                check_item(&event["item"]);
                assert!(self.part.is_none(), "a part is still open: {event:#}");
                assert_eq!(self.item.take().as_deref(), event["item"]["id"].as_str());
                self.done.push(event["item"].clone());
            }
            _ => self.within(kind, event),
        }
    }

    /// An event about the item that is open.
    #[track_caller]
    fn within(&mut self, kind: &str, event: &Value) {
        assert_eq!(self.item.as_deref(), event["item_id"].as_str(), "the item is open: {event:#}");
        let place = event["content_index"].as_u64();
        match kind {
            "response.content_part.added" => {
                check_part(&event["part"]);
                assert!(place.is_some() && self.part.is_none(), "{event:#}");
                self.part = place;
            }
            "response.content_part.done" => {
                check_part(&event["part"]);
                assert_eq!(event["part"]["text"], self.grown);
                assert_eq!(self.part.take(), place);
            }
            "response.output_text.delta" | "response.output_text.done" => {
                check(kind, event, &[("logprobs", Is::List), ("content_index", Is::Whole)]);
                assert_eq!(self.part, place, "the part is open: {event:#}");
                self.grow(event, "text");
            }
            "response.function_call_arguments.delta" | "response.function_call_arguments.done" => {
                self.grow(event, "arguments");
            }
            other => panic!("an event that is not expected here: {other}"),
        }
    }

    /// A delta adds to what there is; the end repeats all of it.
    #[track_caller]
    fn grow(&mut self, event: &Value, whole: &str) {
        match event["delta"].as_str() {
            Some(delta) => self.grown.push_str(delta),
            None => assert_eq!(event[whole], self.grown, "{event:#}"),
        }
    }
}
