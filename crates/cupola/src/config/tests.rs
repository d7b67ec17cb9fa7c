#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs, time::Duration};

use super::*;

/// A home directory with nothing in it, and what is added to the environment and the flags.
struct Case {
    home: tempfile::TempDir,
    variables: Vec<(String, String)>,
    flags: Flags,
}

fn case() -> Case {
    let home = tempfile::tempdir().unwrap();
    let variables = vec![("HOME".to_owned(), home.path().to_str().unwrap().to_owned())];
    Case { home, variables, flags: Flags::default() }
}

impl Case {
    fn file(self, text: &str) -> Self {
        fs::write(self.home.path().join("cupola.toml"), text).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    fn load(&self) -> Result<Config, ConfigError> {
        Config::load_from(&self.flags, self.variables.clone(), self.home.path())
    }

    fn refusal(&self) -> String {
        let error = self.load().unwrap_err();
        assert_eq!(error.code(), "bad_configuration");
        error.to_string().replace(&format!("{}/", self.home.path().display()), "")
    }
}

#[test]
fn with_nothing_given_the_defaults_hold() {
    let case = case();
    let config = case.load().unwrap();
    let data = case.home.path().join(".local/share/cupola");
    assert_eq!(config, Config { data, ..Config::default() });
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let text = "listen = \"127.0.0.1:1\"\nproject = \"file\"\nlog = \"debug\"";
    let mut case =
        case().file(text).variable("CUPOLA_LISTEN", "127.0.0.1:2").variable("CUPOLA_PROJECT", "variable");
    case.flags.project = Some("flag".into());
    let config = case.load().unwrap();
    assert_eq!(config.project, "flag");
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.log, "debug");
}

#[test]
fn the_environment_reaches_into_tables() {
    let config = case()
        .file("[runs]\nexpires_after = \"1m\"\ndrain_grace = \"0s\"")
        .variable("CUPOLA_RUNS__EXPIRES_AFTER", "2m")
        .variable("CUPOLA_STORE__DURABILITY", "normal")
        .variable("CUPOLA_LIMITS__MAX_BODY_BYTES", "1024")
        .variable("CUPOLA_TLS__NAMES", "a.example.org, b.example.org")
        .load()
        .unwrap();
    assert_eq!(config.runs.expires_after, Duration::from_secs(120));
    assert_eq!(config.runs.drain_grace, Duration::ZERO);
    assert_eq!(config.store.durability, Durability::Normal);
    assert_eq!(config.limits.max_body_bytes.get(), 1024);
    assert_eq!(config.tls.names, ["a.example.org", "b.example.org"]);
}

#[test]
fn a_list_of_tables_can_be_given_as_toml_in_a_variable() {
    let value = r#"[{ name = "ci", env = "CI_KEY", projects = ["demo"] }]"#;
    let config = case().variable("CUPOLA_IDENTITY__API_KEYS", value).load().unwrap();
    assert_eq!(config.identity.api_keys[0].name, "ci");
    assert_eq!(config.identity.api_keys[0].projects, ["demo"]);
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_its_nearest_neighbour() {
    let text = "project = \"demo\"\n\n[runs]\n  expires_afer = \"1m\"\n";
    let expected = "cupola.toml:4:3: there is no key `runs.expires_afer`; did you mean `runs.expires_after`?";
    assert_eq!(case().file(text).refusal(), expected);
}

#[test]
fn an_unknown_table_and_a_key_in_the_wrong_table_are_told_what_was_meant() {
    assert!(case().file("[rusn]\nx = 1").refusal().ends_with("there is no key `rusn`; did you mean `runs`?"));
    let misplaced = case().file("durability = \"full\"").refusal();
    assert!(misplaced.ends_with("did you mean `store.durability`?"), "{misplaced}");
}

#[test]
fn an_unknown_key_in_a_list_is_refused_with_its_place() {
    let text = "[[identity.api_keys]]\nname = \"ci\"\nfil = \"key\"\n";
    let expected = "cupola.toml:3:1: there is no key `identity.api_keys[0].fil`; \
                    did you mean `identity.api_keys[].file`?";
    assert_eq!(case().file(text).refusal(), expected);
}

#[test]
fn an_unknown_key_of_a_named_thing_is_told_with_that_name() {
    let text = "[models.providers.\"gpt-4.1\"]\nkind = \"openai\"\nbas_url = \"http://127.0.0.1:1/v1\"\n";
    let expected = "cupola.toml:3:1: there is no key `models.providers.gpt-4.1.bas_url`; \
                    did you mean `models.providers.gpt-4.1.base_url`?";
    assert_eq!(case().file(text).refusal(), expected);
}

#[test]
fn a_deployment_of_no_provider_is_refused_with_its_place() {
    let text = "[models.deployments.gpt]\nprovider = \"nowhere\"\n";
    let refusal = case().file(text).refusal();
    assert!(refusal.starts_with("cupola.toml:2:1: `models.deployments.gpt.provider`: "), "{refusal}");
    assert!(refusal.contains("nowhere"), "{refusal}");
}

#[test]
fn a_provider_can_be_given_in_variables_alone() {
    let config = case()
        .variable("CUPOLA_MODELS__PROVIDERS__LOCAL__KIND", "openai")
        .variable("CUPOLA_MODELS__PROVIDERS__LOCAL__BASE_URL", "http://127.0.0.1:1234/v1")
        .variable("CUPOLA_MODELS__PROVIDERS__LOCAL__RETRIES", "0")
        .load()
        .unwrap();
    let provider = &config.models.providers["local"];
    assert_eq!(provider.base_url.as_deref(), Some("http://127.0.0.1:1234/v1"));
    assert_eq!(provider.retries, Some(0));
}

#[test]
fn a_relative_path_in_a_file_begins_where_that_file_is() {
    let case = case().file(
        "[[identity.api_keys]]\nname = \"ci\"\nfile = \"keys/ci\"\n\
         [models.providers.\"a.b\"]\nkind = \"builtin\"\nscript = \"rules.yaml\"\n\
         [models.providers.taped]\nkind = \"cassette\"\nfile = \"../tape.jsonl\"\n\
         [models.providers.real]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:1/v1\"\n\
         api_key_file = \"/run/secrets/key\"\n\
         [[connections]]\nname = \"search\"\ntype = \"ApiKey\"\ntarget = \"https://search\"\n\
         key_file = \"keys/search\"\n\
         [[connections]]\nname = \"shop\"\ntype = \"CustomKeys\"\ntarget = \"https://shop\"\n\
         keys_file = { id = \"/run/id\", \"x.secret\" = \"keys/shop\" }\n",
    );
    let config = case.load().unwrap();
    let home = case.home.path();
    assert_eq!(config.identity.api_keys[0].file, Some(home.join("keys/ci")));
    assert_eq!(config.models.providers["a.b"].script, Some(home.join("rules.yaml")));
    assert_eq!(config.models.providers["taped"].file, Some(home.join("../tape.jsonl")));
    assert_eq!(config.models.providers["real"].api_key_file, Some(PathBuf::from("/run/secrets/key")));
    assert_eq!(config.connections[0].key_file, Some(home.join("keys/search")));
    assert_eq!(config.connections[1].keys_file["id"], PathBuf::from("/run/id"));
    assert_eq!(config.connections[1].keys_file["x.secret"], home.join("keys/shop"));
}

#[test]
fn a_relative_path_in_a_variable_begins_where_cupola_starts() {
    let config = case()
        .file("[models.providers.local]\nkind = \"builtin\"\nscript = \"file.yaml\"")
        .variable("CUPOLA_MODELS__PROVIDERS__LOCAL__SCRIPT", "variable.yaml")
        .variable("CUPOLA_IDENTITY__API_KEYS", r#"[{ name = "ci", file = "key" }]"#)
        .variable(
            "CUPOLA_CONNECTIONS",
            r#"[{ name = "search", type = "ApiKey", target = "https://search", key_file = "key" }]"#,
        )
        .load()
        .unwrap();
    assert_eq!(config.models.providers["local"].script, Some(PathBuf::from("variable.yaml")));
    assert_eq!(config.identity.api_keys[0].file, Some(PathBuf::from("key")));
    assert_eq!(config.connections[0].key_file, Some(PathBuf::from("key")));
}

#[test]
fn a_bad_value_is_refused_with_its_place_and_an_example() {
    let refusal = case().file("[runs]\nexpires_after = \"soon\"").refusal();
    assert!(
        refusal.starts_with("cupola.toml:2:1: `runs.expires_after`: \"soon\" is not a duration"),
        "{refusal}"
    );
    let refusal = case().file("[store]\ndurability = \"fast\"").refusal();
    assert!(
        refusal.contains("`store.durability`: unknown variant `fast`, expected `full` or `normal`"),
        "{refusal}"
    );
    let refusal = case().file("[limits]\nmax_body_bytes = 0").refusal();
    assert!(refusal.starts_with("cupola.toml:2:1: `limits.max_body_bytes`"), "{refusal}");
}

#[test]
fn a_bad_value_in_a_variable_or_a_flag_names_that() {
    let refusal = case().variable("CUPOLA_RUNS__MAX_CONCURRENT", "many").refusal();
    assert!(refusal.starts_with("CUPOLA_RUNS__MAX_CONCURRENT: `runs.max_concurrent`"), "{refusal}");
    let refusal = case().variable("CUPOLA_LOG_FORMAT", "xml").refusal();
    assert!(refusal.starts_with("CUPOLA_LOG_FORMAT: `log_format`: unknown variant"), "{refusal}");
    let mut case = case();
    case.flags.listen = Some("localhost".into());
    assert!(case.refusal().starts_with("--listen: `listen`: \"localhost\" is not an IP address with a port"));
}

#[test]
fn every_kind_of_value_is_checked() {
    for (text, part) in [
        ("project = \"a/b\"", "not a project name"),
        ("project = \"\"", "not a project name"),
        ("log = \"info,=\"", "not a log filter"),
        ("[tls]\nnames = [\"https://x\"]", "neither a host name nor an IP address"),
        ("[identity]\ntoken_lifetime = \"5s\"", "at least one minute"),
        ("[runs]\nexpires_after = \"0s\"", "at least one second"),
    ] {
        let refusal = case().file(text).refusal();
        assert!(refusal.contains(part), "{refusal}");
    }
}

#[test]
fn an_unknown_variable_is_refused_unless_a_key_is_kept_in_it() {
    let refusal = case().variable("CUPOLA_LISTN", "127.0.0.1:1").refusal();
    assert_eq!(refusal, "CUPOLA_LISTN: there is no such configuration variable; did you mean CUPOLA_LISTEN?");
    let text = "[[identity.api_keys]]\nname = \"ci\"\nenv = \"CUPOLA_CI_KEY\"";
    case().file(text).variable("CUPOLA_CI_KEY", "secret").load().unwrap();
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_the_place() {
    let refusal = case().file("project = \"demo\"\nlisten = \n").refusal();
    assert!(refusal.starts_with("cupola.toml:2:"), "{refusal}");
    assert!(refusal.contains("this is not TOML"), "{refusal}");
}

#[test]
fn a_value_where_a_table_belongs_is_refused() {
    let refusal = case().file("runs = 5").variable("CUPOLA_RUNS__DRAIN_GRACE", "1s").refusal();
    assert_eq!(refusal, "cupola.toml:1:1: `runs` must be a table");
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    let refusal = case().file("[identity]\napi_keys = [\"hunter2-hunter2\"]").refusal();
    assert!(refusal.starts_with("cupola.toml:2:13: `identity.api_keys[0]`"), "{refusal}");
    assert!(!refusal.contains("hunter2"), "{refusal}");
}

#[test]
fn the_file_in_the_data_directory_comes_before_the_one_right_here() {
    let mut case = case().file("project = \"here\"");
    let data = case.home.path().join("data");
    fs::create_dir(&data).unwrap();
    case.flags.data = Some(data.to_str().unwrap().to_owned());
    assert_eq!(case.load().unwrap().project, "here");
    fs::write(data.join("cupola.toml"), "project = \"there\"").unwrap();
    let config = case.load().unwrap();
    assert_eq!((config.project.as_str(), config.file), ("there", Some(data.join("cupola.toml"))));
}

#[test]
fn a_file_that_is_named_must_exist() {
    let mut case = case();
    case.flags.config = Some(case.home.path().join("other.toml"));
    assert!(case.refusal().starts_with("other.toml: the configuration can't be read"));
}

#[test]
fn the_desktops_data_directory_is_honoured() {
    let config = case().variable("XDG_DATA_HOME", "/srv/data").load().unwrap();
    assert_eq!(config.data, Path::new("/srv/data/cupola"));
    let case = case().file("data = \"~/elsewhere\"");
    assert_eq!(case.load().unwrap().data, case.home.path().join("elsewhere"));
}

#[test]
fn without_a_home_the_data_directory_must_be_named() {
    let mut case = case();
    case.variables.clear();
    assert!(case.refusal().contains("--data DIR"));
}

#[test]
fn an_address_that_others_reach_needs_an_api_key() {
    let key = "[[identity.api_keys]]\nname = \"ci\"\nenv = \"CI_KEY\"";
    for (listen, text, is_allowed) in [
        ("127.0.0.1:8443", "", true),
        ("127.9.9.9:8443", "", true),
        ("[::1]:8443", "", true),
        ("[::ffff:127.0.0.1]:8443", "", true),
        ("0.0.0.0:8443", "", false),
        ("[::]:8443", "", false),
        ("192.0.2.7:8443", "", false),
        ("0.0.0.0:8443", key, true),
    ] {
        let config = case().file(text).variable("CUPOLA_LISTEN", listen).load().unwrap();
        let checked = config.check_exposure();
        assert_eq!(checked.is_ok(), is_allowed, "{listen}");
        assert!(checked.err().is_none_or(|error| error.code() == "exposure_without_identity"));
    }
}

#[test]
fn the_address_served_on_is_one_of_the_certificates_names() {
    let names = |listen| case().variable("CUPOLA_LISTEN", listen).load().unwrap().identity_settings().names;
    assert_eq!(names("192.0.2.7:8443"), ["192.0.2.7"]);
    assert!(names("0.0.0.0:8443").is_empty());
}

#[test]
fn there_is_one_embedding_and_one_reranker() {
    for (text, told) in [
        ("embedding = \"a\"\nembedding_model = \"b\"", "either this or `knowledge.embedding`"),
        ("reranker = \"a\"\nreranker_model = \"b\"", "either this or `knowledge.reranker`"),
        ("embedding_model = \"b\"\ndimensions = 256", "only a deployment"),
    ] {
        let refusal = case().file(&format!("[knowledge]\n{text}")).refusal();
        assert!(refusal.contains("cupola.toml:3:") && refusal.contains(told), "{refusal}");
    }
}

#[test]
fn directories_of_models_begin_where_the_file_is() {
    let case = case().file("[knowledge]\nembedding_model = \"models/a\"\nreranker_model = \"/models/b\"");
    let knowledge = case.load().unwrap().knowledge;
    assert_eq!(knowledge.embedding_model.unwrap(), case.home.path().join("models/a"));
    assert_eq!(knowledge.reranker_model.unwrap(), Path::new("/models/b"));
}

#[test]
fn what_tools_may_reach_is_read_entry_by_entry() {
    let allowed = case().variable("CUPOLA_TOOLS__ALLOW", "127.0.0.1, build.internal:8080").load().unwrap();
    assert!(allowed.tools.allow.holds([127, 0, 0, 1].into()));
    assert!(!Config::default().tools.allow.holds([127, 0, 0, 1].into()));
    let refusal = case().file("[tools]\nallow = [\"10.0.0.0/33\"]").refusal();
    assert!(refusal.contains("cupola.toml:2:") && refusal.contains("10.0.0.0/8"), "{refusal}");
}

/// The rows of the tables in docs/configuration.md: key, default, variable.
fn documented() -> BTreeMap<String, (String, String)> {
    let page = include_str!("../../../../docs/configuration.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        (cells[1].to_owned(), (cells[2].to_owned(), cells[3].to_owned()))
    })
    .collect()
}

#[test]
fn the_page_lists_exactly_the_keys_that_exist() {
    let keys = keys::keys_of::<Config>();
    let existing: BTreeMap<String, String> = keys
        .iter()
        .map(|key| {
            let variable = if key.is_in_list() { "–".to_owned() } else { environment::variable_for(key) };
            (key.name(), variable)
        })
        .collect();
    let listed: BTreeMap<String, String> =
        documented().into_iter().map(|(key, (_, variable))| (key, variable)).collect();
    assert_eq!(listed, existing);
}

#[test]
fn the_page_tells_the_true_defaults() {
    let defaults: String = documented()
        .into_iter()
        .filter(|(key, _)| !key.contains("[]") && !key.contains(keys::ANY_NAME))
        .filter(|(_, (default, _))| default != "–")
        .map(|(key, (default, _))| format!("{key} = {default}\n"))
        .collect();
    let case = case();
    let expected = case.load().unwrap();
    let case = case.file(&defaults);
    assert_eq!(Config { file: None, ..case.load().unwrap() }, expected);
}
