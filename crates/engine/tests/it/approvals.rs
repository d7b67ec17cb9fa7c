//! Tools that have to be asked for their functions, and calls that need an approval, in turns over a real store.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use cupola_engine::{
    Begin, ClientCalls, CommandError, Engine, Settings, ToolSpec, TurnSpec,
    tools::{Offer, Tool, ToolCall, ToolOutput, Tools},
    turn::{Approval, ApprovedCall, Refusal, ServedCall, TurnFault},
};
use cupola_models::{FunctionDeclaration, RequestedCall};
use cupola_store::{SharedStore, TurnPhase};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    model::GatedModel,
    plain::{begin, ended, engine_with, journal, key, store},
};

/// A tool that lives elsewhere: it lists what it has, and wants each call of `pay` to be approved.
#[derive(Clone)]
struct Far {
    /// Whether it answers when it is asked what it has.
    answers: watch::Sender<bool>,
    lists: Arc<AtomicUsize>,
    made: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Far {
    fn new() -> Self {
        Self { answers: watch::Sender::new(true), lists: Arc::default(), made: Arc::default() }
    }

    fn silent() -> Self {
        Self { answers: watch::Sender::new(false), ..Self::new() }
    }

    fn tools(&self) -> Tools {
        Tools::default().with("far", Arc::new(self.clone()))
    }

    fn made(&self) -> Vec<(String, Value)> {
        self.made.lock().unwrap().clone()
    }

    fn lists(&self) -> usize {
        self.lists.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Tool for Far {
    async fn functions(&self, _: &Arc<str>, _: &Value) -> Result<Vec<FunctionDeclaration>, TurnFault> {
        Ok(Vec::new())
    }

    fn has_to_list(&self) -> bool {
        true
    }

    async fn list(&self, _: &Arc<str>, settings: &Value) -> Result<Value, TurnFault> {
        self.lists.fetch_add(1, Ordering::SeqCst);
        match settings["broken"].as_str() {
            Some("panic") => panic!("as it was told"),
            Some(message) => Err(TurnFault { code: "unreachable".to_owned(), message: message.to_owned() }),
            None => {
                let _ = self.answers.subscribe().wait_for(|answers| *answers).await;
                Ok(json!(["pay", "look"]))
            }
        }
    }

    async fn offers(&self, _: &Arc<str>, _: &Value, listed: &Value) -> Result<Vec<Offer>, TurnFault> {
        let names = listed.as_array().into_iter().flatten().filter_map(Value::as_str);
        let offer = |name: &str| Offer {
            declaration: FunctionDeclaration {
                name: format!("far_{name}"),
                description: None,
                parameters: json!({"type": "object"}),
                strict: None,
            },
            function: name.to_owned(),
            needs_approval: name == "pay",
        };
        Ok(names.map(offer).collect())
    }

    async fn call(&self, call: ToolCall) -> Result<ToolOutput, TurnFault> {
        let text = format!("{} done", call.function);
        self.made.lock().unwrap().push((call.function, call.grant));
        Ok(ToolOutput { text, ..ToolOutput::default() })
    }

    fn is_repeatable(&self, _: &str, _: &Value) -> bool {
        false
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(300)
    }
}

fn far(settings: Value) -> ToolSpec {
    ToolSpec::Served { kind: "far".to_owned(), settings }
}

/// A service with the tool, and its store.
struct Scene {
    engine: Engine,
    store: SharedStore,
    spec: TurnSpec,
    _home: tempfile::TempDir,
}

impl Scene {
    fn new(model: &GatedModel, far: &Far, spec: TurnSpec) -> Self {
        let (store, home) = store();
        let engine = engine_with(&store, model, spec.clone(), far.tools(), Settings::default());
        Self { engine, store, spec, _home: home }
    }

    async fn begin(&self) {
        let turn = Begin { spec: self.spec.clone(), ..begin(&self.store, "t", false) };
        self.engine.begin(turn).await.unwrap();
    }

    async fn until_waiting(&self) {
        loop {
            let record = self.store.turn(&key("t")).await.unwrap().unwrap();
            if matches!(record.phase, TurnPhase::Waiting { .. }) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The ids of the calls that the model asked for last.
    async fn calls(&self) -> Vec<String> {
        let record = self.store.turn(&key("t")).await.unwrap().unwrap();
        let events = record.journal.iter().rev();
        let mut events = events.map(|entry| serde_json::from_slice::<Value>(&entry.entry).unwrap());
        let answered = events.find(|event| event["event"] == "answered").unwrap();
        let calls = answered["answer"]["calls"].as_array().unwrap();
        calls.iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The next process, on the same store.
    fn next(&self, model: &GatedModel, far: &Far) -> Engine {
        engine_with(&self.store, model, self.spec.clone(), far.tools(), Settings::default())
    }
}

fn with_far() -> TurnSpec {
    TurnSpec { tools: vec![far(json!({}))], ..TurnSpec::default() }
}

fn yes(call: &str) -> Approval {
    Approval { call_id: call.to_owned(), approve: true, grant: json!("please"), ..Approval::default() }
}

#[tokio::test]
async fn a_call_waits_for_its_approval_over_a_restart_and_is_made_once() {
    let model = GatedModel::open().asks_for(&[("far_pay", "{}"), ("far_look", "{}")]);
    let first = Far::new();
    let scene = Scene::new(&model, &first, with_far());
    scene.begin().await;
    scene.until_waiting().await;
    assert_eq!(first.made(), [("look".to_owned(), Value::Null)]);
    let call = scene.calls().await.remove(0);
    scene.engine.drain(Duration::ZERO).await;

    let second = Far::new();
    let next = scene.next(&model, &second);
    next.recover().await.unwrap();
    next.approve(key("t"), vec![yes(&call)], false).await.unwrap();
    let twice = next.approve(key("t"), vec![yes(&call)], false).await;
    assert!(matches!(twice, Err(CommandError::Refused(Refusal::NotWaiting))));
    ended(&scene.store, "t").await;
    assert_eq!(second.made(), [("pay".to_owned(), json!("please"))]);
    assert_eq!(second.lists(), 0, "the journal has the list");
    assert_eq!(model.outputs(), ["pay done", "look done"]);
    let expected = [
        "accepted",
        "functions_listed",
        "answered",
        "tool_completed",
        "approvals_submitted",
        "tool_completed",
        "answered",
    ];
    assert_eq!(journal(&scene.store, "t").await, expected);
}

#[tokio::test]
async fn a_turn_may_be_cancelled_while_it_waits_for_an_approval() {
    let model = GatedModel::open().asks_for(&[("far_pay", "{}")]);
    let scene = Scene::new(&model, &Far::new(), with_far());
    scene.begin().await;
    scene.until_waiting().await;
    scene.engine.cancel(key("t")).await.unwrap();
    ended(&scene.store, "t").await;
    let expected = ["accepted", "functions_listed", "answered", "cancel_requested", "stopped"];
    assert_eq!(journal(&scene.store, "t").await, expected);
}

#[tokio::test]
async fn outputs_are_no_approvals() {
    let model = GatedModel::open().asks_for(&[("far_pay", "{}")]);
    let scene = Scene::new(&model, &Far::new(), with_far());
    scene.begin().await;
    scene.until_waiting().await;
    let refused = scene.engine.submit(key("t"), Vec::new(), false).await;
    assert!(matches!(refused, Err(CommandError::Refused(Refusal::NotWaiting))));
}

#[tokio::test]
async fn a_call_that_was_approved_in_a_later_turn_is_made_before_the_model_is_called() {
    let model = GatedModel::open();
    let tool = Far::new();
    let call = ServedCall {
        call_id: "call_1".to_owned(),
        tool: Some(0),
        kind: "far".to_owned(),
        function: "pay".to_owned(),
        grant: json!({"approval": "mcpr_1"}),
        ..ServedCall::default()
    };
    let (id, name) = ("call_1".to_owned(), "far_pay".to_owned());
    let asked = RequestedCall { id, name, arguments: "{}".to_owned() };
    let approved = vec![ApprovedCall { asked, call }];
    let spec = TurnSpec { approved, client_calls: ClientCalls::HandOver, ..with_far() };
    let scene = Scene::new(&model, &tool, spec);
    scene.begin().await;
    ended(&scene.store, "t").await;
    assert_eq!(tool.made(), [("pay".to_owned(), json!({"approval": "mcpr_1"}))]);
    assert_eq!(model.outputs(), ["pay done"]);
    let expected = ["accepted", "tool_completed", "functions_listed", "answered"];
    assert_eq!(journal(&scene.store, "t").await, expected);
}

#[tokio::test]
async fn tools_that_have_to_be_asked_are_asked_at_the_same_time_and_once() {
    let model = GatedModel::open().asks_for(&[("far_look", "{}")]);
    let tool = Far::silent();
    let tools = vec![far(json!({})), far(json!({}))];
    let scene = Scene::new(&model, &tool, TurnSpec { tools, ..TurnSpec::default() });
    scene.begin().await;
    // Neither has answered before both are asked.
    while tool.lists() < 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tool.answers.send_replace(true);
    ended(&scene.store, "t").await;
    assert_eq!(tool.lists(), 2);
    let offered: Vec<_> = model.asked_first().tools.into_iter().map(|tool| tool.name).collect();
    assert_eq!(offered, ["far_pay", "far_look", "far_pay_2", "far_look_2"]);
}

#[tokio::test]
async fn a_tool_that_can_not_list_what_it_has_fails_the_turn_with_the_truth() {
    for (tool, settings, code) in [
        (Far::new(), json!({"broken": "Nobody is there."}), "unreachable"),
        (Far::new(), json!({"broken": "panic"}), "server_error"),
        (Far::silent(), json!({}), "timeout"),
    ] {
        let model = GatedModel::open();
        let scene = Scene::new(&model, &tool, TurnSpec { tools: vec![far(settings)], ..TurnSpec::default() });
        scene.begin().await;
        ended(&scene.store, "t").await;
        assert_eq!(journal(&scene.store, "t").await, ["accepted", "functions_listed"]);
        let record = scene.store.turn(&key("t")).await.unwrap().unwrap();
        let listed: Value = serde_json::from_slice(&record.journal[1].entry).unwrap();
        assert_eq!(listed["listing"]["fault"]["code"], code);
        assert_eq!(model.calls(), 0);
    }
}

#[tokio::test]
async fn a_turn_may_be_cancelled_while_a_tool_is_asked_what_it_has() {
    let model = GatedModel::open();
    let tool = Far::silent();
    let scene = Scene::new(&model, &tool, with_far());
    scene.begin().await;
    while tool.lists() == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    scene.engine.cancel(key("t")).await.unwrap();
    ended(&scene.store, "t").await;
    assert_eq!(journal(&scene.store, "t").await, ["accepted", "cancel_requested", "stopped"]);
}
