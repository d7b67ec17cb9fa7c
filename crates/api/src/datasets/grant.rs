//! Signed addresses: what somebody may do with a container until when, as a query that only this service can
//! have written.

use cupola_identity::SealingKey;

use crate::values::{Parameters, escaped};

/// A container in a project.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The project.
    pub project: &'a str,
    /// The container.
    pub container: &'a str,
}

/// What may be done, in the letters of Azure: `r`ead, `a`dd, `c`reate, `w`rite, `d`elete, `l`ist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Read a blob.
    Read,
    /// Write a blob.
    Write,
    /// Delete a blob.
    Delete,
    /// List the blobs.
    List,
}

impl Permission {
    fn letter(self) -> char {
        match self {
            Self::Read => 'r',
            Self::Write => 'w',
            Self::Delete => 'd',
            Self::List => 'l',
        }
    }
}

/// Why an address opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It was not signed here, or was changed.
    Unsigned,
    /// Its time is over.
    Expired,
    /// It is for something else.
    NotGranted,
}

/// The query of an address that grants these permissions until then (seconds since the Unix epoch).
pub fn sign(key: &SealingKey, scope: Scope<'_>, letters: &str, until: i64) -> String {
    let until = iso(until);
    let signature = key.sign(&signed_text(scope, letters, &until));
    format!("sv=2025-01-05&sr=c&sp={letters}&se={}&sig={}", escaped(&until), escaped(&signature))
}

/// Whether an address grants this now.
pub fn check(
    key: &SealingKey,
    scope: Scope<'_>,
    query: &Parameters,
    wanted: Permission,
    now: i64,
) -> Result<(), Refusal> {
    let part = |name| query.get(name).ok_or(Refusal::Unsigned);
    let (letters, until, signature) = (part("sp")?, part("se")?, part("sig")?);
    // A `+` of base64 that was not escaped has been read as a space.
    if !key.verify(&signed_text(scope, letters, until), &signature.replace(' ', "+")) {
        return Err(Refusal::Unsigned);
    }
    // Times of this form sort as texts.
    if until < iso(now).as_str() {
        return Err(Refusal::Expired);
    }
    if letters.contains(wanted.letter()) { Ok(()) } else { Err(Refusal::NotGranted) }
}

fn signed_text(scope: Scope<'_>, letters: &str, until: &str) -> String {
    format!("{}\n{}\n{letters}\n{until}", scope.project, scope.container)
}

fn iso(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SCOPE: Scope<'_> = Scope { project: "demo", container: "c" };

    fn checked(change: impl Fn(String) -> String, scope: Scope<'_>, now: i64) -> Result<(), Refusal> {
        let data = tempfile::tempdir().unwrap();
        let key = SealingKey::open(data.path()).unwrap();
        let query = change(sign(&key, SCOPE, "rl", 1_000));
        check(&key, scope, &Parameters::parse(&query), Permission::Read, now)
    }

    #[test]
    fn a_signed_address_opens_its_container_until_its_time_is_over() {
        assert_eq!(checked(|query| query, SCOPE, 1_000), Ok(()));
        assert_eq!(checked(|query| query, SCOPE, 1_001), Err(Refusal::Expired));
        let other = Scope { container: "d", ..SCOPE };
        assert_eq!(checked(|query| query, other, 0), Err(Refusal::Unsigned));
    }

    #[test]
    fn an_address_that_was_changed_opens_nothing() {
        for (from, to) in [("sp=rl", "sp=rwl"), ("1970", "2970"), ("sig=", "sig=x"), ("&sig=", "&gis=")] {
            assert_eq!(checked(|query| query.replace(from, to), SCOPE, 0), Err(Refusal::Unsigned), "{from}");
        }
    }

    #[test]
    fn only_what_was_granted_may_be_done() {
        let data = tempfile::tempdir().unwrap();
        let key = SealingKey::open(data.path()).unwrap();
        let query = Parameters::parse(&sign(&key, SCOPE, "rl", 1_000));
        assert_eq!(check(&key, SCOPE, &query, Permission::List, 0), Ok(()));
        assert_eq!(check(&key, SCOPE, &query, Permission::Write, 0), Err(Refusal::NotGranted));
        assert_eq!(check(&key, SCOPE, &query, Permission::Delete, 0), Err(Refusal::NotGranted));
    }
}
