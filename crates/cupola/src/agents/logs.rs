//! `cupola agents logs`: what the program of a hosted agent says.

use std::time::{Duration, Instant};

use clap::value_parser;
use cupola_client::{
    LogQuery,
    types::{AgentSession, ListQuery, LogSource, SessionLog, SessionLogLine},
};
use futures_util::TryStreamExt as _;
use jiff::Timestamp;

use super::reference::AgentName;
use crate::{
    failure::Failure,
    listing, progress,
    server::Server,
    sessions,
    terminal::{self, DIM, YELLOW},
};

/// What the platform says about the stream itself, over and over.
const CHATTER: [&str; 4] = [
    "Connecting to the container",
    "Successfully connected to container",
    "The container does not run",
    "No logs since last ",
];

/// A stream that is followed lasts at least that long, where there is anything to follow.
const SHORTEST: Duration = Duration::from_secs(1);

/// Whose log.
#[derive(Debug, clap::Args)]
pub struct LogsArgs {
    /// The agent's name
    #[arg(value_name = "AGENT")]
    agent: AgentName,
    /// The session [default: the one that was used last]
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// Wait for what is still to come, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Show at most so many of the past lines
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=300))]
    tail: Option<u32>,
}

/// Prints the log.
pub async fn run(server: &Server, args: &LogsArgs, json: bool) -> Result<(), Failure> {
    super::require(server, &args.agent).await?.require_hosted(&args.agent)?;
    let agent = &args.agent.name;
    let session = match &args.session {
        Some(session) => session.clone(),
        None => latest(server, &args.agent).await?,
    };
    let own = server.client.sessions(agent);
    let mut query = LogQuery { tail: args.tail, follow: args.follow };
    let mut reader = Reader { json, last: None, skipping: None };
    loop {
        let began = Instant::now();
        let opening = progress::during("Reading the log", own.logs(&session, &query)).await;
        let mut frames = opening.map_err(|error| server.unknown(error, &sessions::list_of(agent)))?;
        while let Some(frame) = frames.try_next().await? {
            reader.take(&frame)?;
        }
        // One that ends at once would do so again and again.
        if !args.follow || began.elapsed() < SHORTEST {
            return Ok(());
        }
        // The server ends a stream in which nothing was said for a while. The next one begins with what was
        // said before.
        reader.begin_again();
        query.tail = None;
    }
}

/// The session that was used last.
async fn latest(server: &Server, agent: &AgentName) -> Result<String, Failure> {
    let all = server.client.sessions(&agent.name);
    let listed = listing::oldest_first(|query: ListQuery| all.list(query)).await;
    let is_wanted = |session: &AgentSession| {
        let version = &session.version_indicator.agent_version;
        !sessions::is_gone(session) && agent.version.as_ref().is_none_or(|wanted| wanted == version)
    };
    let latest = listed?.into_iter().filter(is_wanted).max_by_key(|session| session.last_accessed_at);
    let latest = latest.map(|session| session.agent_session_id).ok_or_else(|| {
        let run = server.command(&format!("agents run {agent} \"Hello\""));
        Failure::plain(format!("{agent} has no sessions, so nothing was said. Begin one: {run}"))
    })?;
    anstream::eprintln!("{DIM}Session {latest}{DIM:#}");
    Ok(latest)
}

/// Prints frames, each once.
struct Reader {
    json: bool,
    /// When the last lines were said, and how many of them at that very moment.
    last: Option<(String, usize)>,
    /// What an earlier stream had shown already.
    skipping: Option<(String, usize)>,
}

impl Reader {
    fn begin_again(&mut self) {
        self.skipping.clone_from(&self.last);
    }

    fn take(&mut self, frame: &SessionLog) -> Result<(), Failure> {
        if let SessionLog::Line(line) = frame {
            if self.is_shown_already(line) {
                return Ok(());
            }
            self.note(line);
        }
        match frame {
            _ if self.json => {
                let text = serde_json::to_string(frame).map_err(std::io::Error::from)?;
                terminal::print(&format!("{text}\n"))
            }
            SessionLog::Line(line) if !is_chatter(line) => terminal::print(&shown(line)),
            _ => Ok(()),
        }
    }

    fn note(&mut self, line: &SessionLogLine) {
        if is_chatter(line) {
            return;
        }
        match &mut self.last {
            Some((moment, lines)) if *moment == line.timestamp => *lines += 1,
            last => *last = Some((line.timestamp.clone(), 1)),
        }
    }

    /// Moments are written with the same number of digits, so they compare as texts.
    fn is_shown_already(&mut self, line: &SessionLogLine) -> bool {
        let Some((moment, lines)) = &mut self.skipping else { return false };
        if is_chatter(line) || line.timestamp < *moment {
            return true;
        }
        if line.timestamp == *moment && *lines > 0 {
            *lines -= 1;
            return true;
        }
        self.skipping = None;
        false
    }
}

fn is_chatter(line: &SessionLogLine) -> bool {
    line.stream == LogSource::Status && CHATTER.iter().any(|words| line.message.starts_with(words))
}

/// When, whose, what.
fn shown(line: &SessionLogLine) -> String {
    let at = line
        .timestamp
        .parse::<Timestamp>()
        .map(|at| at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string());
    let at = at.unwrap_or_else(|_| terminal::clean(&line.timestamp));
    let (style, source) = match &line.stream {
        LogSource::Stdout => (DIM, "out"),
        LogSource::Stderr => (YELLOW, "err"),
        _ => (DIM, "sys"),
    };
    format!("{DIM}{at}{DIM:#} {style}{source}{style:#} {}\n", terminal::clean(&line.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(timestamp: &str, message: &str) -> SessionLogLine {
        let extra = cupola_client::types::Extra::new();
        let (timestamp, message) = (timestamp.to_owned(), message.to_owned());
        SessionLogLine { timestamp, stream: LogSource::Stdout, message, extra }
    }

    #[test]
    fn a_stream_that_begins_again_shows_no_line_twice_and_leaves_none_out() {
        let mut reader = Reader { json: false, last: None, skipping: None };
        let said = [line("1", "a"), line("2", "b"), line("2", "c")];
        for line in &said {
            assert!(!reader.is_shown_already(line));
            reader.note(line);
        }
        reader.begin_again();
        let status =
            SessionLogLine { stream: LogSource::Status, ..line("9", "Connecting to the container...") };
        assert!(reader.is_shown_already(&status));
        for line in &said {
            assert!(reader.is_shown_already(line), "{line:?}");
        }
        for line in [line("2", "d"), line("3", "e")] {
            assert!(!reader.is_shown_already(&line), "{line:?}");
        }
    }

    #[test]
    fn a_line_is_shown_with_its_time_and_its_source() {
        let mut line = line("2026-07-01T21:06:23.282920661+00:00", "up\u{1b}[2J");
        line.stream = LogSource::Stderr;
        let shown = anstream::adapter::strip_str(&shown(&line)).to_string();
        assert!(shown.ends_with(":23.282 err up[2J\n"), "{shown}");
    }
}
