//! Sets of words that may grow: a word that this version does not know is kept as it is.

/// An enum of words with a variant for all the others.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $name:ident { $( $(#[$vmeta:meta])* $text:literal => $variant:ident, )* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $( $(#[$vmeta])* $variant, )*
            /// A word that this version does not know.
            Other(String),
        }

        impl $name {
            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )*
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $( $text => Self::$variant, )*
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::from(word.as_ref()))
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::responses::ItemRole;

    #[test]
    fn a_word_that_is_not_known_is_kept() {
        let role: ItemRole = serde_json::from_value(json!("critic")).expect("is read");
        assert_eq!(role, ItemRole::Other("critic".to_owned()));
        assert_eq!(serde_json::to_value(&role).expect("is written"), json!("critic"));
        assert_eq!(ItemRole::from("user"), ItemRole::User);
    }
}
