//! `cupola quickstart`.

use std::fs;

use rustix::process::Signal;

use crate::home::Home;

#[test]
fn the_demonstration_shows_a_function_that_is_really_called() {
    let home = Home::new();
    let shown = home.output_of(&["quickstart", "--exit"]);
    for expected in [
        "is ready",
        "How much disk space does this machine have left?",
        "calls machine_fact({\"fact\":\"disk\"})",
        "GiB are free",
        "machine_fact returned: ",
        "is completed after ",
        "\ntool_calls        completed ",
        "\nmessage_creation  completed ",
        "The agent is deleted again",
    ] {
        assert!(shown.contains(expected), "{expected:?} is missing in:\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "colours in a pipe:\n{shown}");
}

#[test]
fn every_step_has_a_time_in_milliseconds() {
    let shown = Home::new().output_of(&["quickstart", "--exit"]);
    let steps: Vec<&str> = shown.lines().filter(|line| line.contains("  completed  ")).collect();
    assert_eq!(steps.len(), 2, "{shown}");
    for step in steps {
        let words: Vec<&str> = step.split_whitespace().collect();
        assert!(words[2].parse::<f64>().unwrap() > 0.0, "{step}");
        assert_eq!(words[3], "ms", "{step}");
    }
}

#[test]
fn it_serves_on_and_says_what_to_type_next() {
    let home = Home::new();
    let server = home.start(&["quickstart"], "Serving until you press Ctrl-C");
    let endpoint = home.client().endpoint().to_owned();
    for expected in [
        " env)\"\n".to_owned(),
        "\npip install azure-ai-projects==1.0.0 azure-identity ".to_owned(),
        format!("\nagents = AIProjectClient(\"{endpoint}\", DefaultAzureCredential()).agents\n"),
        " classic threads show thread_".to_owned(),
    ] {
        assert!(server.said.contains(&expected), "{expected:?} is missing in:\n{}", server.said);
    }
    assert_eq!(home.json_of(&["classic", "agents", "list"]), serde_json::json!([]));
    assert_eq!(home.json_of(&["classic", "threads", "list"]).as_array().unwrap().len(), 1);
    server.signal(Signal::INT);
    assert!(server.wait().0.success());
}

#[test]
fn a_server_that_runs_already_is_used_and_goes_on() {
    let home = Home::new();
    let _server = home.serve();
    let shown = home.output_of(&["quickstart"]);
    assert!(shown.starts_with("Cupola runs already (process "), "{shown}");
    assert!(shown.contains("machine_fact returned: "), "{shown}");
    assert_eq!(home.json_of(&["classic", "threads", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_run_that_fails_is_told_and_no_agent_stays_behind() {
    let home = Home::new();
    home.configure(
        "listen = \"127.0.0.1:0\"\n[models]\ndefault = \"broken\"\n\
         [models.providers.broken]\nkind = \"builtin\"\nscript = \"script.yaml\"\n",
    );
    let script = "rules: []\notherwise: { fail: { kind: broken, message: The model is out of order. } }\n";
    fs::write(home.path().join("script.yaml"), script).unwrap();
    let ended = home.run(&["quickstart", "--exit"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("error: The run is failed: The model is out of order."), "{ended:?}");
    let _server = home.serve();
    assert_eq!(home.json_of(&["classic", "agents", "list"]), serde_json::json!([]));
}

#[test]
fn a_signal_during_the_demonstration_ends_it_and_drains() {
    let home = Home::new();
    home.configure(
        "listen = \"127.0.0.1:0\"\n[runs]\ndrain_grace = \"0s\"\n[models]\ndefault = \"slow\"\n\
         [models.providers.slow]\nkind = \"builtin\"\nscript = \"script.yaml\"\n",
    );
    let script = "rules: []\notherwise: { say: late, delay: { first: 600s } }\n";
    fs::write(home.path().join("script.yaml"), script).unwrap();
    let server = home.start(&["quickstart"], "is ready");
    server.signal(Signal::TERM);
    let (status, said) = server.wait();
    assert_eq!(status.code(), Some(1), "it ended by itself: {status}");
    assert!(said.contains("SIGTERM: stopping."), "{said}");
}

#[test]
fn where_no_model_is_known_it_asks_for_one() {
    let home = Home::new();
    home.configure(
        "listen = \"127.0.0.1:0\"\n[models.providers.unknown]\nkind = \"openai\"\n\
         base_url = \"http://127.0.0.1:1/v1\"\n",
    );
    let ended = home.run(&["quickstart", "--exit"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("cupola quickstart --model DEPLOYMENT"), "{ended:?}");
}
