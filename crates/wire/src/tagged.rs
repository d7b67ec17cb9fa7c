//! Unions told apart by one field, with errors that still name the inner path.
//!
//! `#[serde(tag = "…")]` buffers its input, after which `serde_path_to_error` can only name the union
//! itself. Reading the value first and dispatching by hand keeps the rest of the path: the error of
//! the variant is re-raised with its own path in front, and the reader of the whole body joins both.

use serde::de::{DeserializeOwned, Error};
use serde_json::Value;

/// Separates the inner path from the message in an error that crosses a union.
pub const INNER_PATH: char = '\u{1f}';

/// Reads `value` as `T`; an error carries the path inside the value before [`INNER_PATH`].
pub fn variant<T: DeserializeOwned, E: Error>(value: Value) -> Result<T, E> {
    match serde_path_to_error::deserialize(value) {
        Ok(read) => Ok(read),
        Err(error) => {
            let path = error.path().to_string();
            let inner = error.into_inner().to_string();
            if path == "." {
                Err(E::custom(inner))
            } else {
                Err(E::custom(format!("{path}{INNER_PATH}{inner}")))
            }
        }
    }
}

/// The text of the field `tag`, or an error that says what is wrong with it.
pub fn tag<'v, E: Error>(value: &'v Value, tag: &'static str) -> Result<&'v str, E> {
    match value {
        Value::Object(map) => match map.get(tag) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(E::custom(format!("{tag}{INNER_PATH}invalid type, expected a string"))),
            None => Err(E::custom(format!("missing field `{tag}`"))),
        },
        _ => Err(E::custom("invalid type, expected an object")),
    }
}

/// Writes `type` first, then the fields of `body`: the order in which the service writes unions.
macro_rules! tagged {
    (
        $(#[$meta:meta])*
        $name:ident by $tag:literal {
            $( $(#[$vmeta:meta])* $text:literal => $variant:ident($body:ty), )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name {
            $( $(#[$vmeta])* $variant($body), )*
            /// A kind this version does not know, kept whole.
            Other($crate::Extra),
        }

        impl $name {
            /// The text that tells this kind from the others.
            pub fn kind(&self) -> &str {
                match self {
                    $( Self::$variant(_) => $text, )*
                    Self::Other(map) => map.get($tag).and_then(|v| v.as_str()).unwrap_or_default(),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                #[derive(serde::Serialize)]
                struct Tagged<'a, T> {
                    #[serde(rename = $tag)]
                    tag: &'static str,
                    #[serde(flatten)]
                    body: &'a T,
                }
                match self {
                    $( Self::$variant(body) => Tagged { tag: $text, body }.serialize(serializer), )*
                    Self::Other(map) => map.serialize(serializer),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut value = serde_json::Value::deserialize(deserializer)?;
                let tag: &str = $crate::tagged::tag(&value, $tag)?;
                match tag {
                    $( $text => {
                        if let serde_json::Value::Object(map) = &mut value {
                            map.shift_remove($tag);
                        }
                        Ok(Self::$variant($crate::tagged::variant(value)?))
                    } )*
                    _ => match value {
                        serde_json::Value::Object(map) => Ok(Self::Other(map)),
                        _ => Err(serde::de::Error::custom("invalid type, expected an object")),
                    },
                }
            }
        }
    };
}
pub(crate) use tagged;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::classic::Tool;

    #[test]
    fn an_unknown_kind_is_kept_whole() {
        let sent = json!({"type": "teleport", "range": {"km": 3}});
        let tool: Tool = serde_json::from_value(sent.clone()).unwrap();
        assert_eq!(tool.kind(), "teleport");
        assert_eq!(serde_json::to_value(&tool).unwrap(), sent);
    }

    #[test]
    fn an_error_names_the_path_inside_the_union() {
        let sent = json!({"type": "function", "function": {"name": 7}});
        let error = serde_json::from_value::<Tool>(sent).unwrap_err().to_string();
        assert!(error.starts_with("function.name\u{1f}"), "{error:?}");
    }
}
