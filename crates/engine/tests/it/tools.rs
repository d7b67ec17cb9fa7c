//! Tools that the service runs, in turns over a real store.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use cupola_engine::{
    Begin, ClientCalls, Durable, Engine, Frames, Listen, Settings, ToolSpec, TurnSpec,
    tools::{Tool, ToolCall, ToolOutput, Tools},
    turn::{CallOutcome, CallOutput, Event, TurnFault},
};
use cupola_models::{FunctionDeclaration, ToolChoice};
use cupola_store::{SharedStore, TurnPhase};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    model::GatedModel,
    plain::{begin, ended, engine_with, journal, key, store},
};

/// A tool that does what its arguments say.
#[derive(Clone)]
struct Probe {
    is_repeatable: bool,
    timeout: Duration,
    gate: watch::Sender<bool>,
    /// The ordinals of the calls that were made.
    made: Arc<Mutex<Vec<u64>>>,
}

impl Probe {
    fn new() -> Self {
        Self {
            is_repeatable: true,
            timeout: Duration::from_secs(600),
            gate: watch::Sender::new(true),
            made: Arc::default(),
        }
    }

    fn closed() -> Self {
        Self { gate: watch::Sender::new(false), ..Self::new() }
    }

    fn once_only() -> Self {
        Self { is_repeatable: false, ..Self::closed() }
    }

    fn tools(&self) -> Tools {
        Tools::default().with("probe", Arc::new(self.clone()))
    }

    fn made(&self) -> Vec<u64> {
        self.made.lock().unwrap().clone()
    }

    async fn until_made(&self, calls: usize) {
        while self.made().len() < calls {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[async_trait]
impl Tool for Probe {
    async fn functions(&self, _: &Arc<str>, settings: &Value) -> Result<Vec<FunctionDeclaration>, TurnFault> {
        if let Some(message) = settings["broken"].as_str() {
            return Err(TurnFault { code: "server_error".to_owned(), message: message.to_owned() });
        }
        let names = settings["functions"].as_array().cloned().unwrap_or_else(|| vec![json!("probe")]);
        let declare = |name: &Value| FunctionDeclaration {
            name: name.as_str().unwrap().to_owned(),
            description: None,
            parameters: json!({"type": "object"}),
            strict: None,
        };
        Ok(names.iter().map(declare).collect())
    }

    async fn call(&self, call: ToolCall) -> Result<ToolOutput, TurnFault> {
        self.made.lock().unwrap().push(call.ordinal);
        match call.arguments.get("do").and_then(Value::as_str) {
            Some("fail") => {
                return Err(TurnFault { code: "no_luck".to_owned(), message: "No luck.".to_owned() });
            }
            Some("panic") => panic!("as it was told"),
            Some("tell") => call.progress.tell(json!("half")),
            Some("sleep") => std::future::pending().await,
            _ => {}
        }
        let _ = self.gate.subscribe().wait_for(|open| *open).await;
        let text = call.arguments.get("say").and_then(Value::as_str).unwrap_or("found");
        Ok(ToolOutput {
            text: text.to_owned(),
            detail: json!({"function": call.function}),
            ..ToolOutput::default()
        })
    }

    fn is_repeatable(&self, _: &str, _: &Value) -> bool {
        self.is_repeatable
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn output_limit(&self) -> usize {
        32
    }
}

fn probe(settings: Value) -> ToolSpec {
    ToolSpec::Served { kind: "probe".to_owned(), settings }
}

fn client_function(name: &str) -> ToolSpec {
    let parameters = json!({"type": "object"});
    ToolSpec::Function(FunctionDeclaration {
        name: name.to_owned(),
        description: None,
        parameters,
        strict: None,
    })
}

fn with(tools: Vec<ToolSpec>) -> TurnSpec {
    TurnSpec { tools, ..TurnSpec::default() }
}

fn with_probe() -> TurnSpec {
    with(vec![probe(json!({}))])
}

/// A service with a probe, and its store.
struct Scene {
    engine: Engine,
    store: SharedStore,
    spec: TurnSpec,
    _home: tempfile::TempDir,
}

impl Scene {
    fn new(model: &GatedModel, probe: &Probe, spec: TurnSpec) -> Self {
        let (store, home) = store();
        let engine = engine_with(&store, model, spec.clone(), probe.tools(), Settings::default());
        Self { engine, store, spec, _home: home }
    }

    fn turn(&self, listen: bool) -> Begin {
        Begin { spec: self.spec.clone(), ..begin(&self.store, "t", listen) }
    }

    /// Runs the turn to its end and gives the names of its events.
    async fn events(&self) -> Vec<String> {
        self.engine.begin(self.turn(false)).await.unwrap();
        ended(&self.store, "t").await;
        journal(&self.store, "t").await
    }

    async fn outcomes(&self) -> Vec<CallOutcome> {
        let record = self.store.turn(&key("t")).await.unwrap().unwrap();
        let events =
            record.journal.iter().map(|entry| serde_json::from_slice::<Event>(&entry.entry).unwrap());
        let outcomes = events.filter_map(|event| match event {
            Event::ToolCompleted { outcome } => Some(outcome),
            _ => None,
        });
        outcomes.collect()
    }

    /// The next process, on the same store.
    fn next(&self, model: &GatedModel, probe: &Probe) -> Engine {
        engine_with(&self.store, model, self.spec.clone(), probe.tools(), Settings::default())
    }
}

async fn all(mut frames: Frames) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(frame) = frames.recv().await {
        seen.push(String::from_utf8(frame.to_vec()).unwrap());
    }
    seen
}

#[tokio::test]
async fn calls_of_one_answer_run_at_the_same_time_and_the_model_is_told_all_their_outputs() {
    let model = GatedModel::open()
        .asks_for(&[("probe", r#"{"say":"one"}"#), ("probe", r#"{"say":"two"}"#)])
        .asks_for(&[("probe", "")]);
    let probe = Probe::closed();
    let scene = Scene::new(&model, &probe, with_probe());
    scene.engine.begin(scene.turn(false)).await.unwrap();
    // None of them is done before both are under way.
    probe.until_made(2).await;
    probe.gate.send_replace(true);
    ended(&scene.store, "t").await;
    let expected = [
        "accepted",
        "answered",
        "tool_completed",
        "tool_completed",
        "answered",
        "tool_completed",
        "answered",
    ];
    assert_eq!(journal(&scene.store, "t").await, expected);
    assert_eq!(model.outputs(), ["one", "two", "found"]);
    assert_eq!(probe.made(), [0, 1, 2]);
}

#[tokio::test]
async fn a_call_that_fails_in_whatever_way_is_told_to_the_model_which_goes_on() {
    for (arguments, code, told) in [
        (r#"{"do":"fail"}"#, "no_luck", "No luck."),
        (r#"{"do":"panic"}"#, "server_error", "The service failed"),
        (r#"{"do":"sleep"}"#, "timeout", "no answer within"),
        (r#"{"do":"#, "invalid_arguments", "have to be a JSON object"),
        ("[1]", "invalid_arguments", "have to be a JSON object"),
    ] {
        let model = GatedModel::open().asks_for(&[("probe", arguments)]);
        let hasty = Probe { timeout: Duration::from_millis(20), ..Probe::new() };
        let scene = Scene::new(&model, &hasty, with_probe());
        assert_eq!(scene.events().await, ["accepted", "answered", "tool_completed", "answered"]);
        assert_eq!(scene.outcomes().await[0].fault.as_ref().unwrap().code, code);
        assert!(model.outputs()[0].contains(told), "{:?}", model.outputs());
    }
}

#[tokio::test]
async fn a_call_of_a_function_that_does_not_exist_is_told_to_the_model() {
    let model = GatedModel::open().asks_for(&[("teleport", "{}")]);
    let scene = Scene::new(&model, &Probe::new(), with_probe());
    assert_eq!(scene.events().await, ["accepted", "answered", "tool_completed", "answered"]);
    let told = "The call failed. There is no function 'teleport'. There are: probe.";
    assert_eq!(model.outputs(), [told]);
}

#[tokio::test]
async fn an_output_that_is_too_long_is_cut_and_says_so() {
    let arguments = json!({"say": "ä".repeat(40)}).to_string();
    let model = GatedModel::open().asks_for(&[("probe", &arguments)]);
    let scene = Scene::new(&model, &Probe::new(), with_probe());
    scene.events().await;
    let cut =
        format!("{}\n[The output is cut here: it has 80 bytes, of which 32 are given.]", "ä".repeat(16));
    assert_eq!(model.outputs(), [cut]);
}

#[tokio::test]
async fn the_services_own_calls_come_before_those_of_the_client() {
    let model = GatedModel::open().asks_for(&[("ask_user", "{}"), ("probe", "{}")]);
    let spec = with(vec![client_function("ask_user"), probe(json!({}))]);
    let scene = Scene::new(&model, &Probe::new(), spec);
    scene.engine.begin(scene.turn(false)).await.unwrap();
    loop {
        let record = scene.store.turn(&key("t")).await.unwrap().unwrap();
        if matches!(record.phase, TurnPhase::Waiting { .. }) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let call_id = model_call(&scene).await;
    let outputs = vec![CallOutput { call_id, output: "yes".to_owned() }];
    scene.engine.submit(key("t"), outputs, false).await.unwrap();
    ended(&scene.store, "t").await;
    assert_eq!(model.outputs(), ["yes", "found"]);
}

/// The id of the first call that the model asked for.
async fn model_call(scene: &Scene) -> String {
    let record = scene.store.turn(&key("t")).await.unwrap().unwrap();
    let answered: Value = serde_json::from_slice(&record.journal[1].entry).unwrap();
    answered["answer"]["calls"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn calls_are_handed_over_once_the_services_own_are_done() {
    let model = GatedModel::open().asks_for(&[("ask_user", "{}"), ("probe", "{}")]);
    let tools = vec![client_function("ask_user"), probe(json!({}))];
    let spec = TurnSpec { client_calls: ClientCalls::HandOver, ..with(tools) };
    let scene = Scene::new(&model, &Probe::new(), spec);
    assert_eq!(scene.events().await, ["accepted", "answered", "tool_completed"]);
}

#[tokio::test]
async fn a_call_that_a_crash_interrupted_is_made_again_and_one_that_was_done_is_not() {
    let model = GatedModel::open().asks_for(&[("probe", r#"{"do":"fail"}"#), ("probe", "{}")]);
    let first = Probe::closed();
    let scene = Scene::new(&model, &first, with_probe());
    scene.engine.begin(scene.turn(false)).await.unwrap();
    first.until_made(2).await;
    while scene.outcomes().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    scene.engine.drain(Duration::ZERO).await;
    assert_eq!(journal(&scene.store, "t").await, ["accepted", "answered", "tool_completed"]);

    let second = Probe::new();
    assert_eq!(scene.next(&model, &second).recover().await.unwrap(), 1);
    ended(&scene.store, "t").await;
    assert_eq!(second.made(), [1]);
    assert_eq!(model.outputs(), ["The call failed. No luck.", "found"]);
}

#[tokio::test]
async fn a_call_that_may_not_be_repeated_is_told_to_the_model_after_a_crash() {
    let model = GatedModel::open().asks_for(&[("probe", "{}")]);
    let first = Probe::once_only();
    let scene = Scene::new(&model, &first, with_probe());
    scene.engine.begin(scene.turn(false)).await.unwrap();
    first.until_made(1).await;
    scene.engine.drain(Duration::ZERO).await;

    let second = Probe::once_only();
    scene.next(&model, &second).recover().await.unwrap();
    ended(&scene.store, "t").await;
    assert!(second.made().is_empty());
    assert!(model.outputs()[0].contains("Nobody knows whether it was carried out"));
    assert_eq!(scene.outcomes().await[0].fault.as_ref().unwrap().code, "interrupted");
}

#[tokio::test]
async fn a_turn_can_be_stopped_while_tools_run() {
    let model = GatedModel::open().asks_for(&[("probe", "{}")]);
    let probe = Probe::closed();
    let scene = Scene::new(&model, &probe, with_probe());
    scene.engine.begin(scene.turn(false)).await.unwrap();
    probe.until_made(1).await;
    scene.engine.cancel(key("t")).await.unwrap();
    ended(&scene.store, "t").await;
    assert_eq!(journal(&scene.store, "t").await, ["accepted", "answered", "cancel_requested", "stopped"]);
    assert_eq!(model.calls(), 1);
}

#[tokio::test]
async fn a_turn_expires_while_tools_run() {
    let model = GatedModel::open().asks_for(&[("patient", "{}")]);
    let (store, _home) = store();
    let settings = Settings { expires_after: Duration::from_millis(200), ..Settings::default() };
    let tools = Tools::default().with("patient", Arc::new(Patient));
    let spec = with(vec![ToolSpec::Served { kind: "patient".to_owned(), settings: json!({}) }]);
    let engine = engine_with(&store, &model, spec.clone(), tools, settings);
    engine.begin(Begin { spec, ..begin(&store, "t", false) }).await.unwrap();
    ended(&store, "t").await;
    assert_eq!(journal(&store, "t").await, ["accepted", "answered", "deadline_passed"]);
}

/// A tool that never answers, and has all the time in the world.
struct Patient;

#[async_trait]
impl Tool for Patient {
    async fn functions(&self, _: &Arc<str>, _: &Value) -> Result<Vec<FunctionDeclaration>, TurnFault> {
        let ToolSpec::Function(function) = client_function("patient") else { unreachable!("is a function") };
        Ok(vec![function])
    }

    async fn call(&self, _: ToolCall) -> Result<ToolOutput, TurnFault> {
        std::future::pending().await
    }

    fn is_repeatable(&self, _: &str, _: &Value) -> bool {
        true
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(1_000_000)
    }
}

#[tokio::test]
async fn a_model_that_never_stops_asking_ends_its_turn() {
    let model = (0..5).fold(GatedModel::open(), |model, _| model.asks_for(&[("probe", "{}")]));
    let (store, _home) = store();
    let settings = Settings { max_tool_rounds: 2, ..Settings::default() };
    let spec = with_probe();
    let engine = engine_with(&store, &model, spec.clone(), Probe::new().tools(), settings);
    engine.begin(Begin { spec, ..begin(&store, "t", false) }).await.unwrap();
    ended(&store, "t").await;
    assert_eq!(model.calls(), 3);
    let record = store.turn(&key("t")).await.unwrap().unwrap();
    let last: Value = serde_json::from_slice(&record.journal.last().unwrap().entry).unwrap();
    assert_eq!(
        (&last["event"], &last["fault"]["code"]),
        (&json!("model_failed"), &json!("too_many_tool_rounds"))
    );
}

#[tokio::test]
async fn calls_beyond_what_the_turn_may_make_are_not_made_and_then_none_are_offered() {
    let model = GatedModel::open().asks_for(&[("probe", "{}"), ("probe", "{}")]);
    let probe = Probe::new();
    let spec = TurnSpec { max_tool_calls: Some(1), ..with_probe() };
    let scene = Scene::new(&model, &probe, spec);
    scene.events().await;
    assert_eq!(probe.made(), [0]);
    assert!(model.outputs()[1].contains("may not make any more calls"), "{:?}", model.outputs());
    assert!(model.asked_last().tools.is_empty());
}

#[tokio::test]
async fn a_tool_that_is_forced_is_the_only_one_offered_until_it_was_called() {
    let model = GatedModel::open().asks_for(&[("probe", "{}")]);
    let tools = vec![client_function("ask_user"), probe(json!({}))];
    let spec = TurnSpec { forced_tool: Some("probe".to_owned()), ..with(tools) };
    let scene = Scene::new(&model, &Probe::new(), spec);
    scene.events().await;
    let names =
        |tools: &[FunctionDeclaration]| tools.iter().map(|tool| tool.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&model.asked_last().tools), ["ask_user", "probe"]);
    assert_eq!(model.asked_last().tool_choice, ToolChoice::Auto);
    let first = model.asked_first();
    assert_eq!(names(&first.tools), ["probe"]);
    assert_eq!(first.tool_choice, ToolChoice::Function("probe".to_owned()));
}

#[tokio::test]
async fn functions_of_the_service_give_way_to_those_of_others_with_the_same_name() {
    let model = GatedModel::open().asks_for(&[("look_3", "{}")]);
    let tools = vec![
        probe(json!({"functions": ["look"]})),
        probe(json!({"functions": ["look"]})),
        client_function("look"),
    ];
    let scene = Scene::new(&model, &Probe::new(), with(tools));
    scene.events().await;
    let names: Vec<_> = model.asked_last().tools.into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["look_2", "look_3", "look"]);
    assert_eq!(scene.outcomes().await[0].detail, json!({"function": "look"}));
}

#[tokio::test]
async fn a_tool_that_can_not_say_what_it_offers_fails_the_turn_before_the_model_is_called() {
    let model = GatedModel::open();
    let scene =
        Scene::new(&model, &Probe::new(), with(vec![probe(json!({"broken": "Its server is away."}))]));
    assert_eq!(scene.events().await, ["accepted", "model_failed"]);
    assert_eq!(model.calls(), 0);
}

#[tokio::test]
async fn a_turn_that_is_written_only_at_its_end_may_use_tools() {
    let model = GatedModel::open().asks_for(&[("probe", r#"{"do":"tell"}"#)]);
    let scene = Scene::new(&model, &Probe::new(), with_probe());
    let turn = Begin { durable: Durable::Ended, listen: Listen::Frames, ..scene.turn(false) };
    let frames = scene.engine.begin(turn).await.unwrap().frames.unwrap();
    let seen = all(frames).await;
    let by = r#"by: Service { tool: 0, kind: "probe", function: "probe", needs_approval: false }"#;
    assert!(seen[1].contains("CallBegan") && seen[1].contains(by), "{seen:?}");
    assert!(seen.iter().any(|frame| frame.contains("Progress") && frame.contains("half")), "{seen:?}");
    assert_eq!(seen.last().unwrap(), "ended");
    assert_eq!(scene.store.turn(&key("t")).await.unwrap(), None);
    assert_eq!(model.outputs(), ["found"]);
}

#[tokio::test]
async fn outputs_leave_the_model_room_for_the_rest() {
    let room = |calls: usize| async move {
        let asked = vec![("measure", "{}"); calls];
        let model = GatedModel::open().with_window(4_000).asks_for(&asked);
        let (store, _home) = store();
        let tools = Tools::default().with("measure", Arc::new(Measure));
        let spec = with(vec![ToolSpec::Served { kind: "measure".to_owned(), settings: json!({}) }]);
        let engine = engine_with(&store, &model, spec.clone(), tools, Settings::default());
        engine.begin(Begin { spec, ..begin(&store, "t", false) }).await.unwrap();
        ended(&store, "t").await;
        model.outputs()[0].parse::<usize>().unwrap()
    };
    assert_eq!((room(1).await, room(3).await), (3_000, 1_000));
}

/// A tool that says how much room it has.
struct Measure;

#[async_trait]
impl Tool for Measure {
    async fn functions(&self, _: &Arc<str>, _: &Value) -> Result<Vec<FunctionDeclaration>, TurnFault> {
        let ToolSpec::Function(function) = client_function("measure") else { unreachable!("is a function") };
        Ok(vec![function])
    }

    async fn call(&self, call: ToolCall) -> Result<ToolOutput, TurnFault> {
        Ok(ToolOutput { text: call.room.to_string(), ..ToolOutput::default() })
    }

    fn is_repeatable(&self, _: &str, _: &Value) -> bool {
        true
    }
}
