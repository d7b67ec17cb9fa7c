//! What holds for every sequence of events.

use cupola_engine::turn::{
    Action, Answer, CallOutcome, CallOutput, End, Event, Limit, Phase, Refusal, ServedCall, Turn, TurnFault,
};
use cupola_models::{ChatMessage, Finish, ModelUsage, RequestedCall};
use proptest::{prelude::*, sample::subsequence};

const CALLS: [&str; 3] = ["call_1", "call_2", "call_3"];

fn usage() -> impl Strategy<Value = ModelUsage> {
    (0..1000_u64, 0..1000_u64, 0..100_u64).prop_map(|(prompt_tokens, completion_tokens, cached_tokens)| {
        ModelUsage { prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens: 0 }
    })
}

fn answer() -> impl Strategy<Value = Answer> {
    let call =
        |id: &str| RequestedCall { id: id.to_owned(), name: "f".to_owned(), arguments: "{}".to_owned() };
    (prop_oneof![Just(String::new()), Just("text".to_owned())], subsequence(CALLS.to_vec(), 0..=3), usage())
        .prop_map(move |(text, calls, usage)| Answer {
            text,
            calls: calls.into_iter().map(call).collect(),
            usage,
            ..Answer::default()
        })
}

fn outputs() -> impl Strategy<Value = Vec<CallOutput>> {
    let output = |(call, text): (&str, u8)| CallOutput { call_id: call.to_owned(), output: text.to_string() };
    prop_oneof![
        // What a good client sends, in any order …
        subsequence(CALLS.to_vec(), 0..=3).prop_shuffle(),
        // … and what others do.
        prop::collection::vec(prop::sample::select([&CALLS[..], &["call_other"]].concat()), 0..4),
    ]
    .prop_map(move |calls| calls.into_iter().zip(0..).map(output).collect())
}

fn served_call(id: &str) -> ServedCall {
    ServedCall { call_id: id.to_owned(), tool: Some(0), kind: "search".to_owned(), function: "f".to_owned() }
}

fn outcome(call: &str, usage: ModelUsage, failed: bool) -> CallOutcome {
    let fault = TurnFault { code: "timeout".to_owned(), message: "No answer.".to_owned() };
    CallOutcome {
        call_id: call.to_owned(),
        output: "found".to_owned(),
        detail: serde_json::json!({"results": []}),
        fault: failed.then_some(fault),
        usage,
    }
}

fn event() -> impl Strategy<Value = Event> {
    let finish = prop_oneof![
        4 => Just(Finish::Stop),
        4 => Just(Finish::ToolCalls),
        1 => Just(Finish::Length),
        1 => Just(Finish::ContentFilter),
    ];
    let limit = prop_oneof![Just(Limit::CompletionTokens), Just(Limit::PromptTokens)];
    let fault = TurnFault { code: "server_error".to_owned(), message: "No.".to_owned() };
    prop_oneof![
        3 => any::<i64>().prop_map(|until| Event::Accepted { until }),
        12 => (answer(), finish, any::<Option<i64>>(), subsequence(CALLS.to_vec(), 0..=3))
            .prop_map(|(answer, finish, until, served)| {
                let served = answer.calls.iter().filter(|call| served.contains(&call.id.as_str()));
                let served = served.map(|call| served_call(&call.id)).collect();
                Event::Answered { answer, finish, until, served }
            }),
        16 => (prop::sample::select([&CALLS[..], &["call_other"]].concat()), usage(), any::<bool>())
            .prop_map(|(call, usage, failed)| Event::ToolCompleted { outcome: outcome(call, usage, failed) }),
        12 => (outputs(), any::<i64>())
            .prop_map(|(outputs, until)| Event::OutputsSubmitted { outputs, until }),
        1 => limit.prop_map(|limit| Event::OutOfTokens { limit }),
        1 => answer().prop_map(move |partial| Event::ModelFailed { fault: fault.clone(), partial }),
        1 => Just(Event::CancelRequested),
        2 => answer().prop_map(|partial| Event::Stopped { partial }),
        1 => answer().prop_map(|partial| Event::DeadlinePassed { partial }),
    ]
}

/// Random events after the one that every turn begins with.
fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(), 0..40).prop_map(|mut events| {
        events.insert(0, Event::Accepted { until: 1 });
        events
    })
}

fn used(event: &Event) -> ModelUsage {
    match event {
        Event::Answered { answer: said, .. }
        | Event::ModelFailed { partial: said, .. }
        | Event::Stopped { partial: said }
        | Event::DeadlinePassed { partial: said } => said.usage,
        Event::ToolCompleted { outcome } => outcome.usage,
        _ => ModelUsage::default(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn a_refused_event_changes_nothing_and_an_end_is_final(events in events()) {
        let mut turn = Turn::default();
        for event in &events {
            let before = turn.clone();
            let outcome = turn.apply(event);
            if outcome.is_err() {
                prop_assert_eq!(&turn, &before);
            }
            if matches!(before.phase, Phase::Ended(_)) {
                prop_assert!(outcome.is_err());
            }
        }
    }

    #[test]
    fn the_action_follows_from_the_phase(events in events()) {
        let mut turn = Turn::default();
        for event in &events {
            let Ok(action) = turn.apply(event) else { continue };
            let expected = match &turn.phase {
                Phase::New => unreachable!("nothing leads back to the beginning"),
                Phase::Calling { .. } => Action::CallModel,
                Phase::Running { served, done, .. } => {
                    prop_assert!(done.len() < served.len());
                    Action::RunTools
                }
                Phase::Waiting { calls, .. } => {
                    prop_assert!(!calls.is_empty());
                    Action::AwaitClient
                }
                Phase::Stopping => Action::Stop,
                Phase::Ended(_) => Action::Rest,
            };
            prop_assert_eq!(action, expected);
        }
    }

    #[test]
    fn folding_the_journal_gives_the_state_back_at_every_point(events in events()) {
        let mut turn = Turn::default();
        let mut journal: Vec<Event> = Vec::new();
        for event in events {
            let Ok(action) = turn.apply(&event) else { continue };
            // The journal is JSON in the store.
            let written = serde_json::to_vec(&event).unwrap();
            let read: Event = serde_json::from_slice(&written).unwrap();
            prop_assert_eq!(&read, &event);
            journal.push(read);
            prop_assert_eq!(Turn::replay(&journal, |_, _| {}), Ok((turn.clone(), action)));
        }
    }

    #[test]
    fn usage_is_the_sum_of_all_that_was_taken(events in events()) {
        let mut turn = Turn::default();
        let mut sum = ModelUsage::default();
        for event in &events {
            if turn.apply(event).is_ok() {
                let used = used(event);
                sum.prompt_tokens += used.prompt_tokens;
                sum.completion_tokens += used.completion_tokens;
                sum.cached_tokens += used.cached_tokens;
            }
            prop_assert_eq!(turn.usage, sum);
        }
    }

    #[test]
    fn every_call_in_the_transcript_but_the_open_ones_is_answered_right_after_it(events in events()) {
        let mut turn = Turn::default();
        for event in &events {
            let _ = turn.apply(event);
        }
        let mut owed: Vec<String> = Vec::new();
        for message in &turn.transcript {
            match message {
                ChatMessage::Assistant { calls, .. } => {
                    prop_assert!(owed.is_empty(), "the model spoke before its calls were answered");
                    owed = calls.iter().map(|call| call.id.clone()).collect();
                }
                ChatMessage::Tool { call_id, .. } => {
                    prop_assert_eq!(Some(call_id), owed.first(), "outputs are in the order of the calls");
                    owed.remove(0);
                }
                other => prop_assert!(false, "{:?} does not belong here", other),
            }
        }
        if let Phase::Calling { .. } = turn.phase {
            prop_assert!(owed.is_empty(), "the model is never called with open calls");
        }
    }

    #[test]
    fn no_numbers_make_it_panic(
        prompt in any::<[u64; 3]>(),
        completion in any::<[u64; 3]>(),
        until in any::<i64>(),
    ) {
        let mut turn = Turn::default();
        turn.apply(&Event::Accepted { until }).unwrap();
        for (prompt_tokens, completion_tokens) in prompt.into_iter().zip(completion) {
            let usage = ModelUsage {
                prompt_tokens, completion_tokens, cached_tokens: prompt_tokens, reasoning_tokens: 0,
            };
            let call =
                RequestedCall { id: "call_1".to_owned(), name: "f".to_owned(), arguments: String::new() };
            let answer = Answer { calls: vec![call], usage, ..Answer::default() };
            let (finish, served) = (Finish::ToolCalls, Vec::new());
            turn.apply(&Event::Answered { answer, finish, until: Some(until), served }).unwrap();
            let output = CallOutput { call_id: "call_1".to_owned(), output: String::new() };
            turn.apply(&Event::OutputsSubmitted { outputs: vec![output], until }).unwrap();
        }
    }
}

#[test]
fn a_stop_that_is_asked_for_twice_is_refused_the_second_time() {
    let mut turn = Turn::default();
    turn.apply(&Event::Accepted { until: 1 }).unwrap();
    assert_eq!(turn.apply(&Event::CancelRequested), Ok(Action::Stop));
    assert!(turn.apply(&Event::CancelRequested).is_err());
    assert_eq!(turn.apply(&Event::Stopped { partial: Answer::default() }), Ok(Action::Rest));
    assert_eq!(turn.phase, Phase::Ended(End::Cancelled));
}

/// A turn whose model has asked for these calls, of which the service runs some.
fn asked(calls: &[&str], served: &[&str], until: Option<i64>) -> Turn {
    let call =
        |id: &&str| RequestedCall { id: (*id).to_owned(), name: "f".to_owned(), arguments: String::new() };
    let answer = Answer { calls: calls.iter().map(call).collect(), ..Answer::default() };
    let served = served.iter().map(|id| served_call(id)).collect();
    let mut turn = Turn::default();
    turn.apply(&Event::Accepted { until: 7 }).unwrap();
    turn.apply(&Event::Answered { answer, finish: Finish::ToolCalls, until, served }).unwrap();
    turn
}

fn complete(turn: &mut Turn, call: &str) -> Result<Action, Refusal> {
    turn.apply(&Event::ToolCompleted { outcome: outcome(call, ModelUsage::default(), false) })
}

fn outputs_in(turn: &Turn) -> Vec<&str> {
    let outputs = turn.transcript.iter().filter_map(|message| match message {
        ChatMessage::Tool { call_id, .. } => Some(call_id.as_str()),
        _ => None,
    });
    outputs.collect()
}

#[test]
fn the_model_is_called_again_once_all_calls_that_the_service_runs_are_done() {
    let mut turn = asked(&CALLS, &CALLS, Some(9));
    assert_eq!(complete(&mut turn, "call_3"), Ok(Action::RunTools));
    assert_eq!(complete(&mut turn, "call_1"), Ok(Action::RunTools));
    assert_eq!(complete(&mut turn, "call_1"), Err(Refusal::OutOfPlace));
    assert_eq!(complete(&mut turn, "call_2"), Ok(Action::CallModel));
    assert_eq!(turn.phase, Phase::Calling { until: 7 });
    assert_eq!(outputs_in(&turn), CALLS);
    assert_eq!((turn.tool_rounds, turn.tool_calls), (1, 3));
}

#[test]
fn the_client_has_its_calls_once_those_of_the_service_are_done() {
    let mut turn = asked(&CALLS, &["call_2"], Some(9));
    assert_eq!(complete(&mut turn, "call_2"), Ok(Action::AwaitClient));
    let Phase::Waiting { calls, until: 9, .. } = &turn.phase else { panic!("{:?}", turn.phase) };
    assert_eq!(calls.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["call_1", "call_3"]);
    let output = |id: &str| CallOutput { call_id: id.to_owned(), output: "1".to_owned() };
    let all = Event::OutputsSubmitted { outputs: CALLS.map(output).to_vec(), until: 20 };
    assert!(matches!(turn.apply(&all), Err(Refusal::WrongCalls { .. })));
    let own = Event::OutputsSubmitted { outputs: vec![output("call_3"), output("call_1")], until: 20 };
    assert_eq!(turn.apply(&own), Ok(Action::CallModel));
    assert_eq!(outputs_in(&turn), CALLS);
}

#[test]
fn calls_that_are_handed_over_end_the_turn_once_those_of_the_service_are_done() {
    let mut turn = asked(&CALLS, &["call_1"], None);
    assert_eq!(complete(&mut turn, "call_1"), Ok(Action::Rest));
    assert_eq!(turn.phase, Phase::Ended(End::Completed));
}

#[test]
fn an_answer_that_was_cut_short_runs_nothing() {
    let call = RequestedCall { id: "call_1".to_owned(), name: "f".to_owned(), arguments: "{".to_owned() };
    let answer = Answer { calls: vec![call], ..Answer::default() };
    let mut turn = Turn::default();
    turn.apply(&Event::Accepted { until: 7 }).unwrap();
    let served = vec![served_call("call_1")];
    let action = turn.apply(&Event::Answered { answer, finish: Finish::Length, until: None, served });
    assert_eq!(action, Ok(Action::Rest));
    assert_eq!(turn.phase, Phase::Ended(End::Incomplete(Limit::CompletionTokens)));
}
