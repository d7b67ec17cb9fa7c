//! Lines of a log as frames of a stream, in the words of the service.

use std::time::SystemTime;

use cupola_engine::Frame;
use cupola_hosting::{LogLine, LogStream};
use serde_json::{Value, json};

use super::tail::News;
use crate::{frames::frame, hosted::session::Session};

/// The event of every frame.
const EVENT: &str = "log";

/// A moment with its nanoseconds and its offset.
pub fn moment(at: SystemTime) -> String {
    let at = jiff::Timestamp::try_from(at).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%S%.9f+00:00").to_string()
}

/// The first frame: which session this is.
pub fn session_frame(session: &Session, now: SystemTime) -> Frame {
    let seconds = |seconds: i64| {
        let since = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        moment(SystemTime::UNIX_EPOCH + since)
    };
    frame(
        EVENT,
        &json!({
            "timestamp": moment(now),
            "session_id": session.id,
            "session_state": session.state.shown_in_logs(),
            "agent": session.agent,
            "version": session.version,
            "generated_at": moment(now),
            "last_accessed": seconds(session.last_accessed_at),
        }),
    )
}

/// A sentence of the platform about the stream itself.
pub fn status_frame(sentence: &str, now: SystemTime) -> Frame {
    frame(EVENT, &said(now, "status", sentence))
}

/// What a reader learns.
pub fn news_frame(news: &News, now: SystemTime) -> Frame {
    match news {
        News::Line(line) => frame(EVENT, &said(line.at, stream_of(line), &line.text)),
        News::Missed(count) => {
            status_frame(&format!("{count} lines came too fast to be shown and are not kept"), now)
        }
        News::Silence(lasts) => status_frame(&format!("No logs since last {} seconds", lasts.as_secs()), now),
    }
}

fn said(at: SystemTime, stream: &str, message: &str) -> Value {
    json!({"timestamp": moment(at), "stream": stream, "message": message})
}

fn stream_of(line: &LogLine) -> &'static str {
    match line.stream {
        LogStream::Stdout => "stdout",
        LogStream::Stderr => "stderr",
        LogStream::Platform => "status",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_line_is_shown_as_the_service_shows_it() {
        let at = SystemTime::UNIX_EPOCH + Duration::new(1_782_939_983, 282_920_661);
        let line =
            LogLine { number: 7, at, stream: LogStream::Stdout, text: "up \"and\" running".to_owned() };
        let frame = news_frame(&News::Line(line), SystemTime::UNIX_EPOCH);
        assert_eq!(
            std::str::from_utf8(&frame),
            Ok(
                "event: log\ndata: {\"timestamp\":\"2026-07-01T21:06:23.282920661+00:00\",\"stream\":\"stdout\",\
                \"message\":\"up \\\"and\\\" running\"}\n\n"
            )
        );
    }

    #[test]
    fn silence_is_told_in_the_words_of_the_service() {
        let frame = news_frame(&News::Silence(Duration::from_secs(40)), SystemTime::UNIX_EPOCH);
        assert_eq!(
            std::str::from_utf8(&frame),
            Ok(
                "event: log\ndata: {\"timestamp\":\"1970-01-01T00:00:00.000000000+00:00\",\"stream\":\"status\",\
                \"message\":\"No logs since last 40 seconds\"}\n\n"
            )
        );
    }
}
