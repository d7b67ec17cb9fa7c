//! Vector stores as people read them.

use cupola_client::types::{FileCounts, StoreStatus, VectorStore};

use crate::{
    failure::Failure,
    fields::{Fields, metadata_lines},
    listing::ListArgs,
    server::Server,
    sizes,
    table::{Cell, Table, number, shrinking, whole},
    terminal::{self, DIM, GREEN, RED, YELLOW},
    when,
};

/// Prints the stores.
pub async fn list(server: &Server, list: ListArgs, json: bool) -> Result<(), Failure> {
    let newest = list.fetch(|query| server.client.vector_stores().list(query)).await?;
    if json {
        return terminal::print_json(&newest.items);
    }
    if newest.items.is_empty() {
        anstream::eprintln!("There are no stores. Create one: {}", server.command("stores create NAME"));
        return Ok(());
    }
    let mut table = Table::new([
        whole("ID"),
        whole("STATUS"),
        number("FILES"),
        number("SIZE"),
        whole("USED"),
        shrinking("NAME"),
    ]);
    for store in &newest.items {
        table.push([
            store.id.as_str().into(),
            status(store),
            store.file_counts.total.to_string().into(),
            sizes::bytes(store.usage_bytes).into(),
            when::ago(store.last_active_at.unwrap_or(store.created_at)).into(),
            store.name.as_deref().unwrap_or("-").into(),
        ]);
    }
    terminal::print(&table.render(terminal::width()))?;
    list.mention_more(newest.has_more);
    Ok(())
}

/// Prints one store.
pub fn one(store: &VectorStore, json: bool) -> Result<(), Failure> {
    if json {
        return terminal::print_json(store);
    }
    let moment = |seconds: i64| format!("{} ({})", when::moment(seconds), when::ago(seconds));
    let mut fields = Fields::new(terminal::width());
    fields.add("store", &store.id);
    fields.add_some("name", store.name.as_deref());
    fields.add_some("description", store.description.as_deref());
    fields.add("status", word(store.status));
    fields.add("files", counts(&store.file_counts));
    fields.add("size", sizes::bytes(store.usage_bytes));
    fields.add("created", moment(store.created_at));
    fields.add_some("used", store.last_active_at.map(moment));
    fields.add_some("expires", store.expires_at.map(when::moment));
    fields.add_some("metadata", Some(metadata_lines(&store.metadata)));
    terminal::print(&fields.finish())
}

/// Its name, where it has one, and its id.
pub fn title(store: &VectorStore) -> String {
    match store.name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => format!("{} ({})", terminal::clean(name).replace('\n', " "), store.id),
        None => store.id.clone(),
    }
}

/// How far the files are, without what there is none of.
pub fn counts(counts: &FileCounts) -> String {
    let parts: Vec<String> = [
        (counts.completed, "can be found"),
        (counts.in_progress, "in progress"),
        (counts.failed, "failed"),
        (counts.cancelled, "cancelled"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn status(store: &VectorStore) -> Cell {
    let style = match store.status {
        StoreStatus::Completed if store.file_counts.failed > 0 => YELLOW,
        StoreStatus::Completed => GREEN,
        StoreStatus::InProgress => DIM,
        StoreStatus::Expired => RED,
    };
    Cell::styled(word(store.status), style)
}

fn word(status: StoreStatus) -> &'static str {
    match status {
        StoreStatus::Completed => "completed",
        StoreStatus::InProgress => "in progress",
        StoreStatus::Expired => "expired",
    }
}
