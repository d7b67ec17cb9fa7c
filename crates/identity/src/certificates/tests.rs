#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, ServerConnection, Stream,
    SupportedProtocolVersion,
};
use rustls_pki_types::ServerName;

use super::*;

fn now() -> SystemTime {
    SystemTime::now()
}

fn days(count: u32) -> std::time::Duration {
    validity::DAY * count
}

fn leaf_pem(data: &Path) -> String {
    fs::read_to_string(data.join("tls/server.pem")).unwrap()
}

fn client(ca: &CertificateDer<'static>, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

/// Speaks TLS over a real loopback connection; returns the version and what the client read.
fn handshake(
    server: &Certificates,
    ca: &CertificateDer<'static>,
    name: &str,
    version: &'static SupportedProtocolVersion,
) -> Result<(ProtocolVersion, String), std::io::Error> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = server.server_config().unwrap();
    let serving = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(config).unwrap();
        let _ = Stream::new(&mut connection, &mut socket).write_all(b"hello");
        connection.send_close_notify();
        let _ = connection.complete_io(&mut socket);
    });
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut connection = ClientConnection::new(client(ca, version), name).unwrap();
    let mut text = String::new();
    let outcome = Stream::new(&mut connection, &mut socket).read_to_string(&mut text);
    drop(socket);
    serving.join().unwrap();
    outcome?;
    assert_eq!(connection.alpn_protocol(), Some(b"h2".as_slice()));
    Ok((connection.protocol_version().unwrap(), text))
}

#[test]
fn a_client_that_trusts_the_ca_is_served_under_every_name_and_version() {
    let data = tempfile::tempdir().unwrap();
    let certificates = Certificates::open(data.path(), &["cupola.example.org".to_owned()]).unwrap();
    for name in ["localhost", "127.0.0.1", "::1", "cupola.internal", "cupola.example.org"] {
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let (spoken, text) = handshake(&certificates, certificates.ca_der(), name, version).unwrap();
            assert_eq!((spoken, text.as_str()), (version.version, "hello"), "{name}");
        }
    }
}

#[test]
fn a_client_that_trusts_another_ca_or_expects_another_name_refuses() {
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let certificates = Certificates::open(data.path(), &[]).unwrap();
    let other = Certificates::open(other.path(), &[]).unwrap();
    let version = &rustls::version::TLS13;
    let stranger = handshake(&certificates, other.ca_der(), "localhost", version).unwrap_err();
    assert!(stranger.to_string().contains("invalid peer certificate"), "{stranger}");
    let misnamed = handshake(&certificates, certificates.ca_der(), "example.org", version).unwrap_err();
    assert!(misnamed.to_string().contains("not valid for name"), "{misnamed}");
}

#[test]
fn keys_are_for_their_owner_alone() {
    let data = tempfile::tempdir().unwrap();
    Certificates::open(data.path(), &[]).unwrap();
    for key in ["tls/ca.key", "tls/server.key"] {
        let mode = fs::metadata(data.path().join(key)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
}

#[test]
fn a_restart_changes_no_file() {
    let data = tempfile::tempdir().unwrap();
    let contents = || -> BTreeMap<_, _> {
        let entries = fs::read_dir(data.path().join("tls")).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect()
    };
    Certificates::open(data.path(), &[]).unwrap();
    let first = contents();
    Certificates::open(data.path(), &[]).unwrap();
    assert_eq!(first.len(), 5);
    assert!(first == contents());
}

#[test]
fn the_leaf_is_renewed_a_month_before_its_end_under_the_same_ca() {
    let data = tempfile::tempdir().unwrap();
    let first = Certificates::open_at(data.path(), &[], now()).unwrap();
    let pem = leaf_pem(data.path());
    Certificates::open_at(data.path(), &[], now() + days(360)).unwrap();
    assert_eq!(leaf_pem(data.path()), pem);
    let renewed = Certificates::open_at(data.path(), &[], now() + days(367)).unwrap();
    assert_ne!(leaf_pem(data.path()), pem);
    assert_eq!(renewed.ca_pem(), first.ca_pem());
}

#[test]
fn the_leaf_is_renewed_when_the_names_change() {
    let data = tempfile::tempdir().unwrap();
    Certificates::open(data.path(), &[]).unwrap();
    let certificates = Certificates::open(data.path(), &["192.0.2.7".to_owned()]).unwrap();
    handshake(&certificates, certificates.ca_der(), "192.0.2.7", &rustls::version::TLS13).unwrap();
}

#[test]
fn a_damaged_leaf_is_replaced() {
    for file in ["tls/server.pem", "tls/server.key"] {
        let data = tempfile::tempdir().unwrap();
        Certificates::open(data.path(), &[]).unwrap();
        fs::write(data.path().join(file), "-----BEGIN NOTHING-----").unwrap();
        let certificates = Certificates::open(data.path(), &[]).unwrap();
        handshake(&certificates, certificates.ca_der(), "localhost", &rustls::version::TLS13).unwrap();
    }
}

#[test]
fn a_leaf_whose_key_was_swapped_is_replaced() {
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    Certificates::open(data.path(), &[]).unwrap();
    Certificates::open(other.path(), &[]).unwrap();
    fs::copy(other.path().join("tls/server.key"), data.path().join("tls/server.key")).unwrap();
    let certificates = Certificates::open(data.path(), &[]).unwrap();
    handshake(&certificates, certificates.ca_der(), "localhost", &rustls::version::TLS13).unwrap();
}

#[test]
fn a_ca_near_its_end_is_signed_anew_and_old_clients_still_trust_it() {
    let data = tempfile::tempdir().unwrap();
    let nine_and_a_half_years_ago = now() - days(3500);
    let old = Certificates::open_at(data.path(), &[], nine_and_a_half_years_ago).unwrap();
    let new = Certificates::open(data.path(), &[]).unwrap();
    assert_ne!(old.ca_pem(), new.ca_pem());
    handshake(&new, old.ca_der(), "localhost", &rustls::version::TLS13).unwrap();
    handshake(&new, new.ca_der(), "localhost", &rustls::version::TLS13).unwrap();
}

#[test]
fn a_clock_set_back_leaves_a_server_that_works() {
    let data = tempfile::tempdir().unwrap();
    Certificates::open_at(data.path(), &[], now() + days(2000)).unwrap();
    let certificates = Certificates::open(data.path(), &[]).unwrap();
    handshake(&certificates, certificates.ca_der(), "localhost", &rustls::version::TLS13).unwrap();
}

#[test]
fn a_lost_ca_key_is_an_error_and_not_a_new_ca() {
    let data = tempfile::tempdir().unwrap();
    Certificates::open(data.path(), &[]).unwrap();
    fs::remove_file(data.path().join("tls/ca.key")).unwrap();
    let error = Certificates::open(data.path(), &[]).unwrap_err();
    assert_eq!(error.code(), "identity_file_unusable");
    assert!(error.to_string().contains("tls/ca.key"), "{error}");
}

#[test]
fn a_new_ca_brings_a_new_leaf_with_it() {
    let data = tempfile::tempdir().unwrap();
    let first = Certificates::open(data.path(), &[]).unwrap();
    for file in ["tls/ca.key", "tls/ca.pem"] {
        fs::remove_file(data.path().join(file)).unwrap();
    }
    let second = Certificates::open(data.path(), &[]).unwrap();
    assert_ne!(first.ca_pem(), second.ca_pem());
    handshake(&second, second.ca_der(), "localhost", &rustls::version::TLS13).unwrap();
    assert!(fs::read_to_string(second.bundle_file()).unwrap().ends_with(second.ca_pem()));
}

#[test]
fn a_start_that_died_between_key_and_certificate_is_completed() {
    let data = tempfile::tempdir().unwrap();
    let first = Certificates::open(data.path(), &[]).unwrap();
    fs::remove_file(data.path().join("tls/ca.pem")).unwrap();
    let second = Certificates::open(data.path(), &[]).unwrap();
    handshake(&second, first.ca_der(), "localhost", &rustls::version::TLS13).unwrap();
}

#[test]
fn openssl_finds_nothing_to_object_to_in_its_strict_mode() {
    let data = tempfile::tempdir().unwrap();
    Certificates::open(data.path(), &[]).unwrap();
    let tls = data.path().join("tls");
    let openssl = Command::new("openssl")
        .args(["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost", "-CAfile"])
        .args([tls.join("bundle.pem"), tls.join("server.pem")])
        .stdin(Stdio::null())
        .output();
    let Ok(output) = openssl else {
        println!("skipped: there is no openssl command on this machine");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
