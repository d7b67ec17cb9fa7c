//! What a sandbox says.

use serde::{Deserialize, Serialize};

use crate::{Extra, words::words};

/// One frame of the log of a session.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum SessionLog {
    /// A line.
    Line(SessionLogLine),
    /// Which session this is: the first frame.
    Session(SessionInfo),
    /// A frame that this version does not know.
    Other(Extra),
}

/// A line.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct SessionLogLine {
    /// When it was said, as RFC 3339 has it.
    #[serde(default)]
    pub timestamp: String,
    /// Who said it.
    pub stream: LogSource,
    /// What.
    pub message: String,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

words! {
    /// Who says a line.
    LogSource {
        /// The program.
        "stdout" => Stdout,
        /// The program, about its troubles.
        "stderr" => Stderr,
        /// The platform.
        "status" => Status,
    }
}

/// Which session a log is of.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct SessionInfo {
    /// The session.
    pub session_id: String,
    /// For example `Running`.
    #[serde(default)]
    pub session_state: String,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn frames_are_told_apart_by_what_they_hold() {
        let read = |frame| serde_json::from_value::<SessionLog>(frame).expect("is read");
        let line = read(json!({"timestamp": "t", "stream": "stderr", "message": "m"}));
        assert!(matches!(line, SessionLog::Line(line) if line.stream == LogSource::Stderr));
        let session = read(json!({"timestamp": "t", "session_id": "s", "session_state": "Running"}));
        assert!(matches!(session, SessionLog::Session(session) if session.session_id == "s"));
        assert!(matches!(read(json!({"later": 1})), SessionLog::Other(_)));
    }
}
