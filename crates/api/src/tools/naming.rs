//! Names of functions that are made of names of something else.

/// The longest name of a function.
const LONGEST: usize = 64;

/// A name as that of a function: other characters than those that functions may have become `_`. `otherwise` stands
/// for one that has nothing in it.
pub fn function_name(name: &str, otherwise: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let function: String = name.trim().chars().map(plain).take(LONGEST).collect();
    if function.is_empty() { otherwise.to_owned() } else { function }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_one_that_a_function_may_have() {
        for (name, expected) in
            [("stock-agent_2", "stock-agent_2"), ("Stock agent (é)", "Stock_agent____"), ("  ", "other")]
        {
            assert_eq!(function_name(name, "other"), expected);
        }
        assert_eq!(function_name(&"x".repeat(100), "other").len(), 64);
    }
}
