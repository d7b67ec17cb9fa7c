//! Sizes and numbers as people read them.

/// Bytes in the largest unit that leaves a whole number in front.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    // Where it would be rounded up to 1024, the next unit says it better.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// So many of something, with the word in the right number.
pub fn many(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_said_in_its_largest_unit() {
        for (size, said) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (512 << 20, "512.0 MiB"),
            (300 << 30, "300.0 GiB"),
        ] {
            assert_eq!(bytes(size), said);
        }
    }

    #[test]
    fn one_is_not_several() {
        assert_eq!(many(1, "file"), "1 file");
        assert_eq!(many(0, "file"), "0 files");
    }
}
