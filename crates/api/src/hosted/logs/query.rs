//! Which lines of a log are asked for.

use cupola_hosting::{LogLine, LogStream};

use crate::{ApiError, values::Parameters};

/// The most past lines that a client may ask for.
const MOST_LINES: usize = 300;

/// Whose lines are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogKind {
    /// Everybody's.
    #[default]
    All,
    /// Those of the program.
    Console,
    /// Those of the platform.
    System,
}

impl LogKind {
    /// Whether a line is shown.
    pub fn holds(self, line: &LogLine) -> bool {
        match self {
            Self::All => true,
            Self::Console => line.stream != LogStream::Platform,
            Self::System => line.stream == LogStream::Platform,
        }
    }
}

/// Which lines of a log are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// Whose.
    pub kind: LogKind,
    /// How many of the past ones; all that are kept where it is left out.
    pub tail: Option<usize>,
    /// Whether those that are still to come are shown, too.
    pub follow: bool,
}

impl LogQuery {
    /// Reads `kind`, `tail` and `follow`.
    pub fn read(query: &Parameters) -> Result<Self, ApiError> {
        let kind = match query.get("kind") {
            None => LogKind::All,
            Some("console") => LogKind::Console,
            Some("system") => LogKind::System,
            Some(other) => {
                let message =
                    format!("Invalid value: '{other}'. Supported values are: 'console' and 'system'.");
                return Err(ApiError::invalid(message).code("invalid_value").param("kind"));
            }
        };
        let tail = query.get("tail").map(lines).transpose()?;
        Ok(Self { kind, tail, follow: query.flag("follow")?.unwrap_or(true) })
    }
}

fn lines(text: &str) -> Result<usize, ApiError> {
    let lines = text.parse().ok().filter(|lines| (1..=MOST_LINES).contains(lines));
    lines.ok_or_else(|| {
        let message = format!("Invalid 'tail': expected a number from 1 to {MOST_LINES}, but got '{text}'.");
        ApiError::invalid(message).code("invalid_value").param("tail")
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_which_lines() {
        let query = LogQuery::read(&Parameters::parse("kind=console&tail=20&follow=false")).unwrap();
        assert_eq!(query, LogQuery { kind: LogKind::Console, tail: Some(20), follow: false });
        let all = LogQuery::read(&Parameters::parse("api-version=v1")).unwrap();
        assert_eq!(all, LogQuery { kind: LogKind::All, tail: None, follow: true });
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, param) in
            [("tail=0", "tail"), ("tail=301", "tail"), ("kind=x", "kind"), ("follow=1", "follow")]
        {
            let error = LogQuery::read(&Parameters::parse(query)).unwrap_err();
            assert_eq!(error.detail().param.as_deref(), Some(param));
        }
    }
}
