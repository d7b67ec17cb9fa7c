//! What is foretold of a request's tokens, and what is reported of them.

use std::sync::Arc;

use cupola_models::{Catalog, ModelsConfig};
use serde_json::{Value, json};

use crate::{
    app::{Setup, TestApp},
    responses::{PATH, declared, output},
};

async fn with_the_builtin_model() -> TestApp {
    let settings = json!({"discover": false, "deployments": {"gpt": {"provider": "builtin"}}});
    let config: ModelsConfig = serde_json::from_value(settings).unwrap();
    let catalog = Arc::new(Catalog::build(&config, &|_| None).await.unwrap());
    let setup = Setup { deployments: Some(catalog.clone()), catalog: Some(catalog), ..Setup::default() };
    TestApp::with(setup).await
}

/// What is foretold; it must be what the finished response reports.
async fn tokens(app: &TestApp, body: Value) -> (u64, Value) {
    let foretold = app.user.post(&format!("{PATH}/input_tokens"), body.clone()).await.accepted();
    assert_eq!(foretold["object"], "response.input_tokens");
    let response = app.ask(body).await;
    assert_eq!(foretold["input_tokens"], response["usage"]["input_tokens"]);
    (foretold["input_tokens"].as_u64().unwrap(), response)
}

#[tokio::test]
async fn the_builtin_model_reports_what_was_foretold() {
    let app = with_the_builtin_model().await;
    let (short, first) = tokens(&app, json!({"model": "gpt", "input": "Who are you?"})).await;
    assert_eq!(short, 4 + 4, "four tokens of text and what is around them");
    let following = json!({
        "model": "gpt", "input": "Really?", "instructions": "Be kind.", "previous_response_id": first["id"],
    });
    let (long, _) = tokens(&app, following).await;
    assert!(long > short + 4 + 6, "the history and the instructions count: {long}");
    let image = json!({"type": "input_image", "image_url": "https://images.test/1.png"});
    let look = json!([{"role": "user", "content": [{"type": "input_text", "text": "Look"}, image]}]);
    assert!(tokens(&app, json!({"model": "gpt", "input": look})).await.0 > 1000);
    let asked = json!({"model": "gpt", "input": "get_weather", "tools": [declared("get_weather")]});
    let (declared_tokens, called) = tokens(&app, asked.clone()).await;
    assert!(declared_tokens > 10, "the function counts: {declared_tokens}");
    let mut answered = asked;
    let call_id = called["output"][0]["call_id"].as_str().unwrap();
    answered["input"] = json!([output(call_id, "It rains.")]);
    answered["previous_response_id"] = called["id"].clone();
    assert!(tokens(&app, answered).await.0 > declared_tokens);
}
