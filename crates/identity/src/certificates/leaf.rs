//! The certificate that the server shows. It is replaced, key and all, whenever it does not fit.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, SystemTime},
};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject};
use x509_parser::certificate::X509Certificate;

use super::{
    authority::{self, Authority},
    names::{self, Name},
    validity,
};
use crate::{
    IdentityError,
    files::{self, Access},
};

/// Some clients refuse more than 398 days.
pub(super) const LIFETIME: Duration = validity::DAY.saturating_mul(397);

/// How long before its end it is renewed.
const RENEW_BEFORE: Duration = validity::DAY.saturating_mul(30);

/// The server's certificate and key.
pub(super) struct Leaf {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: PrivatePkcs8KeyDer<'static>,
}

impl Leaf {
    /// Reads `server.pem` and `server.key`, or makes new ones if those don't fit.
    pub(super) fn open(
        tls: &Path,
        authority: &Authority,
        names: &BTreeSet<Name>,
        now: SystemTime,
    ) -> Result<Self, IdentityError> {
        let (key_file, certificate_file) = (tls.join("server.key"), tls.join("server.pem"));
        if let (Some(key), Some(certificate)) = (files::read(&key_file)?, files::read(&certificate_file)?) {
            match Self::check(&key, &certificate, authority, names, now) {
                Ok(leaf) => return Ok(leaf),
                Err(reason) => tracing::info!(reason, "renewing the server certificate"),
            }
        }
        let key = authority::new_key()?;
        let certificate = parameters(names, now)?
            .signed_by(&key, &authority.issuer())
            .map_err(IdentityError::crypto("signing the server certificate"))?;
        // The key goes first: a certificate that does not match its key is found out and replaced.
        files::write(&key_file, &key.serialize_pem(), Access::Private)?;
        files::write(&certificate_file, &certificate.pem(), Access::Public)?;
        Ok(Self { certificate: certificate.der().clone(), key: key.serialize_der().into() })
    }

    /// The pair, or the reason why it must be renewed.
    fn check(
        key: &str,
        certificate: &str,
        authority: &Authority,
        names: &BTreeSet<Name>,
        now: SystemTime,
    ) -> Result<Self, &'static str> {
        let pair = KeyPair::from_pem(key).map_err(|_| "its key can't be read")?;
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| "it can't be read")?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&der).map_err(|_| "it can't be read")?;
        if parsed.public_key().subject_public_key.data != pair.public_key_raw() {
            return Err("it does not belong to its key");
        }
        if !is_signed_by(&parsed, authority.der()) {
            return Err("the CA changed");
        }
        if names::of(&parsed).as_ref() != Some(names) {
            return Err("the names wanted changed");
        }
        if !validity::covers(&parsed, now, RENEW_BEFORE) {
            return Err("it expires soon or is not valid yet");
        }
        Ok(Self { certificate: der, key: pair.serialize_der().into() })
    }
}

fn is_signed_by(certificate: &X509Certificate<'_>, authority: &CertificateDer<'_>) -> bool {
    x509_parser::parse_x509_certificate(authority)
        .is_ok_and(|(_, authority)| certificate.verify_signature(Some(authority.public_key())).is_ok())
}

fn parameters(names: &BTreeSet<Name>, now: SystemTime) -> Result<CertificateParams, IdentityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Cupola");
    params.subject_alt_names = names.iter().map(Name::to_san).collect::<Result<_, _>>()?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(authority::new_serial_number());
    validity::set(&mut params, now, LIFETIME - validity::DAY);
    Ok(params)
}
