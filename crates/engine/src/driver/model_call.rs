//! One call of the model: from the context to a recorded answer.

use cupola_models::{FaultKind, ModelDelta, ModelStream, ModelUsage, RequestedCall};
use std::pin::Pin;

use futures_util::{
    StreamExt,
    future::{MaybeDone, maybe_done},
};
use tokio::sync::OwnedSemaphorePermit;

use super::*;
use crate::{Delta, Runner, ids};

/// Tokens of a model's window that are kept free for its answer, unless the deployment says otherwise.
const ANSWER_RESERVE: u64 = 4096;

/// What interrupts a call of the model, or of tools.
pub(super) enum Interruption {
    Command(Command),
    Deadline,
    Draining,
    WriteNow,
}

/// A call of the model that is under way.
pub(super) struct Call {
    resolved: Resolved,
    opening: MaybeDone<Pin<Box<dyn Future<Output = Opened> + Send>>>,
}

/// A call that the model has taken up, or refused.
pub(super) struct Opened {
    request: ModelRequest,
    opened: Result<ModelStream, Fault>,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Driver {
    /// Calls the model and records what came of it.
    pub(super) async fn call_model(&mut self) -> Result<Action, Leave> {
        if let Some(outcome) = self.begin_work().await {
            return outcome;
        }
        if let Some(outcome) = self.list_functions().await {
            return outcome;
        }
        let mut answer = PartialAnswer::default();
        let mut call = match self.ahead.take() {
            Some(call) => call,
            None => match self.prepare().await {
                Ok((resolved, request)) => self.open(resolved, request),
                Err(event) => return self.record(event).await,
            },
        };
        loop {
            tokio::select! {
                () = &mut call.opening => break,
                interruption = self.interruption() => {
                    if let Some(outcome) = self.interrupted(interruption, &mut answer).await {
                        return outcome;
                    }
                }
            }
        }
        let Call { resolved, mut opening } = call;
        let Some(Opened { request, opened, _slot }) = Pin::new(&mut opening).take_output() else {
            let message = "The model could not be called.".to_owned();
            return self.fail(Fault::new(FaultKind::Broken, message), answer).await;
        };
        match opened {
            Ok(mut stream) => self.read_answer(&mut stream, answer, &resolved, &request).await,
            Err(fault) => self.fail(fault, answer).await,
        }
    }

    /// Waits until it is the turn's time, and shows that it is at work; `None` once that is so.
    pub(super) async fn begin_work(&mut self) -> Option<Result<Action, Leave>> {
        if let Some(outcome) = self.wait_in_line().await {
            return Some(outcome);
        }
        let began = self.projection.model_call_began(self.inner.clock.now(), self.is_heard());
        self.write_soon(began.changes);
        self.publish(began.frames);
        None
    }

    /// Begins the model call of a turn that is just being made durable. What comes of it is heard only after
    /// that.
    pub(super) async fn open_ahead(&mut self) {
        if self.place.is_some() || self.has_to_list() {
            return;
        }
        // What can't be called is said in its turn.
        if let Ok((resolved, request)) = self.prepare().await {
            let mut call = self.open(resolved, request);
            // Polled once, so that the request is on its way.
            let _ = futures_util::poll!(&mut call.opening);
            self.ahead = Some(call);
        }
    }

    /// Whom to call with what, or what became of the turn without a call. Mutable, because a shared driver
    /// could not be sent between threads.
    async fn prepare(&mut self) -> Result<(Resolved, ModelRequest), Event> {
        let failed = |fault: TurnFault| Event::ModelFailed { fault, partial: Answer::default() };
        let resolved = self.inner.deployments.resolve(&self.spec.deployment).map_err(|fault| {
            failed(TurnFault { code: fault.kind.code().to_owned(), message: fault.message })
        })?;
        self.open_toolbox().await.map_err(failed)?;
        let request = self.request(&resolved).await.map_err(|error| match error {
            ContextError::PromptTokens => Event::OutOfTokens { limit: Limit::PromptTokens },
            ContextError::Store(error) => {
                let message = format!("The history could not be read: {error}");
                failed(TurnFault { code: "server_error".to_owned(), message })
            }
        })?;
        match request.max_completion_tokens {
            Some(0) => Err(Event::OutOfTokens { limit: Limit::CompletionTokens }),
            _ => Ok((resolved, request)),
        }
    }

    /// A call that begins when it is polled. Everything that takes time happens in there, so that a
    /// cancellation or a deadline ends it at once.
    fn open(&self, resolved: Resolved, request: ModelRequest) -> Call {
        let slots = Arc::clone(&self.inner.slots);
        let provider = Arc::clone(&resolved.provider);
        let opening = async move {
            // The semaphore is never closed.
            let _slot = slots.acquire_owned().await.ok();
            let opened = provider.call(&request).await;
            Opened { request, opened, _slot }
        };
        Call { resolved, opening: maybe_done(Box::pin(opening)) }
    }

    /// Waits until the turns in front have ended; `None` once they have.
    async fn wait_in_line(&mut self) -> Option<Result<Action, Leave>> {
        let mut place = self.place.take()?;
        loop {
            tokio::select! {
                () = place.reached() => break,
                interruption = self.interruption() => {
                    let mut nothing = PartialAnswer::default();
                    if let Some(outcome) = self.interrupted(interruption, &mut nothing).await {
                        return Some(outcome);
                    }
                }
            }
        }
        self.place = Some(place);
        None
    }

    async fn read_answer(
        &mut self,
        stream: &mut ModelStream,
        mut answer: PartialAnswer,
        resolved: &Resolved,
        request: &ModelRequest,
    ) -> Result<Action, Leave> {
        let mut finish = None;
        loop {
            tokio::select! {
                biased;
                piece = stream.next() => match piece {
                    Some(Ok(ModelDelta::Finish(reason))) => finish = Some(reason),
                    Some(Ok(delta)) => self.hear(&mut answer, delta),
                    Some(Err(fault)) => return self.fail(fault, answer).await,
                    None => break,
                },
                interruption = self.interruption() => {
                    if let Some(outcome) = self.interrupted(interruption, &mut answer).await {
                        return outcome;
                    }
                }
            }
        }
        let Some(finish) = finish else {
            let message = "The model's answer broke off before it was complete.".to_owned();
            let fault = Fault { kind: FaultKind::Broken, message, retry_after: None };
            return self.fail(fault, answer).await;
        };
        let mut answer = answer.into_answer();
        if answer.usage == ModelUsage::default() {
            answer.usage = count_usage(resolved, request, &answer);
        }
        let until = self.waiting_deadline();
        let served = self.served(&answer.calls);
        self.record(Event::Answered { answer, finish, until, served }).await
    }

    fn hear(&mut self, answer: &mut PartialAnswer, delta: ModelDelta) {
        match delta {
            ModelDelta::Text(text) => self.hear_words(Delta::Text, &text, &mut answer.answer.text),
            ModelDelta::Refusal(text) => {
                self.hear_words(Delta::Refusal, &text, &mut answer.answer.refusal);
            }
            ModelDelta::Reasoning(text) => {
                self.hear_words(Delta::Reasoning, &text, &mut answer.answer.reasoning);
            }
            ModelDelta::ReasoningSummary(text) => {
                self.hear_words(Delta::ReasoningSummary, &text, &mut answer.answer.reasoning_summary);
            }
            ModelDelta::CallBegan { index, id, name } => {
                let id = self.unique_call_id(answer, id);
                self.tell_call(index, &id, &name);
                answer.calls.push((index, RequestedCall { id, name, arguments: String::new() }));
            }
            ModelDelta::CallArguments { index, text } => {
                self.tell(Delta::CallArguments { index, text: &text });
                if let Some((_, call)) = answer.calls.iter_mut().find(|(at, _)| *at == index) {
                    call.arguments.push_str(&text);
                }
            }
            ModelDelta::Usage(usage) => answer.answer.usage = usage,
            ModelDelta::Finish(_) => {}
        }
    }

    fn hear_words<'d>(&mut self, as_delta: fn(&'d str) -> Delta<'d>, text: &'d str, so_far: &mut String) {
        if !text.is_empty() {
            self.tell(as_delta(text));
            so_far.push_str(text);
        }
    }

    pub(super) fn tell(&mut self, delta: Delta<'_>) {
        if self.wants_deltas() {
            let frames = self.projection.delta(self.inner.clock.now(), delta);
            self.publish(frames);
        }
    }

    fn tell_call(&mut self, index: usize, id: &str, name: &str) {
        if self.wants_deltas() {
            let by = toolbox::runner(self.toolbox.as_ref(), name);
            let began = Delta::CallBegan { index, id, name, by };
            let frames = self.projection.delta(self.inner.clock.now(), began);
            self.publish(frames);
        }
    }

    fn wants_deltas(&self) -> bool {
        self.is_heard() || self.projection.wants_every_delta()
    }

    /// The upstream's id of a call, if it has the form that clients know and this turn has not seen it.
    fn unique_call_id(&self, answer: &PartialAnswer, id: String) -> String {
        // Servers that count `call_0`, `call_1`, … begin anew with every answer.
        let plain = (12..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        let in_transcript = self.turn.transcript.iter().any(|message| match message {
            ChatMessage::Assistant { calls, .. } => calls.iter().any(|call| call.id == id),
            _ => false,
        });
        let in_answer = answer.calls.iter().any(|(_, call)| call.id == id);
        match id.starts_with("call_") && plain && !in_transcript && !in_answer {
            true => id,
            false => ids::new("call_"),
        }
    }

    async fn fail(&mut self, fault: Fault, partial: PartialAnswer) -> Result<Action, Leave> {
        tracing::info!(turn = %self.key, code = fault.kind.code(), message = %fault.message, "a model call failed");
        let fault = TurnFault { code: fault.kind.code().to_owned(), message: fault.message };
        let partial = self.cut_short(partial);
        self.record(Event::ModelFailed { fault, partial }).await
    }

    /// What the model had said until it was cut short. Calls that nobody has begun to run are nothing.
    fn cut_short(&self, partial: PartialAnswer) -> Answer {
        let mut answer = partial.into_answer();
        answer.calls.retain(|call| toolbox::runner(self.toolbox.as_ref(), &call.name) == Runner::Client);
        answer
    }

    async fn request(&mut self, resolved: &Resolved) -> Result<ModelRequest, ContextError> {
        let counter = Counter::new(&*resolved.provider, &resolved.model);
        let reserve = self
            .spec
            .max_completion_tokens
            .or(resolved.max_output_tokens)
            .unwrap_or(ANSWER_RESERVE)
            .min(resolved.context_tokens / 2);
        let window = resolved.context_tokens - reserve;
        let messages =
            context::fit(&*self.dialect, &self.key, &self.spec, &self.turn, &counter, window).await?;
        let left =
            self.spec.max_completion_tokens.map(|max| max.saturating_sub(self.turn.usage.completion_tokens));
        let (tools, tool_choice) = self.offer();
        Ok(ModelRequest {
            model: resolved.model.clone(),
            messages,
            tools,
            tool_choice,
            parallel_tool_calls: self.spec.parallel_tool_calls,
            response_format: self.spec.response_format.clone(),
            temperature: self.spec.temperature,
            top_p: self.spec.top_p,
            max_completion_tokens: left.or(resolved.max_output_tokens),
            extra: {
                let mut extra = resolved.extra.clone();
                extra.extend(self.spec.extra.clone());
                extra
            },
        })
    }

    /// Waits for the next thing that may end a model call early.
    pub(super) async fn interruption(&mut self) -> Interruption {
        let left = self.turn.until().map_or(i64::MAX, |until| until - self.inner.clock.now());
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0).min(YEAR_MILLIS));
        let deadline = Instant::now() + left;
        let write_due = self.pending_due;
        tokio::select! {
            Some(command) = self.mailbox.recv() => Interruption::Command(command),
            () = tokio::time::sleep_until(deadline) => Interruption::Deadline,
            () = tokio::time::sleep_until(write_due.unwrap_or(deadline)), if write_due.is_some() => {
                Interruption::WriteNow
            }
            _ = self.draining.wait_for(|drain| *drain == Drain::LeaveRunning) => Interruption::Draining,
        }
    }

    /// Handles an interruption; `None` if the call goes on.
    pub(super) async fn interrupted(
        &mut self,
        interruption: Interruption,
        answer: &mut PartialAnswer,
    ) -> Option<Result<Action, Leave>> {
        match interruption {
            Interruption::Draining => Some(Err(Leave::Draining)),
            Interruption::Deadline => {
                let partial = self.cut_short(std::mem::take(answer));
                Some(self.record(Event::DeadlinePassed { partial }).await)
            }
            Interruption::Command(Command::Cancel { reply }) => {
                if let Err(leave) = self.cancel(reply, Action::CallModel).await {
                    return Some(Err(leave));
                }
                let partial = self.cut_short(std::mem::take(answer));
                Some(self.record(Event::Stopped { partial }).await)
            }
            Interruption::Command(Command::Submit { reply, .. }) => {
                let _ = reply.send(Err(CommandError::Refused(Refusal::NotWaiting)));
                None
            }
            Interruption::Command(Command::Attach { first, reply }) => {
                self.attach(first, reply).await;
                None
            }
            Interruption::WriteNow if self.keeping.is_some() => self.keep_now().await.err().map(Err),
            Interruption::WriteNow => {
                self.write_pending();
                None
            }
            Interruption::Command(Command::Resume | Command::CheckDeadline) => None,
        }
    }
}

const YEAR_MILLIS: u64 = 365 * 24 * 60 * 60 * 1000;

/// Counts what an upstream did not say.
fn count_usage(resolved: &Resolved, request: &ModelRequest, answer: &Answer) -> ModelUsage {
    let counter = Counter::new(&*resolved.provider, &resolved.model);
    let written = ChatMessage::Assistant { text: answer.said().into_owned(), calls: answer.calls.clone() };
    let thought = [&answer.reasoning, &answer.reasoning_summary];
    let reasoning_tokens =
        thought.into_iter().filter(|text| !text.is_empty()).map(|text| counter.count_text(text)).sum();
    ModelUsage {
        prompt_tokens: counter.count_request(&request.messages, &request.tools),
        completion_tokens: counter.count(&written) + reasoning_tokens,
        cached_tokens: 0,
        reasoning_tokens,
    }
}

/// What the model has said so far.
#[derive(Default)]
pub(super) struct PartialAnswer {
    answer: Answer,
    /// Calls with their places; they are put in order at the end.
    calls: Vec<(usize, RequestedCall)>,
}

impl PartialAnswer {
    fn into_answer(mut self) -> Answer {
        self.calls.sort_by_key(|(index, _)| *index);
        self.answer.calls = self.calls.into_iter().map(|(_, call)| call).collect();
        self.answer
    }
}
