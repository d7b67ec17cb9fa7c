//! Messages of queues, as XML, with texts in base64 as the triggers and bindings of functions have them.

use base64::{Engine, prelude::BASE64_STANDARD};
use quick_xml::{Reader, events::Event};

/// A message that was received, and is nobody else's for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Its id.
    pub id: String,
    /// Proves that it was received by this receiver.
    pub receipt: String,
    /// Its text.
    pub text: String,
}

/// The body that puts a message.
pub(super) fn written(text: &str) -> String {
    format!("<QueueMessage><MessageText>{}</MessageText></QueueMessage>", BASE64_STANDARD.encode(text))
}

/// The messages of an answer; nothing where it holds none.
pub(super) fn read(xml: &str) -> Vec<Received> {
    let mut reader = Reader::from_str(xml);
    let (mut messages, mut current, mut field) = (Vec::new(), Received::default(), String::new());
    let mut value = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                field = tag.local_name().as_ref().to_owned();
                value.clear();
            }
            Ok(Event::Text(text)) => value.push_str(&text),
            Ok(Event::GeneralRef(name)) => value.push_str(entity(&name)),
            Ok(Event::End(tag)) => {
                match (tag.local_name().as_ref(), field.as_str()) {
                    ("MessageId", "MessageId") => current.id = std::mem::take(&mut value),
                    ("PopReceipt", "PopReceipt") => current.receipt = std::mem::take(&mut value),
                    ("MessageText", "MessageText") => current.text = plain(&std::mem::take(&mut value)),
                    ("QueueMessage", _) => messages.push(std::mem::take(&mut current)),
                    _ => {}
                }
                field.clear();
            }
            Ok(Event::Eof) | Err(_) => return messages,
            Ok(_) => {}
        }
    }
}

fn entity(name: &str) -> &'static str {
    match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    }
}

/// A text that may be in base64: functions may be told to write theirs as they are.
fn plain(text: &str) -> String {
    let decoded = BASE64_STANDARD.decode(text.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_in_base64_or_as_they_are() {
        let xml = "<?xml version=\"1.0\"?><QueueMessagesList>\
                   <QueueMessage><MessageId>1</MessageId><PopReceipt>a+b=</PopReceipt>\
                   <MessageText>eyJhIjoxfQ==</MessageText></QueueMessage>\
                   <QueueMessage><MessageId>2</MessageId><PopReceipt>c</PopReceipt>\
                   <MessageText>{&quot;b&quot;:&lt;2&gt;}</MessageText></QueueMessage></QueueMessagesList>";
        let message = |id: &str, receipt: &str, text: &str| Received {
            id: id.into(),
            receipt: receipt.into(),
            text: text.into(),
        };
        assert_eq!(read(xml), [message("1", "a+b=", "{\"a\":1}"), message("2", "c", "{\"b\":<2>}")]);
        assert!(read("<QueueMessagesList/>").is_empty() && read("no xml").is_empty());
        assert_eq!(
            written("{\"a\":1}"),
            "<QueueMessage><MessageText>eyJhIjoxfQ==</MessageText></QueueMessage>"
        );
    }
}
