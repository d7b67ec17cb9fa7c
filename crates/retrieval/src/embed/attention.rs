//! Every token looks at every other one, with several heads.

use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions};
use rten_simd::SimdOp;
use rten_tensor::NdTensorView;
use rten_vecmath::Softmax;

use super::layers::FITS;

/// What the heads see, side by side. `projected` has queries, keys and values of a token in one row.
pub(super) fn attend(gemm: &GemmExecutor, projected: &[f32], hidden: usize, heads: usize) -> Vec<f32> {
    let tokens = projected.len() / (3 * hidden);
    let width = hidden / heads;
    let mut seen = vec![0.0; tokens * hidden];
    let mut weights = vec![0.0; tokens * tokens];
    let mut of_head = vec![0.0; tokens * width];
    // One of the three parts of a row, as far as it belongs to this head.
    let part = |which: usize, head: usize| {
        let begin = which * hidden + head * width;
        NdTensorView::from_slice_with_strides([tokens, width], &projected[begin..], [3 * hidden, 1])
            .expect(FITS)
    };
    for head in 0..heads {
        let (query, key, value) = (part(0, head), part(1, head), part(2, head));
        let scaled = GemmOptions { alpha: 1.0 / (width as f32).sqrt(), ..GemmOptions::default() };
        let (a, b) = (GemmInputA::Unpacked(query), GemmInputB::Unpacked(key.transposed()));
        gemm.gemm(&mut weights, a, b, scaled).expect(FITS);
        for row in weights.chunks_exact_mut(tokens) {
            Softmax::new_mut(row).dispatch();
        }
        let weights = NdTensorView::from_data([tokens, tokens], weights.as_slice());
        let (a, b) = (GemmInputA::Unpacked(weights), GemmInputB::Unpacked(value));
        gemm.gemm(&mut of_head, a, b, GemmOptions::default()).expect(FITS);
        for (row, of_head) in seen.chunks_exact_mut(hidden).zip(of_head.chunks_exact(width)) {
            row[head * width..][..width].copy_from_slice(of_head);
        }
    }
    seen
}
