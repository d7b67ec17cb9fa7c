//! Times as people say them.

use std::time::Duration;

use jiff::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long ago that was.
pub fn ago(unix_seconds: i64) -> String {
    since(unix_seconds, Timestamp::now().as_second())
}

fn since(then: i64, now: i64) -> String {
    match now.saturating_sub(then) {
        // The clocks of two machines differ a little.
        ..5 => "just now".to_owned(),
        seconds @ ..MINUTE => format!("{seconds} s ago"),
        seconds @ ..HOUR => format!("{} min ago", seconds / MINUTE),
        seconds @ ..DAY => format!("{} h ago", seconds / HOUR),
        seconds => format!("{} d ago", seconds / DAY),
    }
}

/// A moment in this machine's time zone.
pub fn moment(unix_seconds: i64) -> String {
    match Timestamp::from_second(unix_seconds) {
        Ok(timestamp) => {
            timestamp.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
        }
        Err(_) => unix_seconds.to_string(),
    }
}

/// From one second of the wire to another.
pub fn between(from: i64, to: i64) -> String {
    match to.saturating_sub(from) {
        // The wire knows whole seconds only.
        ..1 => "< 1 s".to_owned(),
        seconds @ ..MINUTE => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / MINUTE, seconds % MINUTE),
    }
}

/// A duration with the digits that mean something.
pub fn span(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1000.0;
    match milliseconds {
        ..10.0 => format!("{milliseconds:.1} ms"),
        ..1000.0 => format!("{milliseconds:.0} ms"),
        _ => format!("{:.1} s", milliseconds / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_said_in_its_largest_unit() {
        let said = |seconds| since(1_000_000, 1_000_000 + seconds);
        assert_eq!(said(-30), "just now");
        assert_eq!(said(59), "59 s ago");
        assert_eq!(said(61), "1 min ago");
        assert_eq!(said(2 * HOUR + 1), "2 h ago");
        assert_eq!(said(50 * HOUR), "2 d ago");
    }

    #[test]
    fn short_durations_keep_a_digit_and_long_ones_lose_the_noise() {
        assert_eq!(span(Duration::from_micros(4_260)), "4.3 ms");
        assert_eq!(span(Duration::from_micros(42_600)), "43 ms");
        assert_eq!(span(Duration::from_millis(2_340)), "2.3 s");
    }

    #[test]
    fn whole_seconds_of_the_wire_do_not_pretend_to_be_exact() {
        assert_eq!(between(10, 10), "< 1 s");
        assert_eq!(between(10, 75), "1 min 5 s");
    }
}
