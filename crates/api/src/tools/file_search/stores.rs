//! The vector stores of this service, as `file_search` knows them.

use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::library::{Library, NotSearched, Passage, Wanted};
use crate::vector_stores::{FoundPassage, Query, Ranking, VectorStores};

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
            // The model has put the question into its own words already.
            may_rewrite: false,
        };
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
