//! What came out of a response.

use cupola_wire::responses::{FunctionCallItem, Item, ItemContent, Response};

/// The text that the model wrote, without what it refused to write.
pub fn output_text(response: &Response) -> String {
    let messages = response.output.iter().filter_map(|item| match item {
        Item::Message(message) => Some(&message.content),
        _ => None,
    });
    messages.map(ItemContent::text).collect()
}

/// The functions that the model wants called.
pub fn function_calls(response: &Response) -> Vec<&FunctionCallItem> {
    let calls = response.output.iter().filter_map(|item| match item {
        Item::FunctionCall(call) => Some(call),
        _ => None,
    });
    calls.collect()
}
