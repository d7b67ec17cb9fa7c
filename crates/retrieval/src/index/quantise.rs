//! Vectors as small whole numbers, and how alike two vectors are.
//!
//! A component becomes an `i8` by the vector's own scale. That is good enough to choose candidates, whose exact vectors
//! then decide.

use pulp::Arch;

/// The largest component.
const LARGEST: f32 = 127.0;

/// A vector whose components are `codes * scale`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Quantised {
    pub(super) scale: f32,
    pub(super) codes: Vec<i8>,
}

impl Quantised {
    pub(super) fn new(vector: &[f32]) -> Self {
        let largest = vector.iter().fold(0.0_f32, |largest, component| largest.max(component.abs()));
        if largest == 0.0 {
            return Self { scale: 0.0, codes: vec![0; vector.len()] };
        }
        // Truncation of an f32 in range to i8 is what is meant here.
        let codes = vector.iter().map(|component| (component * (LARGEST / largest)).round() as i8).collect();
        Self { scale: largest / LARGEST, codes }
    }
}

/// The vector with length one, or zeros if it has no direction.
pub(super) fn unit(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|component| component * component).sum::<f32>().sqrt();
    let factor = if length.is_finite() && length > f32::MIN_POSITIVE { 1.0 / length } else { 0.0 };
    vector.iter().map(|component| component * factor).collect()
}

/// Products of one vector with each of the `rows`, which stand one behind the other.
pub(super) fn products(query: &[f32], rows: &[f32], products: &mut Vec<f32>) {
    products.clear();
    Arch::new().dispatch(|| {
        products.extend(rows.chunks_exact(query.len()).map(|row| product(query, row)));
    });
}

/// Products of the codes of one vector, widened, with those of each of the `rows`.
pub(super) fn code_products(query: &[i16], rows: &[i8], products: &mut Vec<i32>) {
    products.clear();
    Arch::new().dispatch(|| {
        products.extend(rows.chunks_exact(query.len()).map(|row| code_product(query, row)));
    });
}

/// Sums in lanes, because additions of floats aren't reordered by the compiler.
#[inline(always)]
fn product(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 32;
    let mut sums = [0.0_f32; LANES];
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// Written so that the compiler finds the instruction that multiplies 16 bits and adds 32.
#[inline(always)]
fn code_product(query: &[i16], row: &[i8]) -> i32 {
    query.iter().zip(row).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantised_vector_is_close_to_the_exact_one() {
        let vector: Vec<f32> = (0..100).map(|i| (i as f32 * 0.7).sin()).collect();
        let quantised = Quantised::new(&vector);
        for (code, exact) in quantised.codes.iter().zip(&vector) {
            assert!((f32::from(*code) * quantised.scale - exact).abs() <= quantised.scale * 0.51);
        }
    }

    #[test]
    fn a_vector_without_direction_stays_zero() {
        assert_eq!(Quantised::new(&[0.0; 3]), Quantised { scale: 0.0, codes: vec![0; 3] });
        assert_eq!(unit(&[0.0; 3]), [0.0; 3]);
        assert_eq!(unit(&[f32::NAN, 1.0]).iter().filter(|component| component.is_nan()).count(), 1);
    }

    #[test]
    fn products_are_those_of_plain_arithmetic() {
        let a: Vec<f32> = (0..77).map(|i| i as f32).collect();
        let rows: Vec<f32> = (0..154).map(|i| (i % 5) as f32).collect();
        let mut found = Vec::new();
        products(&a, &rows, &mut found);
        let plain = |row: &[f32]| a.iter().zip(row).map(|(a, b)| a * b).sum::<f32>();
        assert_eq!(found, [plain(&rows[..77]), plain(&rows[77..])]);
    }

    #[test]
    fn products_of_the_largest_codes_do_not_overflow() {
        let mut found = Vec::new();
        code_products(&[-127; 5000], &[127; 10000], &mut found);
        assert_eq!(found, [-127 * 127 * 5000; 2]);
    }
}
