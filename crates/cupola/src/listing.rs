//! Lists at a terminal: the newest few, and a word about how to see more.

use clap::value_parser;
use cupola_client::{
    ItemStream,
    types::{ListQuery, Order},
};
use futures_util::TryStreamExt as _;

use crate::{failure::Failure, progress, terminal::DIM};

/// The most that one page of the wire holds.
const LARGEST_PAGE: u32 = 100;

/// How much of a list to show.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct ListArgs {
    /// Show at most this many, the newest
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    pub limit: u32,
}

/// The newest objects of a list.
#[derive(Debug)]
pub struct Newest<T> {
    /// The objects.
    pub items: Vec<T>,
    /// Whether there are older ones.
    pub has_more: bool,
}

impl ListArgs {
    /// Fetches what is to be shown.
    pub async fn fetch<T>(self, list: impl FnOnce(ListQuery) -> ItemStream<T>) -> Result<Newest<T>, Failure> {
        // One more than asked for tells whether there are more.
        let wanted = self.limit.saturating_add(1);
        let query = ListQuery { limit: Some(wanted.min(LARGEST_PAGE)), ..ListQuery::default() };
        let fetching = async {
            let (mut items, mut list) = (Vec::new(), list(query));
            while items.len() < wanted as usize
                && let Some(item) = list.try_next().await?
            {
                items.push(item);
            }
            Ok::<_, Failure>(items)
        };
        let mut items = progress::during("Reading the list", fetching).await?;
        let has_more = items.len() > self.limit as usize;
        items.truncate(self.limit as usize);
        Ok(Newest { items, has_more })
    }

    /// Says how to see the rest, where there is one.
    pub fn mention_more(self, has_more: bool) {
        if has_more {
            let more = self.limit.saturating_mul(5);
            anstream::eprintln!("{DIM}There are more. See them: --limit {more}{DIM:#}");
        }
    }
}

/// Everything in a list, oldest first.
pub async fn oldest_first<T>(list: impl FnOnce(ListQuery) -> ItemStream<T>) -> Result<Vec<T>, Failure> {
    let query = ListQuery { limit: Some(LARGEST_PAGE), order: Some(Order::Asc), ..ListQuery::default() };
    Ok(progress::during("Reading the list", list(query).try_collect()).await?)
}
