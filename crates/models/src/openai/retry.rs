//! When a request is tried again, and after how long.

use std::time::{Duration, SystemTime};

use jiff::fmt::rfc2822;
use rand::RngExt as _;
use reqwest::{StatusCode, header::HeaderMap};

/// Limits of trying again. Only what failed before the first piece of an answer is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many times after the first attempt.
    pub count: u32,
    /// The longest time spent waiting between attempts, all together.
    pub total_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { count: 2, total_wait: Duration::from_secs(20) }
    }
}

/// What is left of a policy during one call.
#[derive(Debug)]
pub(crate) struct Budget {
    left: u32,
    wait_left: Duration,
    backoff: Duration,
}

impl Budget {
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        Self { left: policy.count, wait_left: policy.total_wait, backoff: Duration::from_millis(250) }
    }

    /// How long to wait before the next attempt; `None` if there is none, which includes that the server
    /// asked for more time than there is.
    pub(crate) fn next_wait(&mut self, asked_for: Option<Duration>) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        // Spread, so that many turns that failed together do not come back together.
        let wait = asked_for.unwrap_or_else(|| self.backoff.mul_f64(rand::rng().random_range(0.75..1.25)));
        self.backoff *= 2;
        self.wait_left = self.wait_left.checked_sub(wait)?;
        Some(wait)
    }
}

/// Whether a later attempt may fare better.
pub(crate) fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
        || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
}

/// How long the server asks to wait: milliseconds, seconds or a date.
pub(crate) fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |name| text(name).and_then(|value| value.parse::<f64>().ok());
    if let Some(millis) = number("retry-after-ms") {
        return Duration::try_from_secs_f64(millis / 1000.0).ok();
    }
    if let Some(seconds) = number("retry-after") {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = rfc2822::parse(text("retry-after")?).ok()?;
    Some(SystemTime::from(date.timestamp()).duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn wait(name: &'static str, value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        // 2026-11-20 09:00:00 UTC
        asked_wait(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_165_200))
    }

    #[test]
    fn retry_after_is_milliseconds_seconds_or_a_date() {
        assert_eq!(wait("retry-after", "3"), Some(Duration::from_secs(3)));
        assert_eq!(wait("retry-after-ms", "1500"), Some(Duration::from_millis(1500)));
        assert_eq!(wait("retry-after", "Fri, 20 Nov 2026 09:00:07 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(wait("retry-after", "Fri, 20 Nov 2026 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("retry-after", "soon"), None);
        assert_eq!(wait("retry-after", "-1"), None);
    }

    #[test]
    fn attempts_and_waiting_are_limited() {
        let mut budget = Budget::new(RetryPolicy { count: 2, total_wait: Duration::from_secs(10) });
        assert_eq!(budget.next_wait(Some(Duration::from_secs(4))), Some(Duration::from_secs(4)));
        assert_eq!(budget.next_wait(Some(Duration::from_secs(7))), None);

        let mut budget = Budget::new(RetryPolicy { count: 1, total_wait: Duration::from_secs(10) });
        assert!(budget.next_wait(None).is_some());
        assert_eq!(budget.next_wait(None), None);
    }

    #[test]
    fn lasting_refusals_are_not_tried_again() {
        for status in [400, 401, 403, 404, 422, 501] {
            assert!(!is_passing(StatusCode::from_u16(status).unwrap()), "{status}");
        }
        for status in [408, 429, 500, 502, 503, 529] {
            assert!(is_passing(StatusCode::from_u16(status).unwrap()), "{status}");
        }
    }
}
