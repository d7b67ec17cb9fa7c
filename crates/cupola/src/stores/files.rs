//! `cupola stores files`: the files of one store, with their names and with why some can't be found.

use std::collections::HashMap;

use cupola_client::{
    StoreFileQuery,
    types::{FileStatus, VectorStore, VectorStoreFile},
};

use super::{attributes::path_of, find, shown};
use crate::{
    failure::Failure,
    listing::ListArgs,
    progress,
    server::Server,
    sizes,
    table::{Cell, Table, number, shrinking, whole},
    terminal::{self, DIM, GREEN, RED},
    when,
};

/// Prints the files of a store.
pub async fn list(
    server: &Server,
    word: &str,
    failed: bool,
    list: ListArgs,
    json: bool,
) -> Result<(), Failure> {
    let store = find(server, word).await?;
    let files = server.client.vector_stores().files(&store.id);
    let status = failed.then_some(FileStatus::Failed);
    let newest = list.fetch(|page| files.list(StoreFileQuery { status, page })).await?;
    if json {
        return terminal::print_json(&newest.items);
    }
    if newest.items.is_empty() {
        anstream::eprintln!("{}", none(server, &store, failed));
        return Ok(());
    }
    let names = Names::of_all(server).await?;
    terminal::print(&table(&newest.items, &names).render(terminal::width()))?;
    terminal::print(&reasons(&newest.items, &names))?;
    list.mention_more(newest.has_more);
    Ok(())
}

fn none(server: &Server, store: &VectorStore, failed: bool) -> String {
    let title = shown::title(store);
    match failed {
        true => format!("No file of {title} has failed."),
        false => {
            let add = server.command(&format!("stores add {} DIR", store.id));
            format!("{title} has no files. Fill it: {add}")
        }
    }
}

fn table(files: &[VectorStoreFile], names: &Names) -> Table {
    let mut table =
        Table::new([whole("FILE"), whole("STATUS"), number("SIZE"), whole("ADDED"), shrinking("NAME")]);
    for file in files {
        table.push([
            file.id.as_str().into(),
            status(file.status),
            file.usage_bytes.map_or("-".to_owned(), sizes::bytes).into(),
            when::ago(file.created_at).into(),
            names.of(file).into(),
        ]);
    }
    table
}

/// Why files can't be found, one below the other.
fn reasons(files: &[VectorStoreFile], names: &Names) -> String {
    let reason = |file: &VectorStoreFile| {
        let error = file.last_error.as_ref()?;
        Some(format!(
            "{RED}{}{RED:#}: {}\n",
            terminal::clean(names.of(file)),
            terminal::clean(&error.message)
        ))
    };
    let reasons: String = files.iter().filter_map(reason).collect();
    if reasons.is_empty() { reasons } else { format!("\n{reasons}") }
}

fn status(status: FileStatus) -> Cell {
    let style = match status {
        FileStatus::Completed => GREEN,
        FileStatus::Failed => RED,
        FileStatus::InProgress | FileStatus::Cancelled => DIM,
    };
    Cell::styled(status.as_str().replace('_', " "), style)
}

/// What files are called: a store knows them by their ids alone.
struct Names(HashMap<String, String>);

impl Names {
    async fn of_all(server: &Server) -> Result<Self, Failure> {
        let files = server.client.classic().files();
        let all = progress::during("Reading the names", files.list(None)).await?;
        Ok(Self(all.into_iter().map(|file| (file.id, file.filename)).collect()))
    }

    fn of<'a>(&'a self, file: &'a VectorStoreFile) -> &'a str {
        let path = path_of(&file.attributes);
        path.or_else(|| self.0.get(&file.id).map(String::as_str)).unwrap_or("-")
    }
}
