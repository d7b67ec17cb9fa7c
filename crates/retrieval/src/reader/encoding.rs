//! Bytes become text, in whatever encoding they are.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::Unreadable;

/// How many bytes are enough to tell encodings apart.
const ENOUGH: usize = 256 << 10;

/// Decodes a text. What is no text is refused, and what is not right in a text becomes U+FFFD.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None => match std::str::from_utf8(bytes) {
            Ok(_) => UTF_8,
            Err(_) => guess(bytes),
        },
    };
    let encoding = utf16_without_mark(bytes).unwrap_or(encoding);
    // A mark at the beginning is left out.
    let (text, _, _) = encoding.decode(bytes);
    if is_binary(&text) {
        return Err(Unreadable::Invalid("The file is named like a text, but its bytes are not text.".into()));
    }
    Ok(with_plain_line_ends(text))
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&bytes[..bytes.len().min(ENOUGH)], bytes.len() <= ENOUGH);
    detector.guess(None, Utf8Detection::Allow)
}

/// Latin letters in UTF-16 have a zero in every other byte.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let some = &bytes[..bytes.len().min(ENOUGH) & !1];
    let zeros = |odd: usize| some.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let most = some.len() / 4;
    match () {
        () if some.is_empty() || bytes.len() % 2 == 1 => None,
        () if odd > most && even == 0 => Some(UTF_16LE),
        () if even > most && odd == 0 => Some(UTF_16BE),
        () => None,
    }
}

/// Texts have no zeros, and few other characters that can't be seen.
fn is_binary(text: &str) -> bool {
    let odd = |letter: &char| {
        (letter.is_control() && !letter.is_whitespace() && *letter != '\u{1b}' && *letter != '\u{8}')
            || *letter == char::REPLACEMENT_CHARACTER
    };
    let start = &text[..text.floor_char_boundary(ENOUGH)];
    start.contains('\0') || start.chars().filter(odd).count() * 10 > start.chars().count()
}

/// Line ends of DOS and of old Macs become those of everybody else.
fn with_plain_line_ends(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n").into() } else { text }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use encoding_rs::{SHIFT_JIS, WINDOWS_1252};
    use proptest::prelude::*;

    use super::*;

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn the_encoding_is_found_out() {
        let text = "Größe — naïve façade, 12 €. Ein Satz mit Wörtern, die größer sind.";
        let (latin, _, _) = WINDOWS_1252.encode(text);
        let marked = format!("\u{feff}{text}");
        for bytes in [
            text.as_bytes().to_vec(),
            marked.clone().into_bytes(),
            latin.into_owned(),
            utf16(&marked, u16::to_le_bytes),
            utf16(&marked, u16::to_be_bytes),
            utf16(text, u16::to_le_bytes),
            utf16(text, u16::to_be_bytes),
        ] {
            assert_eq!(decode(&bytes).unwrap(), text, "{bytes:?}");
        }
        let japanese = "これは日本語の文章です。文字コードを調べます。";
        assert_eq!(decode(&SHIFT_JIS.encode(japanese).0).unwrap(), japanese);
    }

    #[test]
    fn line_ends_become_plain_ones() {
        assert_eq!(decode(b"a\r\nb\rc\n").unwrap(), "a\nb\nc\n");
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let noise: Vec<u8> = (0..4096_u32).map(|number| (number * 7919 % 251) as u8).collect();
        for bytes in [&noise[..], b"\x7fELF\x02\x01\x01\0\0\0", b"text\0and a zero"] {
            assert_eq!(decode(bytes).unwrap_err().code(), "invalid_file");
        }
    }

    #[test]
    fn a_wrong_byte_in_a_text_is_replaced() {
        let mut bytes = "Zażółć gęślą jaźń. ".repeat(20).into_bytes();
        bytes.truncate(bytes.len() - 3);
        assert!(decode(&bytes).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(text) = decode(&bytes) {
                prop_assert!(!text.contains('\r') && !text.contains('\0'));
            }
        }

        #[test]
        fn text_stays_as_it_is(text in "[^\r\u{feff}\\p{Cc}\u{fffd}]{0,100}") {
            prop_assert_eq!(decode(text.as_bytes()).unwrap(), text.as_str());
        }
    }
}
