//! Durations as people write them: "10m", "1h30m", "500ms".

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de::Error};

/// Any duration, zero too.
pub(super) fn any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let signed: Option<SignedDuration> = text.parse().ok();
    signed.and_then(|signed| Duration::try_from(signed).ok()).ok_or_else(|| {
        D::Error::custom(format!("{text:?} is not a duration; write for example \"10m\" or \"1h30m\""))
    })
}

/// At least one second: shorter deadlines would end work before it begins.
pub(super) fn at_least_a_second<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    at_least(Duration::from_secs(1), "one second", any(deserializer)?)
}

/// At least a minute: clients refresh tokens some minutes before their end.
pub(super) fn at_least_a_minute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    at_least(Duration::from_secs(60), "one minute", any(deserializer)?)
}

fn at_least<E: Error>(least: Duration, in_words: &str, duration: Duration) -> Result<Duration, E> {
    if duration < least {
        return Err(E::custom(format!("the duration must be at least {in_words}")));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde::de::{IntoDeserializer, value};

    use super::*;

    fn read(text: &str) -> Result<Duration, value::Error> {
        any(text.into_deserializer())
    }

    #[test]
    fn durations_are_written_with_their_units() {
        for (text, seconds) in [("10m", 600), ("1h30m", 5400), ("1h 30m", 5400), ("0s", 0)] {
            assert_eq!(read(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        assert_eq!(read("500ms").unwrap(), Duration::from_millis(500));
    }

    #[test]
    fn a_bare_number_or_a_negative_duration_is_refused_with_an_example() {
        for text in ["10", "", "-10m", "soon"] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains("\"1h30m\""), "{message}");
        }
    }

    #[test]
    fn a_deadline_has_a_lower_bound() {
        let deadline = |text: &'static str| {
            at_least_a_second::<value::StrDeserializer<'_, value::Error>>(text.into_deserializer())
        };
        assert!(deadline("999ms").is_err());
        assert_eq!(deadline("1s").unwrap(), Duration::from_secs(1));
    }
}
