//! The numbers on a terminal: ratios first.

use super::figure::{Figure, Section, Target};

/// Prints one section.
pub fn print(section: &Section) {
    println!("\n== {}{}", section.title, others(section));
    if let Some(note) = &section.note {
        println!("{note}");
    }
    if section.figures.is_empty() {
        return;
    }
    println!("{:>10} {:>12}", "to target", "to baseline");
    for figure in &section.figures {
        let to_baseline = figure.to_baseline().map_or(String::new(), |ratio| format!("{ratio:.2}×"));
        let (name, measured) = (&figure.name, amount(figure.value, figure.unit));
        println!("{:>10} {to_baseline:>12}  {name:<52} {measured:>14}  {}", verdict(figure), beside(figure));
    }
}

/// What the other programs on the machine took, if that is known.
pub fn others(section: &Section) -> String {
    section
        .others
        .map_or(String::new(), |share| format!(" (other programs: {:.0} % of the machine)", share * 100.0))
}

/// The ratio to the target, and a mark where it is missed.
pub fn verdict(figure: &Figure) -> String {
    match figure.to_target() {
        Some(ratio) if ratio <= 1.0 => format!("{ratio:.2}"),
        Some(ratio) => format!("{ratio:.2} !"),
        None => String::new(),
    }
}

/// The target in words.
pub fn target(figure: &Figure) -> String {
    match figure.target {
        Some(Target::AtMost(limit)) => format!("≤ {limit} {}", figure.unit),
        Some(Target::AtLeast(limit)) => format!("≥ {limit} {}", figure.unit),
        None => String::new(),
    }
}

/// A number with its unit, with as many digits as mean something.
pub fn amount(value: f64, unit: &str) -> String {
    let digits = match value.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {unit}").trim_end().to_owned()
}

fn beside(figure: &Figure) -> String {
    let baseline = figure
        .baseline
        .as_ref()
        .map(|baseline| format!("{}: {}", baseline.name, amount(baseline.value, figure.unit)));
    let words = [Some(target(figure)).filter(|target| !target.is_empty()), baseline];
    words.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_target_is_marked() {
        assert_eq!(verdict(&Figure::new("flow", 1.5, "ms").at_most(3.0)), "0.50");
        assert_eq!(verdict(&Figure::new("flow", 4.5, "ms").at_most(3.0)), "1.50 !");
        assert_eq!(verdict(&Figure::new("rate", 500.0, "/s").at_least(1000.0)), "2.00 !");
    }

    #[test]
    fn numbers_have_as_many_digits_as_mean_something() {
        let written = [0.123, 12.34, 1234.5].map(|value| amount(value, "ms"));
        assert_eq!(written, ["0.12 ms", "12.3 ms", "1234 ms"]);
        assert_eq!(amount(6.0, ""), "6.00");
    }
}
