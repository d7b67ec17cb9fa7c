//! Copies threads into conversations, each once, also where an earlier attempt was interrupted.

use std::collections::{BTreeSet, HashMap, HashSet};

use cupola_client::{
    AgentsClient, Error, ProjectClient, Result,
    types::{Conversation, CreateConversation, Extra, Item, ListQuery, Metadata, Order, Thread},
};
use futures_util::TryStreamExt as _;
use serde_json::json;

use super::{
    messages::{FileNames, cited_files, image_file, shown_files},
    origin::{self, COPYING, SOURCE, UNFINISHED, with_pairs},
    report::{Entry, Kind, Losses, Mapped, Outcome},
    threads::{Contents, RunRecord, items},
};
use crate::{failure::Failure, listing::oldest_first, progress::Count};

/// How many items one request may bring.
const ITEMS_AT_ONCE: usize = 20;

/// Copies the threads with these ids, or all of them where none is named, the oldest first.
pub async fn all(
    client: &ProjectClient,
    named: &[String],
    dry_run: bool,
) -> std::result::Result<Vec<Entry>, Failure> {
    let classic = client.classic();
    let ids = match named {
        [] => oldest_first(|query| classic.threads().list(query))
            .await?
            .into_iter()
            .map(|thread| thread.id)
            .collect(),
        named => each_once(named),
    };
    let conversations = oldest_first(|query| client.conversations().list(query)).await?;
    let copies: HashMap<&str, &Conversation> = conversations
        .iter()
        .filter_map(|conversation| Some((origin::source(&conversation.metadata)?, conversation)))
        .collect();

    let count = Count::of("Copying threads", ids.len());
    let mut migration = Migration { client, classic, file_names: FileNames::new(), dry_run };
    let mut entries = Vec::with_capacity(ids.len());
    for id in &ids {
        count.next();
        entries.push(match migration.copy(id, copies.get(id.as_str()).copied()).await {
            Ok(entry) => entry,
            // What the server refuses of this one says nothing about the others.
            Err(error) if error.status().is_some() => {
                Entry::without_copy(Kind::Thread, id, Outcome::Failed, error.to_string())
            }
            Err(error) => return Err(error.into()),
        });
    }
    Ok(entries)
}

/// The ids in their order. One that is named twice must not be copied twice.
fn each_once(ids: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    ids.iter().filter(|id| seen.insert(*id)).cloned().collect()
}

/// A migration of threads under way.
struct Migration<'a> {
    client: &'a ProjectClient,
    classic: AgentsClient,
    /// Names of files that were looked up already.
    file_names: FileNames,
    dry_run: bool,
}

impl Migration<'_> {
    async fn copy(&mut self, id: &str, earlier: Option<&Conversation>) -> Result<Entry> {
        if let Some(copy) = earlier.filter(|copy| !origin::is_unfinished(&copy.metadata)) {
            return Ok(entry(id, Some(copy.id.clone()), Outcome::AlreadyCopied, Losses::default()));
        }
        let thread = self.classic.threads().get(id).await?;
        let mut contents = self.read(id).await?;
        if let Some(run) = contents.unfinished() {
            let why = format!("its run {} is {}; wait for its end or cancel it", run.id, run.status.as_str());
            return Ok(Entry::without_copy(Kind::Thread, id, Outcome::Skipped, why));
        }
        self.look_up_names(&contents).await?;
        let gone = self.leave_out_gone_images(&mut contents).await?;
        let Mapped { made, mut losses } = items(&thread, &contents, &self.file_names);
        for file in gone {
            losses.note(format!("messages.content image {file}"), "its file was deleted");
        }
        let metadata = with_pairs(&thread.metadata, &[(SOURCE, id)], &mut losses);
        let outcome = Outcome::of(&losses);
        if self.dry_run {
            return Ok(entry(id, None, outcome, losses));
        }
        if let Some(unfinished) = earlier {
            self.client.conversations().delete(&unfinished.id).await?;
        }
        let conversation = self.write(&thread, metadata, &made).await?;
        Ok(entry(id, Some(conversation), outcome, losses))
    }

    async fn read(&self, id: &str) -> Result<Contents> {
        let query = || ListQuery { limit: Some(100), order: Some(Order::Asc), ..ListQuery::default() };
        let messages = self.classic.messages(id).list(query()).try_collect().await?;
        let mut listed = self.classic.runs(id).list(query());
        let mut runs = Vec::new();
        while let Some(run) = listed.try_next().await? {
            let steps = self.classic.run_steps(id, &run.id).list(query()).try_collect().await?;
            runs.push(RunRecord { run, steps });
        }
        Ok(Contents { messages, runs })
    }

    /// Looks up how the cited files are called. A file that is gone keeps its id for a name.
    async fn look_up_names(&mut self, contents: &Contents) -> Result<()> {
        for id in cited_files(&contents.messages) {
            if self.file_names.contains_key(&id) {
                continue;
            }
            let name = match self.classic.files().get(&id).await {
                Ok(file) => file.filename,
                Err(Error::Service { status: 404, .. }) => id.clone(),
                Err(error) => return Err(error),
            };
            self.file_names.insert(id, name);
        }
        Ok(())
    }

    /// Writes the copy. One that takes several requests says so until the last one is through.
    /// Items can't name files that do not exist. Says which images were left out for that.
    async fn leave_out_gone_images(&self, contents: &mut Contents) -> Result<BTreeSet<String>> {
        let mut gone = BTreeSet::new();
        for id in shown_files(&contents.messages) {
            match self.classic.files().get(&id).await {
                Ok(_) => {}
                Err(Error::Service { status: 404, .. }) => drop(gone.insert(id)),
                Err(error) => return Err(error),
            }
        }
        for message in &mut contents.messages {
            message.content.retain(|block| image_file(block).is_none_or(|id| !gone.contains(id)));
        }
        Ok(gone)
    }

    async fn write(&self, thread: &Thread, metadata: Metadata, items: &[Item]) -> Result<String> {
        let conversations = self.client.conversations();
        let mut batches = items.chunks(ITEMS_AT_ONCE);
        let first = batches.next().unwrap_or_default();
        let takes_several = items.len() > first.len();
        let unfinished = || {
            with_pairs(
                &thread.metadata,
                &[(SOURCE, &thread.id), (UNFINISHED, COPYING)],
                &mut Losses::default(),
            )
        };
        let begun = CreateConversation {
            items: Some(first.iter().map(|item| json!(item)).collect()),
            metadata: Some(if takes_several { unfinished() } else { metadata.clone() }),
            extra: Extra::new(),
        };
        let conversation = conversations.create(&begun).await?;
        for batch in batches {
            conversations.items(&conversation.id).create(batch).await?;
        }
        if takes_several {
            conversations.update(&conversation.id, metadata).await?;
        }
        Ok(conversation.id)
    }
}

fn entry(from: &str, to: Option<String>, outcome: Outcome, losses: Losses) -> Entry {
    Entry { kind: Kind::Thread, from: from.to_owned(), name: None, to, outcome, why: None, losses }
}
