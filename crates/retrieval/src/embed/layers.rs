//! The pieces of which encoders are made.

use rten_gemm::{BiasVector, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_simd::{SimdOp, SimdUnaryOp};
use rten_tensor::NdTensorView;
use rten_vecmath::{ApproxGelu, Gelu, Normalize, NormalizeOptions, Sum, SumSquareSub};

use super::{architecture::Activation, broken::BrokenModel, checkpoint::Checkpoint};

/// Shapes are checked when a model is opened, so a product that does not fit is a mistake in this crate.
pub(super) const FITS: &str = "the shapes of a model fit to each other";

/// `x W + b`. The weights are kept in the order in which the product reads them.
pub(super) struct Linear {
    weight: PackedBMatrix<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

impl Linear {
    /// Several layers with the same input become one, their outputs side by side. Each name is a layer's.
    pub(super) fn load(
        gemm: &GemmExecutor,
        checkpoint: &Checkpoint,
        names: &[String],
        inputs: usize,
        outputs: usize,
    ) -> Result<Self, BrokenModel> {
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            weight.append(&mut checkpoint.read(&format!("{name}.weight"), &[outputs, inputs])?);
            bias.append(&mut checkpoint.read(&format!("{name}.bias"), &[outputs])?);
        }
        let rows = NdTensorView::from_data([bias.len(), inputs], weight.as_slice());
        Ok(Self { weight: gemm.prepack_b(rows.transposed()), bias, inputs })
    }

    pub(super) fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The outputs for each row of `x`.
    pub(super) fn apply(&self, gemm: &GemmExecutor, x: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; x.len() / self.inputs * self.outputs()];
        self.multiply(gemm, x, &mut out, 0.0);
        out
    }

    /// Adds the outputs for each row of `x` to `out`.
    pub(super) fn add_to(&self, gemm: &GemmExecutor, x: &[f32], out: &mut [f32]) {
        self.multiply(gemm, x, out, 1.0);
    }

    fn multiply(&self, gemm: &GemmExecutor, x: &[f32], out: &mut [f32], beta: f32) {
        let x = NdTensorView::from_data([x.len() / self.inputs, self.inputs], x);
        let options = GemmOptions { beta, bias: Some(BiasVector::Row(&self.bias)), ..GemmOptions::default() };
        gemm.gemm(out, GemmInputA::Unpacked(x), GemmInputB::Packed(&self.weight), options).expect(FITS);
    }
}

/// Gives each row a mean and a deviation that were learnt.
pub(super) struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

impl LayerNorm {
    pub(super) fn load(
        checkpoint: &Checkpoint,
        name: &str,
        width: usize,
        epsilon: f32,
    ) -> Result<Self, BrokenModel> {
        Ok(Self {
            weight: checkpoint.read(&format!("{name}.weight"), &[width])?,
            bias: checkpoint.read(&format!("{name}.bias"), &[width])?,
            epsilon,
        })
    }

    pub(super) fn apply(&self, x: &mut [f32]) {
        let width = self.weight.len();
        for row in x.chunks_exact_mut(width) {
            let mean = Sum::new(row).dispatch() / width as f32;
            let variance = SumSquareSub::new(row, mean).dispatch() / width as f32;
            let options = NormalizeOptions {
                pre_scale_bias: mean,
                scale: 1.0 / (variance + self.epsilon).sqrt(),
                element_scale: Some(&self.weight),
                element_bias: Some(&self.bias),
                ..NormalizeOptions::default()
            };
            Normalize::new_mut(row, options).dispatch();
        }
    }
}

impl Activation {
    pub(super) fn apply(self, x: &mut [f32]) {
        match self {
            Self::Gelu => Gelu {}.map_mut(x),
            Self::GeluTanh => ApproxGelu {}.map_mut(x),
            Self::Relu => x.iter_mut().for_each(|value| *value = value.max(0.0)),
        }
    }
}
