//! Checks of the certificates, and of the bundle that clients trust.

use std::{fs, path::Path, time::SystemTime};

use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use x509_parser::parse_x509_certificate;

use super::verdict::Verdict;

const DAY: i64 = 24 * 60 * 60;

/// A server that is restarted now and then renews its certificate long before.
const SOON: i64 = 14 * DAY;

/// All checks of the certificates.
pub fn all(data: &Path) -> Vec<Verdict> {
    let tls = data.join("tls");
    if !tls.exists() {
        return vec![Verdict::ok("certificates", "none yet; the first start makes them")];
    }
    vec![
        validity(
            "CA certificate",
            &tls.join("ca.pem"),
            "Move it and its key away; the next start makes a new CA",
        ),
        validity("certificate", &tls.join("server.pem"), "Restart the server: it renews its certificate"),
        bundle(&tls),
    ]
}

fn validity(check: &'static str, file: &Path, remedy: &str) -> Verdict {
    if !file.exists() {
        return Verdict::ok(check, "none yet; the next start makes one");
    }
    let (from, to) = match bounds(file) {
        Ok(bounds) => bounds,
        Err(reason) => return Verdict::fail(check, format!("{}: {reason}", file.display()), remedy),
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |elapsed| elapsed.as_secs() as i64);
    let days = (to - now) / DAY;
    match (now < from, to - now) {
        (true, _) => {
            let remedy = "Set this machine's clock: it is behind";
            Verdict::fail(check, "not valid yet", remedy)
        }
        (_, ..0) => Verdict::fail(check, "expired", remedy),
        (_, 0..SOON) => Verdict::warn(check, format!("valid for {days} more days"), remedy),
        _ => Verdict::ok(check, format!("valid for {days} more days")),
    }
}

fn bounds(file: &Path) -> Result<(i64, i64), String> {
    let pem = fs::read(file).map_err(|error| error.to_string())?;
    let der = CertificateDer::from_pem_slice(&pem).map_err(|error| error.to_string())?;
    let (_, certificate) = parse_x509_certificate(&der).map_err(|error| error.to_string())?;
    let validity = certificate.validity();
    Ok((validity.not_before.timestamp(), validity.not_after.timestamp()))
}

fn bundle(tls: &Path) -> Verdict {
    const CHECK: &str = "CA bundle";
    const REMEDY: &str = "Make it anew: cupola env";
    let file = tls.join("bundle.pem");
    let Ok(pem) = fs::read(&file) else {
        return Verdict::warn(CHECK, format!("{} can't be read", file.display()), REMEDY);
    };
    let trusted: Vec<_> = CertificateDer::pem_slice_iter(&pem).flatten().collect();
    let own = CertificateDer::from_pem_file(tls.join("ca.pem")).ok();
    if !own.is_some_and(|own| trusted.contains(&own)) {
        return Verdict::fail(CHECK, format!("{} lacks Cupola's own CA", file.display()), REMEDY);
    }
    match trusted.len() - 1 {
        0 => Verdict::warn(
            CHECK,
            "Cupola's CA alone: programs that use it reach no other HTTPS server",
            "Install the system's certificates (apt-get install ca-certificates), then: cupola env",
        ),
        others => Verdict::ok(CHECK, format!("Cupola's CA and {others} of the system's")),
    }
}
