//! What a replica says, as plain text.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use cupola_hosting::LogStream;

use super::handlers::find;
use crate::{
    ApiError, Service,
    hosted::{
        logs::{LogKind, LogQuery, News, Patience, Tail, moment},
        rooms,
    },
    path::{Ids, Project},
    values::Parameters,
};

/// For how long a container's log is followed.
const PATIENCE: Patience =
    Patience { told_every: None, silence: Duration::from_secs(60), most: Duration::from_secs(10 * 60) };

/// How many past lines are shown where the client does not say.
const LINES: usize = 20;

/// `GET …/containers/default:logstream`: of the replica that the query names, else of the first one that runs.
pub async fn log(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent, version]): Ids<2>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let mut query = LogQuery::read(&parameters)?;
    query.tail = query.tail.or(Some(LINES));
    if query.kind == LogKind::All {
        query.kind = LogKind::Console;
    }
    let container = find(&service, &project, &agent, &version).await?;
    let hosting = rooms::hosting(&service)?;
    let replicas = container.replicas(&project);
    let replica = match parameters.get("replica_name") {
        Some(name) => {
            let named = replicas.iter().find(|replica| replica.name == name);
            named.ok_or_else(|| ApiError::missing("Replica", name))?
        }
        None => {
            let runs = replicas.iter().find(|replica| hosting.fleet().has(&replica.guid));
            runs.unwrap_or(&replicas[0])
        }
    };
    let tail = Tail::begin(hosting.logs(&replica.guid), query, PATIENCE);
    let lines = futures_util::stream::unfold(tail, |mut tail| async move {
        let line = shown(&tail.next().await?);
        Some((Ok::<_, Infallible>(line), tail))
    });
    let mut response = Response::new(Body::from_stream(lines));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn shown(news: &News) -> Bytes {
    let line = match news {
        News::Line(line) => {
            let stream = match line.stream {
                LogStream::Stdout => "stdout",
                LogStream::Stderr => "stderr",
                LogStream::Platform => "system",
            };
            format!("{} {stream} {}\n", moment(line.at), line.text)
        }
        News::Missed(count) => format!("{count} lines came too fast to be shown and are not kept\n"),
        News::Silence(lasts) => format!("No logs since last {} seconds\n", lasts.as_secs()),
    };
    Bytes::from(line)
}
