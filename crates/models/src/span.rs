//! A length of time as people write it: `250ms`, `5s`, `2m`.
//! Used in the configuration and in scripts.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// A length of time, written as a number and one of `ms`, `s`, `m`, `h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Duration);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse(&text)
            .map(Self)
            .ok_or_else(|| format!("\"{text}\" is not a duration such as \"250ms\", \"5s\" or \"2m\""))
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        if millis.is_multiple_of(1000) { write!(f, "{}s", millis / 1000) } else { write!(f, "{millis}ms") }
    }
}

fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().ok()?;
    let millis_per_unit = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(millis_per_unit).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_unit_is_read() {
        for (text, millis) in
            [("250ms", 250), ("5s", 5_000), ("2m", 120_000), ("1h", 3_600_000), ("7 s", 7_000)]
        {
            assert_eq!(Span::try_from(text.to_owned()).unwrap().0, Duration::from_millis(millis), "{text}");
        }
    }

    #[test]
    fn a_number_without_unit_is_refused_with_examples() {
        let refusal = Span::try_from("5".to_owned()).unwrap_err();
        assert_eq!(refusal, r#""5" is not a duration such as "250ms", "5s" or "2m""#);
        for text in ["", "s", "-1s", "1.5s", "99999999999999999999s", "18446744073709551615h"] {
            assert!(Span::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_span_is_written_as_it_is_read() {
        for text in ["250ms", "5s"] {
            assert_eq!(Span::try_from(text.to_owned()).unwrap().to_string(), text);
        }
    }
}
