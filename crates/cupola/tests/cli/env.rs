//! `cupola env`.

use serde_json::Value;

use crate::home::{Ended, Home};

#[test]
fn an_openai_key_alone_suggests_a_model_of_openai() {
    let home = Home::new();
    home.configure("listen = \"127.0.0.1:8443\"\n");
    let mut command = home.command(&["env", "--shell", "json"]);
    command.env("OPENAI_API_KEY", "s3cret").env("MODEL_DEPLOYMENT_NAME", "builtin");
    let variables: Value = serde_json::from_str(&Ended::of(command).out).unwrap();
    assert_eq!(variables["MODEL_DEPLOYMENT_NAME"], "gpt-4o-mini");
}
