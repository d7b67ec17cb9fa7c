//! How many tokens a request is, for whoever can say how many tokens a text is. Everything that counts
//! requests counts them like this, so that what is foretold is what is reported.

use crate::{ChatMessage, FunctionDeclaration, Part};

/// Tokens that a message costs beyond its text: its role and the marks around it.
const MESSAGE_OVERHEAD: u64 = 4;
/// Tokens that an image is taken for: what common vision models charge for a large one.
const IMAGE_TOKENS: u64 = 1105;

/// Says how many tokens a text is.
pub type TextTokens<'a> = &'a dyn Fn(&str) -> u64;

/// The tokens of a request: its messages and the functions that it offers.
pub fn request(messages: &[ChatMessage], tools: &[FunctionDeclaration], text_tokens: TextTokens<'_>) -> u64 {
    let messages = messages.iter().map(|each| message(each, text_tokens));
    let tools = tools.iter().map(|each| function(each, text_tokens));
    messages.chain(tools).sum()
}

/// The tokens of a message.
pub fn message(message: &ChatMessage, text_tokens: TextTokens<'_>) -> u64 {
    let content = match message {
        ChatMessage::System { text } => text_tokens(text),
        ChatMessage::User { parts } => parts
            .iter()
            .map(|part| match part {
                Part::Text { text } => text_tokens(text),
                Part::Image { .. } => IMAGE_TOKENS,
            })
            .sum(),
        ChatMessage::Assistant { text, calls } => {
            let calls = calls.iter().map(|call| text_tokens(&call.name) + text_tokens(&call.arguments));
            text_tokens(text) + calls.sum::<u64>()
        }
        ChatMessage::Tool { output, .. } => text_tokens(output),
    };
    content + MESSAGE_OVERHEAD
}

/// The tokens of the declaration of a function.
pub fn function(function: &FunctionDeclaration, text_tokens: TextTokens<'_>) -> u64 {
    let description = function.description.as_deref().unwrap_or_default();
    text_tokens(&function.name) + text_tokens(description) + text_tokens(&function.parameters.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::RequestedCall;

    fn words(text: &str) -> u64 {
        text.split_whitespace().count() as u64
    }

    #[test]
    fn a_message_is_its_texts_and_what_is_around_them() {
        let call = RequestedCall { id: "c".into(), name: "f".into(), arguments: "{ }".into() };
        let image = Part::Image { url: "https://x.test".into(), detail: None };
        for (each, tokens) in [
            (ChatMessage::System { text: "Be kind.".into() }, 6),
            (ChatMessage::User { parts: vec![Part::Text { text: "Who is it?".into() }, image] }, 1112),
            (ChatMessage::Assistant { text: "Me.".into(), calls: vec![call] }, 8),
            (ChatMessage::Tool { call_id: "c".into(), output: "all is well".into() }, 7),
        ] {
            assert_eq!(message(&each, &words), tokens, "{each:?}");
        }
    }

    #[test]
    fn a_request_is_its_messages_and_its_functions() {
        let system = ChatMessage::System { text: "Be kind.".into() };
        let function = FunctionDeclaration {
            name: "f".into(),
            description: Some("Does something.".into()),
            parameters: json!({}),
            strict: None,
        };
        assert_eq!(request(&[system.clone(), system], &[function], &words), 6 + 6 + 4);
    }
}
