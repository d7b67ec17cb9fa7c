//! What holds for every sequence of events.

use cupola_engine::turn::{
    Action, Answer, Approval, ApprovedCall, CallOutcome, CallOutput, End, Event, Limit, Listing, Phase,
    Refusal, ServedCall, Turn, TurnFault,
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
    ServedCall {
        call_id: id.to_owned(),
        tool: Some(0),
        kind: "search".to_owned(),
        function: "f".to_owned(),
        ..ServedCall::default()
    }
}

fn gated_call(id: &str) -> ServedCall {
    ServedCall { needs_approval: true, ..served_call(id) }
}

fn requested(id: &str) -> RequestedCall {
    RequestedCall { id: id.to_owned(), name: "f".to_owned(), arguments: "{}".to_owned() }
}

fn approved_call(id: &str) -> ApprovedCall {
    ApprovedCall { asked: requested(id), call: served_call(id) }
}

fn approval(call: &str, approve: bool) -> Approval {
    Approval { call_id: call.to_owned(), approve, ..Approval::default() }
}

fn listing(fault: Option<TurnFault>) -> Event {
    let functions = serde_json::json!(["f"]);
    Event::FunctionsListed { listing: Listing { tool: 0, kind: "far".to_owned(), functions, fault } }
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
    let list_fault = prop_oneof![9 => Just(None), 1 => Just(Some(fault.clone()))];
    let approvals = outputs().prop_flat_map(|outputs| {
        prop::collection::vec(any::<bool>(), outputs.len()).prop_map(move |approve| {
            let both = outputs.iter().zip(approve);
            both.map(|(output, approve)| approval(&output.call_id, approve)).collect()
        })
    });
    prop_oneof![
        3 => accepted(),
        12 => (answer(), finish, any::<Option<i64>>(), subsequence(CALLS.to_vec(), 0..=3), any::<[bool; 3]>())
            .prop_map(|(answer, finish, until, served, gated)| {
                let served = answer.calls.iter().filter(|call| served.contains(&call.id.as_str()));
                let served = served.zip(gated).map(|(call, needs_approval)| {
                    ServedCall { needs_approval, ..served_call(&call.id) }
                });
                let served = served.collect();
                Event::Answered { answer, finish, until, served }
            }),
        2 => list_fault.prop_map(listing),
        12 => (approvals, any::<i64>(), any::<Option<i64>>())
            .prop_map(|(approvals, until, waiting_until)| {
                Event::ApprovalsSubmitted { approvals, until, waiting_until }
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

fn accepted() -> impl Strategy<Value = Event> {
    let approved = prop_oneof![3 => Just(Vec::new()), 1 => subsequence(CALLS.to_vec(), 1..=3)];
    (any::<i64>(), approved).prop_map(|(until, approved)| {
        let approved = approved.into_iter().map(approved_call).collect();
        Event::Accepted { until, approved }
    })
}

/// Random events after the one that every turn begins with.
fn events() -> impl Strategy<Value = Vec<Event>> {
    (accepted(), prop::collection::vec(event(), 0..40)).prop_map(|(first, mut events)| {
        events.insert(0, first);
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
                    let is_done = |call: &ServedCall| done.iter().any(|d| d.call_id == call.call_id);
                    prop_assert!(!served.iter().all(is_done));
                    prop_assert!(!served.iter().any(|call| call.needs_approval));
                    Action::RunTools
                }
                Phase::Asking { calls, .. } => {
                    prop_assert!(!calls.is_empty() && calls.iter().all(|call| call.needs_approval));
                    Action::AwaitClient
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
        turn.apply(&begun(until)).unwrap();
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

fn begun(until: i64) -> Event {
    Event::Accepted { until, approved: Vec::new() }
}

#[test]
fn a_stop_that_is_asked_for_twice_is_refused_the_second_time() {
    let mut turn = Turn::default();
    turn.apply(&begun(1)).unwrap();
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
    turn.apply(&begun(7)).unwrap();
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
    turn.apply(&begun(7)).unwrap();
    let served = vec![served_call("call_1")];
    let action = turn.apply(&Event::Answered { answer, finish: Finish::Length, until: None, served });
    assert_eq!(action, Ok(Action::Rest));
    assert_eq!(turn.phase, Phase::Ended(End::Incomplete(Limit::CompletionTokens)));
}

/// A turn whose model has asked for a call at once, for two that need an approval, and for one of the client.
fn asked_for_all_kinds(until: Option<i64>) -> Turn {
    let calls = ["call_0", "call_1", "call_2", "call_3"].map(requested).to_vec();
    let answer = Answer { calls, ..Answer::default() };
    let served = vec![gated_call("call_1"), served_call("call_0"), gated_call("call_2")];
    let mut turn = Turn::default();
    turn.apply(&begun(7)).unwrap();
    turn.apply(&Event::Answered { answer, finish: Finish::ToolCalls, until, served }).unwrap();
    turn
}

fn approve(turn: &mut Turn, approvals: &[(&str, bool)]) -> Result<Action, Refusal> {
    let approvals = approvals.iter().map(|(call, yes)| approval(call, *yes)).collect();
    turn.apply(&Event::ApprovalsSubmitted { approvals, until: 20, waiting_until: Some(30) })
}

#[test]
fn calls_that_need_an_approval_wait_for_it_and_come_before_those_of_the_client() {
    let mut turn = asked_for_all_kinds(Some(9));
    assert_eq!(turn.tool_calls, 1);
    assert_eq!(complete(&mut turn, "call_1"), Err(Refusal::OutOfPlace));
    assert_eq!(complete(&mut turn, "call_0"), Ok(Action::AwaitClient));
    let Phase::Asking { calls, until: 9, .. } = &turn.phase else { panic!("{:?}", turn.phase) };
    assert_eq!(calls.iter().map(|call| call.call_id.as_str()).collect::<Vec<_>>(), ["call_1", "call_2"]);

    assert_eq!(approve(&mut turn, &[("call_2", true), ("call_1", false)]), Ok(Action::RunTools));
    assert_eq!(turn.tool_calls, 2);
    assert_eq!(complete(&mut turn, "call_2"), Ok(Action::AwaitClient));
    let Phase::Waiting { calls, until: 30, .. } = &turn.phase else { panic!("{:?}", turn.phase) };
    assert_eq!(calls.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["call_3"]);
    let outputs = vec![CallOutput { call_id: "call_3".to_owned(), output: "1".to_owned() }];
    assert_eq!(turn.apply(&Event::OutputsSubmitted { outputs, until: 40 }), Ok(Action::CallModel));
    assert_eq!(outputs_in(&turn), ["call_0", "call_1", "call_2", "call_3"]);
}

#[test]
fn the_model_is_told_which_calls_were_denied_and_why() {
    let mut turn = Turn::default();
    turn.apply(&begun(7)).unwrap();
    let answer = Answer { calls: vec![requested("call_1"), requested("call_2")], ..Answer::default() };
    let served = vec![gated_call("call_1"), gated_call("call_2")];
    turn.apply(&Event::Answered { answer, finish: Finish::ToolCalls, until: Some(9), served }).unwrap();
    let because = Approval { reason: Some("too dear".to_owned()), ..approval("call_2", false) };
    let approvals = vec![approval("call_1", false), because];
    let denied = Event::ApprovalsSubmitted { approvals, until: 20, waiting_until: Some(30) };
    assert_eq!(turn.apply(&denied), Ok(Action::CallModel));
    assert_eq!(turn.phase, Phase::Calling { until: 20 });
    let told: Vec<_> = turn.transcript[1..]
        .iter()
        .map(|message| match message {
            ChatMessage::Tool { output, .. } => output.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    let plain = "The call was not made: the user did not approve it.";
    assert_eq!(told, [plain, &format!("{plain} The reason given: too dear")]);
}

#[test]
fn approvals_have_to_be_one_for_each_call_and_are_given_once() {
    let mut turn = asked_for_all_kinds(Some(9));
    assert_eq!(approve(&mut turn, &[("call_1", true), ("call_2", true)]), Err(Refusal::NotWaiting));
    complete(&mut turn, "call_0").unwrap();
    for wrong in [
        &[("call_1", true)][..],
        &[("call_1", true), ("call_3", true)],
        &[],
        &[("call_1", true), ("call_1", true)],
    ] {
        assert!(matches!(approve(&mut turn, wrong), Err(Refusal::WrongCalls { .. })), "{wrong:?}");
    }
    approve(&mut turn, &[("call_1", true), ("call_2", true)]).unwrap();
    assert_eq!(approve(&mut turn, &[("call_1", true), ("call_2", true)]), Err(Refusal::NotWaiting));
}

#[test]
fn calls_that_need_an_approval_are_handed_over_with_those_of_the_client() {
    let mut turn = asked_for_all_kinds(None);
    assert_eq!(complete(&mut turn, "call_0"), Ok(Action::Rest));
    assert_eq!(turn.phase, Phase::Ended(End::Completed));
}

#[test]
fn calls_that_were_approved_are_made_before_the_model_is_called() {
    let mut turn = Turn::default();
    let approved = vec![approved_call("call_1"), approved_call("call_2")];
    assert_eq!(turn.apply(&Event::Accepted { until: 7, approved }), Ok(Action::RunTools));
    assert_eq!((turn.answers, turn.tool_rounds, turn.tool_calls), (0, 1, 2));
    assert_eq!(complete(&mut turn, "call_2"), Ok(Action::RunTools));
    assert_eq!(complete(&mut turn, "call_1"), Ok(Action::CallModel));
    assert_eq!(outputs_in(&turn), ["call_1", "call_2"]);
    assert_eq!(turn.phase, Phase::Calling { until: 7 });
}

#[test]
fn what_comes_with_an_approval_reaches_its_call() {
    let mut turn = asked_for_all_kinds(Some(9));
    complete(&mut turn, "call_0").unwrap();
    let grant = serde_json::json!({"with": "this"});
    let first = Approval { grant: grant.clone(), ..approval("call_1", true) };
    let approvals = vec![first, approval("call_2", false)];
    turn.apply(&Event::ApprovalsSubmitted { approvals, until: 20, waiting_until: None }).unwrap();
    let Phase::Running { served, .. } = &turn.phase else { panic!("{:?}", turn.phase) };
    assert_eq!(served.iter().map(|call| &call.grant).collect::<Vec<_>>(), [&grant]);
}

#[test]
fn a_tool_that_can_not_say_which_functions_it_has_ends_the_turn() {
    let mut turn = Turn::default();
    turn.apply(&begun(7)).unwrap();
    assert_eq!(turn.apply(&listing(None)), Ok(Action::CallModel));
    assert_eq!(turn.listings.len(), 1);
    let fault = TurnFault { code: "unreachable".to_owned(), message: "Nobody is there.".to_owned() };
    assert_eq!(turn.apply(&listing(Some(fault.clone()))), Ok(Action::Rest));
    assert_eq!(turn.phase, Phase::Ended(End::Failed(fault)));
}

#[test]
fn an_older_journal_is_read_as_it_was_meant() {
    let accepted: Event = serde_json::from_str(r#"{"event":"accepted","until":7}"#).unwrap();
    assert_eq!(accepted, begun(7));
}
