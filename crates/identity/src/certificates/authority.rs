//! The certificate authority of one data directory. Its key is made once and stays.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SerialNumber,
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use sha2::{Digest, Sha256};

use super::{leaf, validity};
use crate::{
    IdentityError,
    files::{self, Access},
};

const LIFETIME: Duration = validity::DAY.saturating_mul(3653);

/// No leaf may outlive its CA.
const LEAST_REMAINING: Duration = leaf::LIFETIME;

/// The CA: its certificate and the key that signs leaves.
pub(crate) struct Authority {
    certificate_file: PathBuf,
    pem: String,
    der: CertificateDer<'static>,
    params: CertificateParams,
    key: KeyPair,
}

impl Authority {
    /// Reads `ca.key` and `ca.pem`, or makes them. A worn-out certificate is signed anew with the
    /// same key and name, so that clients that trust the old one trust the new one too.
    pub(crate) fn open(tls: &Path, now: SystemTime) -> Result<Self, IdentityError> {
        files::create_directory(tls)?;
        let certificate_file = tls.join("ca.pem");
        let existing = files::read(&certificate_file)?;
        let key = open_key(&tls.join("ca.key"), existing.is_some())?;
        let params = parameters(&key, now);
        let (pem, der) = match existing.and_then(|pem| usable(pem, &key, now)) {
            Some(kept) => kept,
            None => {
                let certificate =
                    params.self_signed(&key).map_err(IdentityError::crypto("signing the CA"))?;
                files::write(&certificate_file, &certificate.pem(), Access::Public)?;
                (certificate.pem(), certificate.der().clone())
            }
        };
        Ok(Self { certificate_file, pem, der, params, key })
    }

    pub(crate) fn certificate_file(&self) -> &Path {
        &self.certificate_file
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    pub(super) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    pub(super) fn issuer(&self) -> rcgen::Issuer<'_, &KeyPair> {
        rcgen::Issuer::from_params(&self.params, &self.key)
    }
}

fn open_key(path: &Path, is_expected: bool) -> Result<KeyPair, IdentityError> {
    let unusable = |reason: String| IdentityError::Unusable {
        path: path.into(),
        reason,
        remedy: "Restore it, or delete the `tls` directory; a new CA is made, and clients \
                 need `cupola env` again",
    };
    match files::read(path)? {
        Some(pem) => KeyPair::from_pkcs8_pem_and_sign_algo(&pem, &PKCS_ECDSA_P256_SHA256)
            .map_err(|error| unusable(format!("it holds no P-256 key ({error})"))),
        None if is_expected => Err(unusable("the CA's certificate is there, but its key is not".into())),
        None => {
            let key = new_key()?;
            files::write(path, &key.serialize_pem(), Access::Private)?;
            Ok(key)
        }
    }
}

pub(super) fn new_key() -> Result<KeyPair, IdentityError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(IdentityError::crypto("making a key"))
}

/// Two certificates of one issuer never share a number; browsers refuse them if they do.
pub(super) fn new_serial_number() -> SerialNumber {
    let mut bytes = rand::random::<[u8; 16]>();
    // Positive, and without a leading zero byte.
    bytes[0] = bytes[0] & 0x7f | 0x40;
    SerialNumber::from_slice(&bytes)
}

fn parameters(key: &KeyPair, now: SystemTime) -> CertificateParams {
    // Part of the key's digest tells the CAs of several data directories apart in a trust store.
    let mark = hex::encode(&Sha256::digest(key.public_key_raw())[..4]);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("Cupola local CA {mark}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.serial_number = Some(new_serial_number());
    validity::set(&mut params, now, LIFETIME);
    params
}

/// The certificate in its two forms, if it is the key's and good for long enough.
fn usable(pem: String, key: &KeyPair, now: SystemTime) -> Option<(String, CertificateDer<'static>)> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
    let is_ours = certificate.public_key().subject_public_key.data == key.public_key_raw();
    (is_ours && validity::covers(&certificate, now, LEAST_REMAINING)).then_some((pem, der))
}
