//! The log of a session as a stream.

use azure_core::http::AsyncRawResponse;
use cupola_wire::hosted::SessionLog;
use futures_util::{StreamExt as _, stream::BoxStream};

use crate::{Result, decode::decode, service::Query, sse::server_sent_events};

/// Frames of a log as they come. It ends where nothing more is said, or nobody said anything for too long.
pub type LogStream = BoxStream<'static, Result<SessionLog>>;

/// Which lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// At most so many of the past lines; all that are kept where this is absent.
    pub tail: Option<u32>,
    /// Whether lines that are still to come are waited for.
    pub follow: bool,
}

impl LogQuery {
    pub(super) fn pairs(&self) -> Query {
        let mut pairs = vec![("follow", self.follow.to_string())];
        pairs.extend(self.tail.map(|lines| ("tail", lines.to_string())));
        pairs
    }
}

/// The frames in the body of `answer`.
pub(super) fn read_log(answer: AsyncRawResponse) -> LogStream {
    let frames = server_sent_events(answer).filter_map(|event| async {
        match event {
            // Other events are of newer services.
            Ok(event) => (event.event == "log").then(|| decode(event.data.as_bytes())),
            Err(error) => Some(Err(error)),
        }
    });
    frames.boxed()
}
