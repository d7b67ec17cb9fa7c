//! `cupola stores search`: the passages that say most about a query.

use anstyle::Style;
use cupola_client::types::{
    AttributeValue, Filter, RankingOptions, SearchResult, SearchVectorStore, VectorStore,
};

use super::{
    attributes::{attribute, path_of},
    excerpt::{Terms, excerpt},
    find, shown,
};
use crate::{
    failure::Failure,
    progress,
    server::Server,
    terminal::{self, BOLD, DIM},
};

/// The text of a passage stands behind its number.
const INDENT: usize = 4;

/// Longer lines are hard to read.
const WIDEST: usize = 100;

/// How many lines an excerpt takes.
const LINES: usize = 4;

/// How many characters an excerpt has where no terminal shows it.
const WITHOUT_TERMINAL: usize = 300;

/// Search a store: the passages that say most about a query, the best first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    cupola stores search handbook \"How long is the notice period?\"\n  \
    cupola stores search handbook refunds --filter team=sales --limit 3 --full\n  \
    cupola stores search handbook refunds --json | jq -r '.data[].filename'")]
pub struct SearchArgs {
    /// The store's id or name
    store: String,
    /// What is looked for, in words or as a question
    query: String,
    /// Show at most this many passages
    #[arg(long, value_name = "N", default_value_t = 5,
        value_parser = clap::value_parser!(i64).range(1..=50))]
    limit: i64,
    /// Only files with this attribute; all must hold where it is repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    filter: Vec<(String, AttributeValue)>,
    /// Only passages with this score or more, from 0 to 1
    #[arg(long, value_name = "SCORE")]
    min_score: Option<f64>,
    /// Show passages as a whole, not the part that says most
    #[arg(long)]
    full: bool,
}

/// Does what was asked.
pub async fn run(server: &Server, args: &SearchArgs, json: bool) -> Result<(), Failure> {
    let store = find(server, &args.store).await?;
    let body = SearchVectorStore {
        max_num_results: Some(args.limit),
        filters: filter(&args.filter),
        ranking_options: args
            .min_score
            .map(|score| RankingOptions { score_threshold: Some(score), ..RankingOptions::default() }),
        ..SearchVectorStore::new(&args.query)
    };
    let stores = server.client.vector_stores();
    let page = progress::during("Searching", stores.search(&store.id, &body)).await?;
    if json {
        return terminal::print_json(&page);
    }
    if page.data.is_empty() {
        anstream::eprintln!("{}", nothing(server, &store));
        return Ok(());
    }
    let width = terminal::width().map(|width| width.min(WIDEST));
    let terms = Terms::of(&args.query);
    let passages = page.data.iter().enumerate();
    let shown: Vec<String> = passages
        .map(|(index, passage)| {
            let text = text_of(passage);
            let head = head(index + 1, passage, width);
            format!("{head}{}", body_of(&text, &terms, width, args.full))
        })
        .collect();
    terminal::print(&shown.join("\n"))
}

fn filter(pairs: &[(String, AttributeValue)]) -> Option<Filter> {
    let mut filters: Vec<Filter> =
        pairs.iter().map(|(name, value)| Filter::equals(name, value.clone())).collect();
    if filters.len() > 1 { Some(Filter::all(filters)) } else { filters.pop() }
}

/// Why there may be nothing.
fn nothing(server: &Server, store: &VectorStore) -> String {
    let (title, counts) = (shown::title(store), &store.file_counts);
    if counts.total == 0 {
        let add = server.command(&format!("stores add {} DIR", store.id));
        return format!("{title} has no files. Fill it: {add}");
    }
    let files = match counts.completed == counts.total {
        true => String::new(),
        false => format!(" Its files: {}.", shown::counts(counts)),
    };
    format!("Nothing is found in {title}.{files}")
}

/// Which passage it is, where it stands and how good it is.
fn head(number: usize, passage: &SearchResult, width: Option<usize>) -> String {
    let name = terminal::clean(path_of(&passage.attributes).unwrap_or(&passage.filename)).replace('\n', " ");
    let score = format!("{:.2}", passage.score);
    let number = format!("{number:<INDENT$}");
    let place = place(passage);
    let Some(width) = width else { return format!("{number}{score}  {name}{place}\n") };
    let used = INDENT + terminal::columns(&score) + 2;
    let name = terminal::cut(&name, width.saturating_sub(used));
    let place = terminal::cut(&place, width.saturating_sub(used + terminal::columns(&name)));
    let fill =
        width.saturating_sub(INDENT + terminal::columns(&name) + terminal::columns(&place) + score.len());
    format!("{number}{BOLD}{name}{BOLD:#}{DIM}{place}{DIM:#}{}{score}\n", " ".repeat(fill))
}

fn place(passage: &SearchResult) -> String {
    let Some(place) = &passage.place else { return String::new() };
    let page = place.page.map(|page| format!(", page {page}"));
    let heading =
        place.heading.as_ref().map(|heading| format!(", {}", terminal::clean(heading).replace('\n', " ")));
    [page, heading].into_iter().flatten().collect()
}

fn text_of(passage: &SearchResult) -> String {
    let texts: Vec<String> = passage.content.iter().map(|part| terminal::clean(&part.text)).collect();
    texts.join("\n")
}

fn body_of(text: &str, terms: &Terms, width: Option<usize>, full: bool) -> String {
    let room = width.map(|width| width.saturating_sub(INDENT).max(20));
    let text = match full {
        true => text.trim().to_owned(),
        false => excerpt(text, terms, room.map_or(WITHOUT_TERMINAL, |room| room * LINES - room / 2)),
    };
    let lines = match room {
        Some(room) => terminal::wrap(&text, room),
        None => text.lines().map(str::to_owned).collect(),
    };
    lines.iter().map(|line| format!("{}\n", indented(line, terms))).collect()
}

/// A line with the words of the query made to stand out.
fn indented(line: &str, terms: &Terms) -> String {
    let styled = |word: &str| {
        let style = if terms.has(word) { BOLD } else { Style::new() };
        let (word, blank) = (word.trim_end(), &word[word.trim_end().len()..]);
        format!("{style}{word}{style:#}{blank}")
    };
    let line: String = line.split_inclusive(' ').map(styled).collect();
    format!("{:INDENT$}{line}", "").trim_end().to_owned()
}
