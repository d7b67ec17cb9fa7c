//! 300 turns while the process is killed again and again.

use std::{sync::Arc, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::sync::watch;

use crate::{
    caller::Caller,
    conversation::{Conversation, Story},
    server::Server,
};

const CONVERSATIONS: usize = 12;
const TURNS: usize = 25;
const KILLS: usize = 20;
const SEED: &str = "CUPOLA_CRASH_SEED";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_is_done_twice_when_the_process_is_killed_again_and_again() {
    let seed = std::env::var(SEED).ok().map_or_else(rand::random, |seed| seed.parse::<u64>().unwrap());
    println!("{SEED}={seed}");
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data);
    let listen = server.listen().to_owned();
    let caller = Caller::new(&data, &listen).await;
    let agent = create_agent(&caller).await;

    let finished = Arc::new(watch::Sender::new(0));
    let conversations: Vec<_> = (0..CONVERSATIONS)
        .map(|number| {
            let (caller, agent, finished) = (caller.clone(), Arc::clone(&agent), Arc::clone(&finished));
            let random = StdRng::seed_from_u64(seed.wrapping_add(1 + number as u64));
            tokio::spawn(converse(number, caller, agent, random, finished))
        })
        .collect();

    let mut random = StdRng::seed_from_u64(seed);
    let mut progress = finished.subscribe();
    let mut server = server;
    for kill in 1..=KILLS {
        // Spread over all turns, and each at a moment of its own.
        let due = kill * CONVERSATIONS * TURNS / (KILLS + 1);
        progress.wait_for(|finished| *finished >= due).await.unwrap();
        tokio::time::sleep(Duration::from_millis(random.random_range(0..60))).await;
        server.kill();
        server = Server::start_on(&data, &listen);
    }

    for conversation in conversations {
        let conversation = conversation.await.unwrap();
        conversation.check().await;
        conversation.check_free().await;
    }
    drop(server);
}

async fn converse(
    number: usize,
    caller: Caller,
    agent: Arc<str>,
    mut random: StdRng,
    finished: Arc<watch::Sender<usize>>,
) -> Conversation {
    let mut conversation = Conversation::begin(caller, agent).await;
    for turn in 0..TURNS {
        let story = [Story::Plain, Story::Ask, Story::Both][random.random_range(0..3)];
        let streamed = random.random_range(0..3) == 0;
        conversation.turn(story, &format!("c{number}t{turn}"), streamed, &finished).await;
    }
    conversation
}

/// An agent with two functions.
pub async fn create_agent(caller: &Caller) -> Arc<str> {
    let function = |name: &str| {
        json!({"type": "function", "function": {"name": name, "description": name, "parameters":
            {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]}}})
    };
    let agent = json!({"model": "scripted", "tools": [function("lookup"), function("measure")]});
    let agent = caller.post_until_done("/assistants", &agent).await;
    Arc::from(agent["id"].as_str().unwrap())
}
