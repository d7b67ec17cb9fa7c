//! Asks an agent, and waits until its task is over: it may answer at once, tell what happens, or be asked again and
//! again how far it is.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use super::{Card, Credentials, Failure, Heard, events::Events, version::Method};
use crate::outgoing::{Answer, Outgoing, Patience, Request};

/// Where cards are, unless the tool says otherwise; and where they were before.
const CARD: &str = ".well-known/agent-card.json";
const EARLIER_CARD: &str = ".well-known/agent.json";
/// The largest card, and the largest answer.
const MOST_OF_CARD: usize = 1024 * 1024;
const MOST_OF_ANSWER: usize = 16 * 1024 * 1024;
/// How long a card is waited for.
const CARD_WITHIN: Duration = Duration::from_secs(20);
/// Pauses between two questions how far a task is.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Errors of agents that do not stream after all: the method is not known, or is not supported.
const NO_STREAM: [i64; 2] = [-32601, -32004];

/// Where an agent is found, and what lets one in there.
#[derive(Clone, Debug)]
pub struct Place {
    /// The address that the others begin with.
    pub base: Url,
    /// Where the card is, below that or elsewhere.
    pub card_path: Option<String>,
    /// They are sent to the origin of `base` alone, wherever the card leads.
    pub credentials: Credentials,
    /// Whether the card is asked for with credentials, too.
    pub card_needs_credentials: bool,
}

/// An agent that was found.
#[derive(Clone, Debug)]
pub struct Agent {
    outgoing: Outgoing,
    place: Place,
    card: Card,
}

/// What an agent is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The id of the message. One that is asked again has the same.
    pub id: String,
    /// The text.
    pub text: String,
    /// How long its end is waited for.
    pub within: Duration,
}

impl Agent {
    /// Finds an agent by its card.
    pub async fn find(outgoing: &Outgoing, place: Place) -> Result<Self, Failure> {
        let url = card_url(&place, CARD)?;
        let found = match fetch_card(outgoing, &place, &url).await {
            Err(Failure::Status { status: StatusCode::NOT_FOUND, .. }) if place.card_path.is_none() => {
                fetch_card(outgoing, &place, &card_url(&place, EARLIER_CARD)?).await
            }
            found => found,
        };
        let card = found.map_err(|failure| match failure {
            Failure::Status { url, status } => {
                Failure::NoCard { url, reason: format!("the answer has the status {status}") }
            }
            failure => failure,
        })?;
        Ok(Self { outgoing: outgoing.clone(), place, card })
    }

    /// An agent whose card is known.
    pub fn known(outgoing: &Outgoing, place: Place, card: Card) -> Self {
        Self { outgoing: outgoing.clone(), place, card }
    }

    /// Its card.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Asks, and waits for the end. A task that is no longer waited for is cancelled.
    pub async fn ask(&self, question: &Question) -> Result<Heard, Failure> {
        let until = Instant::now() + question.within;
        let mut leaving = CancelOnDrop { agent: self, task: None };
        let asked = timeout_at(until, async {
            let mut heard = self.send(question, &mut leaving).await?;
            let mut pause = FIRST_PAUSE;
            while !heard.is_over() {
                // Only asking tells how far it is.
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                let Some(task) = heard.task.clone() else { return Err(self.not_a2a("it names no task")) };
                self.take(&mut heard, self.call(Method::Get, json!({"id": task})).await?)?;
            }
            Ok(heard)
        });
        let asked = asked.await.unwrap_or(Err(Failure::TimedOut { within: question.within }));
        if asked.is_ok() {
            leaving.task = None;
        }
        asked
    }

    /// Sends the message and takes in what comes of it.
    async fn send(&self, question: &Question, leaving: &mut CancelOnDrop<'_>) -> Result<Heard, Failure> {
        let message = self.card.version.message(&question.id, &question.text);
        if self.card.streams {
            match self.stream(message.clone(), question.within, leaving).await {
                Err(Failure::Refused { code, .. }) if NO_STREAM.contains(&code) => {}
                streamed => return streamed,
            }
        }
        let mut heard = Heard::default();
        let answer = self.post(Method::Send, message, question.within).await?;
        self.take(&mut heard, self.result(answer).await?)?;
        leaving.task.clone_from(&heard.task);
        Ok(heard)
    }

    /// Sends the message and listens to what happens, until the stream ends.
    async fn stream(
        &self,
        message: Value,
        within: Duration,
        leaving: &mut CancelOnDrop<'_>,
    ) -> Result<Heard, Failure> {
        let mut answer = self.post(Method::Stream, message, within).await?;
        let mut heard = Heard::default();
        if answer.content_type() != "text/event-stream" {
            self.take(&mut heard, self.result(answer).await?)?;
            return Ok(heard);
        }
        let mut events = Events::default();
        while let Some(bytes) = answer.chunk().await? {
            let documents =
                events.read(&bytes).map_err(|_| self.not_a2a("an event of its stream can't be read"))?;
            for document in documents {
                self.take(&mut heard, self.unwrapped(document)?)?;
                leaving.task.clone_from(&heard.task);
            }
            if heard.is_over() {
                break;
            }
        }
        if heard == Heard::default() {
            return Err(self.not_a2a("its stream ends without an event"));
        }
        Ok(heard)
    }

    async fn call(&self, method: Method, params: Value) -> Result<Value, Failure> {
        let answer = self.post(method, params, Patience::default().whole).await?;
        self.result(answer).await
    }

    async fn post(&self, method: Method, params: Value, within: Duration) -> Result<Answer, Failure> {
        let version = self.card.version;
        let body = json!({"jsonrpc": "2.0", "id": "1", "method": version.method(method), "params": params});
        let mut request = Request::post(self.card.url.clone())
            .header("A2A-Version", version.header())?
            .header("Accept", "application/json, text/event-stream")?
            .patience(Patience { head: within, idle: within, whole: within })
            .limit(MOST_OF_ANSWER)
            .json(&body);
        if self.card.url.origin() == self.place.base.origin() {
            request = self.place.credentials.add_to(request, Some(&self.card))?;
        }
        checked(self.outgoing.send(request).await?)
    }

    /// The result in an answer.
    async fn result(&self, answer: Answer) -> Result<Value, Failure> {
        let body = answer.bytes().await?;
        let body = serde_json::from_slice(&body).map_err(|_| self.not_a2a("its answer is no JSON"))?;
        self.unwrapped(body)
    }

    /// The result in an envelope of JSON-RPC.
    fn unwrapped(&self, mut envelope: Value) -> Result<Value, Failure> {
        let error = &envelope["error"];
        if error.is_object() {
            let message = error["message"].as_str().unwrap_or("it does not say why").to_owned();
            return Err(Failure::Refused { code: error["code"].as_i64().unwrap_or_default(), message });
        }
        match envelope.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(self.not_a2a("its answer has neither a result nor an error")),
        }
    }

    fn take(&self, heard: &mut Heard, result: Value) -> Result<(), Failure> {
        if heard.take(&result) {
            Ok(())
        } else {
            Err(self.not_a2a("its answer is neither a message nor a task"))
        }
    }

    fn not_a2a(&self, reason: &str) -> Failure {
        Failure::NotA2a { url: self.card.url.clone(), reason: reason.to_owned() }
    }
}

/// Cancels the task of an agent that is no longer waited for.
struct CancelOnDrop<'a> {
    agent: &'a Agent,
    task: Option<String>,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        let (Some(task), Ok(runtime)) = (self.task.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let agent = self.agent.clone();
        runtime.spawn(async move {
            if let Err(failure) = agent.call(Method::Cancel, json!({"id": task})).await {
                tracing::debug!(%failure, "the task of another agent could not be cancelled");
            }
        });
    }
}

async fn fetch_card(outgoing: &Outgoing, place: &Place, url: &Url) -> Result<Card, Failure> {
    let mut request = Request::get(url.clone())
        .header("Accept", "application/json")?
        .patience(Patience { head: CARD_WITHIN, idle: CARD_WITHIN, whole: CARD_WITHIN })
        .limit(MOST_OF_CARD);
    if place.card_needs_credentials && url.origin() == place.base.origin() {
        request = place.credentials.add_to(request, None)?;
    }
    let answer = checked(outgoing.send(request).await?)?;
    let found_at = answer.url().clone();
    let body = answer.bytes().await?;
    let card = serde_json::from_slice(&body).map_err(|_| Failure::NoCard {
        url: found_at.clone(),
        reason: "what is there is no JSON".to_owned(),
    })?;
    Card::read(&card, &found_at)
}

/// Where the card is. A path is below the base, wherever it begins.
fn card_url(place: &Place, usual: &str) -> Result<Url, Failure> {
    let path = place.card_path.as_deref().unwrap_or(usual);
    if let Ok(elsewhere) = Url::parse(path) {
        return Ok(elsewhere);
    }
    let mut base = place.base.clone();
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    base.join(path.trim_start_matches('/'))
        .map_err(|error| Failure::NoCard { url: place.base.clone(), reason: error.to_string() })
}

/// An answer that is none of an error.
fn checked(answer: Answer) -> Result<Answer, Failure> {
    let (url, status) = (answer.url().clone(), answer.status());
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Failure::Unauthorized { url, status }),
        // Errors of JSON-RPC may come with a status of their own.
        status if !status.is_success() && answer.content_type() != "application/json" => {
            Err(Failure::Status { url, status })
        }
        status if status == StatusCode::NOT_FOUND || status.is_server_error() => {
            Err(Failure::Status { url, status })
        }
        _ => Ok(answer),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_card_is_below_the_base_unless_its_path_is_an_address() {
        let at = |base: &str, path: Option<&str>| {
            let place = Place {
                base: base.parse().unwrap(),
                card_path: path.map(str::to_owned),
                credentials: Credentials::default(),
                card_needs_credentials: false,
            };
            card_url(&place, CARD).unwrap().to_string()
        };
        assert_eq!(at("https://a.example", None), "https://a.example/.well-known/agent-card.json");
        assert_eq!(at("https://a.example/b", None), "https://a.example/b/.well-known/agent-card.json");
        assert_eq!(at("https://a.example/b/", Some("/card")), "https://a.example/b/card");
        assert_eq!(at("https://a.example/b", Some("agentCard/v0.3")), "https://a.example/b/agentCard/v0.3");
        assert_eq!(at("https://a.example", Some("https://c.example/d")), "https://c.example/d");
    }
}
