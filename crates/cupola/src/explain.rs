//! `cupola explain`: what an error code means and what to do, from the pages under docs/errors.

use std::fmt::Write;

use anstyle::Style;

use crate::nearest::nearest;

/// Every page there is, in the order of the codes.
static PAGES: &[Page] = include!(concat!(env!("OUT_DIR"), "/error_pages.rs"));

/// What one code means.
#[derive(Debug)]
struct Page {
    code: &'static str,
    text: &'static str,
}

/// Explain an error code, or list all of them
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// The code, as it stands in the error
    code: Option<String>,
}

/// There is no page for a code.
#[derive(Debug, thiserror::Error)]
#[error("There is no error code {code:?}{hint}")]
pub struct UnknownCode {
    code: String,
    hint: String,
}

/// Prints one page or the list of all. Colours and bold reach terminals only.
pub fn run(args: &ExplainArgs) -> Result<(), UnknownCode> {
    let text = match &args.code {
        Some(code) => render(find(code)?.text),
        None => list(),
    };
    anstream::print!("{text}");
    Ok(())
}

/// The code, where there is a page for it.
pub fn known(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|page| page.code == code).map(|page| page.code)
}

fn find(code: &str) -> Result<&'static Page, UnknownCode> {
    let wanted = code.trim().replace('-', "_");
    PAGES.iter().find(|page| page.code.eq_ignore_ascii_case(&wanted)).ok_or_else(|| {
        let hint = match nearest(&wanted, PAGES.iter().map(|page| page.code)) {
            Some(near) => format!("; did you mean {near}?"),
            None => ". `cupola explain` lists the codes.".to_owned(),
        };
        UnknownCode { code: code.to_owned(), hint }
    })
}

/// The page for a terminal: headings in bold and examples indented, instead of their marks.
fn render(page: &str) -> String {
    let bold = Style::new().bold();
    let mut is_example = false;
    let mut shown = String::new();
    for line in page.lines() {
        if line.starts_with("```") {
            is_example = !is_example;
            continue;
        }
        // Writing to a String does not fail.
        let _ = match line.strip_prefix('#') {
            _ if is_example && !line.is_empty() => writeln!(shown, "    {line}"),
            Some(heading) => writeln!(shown, "{bold}{}{bold:#}", heading.trim_start_matches('#').trim()),
            None => writeln!(shown, "{line}"),
        };
    }
    shown
}

fn list() -> String {
    let width = PAGES.iter().map(|page| page.code.len()).max().unwrap_or_default();
    let bold = Style::new().bold();
    let mut list = String::new();
    for page in PAGES {
        // Writing to a String does not fail.
        let _ = writeln!(list, "{bold}{:width$}{bold:#}  {}", page.code, summary(page.text));
    }
    list
}

/// The first sentence of "What happened".
fn summary(page: &str) -> String {
    let happened = page.split("\n## ").find_map(|section| section.strip_prefix("What happened\n"));
    let paragraph = happened.unwrap_or_default().trim_start().split("\n\n").next().unwrap_or_default();
    let flowing = paragraph.replace('\n', " ");
    match flowing.find(". ") {
        Some(end) => flowing[..=end].to_owned(),
        None => flowing,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The codes of the command itself.
    const OWN_CODES: &[&str] = &[
        "bad_configuration",
        "cannot_listen",
        "data_dir_in_use",
        "data_dir_unusable",
        "exposure_without_identity",
        "hosting_unavailable",
    ];

    #[test]
    fn every_code_has_a_page() {
        let catalogues = [
            cupola_api::CODES,
            cupola_engine::CODES,
            cupola_identity::CODES,
            cupola_models::CODES,
            cupola_store::CODES,
            cupola_tools::CODES,
            OWN_CODES,
        ];
        let missing: Vec<&&str> =
            catalogues.into_iter().flatten().filter(|code| find(code).is_err()).collect();
        assert!(missing.is_empty(), "no page in docs/errors for {missing:?}");
    }

    #[test]
    fn every_page_says_what_happened_and_what_to_do() {
        for page in PAGES {
            assert!(page.text.starts_with(&format!("# {}\n", page.code)), "{}", page.code);
            for heading in ["\n## What happened\n", "\n## What to do\n"] {
                assert!(page.text.contains(heading), "{} has no {heading:?}", page.code);
            }
            assert!(!summary(page.text).is_empty(), "{}", page.code);
        }
    }

    #[test]
    fn a_mistyped_code_is_answered_with_the_nearest() {
        let error = find("expired_tokn").unwrap_err();
        assert!(error.to_string().ends_with("did you mean expired_token?"), "{error}");
        assert!(find("teapot").unwrap_err().to_string().contains("lists the codes"));
    }

    #[test]
    fn a_code_is_found_however_it_is_written() {
        assert_eq!(find(" Expired-Token ").unwrap().code, "expired_token");
    }

    #[test]
    fn headings_and_examples_lose_their_marks() {
        let page = "# code\n\n## What to do\n\nText.\n\n```toml\n# remark\n\nkey = 1\n```\n";
        let shown = anstream::adapter::strip_str(&render(page)).to_string();
        assert_eq!(shown, "code\n\nWhat to do\n\nText.\n\n    # remark\n\n    key = 1\n");
    }

    #[test]
    fn the_list_shows_each_code_with_its_first_sentence() {
        let shown = anstream::adapter::strip_str(&list()).to_string();
        assert_eq!(shown.lines().count(), PAGES.len());
        let line = shown.lines().find(|line| line.starts_with("expired_token ")).unwrap();
        assert!(line.ends_with("The token was good, but its time is over."), "{line}");
    }
}
