//! What a call came to, as text: all that models and people are shown of it.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};

/// In the place of what this version does not know.
const UNKNOWN: &str = "[something that is not shown]";

/// What a call came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What the tool said.
    pub text: String,
    /// Whether it says of itself that it failed.
    pub is_error: bool,
}

impl From<CallToolResult> for Outcome {
    fn from(result: CallToolResult) -> Self {
        let parts: Vec<_> = result.content.into_iter().map(words).filter(|part| !part.is_empty()).collect();
        let text = match (parts.as_slice(), result.structured_content) {
            ([], Some(structured)) => structured.to_string(),
            _ => parts.join("\n"),
        };
        Self { text, is_error: result.is_error == Some(true) }
    }
}

/// What is said of a part. Models are told what they can't be given.
fn words(part: ContentBlock) -> String {
    match part {
        ContentBlock::Text(text) => text.text,
        ContentBlock::Image(image) => {
            format!("[an image of the type {}, which is not shown]", image.mime_type)
        }
        ContentBlock::Audio(audio) => {
            format!("[a sound of the type {}, which is not played]", audio.mime_type)
        }
        ContentBlock::Resource(embedded) => match embedded.resource {
            ResourceContents::TextResourceContents { text, .. } => text,
            ResourceContents::BlobResourceContents { uri, .. } => {
                format!("[a file, which is not shown: {uri}]")
            }
            _ => UNKNOWN.to_owned(),
        },
        ContentBlock::ResourceLink(link) => format!("[a resource: {}]", link.uri),
        _ => UNKNOWN.to_owned(),
    }
}
