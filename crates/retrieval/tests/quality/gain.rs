//! Normalised discounted cumulative gain: how good a ranking is, as a share of the best one that there could be.

/// The gain of the grades in the order in which they were found, of which `depth` count. `relevant` are all grades
/// that could have been found.
pub fn ndcg(found: &[u8], relevant: impl Iterator<Item = u8>, depth: usize) -> f64 {
    let mut best: Vec<u8> = relevant.collect();
    best.sort_unstable_by(|a, b| b.cmp(a));
    discounted(found, depth) / discounted(&best, depth)
}

/// A grade counts two to its power less one, and less the later it comes.
fn discounted(grades: &[u8], depth: usize) -> f64 {
    let gain = |(place, grade): (usize, &u8)| (f64::from(*grade).exp2() - 1.0) / ((place + 2) as f64).log2();
    grades.iter().take(depth).enumerate().map(gain).sum()
}
