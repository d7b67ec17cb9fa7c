//! `POST /vector_stores/{store}/search`

use axum::{extract::State, response::Response};
use cupola_retrieval::Place;
use cupola_wire::vector_stores::{FileContent, PassagePlace, SearchPage, SearchResult, SearchVectorStore};

use super::{
    DEFAULT_RESULTS, FoundPassage, Query, Ranking, SearchFault, checks, filter, kinds, rewriting::rewritten,
    stores,
};
use crate::{
    ApiError, Service,
    body::{Json, answer},
    classic::checks as limits,
    path::{Ids, Project},
};

/// What turns reranking off.
const NO_RANKER: &str = "none";

/// `POST /vector_stores/{store}/search`
pub async fn search(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store]): Ids<1>,
    Json(body): Json<SearchVectorStore>,
) -> Result<Response, ApiError> {
    let query = query(body)?;
    let found = service.vector_stores().search(&project, &[store], &query).await?;
    Ok(answer(&SearchPage {
        object: "vector_store.search_results.page".to_owned(),
        search_query: query.texts,
        data: found.into_iter().map(shown).collect(),
        has_more: false,
        next_page: None,
    }))
}

/// What a body asks for.
fn query(body: SearchVectorStore) -> Result<Query, ApiError> {
    let mut texts = body.query.into_texts();
    checks::queries(&texts)?;
    if body.rewrite_query == Some(true) {
        texts.iter_mut().for_each(|text| *text = rewritten(text));
    }
    if let Some(filters) = &body.filters {
        filter::check("filters", filters)?;
    }
    checks::ranking("ranking_options", body.ranking_options.as_ref())?;
    let limit = body.max_num_results.unwrap_or(DEFAULT_RESULTS as i64);
    limits::integer("max_num_results", limit, 1, checks::MAX_RESULTS as i64)?;
    let options = body.ranking_options.unwrap_or_default();
    Ok(Query {
        texts,
        limit: usize::try_from(limit).unwrap_or(DEFAULT_RESULTS),
        filter: body.filters,
        ranking: Ranking {
            may_rerank: options.ranker.as_deref() != Some(NO_RANKER),
            threshold: options.score_threshold.unwrap_or(0.0),
            weights: options.hybrid_search,
        },
    })
}

fn shown(passage: FoundPassage) -> SearchResult {
    SearchResult {
        file_id: passage.file_id,
        filename: passage.filename,
        score: passage.score,
        attributes: passage.attributes,
        content: vec![FileContent::text(passage.text)],
        place: place(passage.place),
    }
}

fn place(place: Place) -> Option<PassagePlace> {
    let Place { page, heading } = place;
    (page.is_some() || heading.is_some()).then_some(PassagePlace { page, heading })
}

impl From<SearchFault> for ApiError {
    fn from(fault: SearchFault) -> Self {
        match fault {
            SearchFault::Missing(store) => kinds::no_store(&store),
            SearchFault::Expired(store) => stores::expired(&store),
            SearchFault::Store(error) => error.into(),
            fault @ SearchFault::Index { .. } => Self::internal("searching a vector store", fault),
        }
    }
}
