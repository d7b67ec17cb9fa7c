//! What stands on an encoder and says with one number how well two texts go together.

use rten_gemm::GemmExecutor;
use rten_simd::SimdUnaryOp;
use rten_vecmath::Tanh;

use super::{
    architecture::{Architecture, Family},
    broken::BrokenModel,
    checkpoint::Checkpoint,
    layers::Linear,
};

/// A classifier with one label.
pub(super) struct Head {
    dense: Linear,
    output: Linear,
}

impl Head {
    /// Says what is missing for [`Head::load`], without reading the weights.
    pub(super) fn check(checkpoint: &Checkpoint, shape: &Architecture) -> Result<(), BrokenModel> {
        let (dense, output) = names(checkpoint, shape.family);
        for (name, outputs) in [(dense, shape.hidden), (output, 1)] {
            checkpoint.check(&format!("{name}.weight"), &[outputs, shape.hidden])?;
            checkpoint.check(&format!("{name}.bias"), &[outputs])?;
        }
        Ok(())
    }

    pub(super) fn load(checkpoint: &Checkpoint, shape: &Architecture) -> Result<Self, BrokenModel> {
        let gemm = GemmExecutor::new();
        let (dense, output) = names(checkpoint, shape.family);
        Ok(Self {
            dense: Linear::load(&gemm, checkpoint, &[dense], shape.hidden, shape.hidden)?,
            output: Linear::load(&gemm, checkpoint, &[output], shape.hidden, 1)?,
        })
    }

    /// A number between 0 and 1 for a pair of texts; the first token stands for them.
    pub(super) fn score(&self, encoded: &[f32]) -> f32 {
        let gemm = GemmExecutor::new();
        // Without a token there is nothing that could go together.
        let Some(first) = encoded.get(..self.dense.outputs()) else { return 0.0 };
        let mut seen = self.dense.apply(&gemm, first);
        Tanh {}.map_mut(&mut seen);
        let logit = self.output.apply(&gemm, &seen)[0];
        1.0 / (1.0 + (-logit).exp())
    }
}

fn names(checkpoint: &Checkpoint, family: Family) -> (String, String) {
    match family {
        Family::Bert => (checkpoint.name_of("pooler.dense"), "classifier".into()),
        Family::Roberta => ("classifier.dense".into(), "classifier.out_proj".into()),
    }
}
