//! What the model is given of a history, for every history and every limit.

use async_trait::async_trait;
use cupola_engine::{
    ContextError, Counter, Dialect, HistoryItem, HistoryPage, Resumed, Truncation, TurnSpec, fit, turn::Turn,
};
use cupola_models::{ChatMessage, Part};
use cupola_store::{StoreError, TurnKey};
use proptest::prelude::*;

use crate::model::GatedModel;

/// A history in pages of three.
struct History(Vec<ChatMessage>);

#[async_trait]
impl Dialect for History {
    fn name(&self) -> &'static str {
        "test"
    }

    async fn resume(&self, _: &TurnKey) -> Result<Option<Resumed>, StoreError> {
        Ok(None)
    }

    async fn history(
        &self,
        _: &TurnKey,
        _: &TurnSpec,
        after: Option<&str>,
    ) -> Result<HistoryPage, StoreError> {
        let skip = after.map_or(0, |after| after.parse::<usize>().unwrap());
        let newest_first = self.0.iter().rev().skip(skip).take(3).cloned();
        let next = (skip + 3 < self.0.len()).then(|| (skip + 3).to_string());
        Ok(HistoryPage {
            items: newest_first.map(|message| HistoryItem { messages: vec![message] }).collect(),
            next,
        })
    }
}

/// A user's message of so many words.
fn message(words: usize) -> ChatMessage {
    ChatMessage::User { parts: vec![Part::Text { text: "word ".repeat(words) }] }
}

fn fitted(history: &[usize], spec: &TurnSpec, turn: &Turn, window: u64) -> Result<Vec<ChatMessage>, ()> {
    let model = GatedModel::open();
    let counter = Counter::new(&model, "m");
    let history = History(history.iter().map(|words| message(*words)).collect());
    let key = TurnKey { project: "p".into(), id: "t".to_owned() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { fit(&history, &key, spec, turn, &counter, window).await }).map_err(|error| {
        assert!(matches!(error, ContextError::PromptTokens), "{error:?}");
    })
}

/// A word is a token, and each message costs four more.
fn tokens(messages: &[ChatMessage]) -> u64 {
    let words = |message: &ChatMessage| match message {
        ChatMessage::System { text } | ChatMessage::Assistant { text, .. } => text.split_whitespace().count(),
        ChatMessage::User { parts } => match &parts[0] {
            Part::Text { text } => text.split_whitespace().count(),
            Part::Image { .. } | Part::File { .. } => unreachable!("there is only text here"),
        },
        ChatMessage::Tool { output, .. } => output.split_whitespace().count(),
    };
    messages.iter().map(|message| words(message) as u64 + 4).sum()
}

fn instructions() -> impl Strategy<Value = Option<String>> {
    prop::option::of((1..20_usize).prop_map(|words| "rule ".repeat(words)))
}

fn transcript() -> impl Strategy<Value = Vec<ChatMessage>> {
    let said = |words: usize| ChatMessage::Assistant { text: "said ".repeat(words), calls: Vec::new() };
    prop::collection::vec((1..10_usize).prop_map(said), 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn the_newest_part_of_the_history_that_fits_is_given_between_what_is_always_given(
        history in prop::collection::vec(0..30_usize, 0..12),
        instructions in instructions(),
        transcript in transcript(),
        last in prop::option::of(1..8_u64),
        window in 0..200_u64,
        own in prop::option::of(1..200_u64),
    ) {
        let truncation = last.map_or(Truncation::Auto, Truncation::LastMessages);
        let spec = TurnSpec { instructions, max_prompt_tokens: own, truncation, ..TurnSpec::default() };
        let turn = Turn { transcript, ..Turn::default() };
        let system = spec.instructions.iter().map(|text| ChatMessage::System { text: text.clone() });
        let system: Vec<ChatMessage> = system.collect();
        let always = tokens(&system) + tokens(&turn.transcript);
        let Ok(given) = fitted(&history, &spec, &turn, window) else {
            prop_assert!(own.is_some(), "only the client's own limit refuses a prompt");
            return Ok(());
        };

        let part = given.len() - system.len() - turn.transcript.len();
        prop_assert!(part <= history.len());
        let newest: Vec<ChatMessage> = history[history.len() - part..].iter().map(|w| message(*w)).collect();
        prop_assert_eq!(&given, &[&system[..], &newest[..], &turn.transcript[..]].concat());
        if let Some(last) = last {
            prop_assert!(part as u64 <= last);
        }
        if let Some(own) = own {
            prop_assert!(tokens(&given) <= own, "the client's limit is kept strictly");
        }
        let limit = own.map_or(window, |own| own.min(window));
        prop_assert!(part <= 1 || tokens(&given) <= limit, "more than the newest message only if it fits");
        let more_is_allowed = last.is_none_or(|last| (part as u64) < last) && part < history.len();
        if more_is_allowed {
            let next = tokens(&[message(history[history.len() - part - 1])]);
            prop_assert!(always + tokens(&newest) + next > limit, "nothing that fits is left out");
            prop_assert!(part > 0 || own.is_some(), "the newest message is always given");
        }
    }

    #[test]
    fn a_prompt_is_refused_only_if_not_even_the_least_fits_the_clients_limit(
        history in prop::collection::vec(0..30_usize, 0..6),
        instructions in instructions(),
        own in 1..100_u64,
        window in 0..100_u64,
    ) {
        let spec = TurnSpec { instructions, max_prompt_tokens: Some(own), ..TurnSpec::default() };
        let system = spec.instructions.iter().map(|text| ChatMessage::System { text: text.clone() });
        let least: Vec<ChatMessage> = system.chain(history.last().map(|words| message(*words))).collect();
        let refused = fitted(&history, &spec, &Turn::default(), window).is_err();
        prop_assert_eq!(refused, tokens(&least) > own);
    }

    #[test]
    fn tokens_that_earlier_calls_of_the_turn_used_count_against_the_clients_limit(
        own in 1..50_u64,
        used in 0..80_u64,
    ) {
        let spec = TurnSpec { max_prompt_tokens: Some(own), ..TurnSpec::default() };
        let mut turn = Turn::default();
        turn.usage.prompt_tokens = used;
        let refused = fitted(&[6], &spec, &turn, 1_000).is_err();
        prop_assert_eq!(refused, own.saturating_sub(used) < 10);
    }
}
