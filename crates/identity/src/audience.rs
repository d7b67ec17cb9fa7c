//! The services that a token may be meant for. The SDK generations ask for different ones.

/// What a token is for unless something else is asked.
pub const DEFAULT_AUDIENCE: &str = "https://ai.azure.com";

/// Every audience that is let in, in its short form.
pub const ACCEPTED_AUDIENCES: &[&str] =
    &[DEFAULT_AUDIENCE, "https://ml.azure.com", "https://cognitiveservices.azure.com"];

/// The short form of an accepted audience, resource or scope; nothing for any other.
pub(crate) fn accepted(audience: &str) -> Option<&'static str> {
    let short = audience.strip_suffix("/.default").unwrap_or(audience).trim_end_matches('/');
    ACCEPTED_AUDIENCES.iter().find(|known| known.eq_ignore_ascii_case(short)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_scopes_mean_the_same_audience() {
        for spelling in [
            "https://ml.azure.com",
            "https://ml.azure.com/",
            "https://ml.azure.com/.default",
            "https://ml.azure.com//.default",
        ] {
            assert_eq!(accepted(spelling), Some("https://ml.azure.com"), "{spelling}");
        }
    }

    #[test]
    fn other_services_are_not_accepted() {
        for other in
            ["https://storage.azure.com", "https://ai.azure.com.example.org", "https://ai.azure.com/x", ""]
        {
            assert_eq!(accepted(other), None, "{other}");
        }
    }
}
