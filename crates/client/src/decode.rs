//! Reads JSON answers; an error names the path of the field at fault.

use cupola_wire::INNER_PATH;
use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// Reads `body` as `T`.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let outer = error.path().to_string();
        located(&outer, &error.into_inner().to_string())
    })
}

/// An error that crosses unions of the wire carries the path inside each of them before the message.
fn located(outer: &str, text: &str) -> Error {
    let mut path = if outer == "." { String::new() } else { outer.to_owned() };
    let mut parts: Vec<&str> = text.split(INNER_PATH).collect();
    let message = parts.pop().unwrap_or_default().to_owned();
    for part in parts {
        if !path.is_empty() && !part.starts_with('[') {
            path.push('.');
        }
        path.push_str(part);
    }
    if path.is_empty() {
        path.push('.');
    }
    Error::Decode { path, message }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use cupola_wire::classic::{Agent, CreateMessage, Page};

    use super::*;

    #[test]
    fn an_error_inside_a_union_inside_a_list_names_the_whole_path() {
        let body = br#"{"object":"list","data":[{"id":"a","object":"assistant","created_at":1,"model":"m",
            "tools":[{"type":"function","function":{"name":7}}]}]}"#;
        let error = decode::<Page<Agent>>(body).unwrap_err();
        let Error::Decode { path, .. } = error else { panic!("{error:?}") };
        assert_eq!(path, "data[0].tools[0].function.name");
    }

    #[test]
    fn an_error_inside_two_unions_names_the_whole_path() {
        let body = br#"{"role":"user","content":[{"type":"image_file","image_file":{"file_id":7}}]}"#;
        let error = decode::<CreateMessage>(body).unwrap_err();
        let Error::Decode { path, .. } = error else { panic!("{error:?}") };
        assert_eq!(path, "content[0].image_file.file_id");
    }

    #[test]
    fn a_body_that_is_not_json_is_a_decode_error_at_the_root() {
        let error = decode::<Agent>(b"<html>").unwrap_err();
        assert!(matches!(error, Error::Decode { ref path, .. } if path == "."), "{error:?}");
    }
}
