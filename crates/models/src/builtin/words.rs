//! The builtin model's tokens: a token is a word or a punctuation mark.

use crate::{ModelRequest, measure};

/// How many tokens a text is.
pub(crate) fn count(text: &str) -> usize {
    pieces(text).filter(|piece| !piece.trim().is_empty()).count()
}

/// How many tokens a request is.
pub(crate) fn count_request(request: &ModelRequest) -> u64 {
    measure::request(&request.messages, &request.tools, &|text| count(text) as u64)
}

/// Cuts a text into its tokens, each with the white space before it. Joined again they are the text.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let mut end = rest[start..].find(|c: char| !is_word(c)).map_or(rest.len(), |length| start + length);
        if end == start {
            end += rest[start..].chars().next().map_or(0, char::len_utf8);
        }
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_and_punctuation_marks_are_tokens() {
        let tokens: Vec<&str> = pieces("Hello, get_weather(2)!\n").collect();
        assert_eq!(tokens, ["Hello", ",", " get_weather", "(", "2", ")", "!", "\n"]);
        assert_eq!(count("Hello, get_weather(2)!\n"), 7);
        assert_eq!(count(""), 0);
    }

    proptest! {
        #[test]
        fn joined_pieces_are_the_text(text in "\\PC*[ \n]?\\PC*") {
            prop_assert_eq!(pieces(&text).collect::<String>(), text);
        }
    }
}
