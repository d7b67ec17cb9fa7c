// Runs: polled to their end, with functions, with overrides, cancelled; and their steps.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { collect, model, newClient, outputsFor, polling, settled, textOf, weather } from "./client.js";

const client = newClient();

async function ask(content) {
  return client.threads.create({ messages: [{ role: "user", content }] });
}

describe("a run of a plain agent", () => {
  let agent;
  before(async () => {
    agent = await client.createAgent(model, { instructions: "You are helpful." });
  });

  it("is created and polled until it is completed", async () => {
    const thread = await ask("Hello");
    const run = await client.runs.createAndPoll(thread.id, agent.id, polling);
    assert.match(run.id, /^run_[0-9A-Za-z]{24}$/);
    assert.equal(run.status, "completed");
    assert.ok(run.startedAt >= run.createdAt && run.completedAt >= run.startedAt);
    assert.ok(run.usage.promptTokens > 0 && run.usage.completionTokens > 0);
    assert.equal(run.usage.totalTokens, run.usage.promptTokens + run.usage.completionTokens);
    const [answer] = await collect(client.messages.list(thread.id, { runId: run.id }));
    assert.deepEqual([answer.role, answer.assistantId, answer.runId], ["assistant", agent.id, run.id]);
    assert.ok(textOf(answer));
  });

  it("begins queued", async () => {
    const thread = await ask("Hello");
    const run = await client.runs.create(thread.id, agent.id);
    assert.equal(run.status, "queued");
    assert.equal((await settled(client, run)).status, "completed");
  });

  it("can be created together with its thread", async () => {
    const run = await client.runs.createThreadAndRun(agent.id, {
      thread: { messages: [{ role: "user", content: "Hello" }] },
    });
    assert.equal((await settled(client, run)).status, "completed");
    assert.equal((await collect(client.messages.list(run.threadId))).length, 2);
  });

  it("can override what the agent says", async () => {
    const thread = await ask("Hello");
    const run = await client.runs.create(thread.id, agent.id, {
      instructions: "Speak like a sailor.",
      additionalInstructions: "And be kind.",
      additionalMessages: [{ role: "user", content: "Are you there?" }],
      temperature: 0.25,
      maxCompletionTokens: 2000,
      truncationStrategy: { type: "last_messages", lastMessages: 3 },
      metadata: { n: "1" },
    });
    assert.ok(run.instructions.startsWith("Speak like a sailor."));
    assert.ok(run.instructions.endsWith("And be kind."));
    assert.deepEqual([run.temperature, run.maxCompletionTokens], [0.25, 2000]);
    assert.deepEqual(run.truncationStrategy, { type: "last_messages", lastMessages: 3 });
    await settled(client, run);
    const messages = await collect(client.messages.list(thread.id, { order: "asc" }));
    assert.deepEqual(messages.slice(0, 2).map(textOf), ["Hello", "Are you there?"]);
    const updated = await client.runs.update(thread.id, run.id, { metadata: { n: "2" } });
    assert.deepEqual(updated.metadata, { n: "2" });
  });

  it("answers with the JSON that is asked for", async () => {
    const thread = await ask("Describe Oslo.");
    const schema = {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    };
    const run = await client.runs.createAndPoll(thread.id, agent.id, {
      ...polling,
      responseFormat: { type: "json_schema", jsonSchema: { name: "city", schema } },
    });
    assert.equal(run.status, "completed");
    const [answer] = await collect(client.messages.list(thread.id, { runId: run.id }));
    assert.deepEqual(Object.keys(JSON.parse(textOf(answer))), ["city"]);
  });

  it("is one step that names its message", async () => {
    const thread = await ask("Hello");
    const run = await client.runs.createAndPoll(thread.id, agent.id, polling);
    const [step] = await collect(client.runSteps.list(thread.id, run.id));
    const [answer] = await collect(client.messages.list(thread.id, { runId: run.id }));
    assert.deepEqual([step.type, step.status, step.runId], ["message_creation", "completed", run.id]);
    assert.equal(step.stepDetails.messageCreation.messageId, answer.id);
  });

  it("is listed newest first", async () => {
    const thread = await ask("Hello");
    const first = await client.runs.createAndPoll(thread.id, agent.id, polling);
    const second = await client.runs.createAndPoll(thread.id, agent.id, polling);
    const listed = await collect(client.runs.list(thread.id));
    assert.deepEqual(
      listed.map((run) => run.id),
      [second.id, first.id],
    );
  });
});

describe("a run of an agent with a function", () => {
  let agent;
  before(async () => {
    agent = await client.createAgent(model, { tools: [weather.tool] });
  });

  it("waits for the function's output and then answers with it", async () => {
    const thread = await ask(weather.question);
    const waiting = await settled(client, await client.runs.create(thread.id, agent.id));
    assert.equal(waiting.status, "requires_action");
    const [call] = waiting.requiredAction.submitToolOutputs.toolCalls;
    assert.equal(call.function.name, "get_weather");
    assert.equal(typeof JSON.parse(call.function.arguments).location, "string");

    const submitted = await client.runs.submitToolOutputs(thread.id, waiting.id, outputsFor(waiting));
    assert.equal(submitted.status, "queued");
    assert.equal((await settled(client, submitted)).status, "completed");
    const [answer] = await collect(client.messages.list(thread.id, { runId: waiting.id }));
    assert.ok(textOf(answer).includes(weather.answer));
  });

  it("can be served while it is polled", async () => {
    const thread = await ask(weather.question);
    let submitted;
    const poller = client.runs.createAndPoll(thread.id, agent.id, polling);
    poller.onProgress(({ result }) => {
      if (result.status !== "requires_action") return;
      submitted ??= client.runs.submitToolOutputs(thread.id, result.id, outputsFor(result)).then();
    });
    const run = await poller;
    assert.equal(run.status, "completed");
    assert.equal((await submitted).status, "queued");
  });

  it("is a step for the calls and a step for the answer", async () => {
    const thread = await ask(weather.question);
    const waiting = await settled(client, await client.runs.create(thread.id, agent.id));
    await settled(client, await client.runs.submitToolOutputs(thread.id, waiting.id, outputsFor(waiting)));
    const steps = await collect(client.runSteps.list(thread.id, waiting.id));
    assert.deepEqual(
      steps.map((step) => step.type),
      ["message_creation", "tool_calls"],
    );
    const [, calls] = steps;
    assert.equal(calls.stepDetails.toolCalls[0].function.name, "get_weather");
    assert.deepEqual(await client.runSteps.get(thread.id, waiting.id, calls.id), calls);
  });

  it("can be cancelled while it waits", async () => {
    const thread = await ask(weather.question);
    const waiting = await settled(client, await client.runs.create(thread.id, agent.id));
    const run = await settled(client, await client.runs.cancel(thread.id, waiting.id));
    assert.equal(run.status, "cancelled");
    assert.ok(run.cancelledAt instanceof Date);
  });

  it("calls nothing if its tool choice is none", async () => {
    const thread = await ask(weather.question);
    const run = await client.runs.createAndPoll(thread.id, agent.id, { ...polling, toolChoice: "none" });
    assert.equal(run.status, "completed");
  });

  it("calls what it is forced to call", async () => {
    const thread = await ask("Hello");
    const toolChoice = { type: "function", function: { name: "get_weather" } };
    const waiting = await settled(client, await client.runs.create(thread.id, agent.id, { toolChoice }));
    assert.equal(waiting.status, "requires_action");
    await client.runs.cancel(thread.id, waiting.id);
  });
});
