//! Vector stores that come with agents and threads, and files that come with messages.

use std::sync::Arc;

use cupola_store::{Batch, Change, Conflict, StoreError};
use cupola_wire::{
    classic::{Attachment, CreateMessage, Thread, ToolResources},
    vector_stores::{CreateVectorStore, DataSource, ExpiresAfter},
};
use serde_json::{Value, json};

use super::{
    addition, checks, files,
    handle::replace,
    kinds::STORE,
    stores::{self, NewStore},
    wanted::{Sources, Uploaded, Wanted},
};
use crate::{
    ApiError, Service,
    body::parse_value,
    classic::{self, THREAD, checks as limits},
};

/// The tool whose files lie in vector stores.
const TOOL: &str = "file_search";
/// How long stores of threads live after their last use, in days.
const THREAD_DAYS: i64 = 7;

/// Files of messages that are meant for `file_search`.
#[derive(Debug, Default)]
pub struct AttachedFiles {
    /// Where they stand in the body.
    param: String,
    ids: Vec<String>,
    sources: Vec<DataSource>,
}

impl AttachedFiles {
    /// The files of one message. `param` is the path of its attachments.
    pub fn of_message(param: &str, attachments: Option<&[Attachment]>) -> Result<Self, ApiError> {
        let mut files = Self { param: param.to_owned(), ..Self::default() };
        files.take(param, attachments.unwrap_or_default())?;
        Ok(files)
    }

    /// The files of several messages. `param` is the path of the messages.
    pub fn of_messages(param: &str, messages: Option<&[CreateMessage]>) -> Result<Self, ApiError> {
        let mut files = Self { param: param.to_owned(), ..Self::default() };
        for (index, message) in messages.unwrap_or_default().iter().enumerate() {
            let attachments = message.attachments.as_deref().unwrap_or_default();
            files.take(&format!("{param}[{index}].attachments"), attachments)?;
        }
        Ok(files)
    }

    fn take(&mut self, param: &str, attachments: &[Attachment]) -> Result<(), ApiError> {
        let is_searched = |tool: &Value| tool.get("type").and_then(Value::as_str) == Some(TOOL);
        for (index, attachment) in attachments.iter().enumerate() {
            if !attachment.tools.iter().any(is_searched) {
                continue;
            }
            self.ids.extend(attachment.file_id.clone());
            if let Some(source) = attachment.extra.get("data_source").filter(|source| !source.is_null()) {
                let source = parse_value(source.clone());
                let within = |error: ApiError| {
                    let inner = error.detail().param.clone().unwrap_or_default();
                    error.param(format!("{param}[{index}].data_source.{inner}"))
                };
                self.sources.push(source.map_err(within)?);
            }
        }
        Ok(())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.sources.is_empty()
    }

    async fn gather(&self, service: &Service, project: &Arc<str>) -> Result<Wanted, ApiError> {
        let uploaded = Uploaded { param: &self.param, ids: &self.ids };
        let sources = Sources { param: &self.param, is_list: true, sources: &self.sources };
        Wanted::gather(service, project, uploaded, sources, checks::MAX_FILES, checks::AUTO).await
    }
}

/// The store that `tool_resources` of an agent asks for, with its id in the place of what was asked. `within` is the
/// path of the resources.
pub async fn of_agent(
    service: &Service,
    project: &Arc<str>,
    within: &str,
    resources: Option<&mut ToolResources>,
) -> Result<Option<NewStore>, ApiError> {
    let Some(resources) = resources else { return Ok(None) };
    let Some((param, body)) = asked(within, resources)? else { return Ok(None) };
    let new = NewStore::prepare(service, project, &param, body).await?;
    name(resources, &new.record.id);
    Ok(Some(new))
}

/// The store that a new thread needs: because `tool_resources` ask for one, or because files came with its first
/// messages. It expires when nobody uses it.
pub async fn of_thread(
    service: &Service,
    project: &Arc<str>,
    within: &str,
    resources: &mut ToolResources,
    files: &AttachedFiles,
) -> Result<Option<NewStore>, ApiError> {
    let asked = asked(&format!("{within}tool_resources"), resources)?;
    if asked.is_none() && files.is_empty() {
        return Ok(None);
    }
    if let (None, Some(store)) = (&asked, named(resources))
        && let Some(store) = active(service, project, store).await?
    {
        put(service, project, &store, files, &[]).await?;
        return Ok(None);
    }
    let (param, mut body) = asked.unwrap_or_default();
    body.expires_after.get_or_insert_with(unless_used);
    let mut new = NewStore::prepare(service, project, &param, body).await?;
    match files.gather(service, project).await {
        Ok(wanted) => new.add(project, wanted),
        Err(refusal) => {
            new.give_up(service).await;
            return Err(refusal);
        }
    }
    name(resources, &new.record.id);
    Ok(Some(new))
}

fn unless_used() -> ExpiresAfter {
    ExpiresAfter { anchor: "last_active_at".to_owned(), days: THREAD_DAYS }
}

/// Puts the files of a message into the store of its thread, which gets one if it has none. This is a commit of its
/// own, before that of the message, under the conditions that the message has.
pub async fn to_thread(
    service: &Service,
    project: &Arc<str>,
    thread: &str,
    files: &AttachedFiles,
) -> Result<(), ApiError> {
    if files.is_empty() {
        return Ok(());
    }
    let conditions = [
        Change::RequirePresent { key: classic::thread_key(project, thread) },
        Change::RequireFree { project: Arc::clone(project), name: thread.to_owned() },
    ];
    loop {
        let key = classic::thread_key(project, thread);
        let found = classic::find(service, &key).await?;
        let mut document: Thread = classic::read(&key, &found.doc)?;
        if let Some(store) = named(&document.tool_resources)
            && let Some(store) = active(service, project, store).await?
        {
            return put(service, project, &store, files, &conditions).await;
        }
        let body = CreateVectorStore { expires_after: Some(unless_used()), ..CreateVectorStore::default() };
        let mut new = NewStore::prepare(service, project, "", body).await?;
        new.add(project, files.gather(service, project).await?);
        name(&mut document.tool_resources, &new.record.id);
        let mut changes = conditions.to_vec();
        changes.push(replace(&key, &found, &document));
        match commit(service, project, Some(new), changes).await {
            Ok(()) => return Ok(()),
            // Another message was faster: it may have brought a store.
            Err(StoreError::Conflict(Conflict::Changed(_))) => {}
            Err(error) => return Err(refusal(&files.param, error)),
        }
    }
}

/// Commits changes together with those of a store that comes with them.
pub async fn commit(
    service: &Service,
    project: &Arc<str>,
    new: Option<NewStore>,
    changes: Batch,
) -> Result<(), StoreError> {
    let Some(mut new) = new else { return service.store().commit(changes).await };
    let mut all = std::mem::take(&mut new.changes);
    all.extend(changes);
    match service.store().commit(all).await {
        Ok(()) => {
            new.begin(service, project);
            Ok(())
        }
        Err(error) => {
            new.give_up(service).await;
            Err(error)
        }
    }
}

/// Why files of messages can't be put into a store.
fn refusal(param: &str, error: StoreError) -> ApiError {
    match error {
        StoreError::Conflict(Conflict::Missing(key)) if key.kind == THREAD => {
            classic::not_found(THREAD, &key.id)
        }
        StoreError::Conflict(Conflict::Held { .. }) => classic::refusal(error),
        other => addition::refusal(param, other),
    }
}

async fn put(
    service: &Service,
    project: &Arc<str>,
    store: &str,
    attached: &AttachedFiles,
    conditions: &[Change],
) -> Result<(), ApiError> {
    let wanted = attached.gather(service, project).await?;
    let added = files::add(service, project, store, wanted, None, conditions.to_vec()).await;
    added.map(drop).map_err(|error| refusal(&attached.param, error))
}

/// The store that resources ask for, and the path of its body with a dot behind it. The request for it is taken out.
fn asked(
    within: &str,
    resources: &mut ToolResources,
) -> Result<Option<(String, CreateVectorStore)>, ApiError> {
    let Some(Value::Object(part)) = resources.get_mut(TOOL) else { return Ok(None) };
    let param = format!("{within}.{TOOL}.vector_stores");
    let Some(asked) = part.shift_remove("vector_stores").filter(|asked| !asked.is_null()) else {
        return Ok(None);
    };
    let mut asked: Vec<Value> =
        parse_value(asked).map_err(|error| error.param(&param).code("invalid_type"))?;
    limits::count(&param, asked.len(), 1)?;
    let Some(body) = asked.pop() else { return Ok(None) };
    if part.get("vector_store_ids").and_then(Value::as_array).is_some_and(|ids| !ids.is_empty()) {
        return Err(ApiError::invalid(
            "Mutually exclusive parameters: 'vector_store_ids' and 'vector_stores'. Name one of both.",
        )
        .code("mutually_exclusive_parameters")
        .param(param));
    }
    let body = parse_value(body).map_err(|error| {
        let inner = error.detail().param.clone().unwrap_or_default();
        error.param(format!("{param}[0].{inner}"))
    })?;
    Ok(Some((format!("{param}[0]."), body)))
}

/// The first store that resources name.
fn named(resources: &ToolResources) -> Option<&str> {
    resources.get(TOOL)?.get("vector_store_ids")?.as_array()?.first()?.as_str()
}

/// Names a store in resources.
fn name(resources: &mut ToolResources, store: &str) {
    let part = resources.entry(TOOL).or_insert_with(|| json!({}));
    if let Value::Object(part) = part {
        part.insert("vector_store_ids".to_owned(), json!([store]));
    }
}

/// The store, if it is there and has not expired.
async fn active(service: &Service, project: &Arc<str>, store: &str) -> Result<Option<String>, ApiError> {
    let is_there = service.store().get(&cupola_store::Key::new(project, STORE, store)).await?.is_some();
    if !is_there {
        return Ok(None);
    }
    Ok(stores::find_active(service, project, store).await.is_ok().then(|| store.to_owned()))
}
