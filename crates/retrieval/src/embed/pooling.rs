//! One vector for a text out of those of its tokens.

use std::path::Path;

use serde::Deserialize;

use super::{broken::BrokenModel, directory};

/// Which vectors of tokens count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooling {
    /// All of them, on average.
    Mean,
    /// The first one, which stands for the text.
    Cls,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    pooling_mode: Option<String>,
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
    // These would be concatenated to the others, or take their place.
    #[serde(default)]
    pooling_mode_max_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_sqrt_len_tokens: bool,
    #[serde(default)]
    pooling_mode_weightedmean_tokens: bool,
    #[serde(default)]
    pooling_mode_lasttoken: bool,
}

impl Pooling {
    /// Reads the pooling module's `config.json`.
    pub(super) fn read(path: &Path) -> Result<Self, BrokenModel> {
        let file: File = directory::read_json(path)?;
        let other = file.pooling_mode_max_tokens
            || file.pooling_mode_mean_sqrt_len_tokens
            || file.pooling_mode_weightedmean_tokens
            || file.pooling_mode_lasttoken;
        match (file.pooling_mode.as_deref(), file.pooling_mode_mean_tokens, file.pooling_mode_cls_token) {
            (Some("mean"), false, false) => Ok(Self::Mean),
            (Some("cls"), false, false) => Ok(Self::Cls),
            (None, true, false) if !other => Ok(Self::Mean),
            (None, false, true) if !other => Ok(Self::Cls),
            _ => Err(BrokenModel::new(path, "this pooling is not supported; either `mean` or `cls` is")),
        }
    }

    /// Adds what a sequence of a text has to say to the text's vector.
    pub(super) fn add(self, encoded: &[f32], vector: &mut [f32]) {
        let rows = encoded.chunks_exact(vector.len());
        match self {
            Self::Mean => rows.for_each(|row| add_scaled(vector, row, 1.0)),
            // A longer sequence says more. For the mean that is so by itself.
            Self::Cls => {
                let tokens = rows.len() as f32;
                rows.take(1).for_each(|first| add_scaled(vector, first, tokens));
            }
        }
    }
}

fn add_scaled(sum: &mut [f32], row: &[f32], scale: f32) {
    sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value * scale);
}
