//! The vector stores of this service, as `file_search` knows them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::library::{Library, NotSearched, Passage, Wanted};
use crate::vector_stores::{FoundPassage, Query, Ranking, VectorStores};

/// How long files are waited for that are still being read.
const PATIENCE: Duration = Duration::from_secs(30);

#[async_trait]
impl Library for VectorStores {
    async fn search(
        &self,
        project: &Arc<str>,
        stores: &[String],
        wanted: &Wanted,
    ) -> Result<Vec<Passage>, NotSearched> {
        let query = Query {
            texts: wanted.queries.clone(),
            limit: wanted.limit,
            filter: read("filters", wanted.filters.as_ref())?,
            ranking: Ranking {
                may_rerank: wanted.may_rerank,
                threshold: wanted.threshold,
                weights: read("ranking_options.hybrid_search", wanted.weights.as_ref())?,
            },
        };
        // A file that came with the message a moment ago is to be found. One that takes longer is found by a later
        // search, so it does not matter whether this came to its end.
        let _ = timeout(PATIENCE, self.until_settled(project, stores)).await;
        let found = self.search(project, stores, &query).await;
        found
            .map(|found| found.into_iter().map(passage).collect())
            .map_err(|fault| NotSearched(fault.to_string()))
    }
}

/// A setting of the tool, which is kept as the client wrote it.
fn read<T: DeserializeOwned>(setting: &str, value: Option<&Value>) -> Result<Option<T>, NotSearched> {
    let parsed = value.map(|value| serde_json::from_value(value.clone())).transpose();
    parsed.map_err(|error| NotSearched(format!("The tool's setting '{setting}' can't be read: {error}.")))
}

fn passage(found: FoundPassage) -> Passage {
    Passage {
        file_id: found.file_id,
        filename: found.filename,
        attributes: match serde_json::to_value(found.attributes) {
            Ok(Value::Object(attributes)) => attributes,
            _ => serde_json::Map::new(),
        },
        score: found.score,
        text: found.text,
        page: found.place.page,
        heading: found.place.heading,
    }
}
