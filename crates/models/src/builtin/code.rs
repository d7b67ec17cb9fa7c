//! Code: the built-in model runs the block of Python that the user has written, and answers with what it wrote and
//! with links to its files.

use serde_json::json;

use super::reply::Call;
use crate::FunctionDeclaration;

/// How the function is called, by itself or with a number behind it.
const NAME: &str = "code_interpreter";
const FENCE: &str = "```";
/// How the line begins that names files.
const FILES: &str = "[Files written: ";

/// Whether a function runs code.
pub(crate) fn runs_code(function: &FunctionDeclaration) -> bool {
    is_named_so(&function.name) && function.parameters.pointer("/properties/code").is_some()
}

/// Whether an output is that of such a function.
pub(crate) fn is_named_so(name: &str) -> bool {
    name.strip_prefix(NAME).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

/// The block of code that the user has written.
pub(crate) fn block(user_text: &str) -> Option<&str> {
    let (_, from) = user_text.split_once(FENCE)?;
    let (first, from) = from.split_once('\n')?;
    let (code, _) = from.split_once(FENCE)?;
    let is_python = matches!(first.trim(), "" | "python" | "py" | "python3");
    is_python.then_some(code)
}

/// A call that runs this code.
pub(crate) fn call(function: &FunctionDeclaration, code: &str) -> Call {
    Call { name: function.name.clone(), arguments: json!({ "code": code }).to_string() }
}

/// What the code wrote, and links to its files; `clip` shortens it.
pub(crate) fn answer(output: &str, clip: impl Fn(&str) -> String) -> String {
    let is_remark = |line: &&str| line.starts_with('[') && line.ends_with(']');
    let written: Vec<&str> = output.lines().filter(|line| !is_remark(line)).collect();
    let remarks = output.lines().filter(is_remark);
    let links = remarks.clone().filter_map(|line| line.strip_prefix(FILES)?.strip_suffix(']'));
    let links = links.flat_map(|links| links.split(", ")).map(|link| {
        let name = link.rsplit('/').next().unwrap_or(link);
        format!("[{name}]({link})")
    });
    let links: Vec<String> = links.collect();
    let others = remarks.filter(|line| !line.starts_with(FILES) && !line.contains("sandbox:"));
    let mut text = format!("The code wrote: {}", clip(&written.join("\n")));
    if !links.is_empty() {
        text.push_str(&format!("\nIts files: {}", links.join(", ")));
    }
    for remark in others {
        text.push_str(&format!("\n{remark}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_block_of_python_is_run() {
        assert_eq!(block("Run this:\n```python\nprint(1)\n```\nand\n```\n2\n```"), Some("print(1)\n"));
        assert_eq!(block("```\n1 + 1\n```"), Some("1 + 1\n"));
        for text in ["print(1)", "```rust\nmain()\n```", "```python\nprint(1)", "``` x"] {
            assert_eq!(block(text), None, "{text}");
        }
    }

    #[test]
    fn the_answer_repeats_what_was_written_and_links_to_files() {
        let output = "42\n[Figures that the user is shown: sandbox:/mnt/data/figure-1.png]\n\
                      [Files written: sandbox:/mnt/data/a.csv, sandbox:/mnt/data/in/b c.txt]\n[It is gone.]";
        let expected = "The code wrote: 42\nIts files: [a.csv](sandbox:/mnt/data/a.csv), \
                        [b c.txt](sandbox:/mnt/data/in/b c.txt)\n[It is gone.]";
        assert_eq!(answer(output, str::to_owned), expected);
    }
}
