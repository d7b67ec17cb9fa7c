#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs, process::Command};

use super::*;
use crate::data_dir::DataDir;

const NASTY: &str = "/home/o'brien/a b/$HOME/`id`/\\n/\"x\"";

fn config(data: &Path) -> Config {
    Config { data: data.into(), ..Config::default() }
}

fn map(variables: Variables) -> BTreeMap<&'static str, String> {
    variables.into_iter().collect()
}

#[test]
fn before_the_first_start_the_files_that_it_names_are_there() {
    let data = tempfile::tempdir().unwrap();
    let found = map(variables(&config(data.path()), Some("builtin")).unwrap());
    for name in ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"] {
        assert!(fs::read_to_string(&found[name]).unwrap().contains("BEGIN CERTIFICATE"), "{name}");
    }
    assert_eq!(
        found["IDENTITY_HEADER"],
        fs::read_to_string(data.path().join("identity/header.secret")).unwrap()
    );
}

#[test]
fn the_variables_of_every_sdk_generation_are_there() {
    let data = tempfile::tempdir().unwrap();
    let found = map(variables(&config(data.path()), Some("gpt-4o")).unwrap());
    for name in ["PROJECT_ENDPOINT", "AZURE_AI_PROJECT_ENDPOINT", "FOUNDRY_PROJECT_ENDPOINT"] {
        assert_eq!(found[name], "https://127.0.0.1:8443/api/projects/demo", "{name}");
    }
    for name in ["MODEL_DEPLOYMENT_NAME", "AZURE_AI_MODEL_DEPLOYMENT_NAME", "FOUNDRY_MODEL_NAME"] {
        assert_eq!(found[name], "gpt-4o", "{name}");
    }
    assert_eq!(found["IDENTITY_ENDPOINT"], "https://127.0.0.1:8443/msi/token");
    assert_eq!(found["AZURE_TOKEN_CREDENTIALS"], "ManagedIdentityCredential");
    assert_eq!(found.len(), 12);
}

#[test]
fn where_no_deployment_is_known_the_users_own_variables_are_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let found = map(variables(&config(data.path()), None).unwrap());
    assert!(DEPLOYMENT_VARIABLES.iter().all(|name| !found.contains_key(name)), "{found:?}");
    assert_eq!(found.len(), 9);
}

#[test]
fn a_running_server_is_found_whatever_the_configuration_says() {
    let data = tempfile::tempdir().unwrap();
    let server = DataDir::open(data.path()).unwrap();
    server.announce("0.0.0.0:4711".parse().unwrap(), "shop", Some("gpt-4o")).unwrap();
    let found = map(variables(&config(data.path()), Some("builtin")).unwrap());
    assert_eq!(found["PROJECT_ENDPOINT"], "https://127.0.0.1:4711/api/projects/shop");
}

#[test]
fn an_address_of_the_second_kind_stands_in_brackets() {
    assert_eq!(reachable("[::]:8443".parse().unwrap()).to_string(), "[::1]:8443");
    assert_eq!(reachable("192.0.2.7:8443".parse().unwrap()).to_string(), "192.0.2.7:8443");
}

#[test]
fn a_port_that_is_not_chosen_yet_can_not_be_printed() {
    let data = tempfile::tempdir().unwrap();
    let config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..config(data.path()) };
    assert!(variables(&config, Some("builtin")).unwrap_err().to_string().contains("cupola up"));
}

#[test]
fn a_posix_shell_reads_back_exactly_what_was_meant() {
    let script = render(&vec![("VALUE", NASTY.to_owned())], Shell::Bash) + "printf %s \"$VALUE\"";
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), NASTY);
}

#[test]
fn each_shell_gets_its_own_quoting() {
    let shown = |shell| render(&vec![("A", r"it's \x".to_owned())], shell);
    assert_eq!(shown(Shell::Bash), "export A='it'\\''s \\x'\n");
    assert_eq!(shown(Shell::Fish), "set -gx A 'it\\'s \\\\x'\n");
    assert_eq!(shown(Shell::Powershell), "$env:A = 'it''s \\x'\n");
    assert_eq!(shown(Shell::Dotenv), "A=\"it's \\\\x\"\n");
    assert_eq!(shown(Shell::Json), "{\n  \"A\": \"it's \\\\x\"\n}\n");
}

#[test]
fn a_dotenv_file_quotes_only_where_it_must() {
    assert_eq!(
        dotenv_value("https://127.0.0.1:8443/api/projects/demo"),
        "https://127.0.0.1:8443/api/projects/demo"
    );
    assert_eq!(dotenv_value("/a b/$c"), "'/a b/$c'");
}
