//! Counting tests from the JUnit reports that nextest, pytest and Node's test runner write.
//! A report counts only if it agrees with how its runner ended.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use roxmltree::{Document, Node};

use super::outcome::Outcome;

/// The outcome of a test runner, from how it ended and from the report that it left.
pub fn judge(ended: Result<()>, report: &Path) -> Result<Outcome> {
    if !report.exists() {
        ended?;
        bail!("the tests left no report at {}", report.display());
    }
    let text =
        std::fs::read_to_string(report).with_context(|| format!("cannot read {}", report.display()))?;
    let outcome = count(&text).with_context(|| format!("{} is no JUnit report", report.display()))?;
    if outcome.failed == 0 {
        // Every test passed, yet the runner is not content: the fault lies outside of the tests.
        ended?;
    }
    ensure!(outcome != Outcome::NONE, "{} lists no test that ran", report.display());
    Ok(outcome)
}

/// Skipped tests count neither as passed nor as failed.
fn count(report: &str) -> Result<Outcome> {
    let document = Document::parse(report)?;
    let mut outcome = Outcome::NONE;
    for case in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        let has = |tag: &str| case.children().any(|child: Node<'_, '_>| child.has_tag_name(tag));
        if has("failure") || has("error") {
            outcome += Outcome::FAILURE;
        } else if !has("skipped") {
            outcome += Outcome::SUCCESS;
        }
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const MIXED: &str = r#"<?xml version="1.0"?>
        <testsuites><testsuite name="a">
            <testcase name="passes"/>
            <testcase name="prints &lt;failure&gt;"><system-out>fine</system-out></testcase>
            <testcase name="fails"><failure message="no"/></testcase>
            <testcase name="breaks in its teardown"><error message="no"/></testcase>
            <testcase name="is skipped"><skipped/></testcase>
        </testsuite></testsuites>"#;

    fn written(report: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), report).unwrap();
        file
    }

    #[test]
    fn failures_and_errors_are_failed_tests_and_skipped_ones_are_not_counted() {
        assert_eq!(count(MIXED).unwrap(), Outcome { passed: 2, failed: 2 });
    }

    #[test]
    fn a_failed_runner_whose_report_names_the_failures_is_counted_by_its_report() {
        let outcome = judge(Err(anyhow::anyhow!("exit code 1")), written(MIXED).path());
        assert_eq!(outcome.unwrap(), Outcome { passed: 2, failed: 2 });
    }

    #[test]
    fn a_failed_runner_is_a_failure_even_if_its_report_shows_none() {
        let report = written("<testsuites><testcase name='passes'/></testsuites>");
        let error = judge(Err(anyhow::anyhow!("exit code 3")), report.path()).unwrap_err();
        assert_eq!(error.to_string(), "exit code 3");
    }

    #[test]
    fn a_report_without_a_test_is_a_failure() {
        let error = judge(Ok(()), written("<testsuites/>").path()).unwrap_err();
        assert!(error.to_string().ends_with("lists no test that ran"), "{error}");
    }

    #[test]
    fn a_missing_report_is_a_failure() {
        let error = judge(Ok(()), Path::new("/nonexistent/report.xml")).unwrap_err();
        assert_eq!(error.to_string(), "the tests left no report at /nonexistent/report.xml");
    }
}
