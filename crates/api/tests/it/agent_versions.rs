//! `/agents/{agent}/versions`.

use axum::body::Body;
use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::{Actor, TestApp},
    named_agents::{add_version, prompt, refusal},
};

/// Adds a draft, which must be accepted, and gives it.
async fn add_draft(user: &Actor, name: &str, body: &Value) -> Value {
    let request = user.request(Method::POST, &format!("/agents/{name}/versions"));
    let request = request.header("foundry-features", "DraftAgents=V1Preview");
    user.send(request.body(Body::from(body.to_string())).unwrap()).await.accepted()
}

#[tokio::test]
async fn a_version_is_echoed_with_everything_it_was_given() {
    let app = TestApp::start().await;
    let body = json!({
        "definition": {
            "model": "gpt-4o", "kind": "prompt", "instructions": "Be brief.", "temperature": 0.5,
            "tools": [
                {"type": "function", "name": "f", "parameters": {}, "strict": true},
                {"type": "invented_later", "deep": [1, null]},
            ],
            "text": {"format": {"type": "text"}}, "invented_later": null,
        },
        "description": "Knows the weather.", "metadata": {"team": "sky"},
        "blueprint_reference": {"type": "ManagedAgentIdentityBlueprint", "blueprint_id": "b"},
        "id": "forged", "version": "99", "status": "forged",
    });
    let created = app.user.post("/agents/weather/versions", body).await;
    assert_snapshot!(created.shown());
    assert_eq!(app.user.get("/agents/weather/versions/1").await.accepted(), created.accepted());
}

#[tokio::test]
async fn a_version_of_a_definition_alone_has_every_default() {
    let app = TestApp::start().await;
    let body = json!({"definition": {"kind": "prompt", "model": "gpt-4o"}});
    assert_snapshot!(app.user.post("/agents/weather/versions", body).await.shown());
}

#[tokio::test]
async fn every_version_has_a_number_even_if_it_says_the_same() {
    let app = TestApp::start().await;
    for number in ["1", "2", "3"] {
        assert_eq!(add_version(&app.user, "weather", "Be brief.").await["version"], number);
    }
}

#[tokio::test]
async fn versions_created_at_the_same_moment_have_different_numbers() {
    let app = TestApp::start().await;
    let creations = (0..8).map(|_| {
        let user = app.user.clone();
        tokio::spawn(async move { add_version(&user, "weather", "x").await["version"].clone() })
    });
    let creations: Vec<_> = creations.collect();
    let mut numbers = Vec::new();
    for creation in creations {
        numbers.push(creation.await.unwrap().as_str().unwrap().parse::<u32>().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
    let agent = app.user.get("/agents/weather").await.accepted();
    assert_eq!(agent["versions"]["latest"]["version"], "8");
}

#[tokio::test]
async fn no_number_is_given_twice_and_the_newest_that_is_left_is_the_latest() {
    let app = TestApp::start().await;
    for instructions in ["One.", "Two.", "Three."] {
        add_version(&app.user, "weather", instructions).await;
    }
    assert_snapshot!(app.user.delete("/agents/weather/versions/3").await.shown());
    let latest = || async { app.user.get("/agents/weather").await.accepted()["versions"]["latest"].clone() };
    assert_eq!(latest().await["definition"]["instructions"], "Two.");
    app.user.delete("/agents/weather/versions/1").await.accepted();
    assert_eq!(latest().await["version"], "2");
    assert_eq!(add_version(&app.user, "weather", "Four.").await["version"], "4");
    let gone = app.user.get("/agents/weather/versions/3").await;
    assert_snapshot!(gone.shown());
    assert_eq!(refusal(&app.user.delete("/agents/weather/versions/3").await).0, 404);
}

#[tokio::test]
async fn the_last_version_takes_the_agent_with_it() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "One.").await;
    app.user.delete("/agents/weather/versions/1").await.accepted();
    assert_eq!(refusal(&app.user.get("/agents/weather").await).0, 404);
    assert_eq!(refusal(&app.user.delete("/agents/weather/versions/1").await).0, 404);
}

#[tokio::test]
async fn drafts_never_become_the_latest_version_and_are_listed_on_demand() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "One.").await;
    let draft = json!({"definition": prompt("Try."), "draft": true});
    let refused = app.user.post("/agents/weather/versions", draft.clone()).await;
    assert_eq!(refusal(&refused).1, "preview_feature_required");
    let created = add_draft(&app.user, "weather", &draft).await;
    assert_eq!(created["draft"], true);
    let number = created["version"].as_str().unwrap();
    assert!(number.starts_with("draft-"), "{number}");
    let agent = app.user.get("/agents/weather").await.accepted();
    assert_eq!(agent["versions"]["latest"]["version"], "1");
    assert_eq!(app.user.list("/agents/weather/versions").await.len(), 1);
    let with_drafts = app.user.list("/agents/weather/versions?include_drafts=true").await;
    assert_eq!(with_drafts[0], created);
    assert_eq!(app.user.get(&format!("/agents/weather/versions/{number}")).await.accepted(), created);
    assert_eq!(add_version(&app.user, "weather", "Two.").await["version"], "2");
}

#[tokio::test]
async fn an_agent_of_drafts_alone_shows_the_newest_of_them_until_there_is_a_release() {
    let app = TestApp::start().await;
    let latest = || async { app.user.get("/agents/weather").await.accepted()["versions"]["latest"].clone() };
    let draft = json!({"definition": prompt("Try."), "draft": true});
    let first = add_draft(&app.user, "weather", &draft).await;
    let second = add_draft(&app.user, "weather", &draft).await;
    assert_ne!(first["version"], second["version"]);
    assert_eq!(latest().await, second);
    assert_eq!(app.user.list("/agents?kind=prompt").await.len(), 1);
    let release = add_version(&app.user, "weather", "One.").await;
    assert_eq!((&release["version"], latest().await), (&json!("1"), release.clone()));
    app.user.delete("/agents/weather/versions/1").await.accepted();
    assert_eq!(latest().await, second);
}

#[tokio::test]
async fn versions_are_paged_newest_first() {
    let app = TestApp::start().await;
    for instructions in ["One.", "Two.", "Three."] {
        add_version(&app.user, "weather", instructions).await;
    }
    let page = app.user.get("/agents/weather/versions?limit=2").await.accepted();
    assert_eq!((&page["first_id"], &page["last_id"]), (&json!("weather:3"), &json!("weather:2")));
    assert_eq!(page["has_more"], true);
    let rest = app.user.get("/agents/weather/versions?limit=2&after=weather:2").await.accepted();
    assert_eq!((&rest["last_id"], &rest["has_more"]), (&json!("weather:1"), &json!(false)));
    let end = app.user.get("/agents/weather/versions?limit=2&after=weather:1").await.accepted();
    assert_eq!((&end["data"], &end["last_id"]), (&json!([]), &Value::Null));
}

#[tokio::test]
async fn what_is_wrong_with_a_definition_is_named_by_its_path() {
    let app = TestApp::start().await;
    let refused = |body: Value| {
        let user = app.user.clone();
        async move {
            let (status, code, param) = refusal(&user.post("/agents/weather/versions", body).await);
            assert_eq!(status, 400);
            (code, param.unwrap_or_default())
        }
    };
    let with = |field: &str, value: Value| {
        let mut definition = prompt("x");
        definition[field] = value;
        json!({"definition": definition})
    };
    let named = |code: &str, param: &str| (code.to_owned(), param.to_owned());
    for (body, expected) in [
        (json!({}), named("missing_required_parameter", "definition")),
        (json!({"definition": {"model": "m"}}), named("missing_required_parameter", "definition.kind")),
        (json!({"definition": {"kind": "robot"}}), named("invalid_value", "definition.kind")),
        (json!({"definition": {"kind": "prompt"}}), named("missing_required_parameter", "definition.model")),
        (with("model", json!("")), named("missing_required_parameter", "definition.model")),
        (with("temperature", json!(2.5)), named("decimal_above_max_value", "definition.temperature")),
        (with("top_p", json!("high")), named("invalid_type", "definition.top_p")),
        (
            with("tools", json!([{"name": "f"}])),
            named("missing_required_parameter", "definition.tools[0].type"),
        ),
        (with("tools", json!([7])), named("invalid_type", "definition.tools[0]")),
        (
            with("structured_inputs", json!({"user": {"required": "yes"}})),
            named("invalid_type", "definition.structured_inputs.user.required"),
        ),
    ] {
        assert_eq!(refused(body.clone()).await, expected, "{body}");
    }
    let mut template = with("structured_inputs", json!({"vip": {}}));
    template["definition"]["instructions"] = json!("{{#if vip}}Dear");
    assert_eq!(refused(template).await, named("invalid_payload", "definition.instructions"));
    let long = json!({"definition": prompt("x"), "description": "d".repeat(513)});
    assert_eq!(refused(long).await, named("string_above_max_length", "description"));
    let many: Value = (0..17).map(|n| (n.to_string(), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    let many = json!({"definition": prompt("x"), "metadata": many});
    assert_eq!(refused(many).await, named("object_above_max_properties", "metadata"));
    assert_eq!(app.user.list("/agents").await, Vec::<Value>::new(), "nothing was created");
}
