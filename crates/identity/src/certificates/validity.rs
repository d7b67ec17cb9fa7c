//! The time in which a certificate is good, with room for clocks that are wrong.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::CertificateParams;
use x509_parser::certificate::X509Certificate;

/// One day.
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes the certificate good from a day before `now`, because a client's clock may be behind.
pub(super) fn set(params: &mut CertificateParams, now: SystemTime, lifetime: Duration) {
    params.not_before = (now - DAY).into();
    params.not_after = (now + lifetime).into();
}

/// Whether the certificate is good now and for at least `remaining` longer.
pub(super) fn covers(certificate: &X509Certificate<'_>, now: SystemTime, remaining: Duration) -> bool {
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    let bound = |timestamp: i64| u64::try_from(timestamp).unwrap_or(0);
    let validity = certificate.validity();
    bound(validity.not_before.timestamp()) <= seconds(now)
        && seconds(now + remaining) < bound(validity.not_after.timestamp())
}
