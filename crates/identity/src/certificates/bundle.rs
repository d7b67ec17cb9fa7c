//! `bundle.pem`: the system's roots and our CA in one file.
//!
//! The variables that name a CA file replace a program's trust store. With this file in them, its
//! other HTTPS calls still work.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::validity;
use crate::{
    IdentityError,
    files::{self, Access},
};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Where systems keep their roots as one PEM file.
const SYSTEM_FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Rebuilds the bundle if it is missing, does not end with the CA, or is older than a day.
pub(crate) fn refresh(data: &Path, ca_pem: &str) -> Result<PathBuf, IdentityError> {
    let path = data.join("tls").join("bundle.pem");
    if !is_fresh(&path, ca_pem)? {
        let roots = system_roots(data, std::env::var_os("SSL_CERT_FILE").map(PathBuf::from).as_deref());
        files::write(&path, &(roots + ca_pem), Access::Public)?;
    }
    Ok(path)
}

fn is_fresh(path: &Path, ca_pem: &str) -> Result<bool, IdentityError> {
    let Some(bundle) = files::read(path)? else {
        return Ok(false);
    };
    let age = fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .ok()
        .and_then(|modified| SystemTime::now().duration_since(modified).ok());
    // The CA is the last entry, so this also finds a file that was cut short.
    Ok(bundle.ends_with(ca_pem) && age.is_some_and(|age| age < validity::DAY))
}

/// The roots as PEM. `SSL_CERT_FILE` counts if it is the user's own; if it is our bundle, we would
/// read back what we wrote.
fn system_roots(data: &Path, override_file: Option<&Path>) -> String {
    let is_ours = override_file.is_some_and(|file| is_inside(file, data));
    let files = override_file.filter(|_| !is_ours).into_iter().chain(SYSTEM_FILES.iter().map(Path::new));
    let roots = files.filter_map(read_roots).next();
    let roots = roots.or_else(|| (!is_ours).then(native_roots)).unwrap_or_default();
    if roots.is_empty() {
        tracing::warn!(
            "no root certificates found on this system; clients that use bundle.pem can reach only this \
             server. Install the package ca-certificates and start again"
        );
    }
    roots
}

fn is_inside(file: &Path, directory: &Path) -> bool {
    match (fs::canonicalize(file), fs::canonicalize(directory)) {
        (Ok(file), Ok(directory)) => file.starts_with(directory),
        _ => file.starts_with(directory),
    }
}

fn read_roots(path: &Path) -> Option<String> {
    let text = fs::read(path).ok()?;
    Some(certificates_in(&String::from_utf8_lossy(&text))).filter(|roots| !roots.is_empty())
}

/// Only the certificates: a combined file may hold a private key as well.
fn certificates_in(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut is_inside = false;
    for line in text.lines().map(str::trim_end) {
        is_inside |= line == BEGIN;
        if is_inside {
            kept.push_str(line);
            kept.push('\n');
        }
        is_inside &= line != END;
    }
    kept
}

/// The platform's own store, where the roots are not one PEM file.
fn native_roots() -> String {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a system root certificate was left out");
    }
    found.certs.iter().map(|der| to_pem(der)).collect()
}

fn to_pem(der: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let encoded = STANDARD.encode(der);
    let mut pem = format!("{BEGIN}\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = tail;
    }
    pem + END + "\n"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn pem(content: &str) -> String {
        format!("{BEGIN}\n{content}\n{END}\n")
    }

    fn data() -> tempfile::TempDir {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("tls")).unwrap();
        data
    }

    #[test]
    fn the_bundle_ends_with_our_ca() {
        let data = data();
        let path = refresh(data.path(), &pem("ours")).unwrap();
        assert!(fs::read_to_string(path).unwrap().ends_with(&pem("ours")));
    }

    #[test]
    fn a_fresh_bundle_is_left_alone_and_one_for_another_ca_is_not() {
        let data = data();
        let path = data.path().join("tls/bundle.pem");
        fs::write(&path, format!("{}{}", pem("kept"), pem("ours"))).unwrap();
        refresh(data.path(), &pem("ours")).unwrap();
        assert!(fs::read_to_string(&path).unwrap().starts_with(&pem("kept")));
        refresh(data.path(), &pem("new")).unwrap();
        let rebuilt = fs::read_to_string(&path).unwrap();
        assert!(rebuilt.ends_with(&pem("new")));
        assert!(!rebuilt.contains(&pem("ours")));
    }

    #[test]
    fn a_day_old_bundle_is_rebuilt() {
        let data = data();
        let path = data.path().join("tls/bundle.pem");
        fs::write(&path, format!("{}{}", pem("kept"), pem("ours"))).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - validity::DAY).unwrap();
        refresh(data.path(), &pem("ours")).unwrap();
        assert!(!fs::read_to_string(&path).unwrap().contains(&pem("kept")));
    }

    #[test]
    fn the_users_own_root_file_counts_but_our_bundle_does_not() {
        let (data, elsewhere) = (data(), tempfile::tempdir().unwrap());
        let theirs = elsewhere.path().join("corporate.pem");
        fs::write(&theirs, pem("corporate")).unwrap();
        assert_eq!(system_roots(data.path(), Some(&theirs)), pem("corporate"));
        let ours = data.path().join("tls/bundle.pem");
        fs::write(&ours, pem("an old CA of ours")).unwrap();
        assert!(!system_roots(data.path(), Some(&ours)).contains(&pem("an old CA of ours")));
    }

    #[test]
    fn private_keys_and_remarks_stay_behind() {
        let text =
            format!("# remark\n-----BEGIN PRIVATE KEY-----\nkey\n-----END PRIVATE KEY-----\n{}", pem("a"));
        assert_eq!(certificates_in(&text.replace('\n', "\r\n")), pem("a"));
    }

    #[test]
    fn a_certificate_from_the_platforms_store_becomes_pem() {
        use rustls_pki_types::{CertificateDer, pem::PemObject};
        let der = vec![7; 100];
        let back = CertificateDer::from_pem_slice(to_pem(&der).as_bytes()).unwrap();
        assert_eq!(back.as_ref(), der);
    }
}
