//! The limits of vector stores, each with the wire's words and the path of the field.

use cupola_retrieval::Kind;
use cupola_wire::vector_stores::{
    AttributeValue, Attributes, ChunkingChoice, ExpiresAfter, HybridSearch, RankingOptions, StaticChunking,
};

use crate::{ApiError, classic::checks};

/// How many files a store may have.
pub const MAX_FILES: usize = 10_000;
/// How many files a batch may have.
pub const MAX_BATCH: usize = 2_000;
/// How many passages a search may give.
pub const MAX_RESULTS: usize = 50;
/// How many texts a search may have, and how long each may be.
const MAX_QUERIES: usize = 32;
const MAX_QUERY: usize = 32_768;
const MAX_ATTRIBUTES: usize = 16;
const MAX_ATTRIBUTE_KEY: usize = 64;
const MAX_ATTRIBUTE_TEXT: usize = 512;
const CHUNK_TOKENS: (i64, i64) = (100, 4_096);
const DAYS: (i64, i64) = (1, 365);

/// What the wire calls `auto`.
pub const AUTO: StaticChunking = StaticChunking { max_chunk_size_tokens: 800, chunk_overlap_tokens: 400 };

/// How files are cut. `param` is the path of the choice.
pub fn chunking(param: &str, choice: Option<&ChunkingChoice>) -> Result<StaticChunking, ApiError> {
    let size = match choice {
        None => return Ok(AUTO),
        Some(ChunkingChoice::Static(choice)) => choice.chunking,
        Some(other) if other.kind() == "auto" => return Ok(AUTO),
        Some(other) => {
            return Err(ApiError::invalid(format!(
                "Invalid value: '{}'. Supported values are: 'auto' and 'static'.",
                other.kind()
            ))
            .code("invalid_value")
            .param(format!("{param}.type")));
        }
    };
    let field = |name: &str| format!("{param}.static.{name}");
    let (least, most) = CHUNK_TOKENS;
    checks::integer(&field("max_chunk_size_tokens"), size.max_chunk_size_tokens, least, most)?;
    let half = size.max_chunk_size_tokens / 2;
    checks::integer(&field("chunk_overlap_tokens"), size.chunk_overlap_tokens, 0, half)?;
    Ok(size)
}

/// What a client says about a file.
pub fn attributes(param: &str, attributes: Option<&Attributes>) -> Result<(), ApiError> {
    let Some(attributes) = attributes else { return Ok(()) };
    let pairs = attributes.len();
    if pairs > MAX_ATTRIBUTES {
        return Err(ApiError::invalid(format!(
            "Invalid '{param}': too many properties. Expected an object with at most {MAX_ATTRIBUTES} \
             properties, but got an object with {pairs} properties instead."
        ))
        .code("object_above_max_properties")
        .param(param));
    }
    attributes.iter().try_for_each(|(key, value)| {
        checks::text(&format!("{param} key"), Some(key), MAX_ATTRIBUTE_KEY)?;
        match value {
            AttributeValue::Text(text) => {
                checks::text(&format!("{param}.{key}"), Some(text), MAX_ATTRIBUTE_TEXT)
            }
            AttributeValue::Number(_) | AttributeValue::Flag(_) => Ok(()),
        }
    })
}

/// When a store expires.
pub fn expiry(param: &str, rule: Option<&ExpiresAfter>) -> Result<(), ApiError> {
    let Some(rule) = rule else { return Ok(()) };
    if rule.anchor != "last_active_at" {
        return Err(ApiError::invalid(format!(
            "Invalid value: '{}'. Supported values are: 'last_active_at'.",
            rule.anchor
        ))
        .code("invalid_value")
        .param(format!("{param}.anchor")));
    }
    checks::integer(&format!("{param}.days"), rule.days, DAYS.0, DAYS.1)
}

/// Refuses files of kinds that are not read, in the words of the service.
pub fn names<'a>(param: &str, mut names: impl Iterator<Item = &'a str>) -> Result<(), ApiError> {
    names.try_for_each(|name| match Kind::of_name(name) {
        Ok(_) => Ok(()),
        Err(unreadable) => {
            Err(ApiError::invalid(unreadable.to_string()).code(unreadable.code()).param(param))
        }
    })
}

/// What is looked for.
pub fn queries(texts: &[String]) -> Result<(), ApiError> {
    checks::count("query", texts.len(), MAX_QUERIES)?;
    let empty = |param: &str| {
        ApiError::invalid(format!("Invalid '{param}': there is nothing to look for."))
            .code("invalid_value")
            .param(param)
    };
    if texts.is_empty() {
        return Err(empty("query"));
    }
    for (index, text) in texts.iter().enumerate() {
        let param = if texts.len() == 1 { "query".to_owned() } else { format!("query[{index}]") };
        checks::text(&param, Some(text), MAX_QUERY)?;
        if text.trim().is_empty() {
            return Err(empty(&param));
        }
    }
    Ok(())
}

/// How passages are ranked.
pub fn ranking(param: &str, options: Option<&RankingOptions>) -> Result<(), ApiError> {
    let Some(options) = options else { return Ok(()) };
    checks::range(&format!("{param}.score_threshold"), options.score_threshold, 0.0, 1.0)?;
    let Some(HybridSearch { embedding_weight, text_weight }) = options.hybrid_search else { return Ok(()) };
    let param = format!("{param}.hybrid_search");
    checks::range(&format!("{param}.embedding_weight"), Some(embedding_weight), 0.0, f64::MAX)?;
    checks::range(&format!("{param}.text_weight"), Some(text_weight), 0.0, f64::MAX)?;
    if embedding_weight + text_weight == 0.0 {
        return Err(ApiError::invalid(format!(
            "Invalid '{param}': one of both weights must be more than 0."
        ))
        .code("invalid_value")
        .param(param));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn refusal<T>(checked: Result<T, ApiError>) -> (String, Option<String>) {
        let Err(error) = checked else { panic!("nothing was refused") };
        (error.detail().message.clone(), error.detail().param.clone())
    }

    fn cut(most: i64, overlap: i64) -> Result<StaticChunking, ApiError> {
        let size = json!({"max_chunk_size_tokens": most, "chunk_overlap_tokens": overlap});
        let choice = serde_json::from_value(json!({"type": "static", "static": size})).unwrap();
        chunking("chunking_strategy", Some(&choice))
    }

    #[test]
    fn a_size_of_passages_has_limits() {
        for (most, overlap) in [(100, 0), (100, 50), (4_096, 2_048), (801, 400)] {
            let size = cut(most, overlap).unwrap();
            assert_eq!((size.max_chunk_size_tokens, size.chunk_overlap_tokens), (most, overlap));
        }
        let field = |name: &str| Some(format!("chunking_strategy.static.{name}"));
        for (most, overlap, name) in [
            (99, 0, "max_chunk_size_tokens"),
            (4_097, 0, "max_chunk_size_tokens"),
            (100, 51, "chunk_overlap_tokens"),
            (100, -1, "chunk_overlap_tokens"),
        ] {
            assert_eq!(refusal(cut(most, overlap)).1, field(name), "{most}/{overlap}");
        }
    }

    #[test]
    fn weights_must_not_both_be_nothing() {
        let of = |meaning, words| {
            let weights = json!({"embedding_weight": meaning, "text_weight": words});
            let options = serde_json::from_value(json!({"hybrid_search": weights})).unwrap();
            ranking("ranking_options", Some(&options))
        };
        of(0.0, 1.0).unwrap();
        of(0.7, 0.3).unwrap();
        assert_eq!(refusal(of(0.0, 0.0)).1.as_deref(), Some("ranking_options.hybrid_search"));
        assert_eq!(
            refusal(of(-1.0, 1.0)).1.as_deref(),
            Some("ranking_options.hybrid_search.embedding_weight")
        );
    }
}
