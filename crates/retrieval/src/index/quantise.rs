//! Vectors as small whole numbers, and how alike two vectors are.
//!
//! A component becomes an `i8` by the vector's own scale. That is good enough to choose candidates, whose exact vectors
//! then decide.

use pulp::{Arch, NullaryFnOnce};

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
    products.resize(rows.len() / query.len(), 0.0);
    Arch::new().dispatch(ExactProducts { query, rows, products });
}

/// Products of the codes of one vector, widened, with those of each of the `rows`, times the scale of each.
pub(super) fn code_products(query: &[i16], rows: &[i8], scales: &[f32], products: &mut Vec<f32>) {
    products.clear();
    products.resize(scales.len(), 0.0);
    Arch::new().dispatch(CodeProducts { query, rows, scales, products });
}

/// Work that is compiled for several processors. All of it has to be inlined: what isn't uses only the instructions
/// that every processor has. Iterators with closures often aren't.
struct ExactProducts<'a> {
    query: &'a [f32],
    rows: &'a [f32],
    products: &'a mut [f32],
}

impl NullaryFnOnce for ExactProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (row, result) in self.rows.chunks_exact(self.query.len()).zip(self.products) {
            *result = product(self.query, row);
        }
    }
}

/// The same for codes.
struct CodeProducts<'a> {
    query: &'a [i16],
    rows: &'a [i8],
    scales: &'a [f32],
    products: &'a mut [f32],
}

impl CodeProducts<'_> {
    #[inline(always)]
    fn row(&mut self, row: usize) {
        let width = self.query.len();
        let codes = &self.rows[row * width..][..width];
        self.products[row] = code_product(self.query, codes) as f32 * self.scales[row];
    }
}

impl NullaryFnOnce for CodeProducts<'_> {
    type Output = ();

    /// Reads in two places in turn, because memory is what there is to wait for: one place takes up to twice as long.
    #[inline(always)]
    fn call(mut self) {
        let rows = self.scales.len();
        for row in 0..rows / 2 {
            self.row(row);
            self.row(rows / 2 + row);
        }
        if !rows.is_multiple_of(2) {
            self.row(rows - 1);
        }
    }
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
    let mut sum = 0.0;
    for (a, b) in a_rest.iter().zip(b_rest) {
        sum += a * b;
    }
    for lane in sums {
        sum += lane;
    }
    sum
}

/// Written so that the compiler finds the instruction that multiplies 16 bits and adds 32.
#[inline(always)]
fn code_product(query: &[i16], row: &[i8]) -> i32 {
    let mut sum = 0;
    for (a, b) in query.iter().zip(row) {
        sum += i32::from(*a) * i32::from(*b);
    }
    sum
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
        code_products(&[-127; 5000], &[127; 10000], &[1.0; 2], &mut found);
        assert_eq!(found, [(-127 * 127 * 5000) as f32; 2]);
    }

    #[test]
    fn products_of_codes_come_in_the_order_of_rows() {
        for count in 0..6 {
            let rows: Vec<i8> = (1..=count).flat_map(|row| [row, 0, row]).collect();
            let scales: Vec<f32> = (1..=count).map(f32::from).collect();
            let mut found = Vec::new();
            code_products(&[1, 7, 2], &rows, &scales, &mut found);
            let plain: Vec<f32> = (1..=count).map(|row| 3.0 * f32::from(row) * f32::from(row)).collect();
            assert_eq!(found, plain);
        }
    }
}
