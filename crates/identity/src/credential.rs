//! Where the configuration has a credential from. Only its SHA-256 is kept.

use std::{fs, path::Path};

use sha2::{Digest, Sha256};

use crate::token_cache::Fingerprint;

/// Shorter ones can be guessed.
const SHORTEST: usize = 16;

/// Exactly one of them says what the credential is.
pub(crate) struct Source<'a> {
    /// Its SHA-256 in hex.
    pub sha256: Option<&'a str>,
    /// The environment variable that holds it.
    pub env: Option<&'a str>,
    /// The file that holds it.
    pub file: Option<&'a Path>,
}

impl Source<'_> {
    /// The credential's digest, or what is wrong and what to do, without the credential.
    pub(crate) fn fingerprint(&self) -> Result<Fingerprint, String> {
        match (self.sha256, self.env, self.file) {
            (Some(digest), None, None) => parse(digest),
            (None, Some(variable), None) => {
                let credential = std::env::var(variable)
                    .map_err(|error| format!("the environment variable {variable} can't be used: {error}"))?;
                digest_of(&credential, &format!("the environment variable {variable}"))
            }
            (None, None, Some(path)) => {
                let credential = fs::read_to_string(path)
                    .map_err(|error| format!("{} can't be read: {error}", path.display()))?;
                digest_of(&credential, &path.display().to_string())
            }
            _ => Err("give exactly one of `sha256`, `env` and `file`".into()),
        }
    }
}

fn parse(digest: &str) -> Result<Fingerprint, String> {
    let mut fingerprint = Fingerprint::default();
    hex::decode_to_slice(digest, &mut fingerprint)
        .map_err(|_| "`sha256` must be 64 hex digits; make it with `printf %s KEY | sha256sum`".to_owned())?;
    Ok(fingerprint)
}

fn digest_of(credential: &str, place: &str) -> Result<Fingerprint, String> {
    let credential = credential.trim();
    if credential.len() < SHORTEST {
        return Err(format!(
            "{place} holds a key of fewer than {SHORTEST} characters; make one with `openssl rand -hex 32`"
        ));
    }
    Ok(Sha256::digest(credential).into())
}
