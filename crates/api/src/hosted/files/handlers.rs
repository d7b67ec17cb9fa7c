//! Reading, writing, listing and deleting files of a session.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use super::{
    home::{Entry, Home},
    page::Window,
    path::HomePath,
    upload::receive,
    way::blocked,
};
use crate::{
    ApiError, Service,
    body::{Json, answer},
    hosted::{gateway::set_header, owner::Owner, rooms, session},
    listing::ListQuery,
    path::{Ids, Project},
    values::Parameters,
};

/// How many entries a list has where the client does not say.
const ENTRIES: usize = 1000;

/// How much of a file is read at once.
const PIECE: usize = 64 * 1024;

/// `GET …/files/content?path`
pub async fn download(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([agent, id]): Ids<2>,
    query: Parameters,
) -> Result<Response, ApiError> {
    let path = HomePath::of_something(query.get("path"))?;
    let folder = home_of(&service, &project, &owner, &agent, &id).await?;
    let name = path.name();
    let (file, size) = at_home(folder, path, |home, path| home.read(path)).await?;
    // What the program adds meanwhile is not part of what was promised.
    let pieces = ReaderStream::with_capacity(tokio::fs::File::from_std(file).take(size), PIECE);
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    set_header(headers, "content-disposition", &attachment(&name));
    Ok(response)
}

/// `PUT …/files/content?path`: folders that are missing are made.
pub async fn upload(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([agent, id]): Ids<2>,
    query: Parameters,
    request: Request,
) -> Result<Response, ApiError> {
    let path = HomePath::of_something(query.get("path"))?;
    let folder = home_of(&service, &project, &owner, &agent, &id).await?;
    let shown = path.to_string();
    // Makes the folder that the file is received in.
    let beside = folder.parent().map(PathBuf::from).unwrap_or_default();
    at_home(folder.clone(), path.clone(), |_, _| Ok(())).await?;
    let (received, size) = receive(request.into_body(), &beside).await?;
    room_for(size, rooms::hosting(&service)?.settings().home_bytes, &folder).await?;
    at_home(folder, path, move |home, path| home.place(received, path)).await?;
    let written = json!({"path": shown, "bytes_written": size, "success": true, "source_type": "stream"});
    Ok((StatusCode::CREATED, answer(&written)).into_response())
}

/// Refuses what does not fit into a home beside what is there.
async fn room_for(size: u64, limit: u64, home: &Path) -> Result<(), ApiError> {
    let home = home.to_owned();
    let held = tokio::task::spawn_blocking(move || cupola_hosting::held(&home)).await;
    // A home too deep to be measured is too full as well.
    let held = held.map_or(u64::MAX, |held| held.unwrap_or(u64::MAX));
    if held.saturating_add(size) <= limit {
        return Ok(());
    }
    let message = format!(
        "The file does not fit: the home of a session may hold {} MiB (hosting.home_gib). Delete files \
         first.",
        limit >> 20
    );
    Err(ApiError::too_large("home_full", message))
}

/// `GET …/files?path`: what lies in a folder, in the order of the names.
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([agent, id]): Ids<2>,
    parameters: Parameters,
    query: ListQuery,
) -> Result<Response, ApiError> {
    let path = HomePath::read(parameters.get("path").unwrap_or_default())?;
    let folder = home_of(&service, &project, &owner, &agent, &id).await?;
    let window = Window {
        limit: if parameters.get("limit").is_some() { query.limit } else { ENTRIES },
        descending: parameters.get("order") == Some("desc"),
        after: query.after.map(Into::into),
        before: query.before.map(Into::into),
    };
    let shown = path.to_string();
    let page = at_home(folder, path, move |home, path| home.page(path, &window)).await?;
    // Clients go on for as long as there is a last id.
    let last = page.items.last().filter(|_| page.has_more).map(|entry: &Entry| &entry.name);
    Ok(answer(&json!({
        "path": shown,
        "entries": page.items,
        "first_id": page.items.first().map(|entry| &entry.name),
        "last_id": last,
        "has_more": page.has_more,
    })))
}

/// `DELETE …/files?path&recursive`
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([agent, id]): Ids<2>,
    query: Parameters,
) -> Result<StatusCode, ApiError> {
    let path = HomePath::of_something(query.get("path"))?;
    let recursive = query.flag("recursive")?.unwrap_or(false);
    let folder = home_of(&service, &project, &owner, &agent, &id).await?;
    at_home(folder, path, move |home, path| home.remove(path, recursive)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The body that makes a folder.
#[derive(Debug, Deserialize)]
pub struct NewFolder {
    path: String,
}

/// `POST …/files/mkdir`: with the folders that it lies in. One that is there is fine.
pub async fn make_folder(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([agent, id]): Ids<2>,
    Json(new): Json<NewFolder>,
) -> Result<Response, ApiError> {
    let path = HomePath::of_something(Some(&new.path))?;
    let folder = home_of(&service, &project, &owner, &agent, &id).await?;
    let shown = path.to_string();
    at_home(folder, path, |home, path| home.make_folder(path)).await?;
    Ok((StatusCode::CREATED, answer(&json!({"path": shown, "success": true}))).into_response())
}

/// `GET …/files/stat?path`
pub async fn stat(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([agent, id]): Ids<2>,
    query: Parameters,
) -> Result<Response, ApiError> {
    let path = HomePath::read(query.get("path").unwrap_or_default())?;
    let folder = home_of(&service, &project, &owner, &agent, &id).await?;
    let shown = path.to_string();
    let entry = at_home(folder, path, |home, path| home.entry(path)).await?;
    let mut stat = json!(entry);
    stat["path"] = shown.into();
    Ok(answer(&stat))
}

/// The home of a session of the caller, whether its sandbox runs or not.
async fn home_of(
    service: &Service,
    project: &Arc<str>,
    owner: &Owner,
    agent: &str,
    id: &str,
) -> Result<PathBuf, ApiError> {
    let session = session::find_own(service, project, owner, agent, id).await?;
    if !session.state.is_usable() {
        return Err(ApiError::missing("Session", id));
    }
    Ok(rooms::hosting(service)?.home(&session.guid))
}

/// Does something in a home, on a thread that may block.
async fn at_home<T: Send + 'static>(
    folder: PathBuf,
    path: HomePath,
    work: impl FnOnce(&Home, &HomePath) -> io::Result<T> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(move || {
        let home = Home::open(&folder);
        home.and_then(|home| work(&home, &path)).map_err(|error| blocked(error, &path))
    });
    done.await.unwrap_or_else(|error| Err(ApiError::internal("using a file of a session", error)))
}

/// How a file is offered under its name (RFC 6266): plainly, and with everything that plain text can't say.
fn attachment(name: &str) -> String {
    /// What may stand in the extended form as it is (RFC 8187).
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');
    let is_plain = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '"' | '\\');
    let plain: String = name.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect();
    let mut value = format!("attachment; filename=\"{plain}\"");
    if plain != name {
        value.push_str(&format!("; filename*=UTF-8''{}", utf8_percent_encode(name, ESCAPED)));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_break_out_of_its_header() {
        assert_eq!(attachment("a.txt"), "attachment; filename=\"a.txt\"");
        assert_eq!(
            attachment("é\r\n\".txt"),
            "attachment; filename=\"____.txt\"; filename*=UTF-8''%C3%A9%0D%0A%22.txt"
        );
    }
}
