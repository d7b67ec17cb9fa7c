//! Messages as a conversation.

use anstyle::Style;
use cupola_client::types::{ContentBlock, Message, Role};

use crate::{
    fields::Fields,
    terminal::{BOLD, DIM, GREEN},
};

/// Adds one message to what is shown.
pub fn add_message(fields: &mut Fields, message: &Message) {
    let (style, label) = match message.role {
        Role::User => (BOLD, "user"),
        Role::Assistant => (GREEN, "agent"),
    };
    let blocks: Vec<String> = message.content.iter().map(block).collect();
    let mut text = blocks.join("\n");
    for attachment in &message.attachments {
        let file = attachment.file_id.as_deref().unwrap_or("a file");
        text.push_str(&format!("\n[{file} is attached]"));
    }
    if text.trim().is_empty() {
        text = "(nothing)".to_owned();
    }
    fields.add_styled(style, label, &text, Style::new());
    if let Some(Some(details)) = &message.incomplete_details {
        fields.add_styled(DIM, "", &format!("(cut short: {})", details.reason), DIM);
    }
}

fn block(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(block) => block.text.value.clone(),
        ContentBlock::ImageFile(image) => format!("[image {}]", image.image_file.file_id),
        ContentBlock::ImageUrl(image) => {
            let url = image.image_url.get("url").and_then(|url| url.as_str()).unwrap_or("somewhere");
            // An image inside the URL itself is no text for people.
            if url.starts_with("data:") { "[image]".to_owned() } else { format!("[image {url}]") }
        }
        other => format!("[{}]", other.kind()),
    }
}
