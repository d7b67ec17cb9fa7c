//! How often each thing is done. Everything is bounded in count and in time.

use std::time::Duration;

/// The counts of one benchmark.
pub struct Plan {
    /// Starts with an empty data directory, and as many with a used one.
    pub starts: usize,
    /// Soundings of the ground: an echo call, a commit and a direct call of the model each.
    pub soundings: usize,
    /// Flows that one client runs before anything is measured.
    pub warm_up: usize,
    /// Flows that one client runs.
    pub flows: usize,
    /// Streamed runs with a model that answers at once.
    pub streams: usize,
    /// Streamed runs with a model that takes its time between tokens.
    pub paced_streams: usize,
    /// Clients at once.
    pub clients: usize,
    /// Requests of all clients to the echo server.
    pub echoes: usize,
    /// Flows of all clients.
    pub crowd_flows: usize,
    /// Responses that one client asks for: alone, in a chain and in a conversation, each so often.
    pub responses: usize,
    /// Responses of all clients.
    pub crowd_responses: usize,
    /// Calls of a hosted agent in a warm session.
    pub hosted_calls: usize,
    /// The same with a streamed answer.
    pub hosted_streams: usize,
    /// Sessions of it from cold, and as many resumed.
    pub hosted_starts: usize,
    /// Sessions of it that are idle at once.
    pub idle_sessions: usize,
    /// Searches of each kind.
    pub searches: usize,
    /// Files of a megabyte that are taken into a vector store.
    pub large_texts: usize,
    /// Files of twenty kilobytes.
    pub small_texts: usize,
    /// The longest time for the flows of all clients, and for their responses.
    pub crowd_limit: Duration,
}

impl Plan {
    /// For numbers that are published.
    pub const FULL: Self = Self {
        starts: 20,
        soundings: 2_000,
        warm_up: 300,
        flows: 3_000,
        streams: 2_000,
        paced_streams: 20,
        clients: 16,
        echoes: 100_000,
        crowd_flows: 100_000,
        responses: 2_000,
        crowd_responses: 100_000,
        hosted_calls: 2_000,
        hosted_streams: 1_000,
        hosted_starts: 20,
        idle_sessions: 100,
        searches: 500,
        large_texts: 128,
        small_texts: 2_000,
        crowd_limit: Duration::from_secs(15 * 60),
    };

    /// For a look in between.
    pub const QUICK: Self = Self {
        starts: 5,
        soundings: 300,
        warm_up: 100,
        flows: 500,
        streams: 300,
        paced_streams: 5,
        clients: 16,
        echoes: 10_000,
        crowd_flows: 5_000,
        responses: 500,
        crowd_responses: 20_000,
        hosted_calls: 500,
        hosted_streams: 300,
        hosted_starts: 5,
        idle_sessions: 20,
        searches: 100,
        large_texts: 32,
        small_texts: 500,
        crowd_limit: Duration::from_secs(60),
    };
}
