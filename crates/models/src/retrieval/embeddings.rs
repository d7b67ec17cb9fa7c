//! Texts become vectors.

use serde::Deserialize;
use serde_json::json;

use super::{
    NoAnswer,
    whole::{call, nonsense},
};
use crate::{RawOperation, catalog::Resolved};

#[derive(Deserialize)]
struct Answer {
    data: Vec<Embedding>,
}

#[derive(Deserialize)]
struct Embedding {
    /// Which text it belongs to; servers that leave it out keep the order.
    index: Option<usize>,
    embedding: Vec<f32>,
}

impl Resolved {
    /// A vector for each text, in their order and all of one length: that which was asked for, if one was.
    pub async fn embed(&self, texts: &[&str], dimensions: Option<u32>) -> Result<Vec<Vec<f32>>, NoAnswer> {
        const OPERATION: RawOperation = RawOperation::Embeddings;
        let mut body = json!({ "input": texts });
        if let Some(dimensions) = dimensions {
            body["dimensions"] = json!(dimensions);
        }
        let answer: Answer = call(self, OPERATION, body).await?;
        let vectors = in_order(answer.data, texts.len()).map_err(|what| nonsense(self, OPERATION, &what))?;
        let expected =
            dimensions.map_or_else(|| vectors.first().map_or(0, Vec::len), |number| number as usize);
        match vectors.iter().find(|vector| vector.len() != expected) {
            Some(other) => {
                let what = format!("a vector of {} dimensions instead of {expected}", other.len());
                Err(nonsense(self, OPERATION, &what))
            }
            None => Ok(vectors),
        }
    }
}

fn in_order(found: Vec<Embedding>, texts: usize) -> Result<Vec<Vec<f32>>, String> {
    if found.len() != texts {
        return Err(format!("{} vectors for {texts} texts", found.len()));
    }
    let mut vectors = vec![Vec::new(); texts];
    for (place, Embedding { index, embedding }) in found.into_iter().enumerate() {
        let index = index.unwrap_or(place);
        let free = vectors.get_mut(index).filter(|vector| vector.is_empty());
        let Some(free) = free else { return Err(format!("a second or unknown vector number {index}")) };
        let length = embedding.iter().map(|value| value * value).sum::<f32>();
        if !length.is_normal() {
            return Err("a vector without a direction".into());
        }
        *free = embedding;
    }
    Ok(vectors)
}
