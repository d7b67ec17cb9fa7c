// Streams: every event in its order, decoded by the SDK.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { collect, model, newClient, outputsFor, textOf, weather } from "./client.js";

const client = newClient();

const started = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"];
const answered = [
  "thread.run.step.created",
  "thread.run.step.in_progress",
  "thread.message.created",
  "thread.message.in_progress",
  "thread.message.delta",
  "thread.message.completed",
  "thread.run.step.completed",
  "thread.run.completed",
  "done",
];
const called = [
  "thread.run.step.created",
  "thread.run.step.in_progress",
  "thread.run.step.delta",
  "thread.run.requires_action",
  "done",
];
const submitted = ["thread.run.step.completed", "thread.run.queued", "thread.run.in_progress"];

/** The events' types in their order; deltas that follow each other count once. */
function kinds(events) {
  return events.map(({ event }) => event).filter((kind, at, all) => kind !== all[at - 1]);
}

/** The data of the last event of a kind. */
function last(events, kind) {
  return events.findLast(({ event }) => event === kind).data;
}

function textOfDeltas(events) {
  const deltas = events.filter(({ event }) => event === "thread.message.delta");
  return deltas.map(({ data }) => textOf(data.delta)).join("");
}

describe("a stream", () => {
  let plain, knowing;
  before(async () => {
    plain = await client.createAgent(model);
    knowing = await client.createAgent(model, { tools: [weather.tool] });
  });

  async function ask(content = weather.question) {
    return client.threads.create({ messages: [{ role: "user", content }] });
  }

  it("of a text has its events in order", async () => {
    const thread = await ask();
    const events = await collect(await client.runs.create(thread.id, plain.id).stream());
    assert.deepEqual(kinds(events), [...started, ...answered]);
    assert.ok(events.every(({ event, data }) => event === "done" || typeof data === "object"));
  });

  it("of a text carries the message in pieces", async () => {
    const thread = await ask();
    const events = await collect(await client.runs.create(thread.id, plain.id).stream());
    const message = last(events, "thread.message.completed");
    assert.ok(textOf(message));
    assert.equal(textOfDeltas(events), textOf(message));
    const kept = await client.messages.get(thread.id, message.id);
    assert.deepEqual(kept.content, message.content);
  });

  it("of a new thread begins with the thread", async () => {
    const options = { thread: { messages: [{ role: "user", content: "Hello" }] } };
    const events = await collect(await client.runs.createThreadAndRun(plain.id, options).stream());
    assert.deepEqual(kinds(events), ["thread.created", ...started, ...answered]);
    assert.equal(events[0].data.id, last(events, "thread.run.completed").threadId);
  });

  it("stops for a function and goes on with its output", async () => {
    const thread = await ask();
    const events = await collect(await client.runs.create(thread.id, knowing.id).stream());
    assert.deepEqual(kinds(events), [...started, ...called]);
    const run = last(events, "thread.run.requires_action");
    const [call] = run.requiredAction.submitToolOutputs.toolCalls;
    const deltas = events
      .filter(({ event }) => event === "thread.run.step.delta")
      .map(({ data }) => data.delta.stepDetails.toolCalls[0]);
    assert.deepEqual([deltas[0].index, deltas[0].id, deltas[0].function.name], [0, call.id, "get_weather"]);
    assert.equal(deltas.map((delta) => delta.function.arguments).join(""), call.function.arguments);

    const answer = client.runs.submitToolOutputs(thread.id, run.id, outputsFor(run));
    const continued = await collect(await answer.stream());
    assert.deepEqual(kinds(continued), [...submitted, ...answered]);
    assert.ok(textOfDeltas(continued).includes(weather.answer));
  });
});
