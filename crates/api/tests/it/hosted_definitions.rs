//! Definitions that can't be hosted, and programs that do not come up: each says why.

use cupola_api::HostingSettings;
use serde_json::{Value, json};

use crate::{
    app::{Form, TestApp, assert_refused},
    hosted_agent::{definition, deploy, hosting, hosting_with, made, modern, send_package},
};

const VERSIONS: &str = "/agents/worker/versions";

fn image(reference: &str) -> Value {
    json!({
        "kind": "hosted",
        "image": reference,
        "container_protocol_versions": [{"protocol": "responses", "version": "v1"}],
    })
}

/// Changes one field of a definition.
fn with(mut definition: Value, field: &str, value: Value) -> Value {
    definition[field] = value;
    definition
}

#[tokio::test]
async fn a_definition_that_is_wrong_is_refused_with_the_place() {
    let app = hosting().await;
    let base = || image("registry.example/a:1");
    let spoken = |protocol: &str, version: &str| json!([{"protocol": protocol, "version": version}]);
    for (definition, code, param) in [
        (with(base(), "cpu", json!("8")), "invalid_value", "definition.cpu"),
        (with(base(), "cpu", json!("0.1")), "invalid_value", "definition.cpu"),
        (with(base(), "memory", json!("512Mi")), "invalid_value", "definition.memory"),
        (with(base(), "memory", json!("many")), "invalid_value", "definition.memory"),
        (
            with(base(), "image", json!("")),
            "missing_required_parameter",
            "definition.container_configuration.image",
        ),
        (
            with(base(), "container_protocol_versions", spoken("responses", "v9")),
            "ProtocolVersionNotSupported",
            "definition.container_protocol_versions[0]",
        ),
        (
            with(base(), "protocol_versions", spoken("telepathy", "1.0.0")),
            "ProtocolVersionNotSupported",
            "definition.protocol_versions[0]",
        ),
        (
            with(base(), "code_configuration", json!({"runtime": "python_3_13", "entry_point": ["python"]})),
            "mutually_exclusive_parameters",
            "definition.code_configuration",
        ),
        (
            with(base(), "environment_variables", json!({"A": 1})),
            "invalid_type",
            "definition.environment_variables.A",
        ),
        (
            with(base(), "session_configuration", json!({"idle_timeout_seconds": 1})),
            "invalid_value",
            "definition.session_configuration.idle_timeout_seconds",
        ),
    ] {
        let (status, message, seen, place) =
            app.user.post(VERSIONS, json!({"definition": definition})).await.refusal();
        let expected = (400, Some(code), Some(param));
        assert_eq!((status, seen.as_deref(), place.as_deref()), expected, "{message}");
    }
    assert_eq!(app.user.get("/agents/worker").await.status.as_u16(), 404, "nothing was made");
}

#[tokio::test]
async fn a_code_package_is_named_by_its_digest_and_never_by_a_path() {
    let app = hosting().await;
    for hash in ["../../../etc", "/etc", "", &"A".repeat(64), &"a".repeat(63)] {
        let code =
            json!({"runtime": "python_3_13", "entry_point": ["python", "main.py"], "content_hash": hash});
        let mut definition = definition(modern());
        definition["code_configuration"] = code;
        let refused = app.user.post(VERSIONS, json!({"definition": definition})).await;
        let (status, _, code, param) = refused.refusal();
        let expected = (400, Some("invalid_value"), Some("definition.code_configuration.content_hash"));
        assert_eq!((status, code.as_deref(), param.as_deref()), expected, "{hash:?}");
    }
}

#[tokio::test]
async fn a_service_without_hosting_says_so() {
    let app = TestApp::start().await;
    let (status, _, code, _) = app.user.post(VERSIONS, json!({"definition": image("a:1")})).await.refusal();
    assert_eq!((status, code.as_deref()), (400, Some("CapabilityHostNotFound")));
}

#[tokio::test]
async fn an_image_that_this_machine_can_not_run_fails_with_the_reason() {
    let app = hosting().await;
    app.user.post(VERSIONS, json!({"definition": image("registry.example/a:1")})).await.accepted();
    let version = made(&app.user, "worker", "1").await;
    assert_eq!((&version["status"], &version["state"]), (&json!("failed"), &json!("failed")));
    assert_eq!(version["error"]["code"], "CapabilityHostNotFound");
    let (status, message, code, _) =
        app.user.post("/agents/worker/endpoint/sessions", json!({})).await.refusal();
    assert_eq!((status, code.as_deref()), (424, Some("session_not_ready")));
    assert!(message.contains("registry.example/a:1"), "{message}");
}

#[tokio::test]
async fn a_program_that_does_not_come_up_fails_with_its_last_words() {
    let app = hosting().await;
    let program = "import sys\nsys.exit('no key was given')";
    send_package(&app.user, "worker", definition(modern()), program).await.accepted();
    let version = made(&app.user, "worker", "1").await;
    assert_eq!(version["error"]["code"], "ContainerProbesFailed");
    assert_eq!(
        version["error"]["message"],
        "The container exited with code 1 before it was ready. Its last lines on standard error: no key was given"
    );
}

#[tokio::test]
async fn a_program_that_never_listens_fails_once_its_time_is_over() {
    let settings =
        HostingSettings { ready_within: std::time::Duration::from_millis(400), ..HostingSettings::default() };
    let app = hosting_with(settings).await;
    send_package(&app.user, "worker", definition(modern()), "import time\ntime.sleep(600)").await.accepted();
    let version = made(&app.user, "worker", "1").await;
    assert_eq!(version["error"]["code"], "ContainerProbesFailed");
    let message = version["error"]["message"].as_str().unwrap();
    assert!(message.contains("nothing answers on port 8088"), "{message}");
}

#[tokio::test]
async fn a_package_that_is_no_zip_fails() {
    let app = hosting().await;
    let metadata = json!({"definition": definition(modern())}).to_string();
    let form = Form::new().text("metadata", &metadata).file_as("code", "code.zip", b"not a zip");
    app.user.post_form(VERSIONS, &form).await.accepted();
    let version = made(&app.user, "worker", "1").await;
    assert_eq!(version["error"]["code"], "CodeError");
}

#[tokio::test]
async fn a_package_that_was_damaged_on_its_way_is_refused() {
    let app = hosting().await;
    let metadata = json!({"definition": definition(modern())}).to_string();
    let form = Form::new().text("metadata", &metadata).file_as("code", "code.zip", b"abc");
    let wrong = app.user.with_header("x-ms-code-zip-sha256", &"0".repeat(64));
    let message = format!(
        "The code package has the SHA-256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad, and \
         'x-ms-code-zip-sha256' says {}. It was damaged on its way.",
        "0".repeat(64)
    );
    let param = Some("x-ms-code-zip-sha256");
    assert_refused(&wrong.post_form(VERSIONS, &form).await, 400, &message, Some("invalid_value"), param);
    let none = Form::new().text("metadata", &metadata);
    let refused = app.user.post_form(VERSIONS, &none).await;
    assert_refused(
        &refused,
        400,
        "The form has no part 'code'.",
        Some("missing_required_parameter"),
        Some("code"),
    );
}

#[tokio::test]
async fn an_unchanged_definition_makes_no_new_version() {
    let app = hosting().await;
    let first = deploy(&app.user, "worker", modern()).await;
    let second = deploy(&app.user, "worker", modern()).await;
    assert_eq!((&first["version"], &second["version"]), (&json!("1"), &json!("1")));
}
