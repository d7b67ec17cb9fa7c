//! The labels by which what is ours is found again.

use std::collections::HashMap;

/// Whose it is.
pub(super) const OWNER: &str = "cupola.owner";

/// Which sandbox it is.
pub(super) const SANDBOX: &str = "cupola.sandbox";

/// The labels of whatever belongs to an owner.
pub(super) fn of_owner(owner: &str) -> HashMap<String, String> {
    HashMap::from([(OWNER.to_owned(), owner.to_owned())])
}

/// The labels of a sandbox.
pub(super) fn of_sandbox(owner: &str, sandbox: &str) -> HashMap<String, String> {
    let mut labels = of_owner(owner);
    labels.insert(SANDBOX.to_owned(), sandbox.to_owned());
    labels
}

/// The filter that finds what belongs to an owner.
pub(super) fn filter(owner: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![format!("{OWNER}={owner}")])])
}
