// Responses and conversations, through the OpenAI client that @azure/ai-projects hands out.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { collect, model } from "./client.js";
import { beside, callsOf, getWeather, newName, newProject, outputsOf } from "./projects.js";

const project = newProject();
const openai = project.getOpenAIClient();

const text = [
  "response.created",
  "response.in_progress",
  "response.output_item.added",
  "response.content_part.added",
  "response.output_text.delta",
  "response.output_text.done",
  "response.content_part.done",
  "response.output_item.done",
  "response.completed",
];
const call = [
  "response.output_item.added",
  "response.function_call_arguments.delta",
  "response.function_call_arguments.done",
  "response.output_item.done",
];

/** The events' types in their order; deltas that follow each other count once. */
function kinds(events) {
  return events.map(({ type }) => type).filter((kind, at, all) => kind !== all[at - 1]);
}

/** Every event has the next number, from 0 on. */
function assertGapless(events) {
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    events.map((_, number) => number),
  );
}

function said(items) {
  return items.map((item) => item.content[0].text);
}

describe("a response", () => {
  it("is kept until it is deleted", async () => {
    const response = await openai.responses.create({ model, input: "Hello", metadata: { n: "1" } });
    assert.deepEqual([response.status, response.model, response.metadata], ["completed", model, { n: "1" }]);
    assert.ok(response.output_text);
    assert.equal((await openai.responses.retrieve(response.id)).output_text, response.output_text);
    const [asked] = await collect(openai.responses.inputItems.list(response.id));
    assert.deepEqual([asked.role, asked.content[0].text], ["user", "Hello"]);
    await openai.responses.delete(response.id);
    await assert.rejects(openai.responses.retrieve(response.id), { status: 404 });
  });

  it("follows another", async () => {
    const ask = { model: "scripted", input: "how many do you see?" };
    const first = await openai.responses.create(ask);
    const second = await openai.responses.create({ ...ask, previous_response_id: first.id });
    assert.equal(second.output_text, "I see two messages of yours.");
    const nobody = `resp_${"0".repeat(50)}`;
    await assert.rejects(openai.responses.create({ ...ask, previous_response_id: nobody }), {
      status: 400,
      code: "previous_response_not_found",
    });
  });

  it("has the form that is asked for", async () => {
    const schema = {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    };
    const format = { type: "json_schema", name: "city", schema, strict: true };
    const response = await openai.responses.parse({ model, input: "Describe Oslo.", text: { format } });
    assert.deepEqual(Object.keys(response.output_parsed), ["city"]);
  });

  it("streams its events in order", async () => {
    const events = await collect(await openai.responses.create({ model, input: "Hello", stream: true }));
    assert.deepEqual(kinds(events), text);
    assertGapless(events);
    const deltas = events.filter(({ type }) => type === "response.output_text.delta");
    assert.equal(deltas.map(({ delta }) => delta).join(""), events.at(-1).response.output[0].content[0].text);
  });

  it("streams through the client's helper", async () => {
    const stream = openai.responses.stream({ model: "scripted", input: "two towns", tools: [getWeather] });
    const events = await collect(stream);
    assert.deepEqual(kinds(events), [...text.slice(0, 2), ...call, ...call, "response.completed"]);
    assert.equal(callsOf(await stream.finalResponse()).length, 2);
  });

  it("calls functions and goes on with what they say", async () => {
    const request = { model: "scripted", tools: [getWeather] };
    const asked = await openai.responses.create({ ...request, input: "two towns" });
    const places = callsOf(asked).map((call) => JSON.parse(call.arguments).location);
    assert.deepEqual(places, ["Oslo", "Bergen"]);
    const answered = await openai.responses.create({
      ...request,
      input: outputsOf(asked, "drizzle"),
      previous_response_id: asked.id,
    });
    assert.equal(answered.output_text, "In the first town: drizzle.");
  });
});

describe("a response in the background", () => {
  const slow = { model: "scripted", input: "slowly", background: true };

  it("is polled", async () => {
    let response = await openai.responses.create(slow);
    assert.equal(response.status, "queued");
    while (["queued", "in_progress"].includes(response.status)) {
      await sleep(50);
      response = await openai.responses.retrieve(response.id);
    }
    assert.match(response.output_text, /^one two .* sixteen$/);
  });

  it("is streamed again from where its reader stopped", async () => {
    const first = [];
    const stream = await openai.responses.create({ ...slow, stream: true });
    for await (const event of stream) {
      if (first.push(event) === 8) break;
    }
    const rest = await openai.responses.retrieve(first[0].response.id, { stream: true, starting_after: 7 });
    const events = [...first, ...(await collect(rest))];
    assertGapless(events);
    assert.deepEqual(kinds(events), [text[0], "response.queued", ...text.slice(1)]);
  });

  it("is cancelled", async () => {
    const response = await openai.responses.create({ ...slow, input: "never" });
    assert.equal((await openai.responses.cancel(response.id)).status, "cancelled");
    assert.equal((await openai.responses.retrieve(response.id)).status, "cancelled");
  });
});

describe("a conversation", () => {
  let agent;
  before(async () => {
    const definition = { kind: "prompt", model: "scripted", tools: [getWeather] };
    agent = await project.agents.createVersion(newName(), definition);
  });
  after(() => project.agents.delete(agent.name));

  it("is created, read, changed and deleted", async () => {
    const conversation = await openai.conversations.create({ metadata: { topic: "a" } });
    const updated = await openai.conversations.update(conversation.id, { metadata: { topic: "b" } });
    assert.deepEqual(updated.metadata, { topic: "b" });
    assert.equal((await openai.conversations.delete(conversation.id)).deleted, true);
    await assert.rejects(openai.conversations.retrieve(conversation.id), { status: 404 });
  });

  it("holds what was asked and answered, newest first", async () => {
    const conversation = await openai.conversations.create({
      items: [{ type: "message", role: "user", content: "how many do you see?" }],
    });
    const response = await openai.responses.create({ conversation: conversation.id, ...beside(agent) });
    assert.equal(response.output_text, "I see one message of yours.");
    await openai.responses.create({ conversation: conversation.id, input: "how many?", ...beside(agent) });
    const items = await collect(openai.conversations.items.list(conversation.id, { limit: 1 }));
    assert.deepEqual(said(items), [
      "I see two messages of yours.",
      "how many?",
      "I see one message of yours.",
      "how many do you see?",
    ]);
  });

  it("takes parallel calls and their outputs", async () => {
    const { id } = await openai.conversations.create();
    const asked = await openai.responses.create({ conversation: id, input: "two towns", ...beside(agent) });
    const input = outputsOf(asked, "drizzle");
    const answered = await openai.responses.create({ conversation: id, input, ...beside(agent) });
    assert.equal(answered.output_text, "In the first town: drizzle.");
    const types = (await collect(openai.conversations.items.list(id, { order: "asc" }))).map((i) => i.type);
    const outputs = ["function_call_output", "function_call_output"];
    assert.deepEqual(types, ["message", "function_call", "function_call", ...outputs, "message"]);
  });

  it("refuses more than twenty items at once", async () => {
    const items = Array(21).fill({ type: "message", role: "user", content: "x" });
    await assert.rejects(openai.conversations.create({ items }), { status: 400 });
  });
});

describe("beside an agent", () => {
  it("nothing is allowed that the agent says itself", async () => {
    const agent = await project.agents.createVersion(newName(), { kind: "prompt", model });
    const request = { input: "Hello", instructions: "Be kind.", ...beside(agent) };
    await assert.rejects(openai.responses.create(request), {
      status: 400,
      code: "invalid_payload",
      param: "instructions",
    });
    await project.agents.delete(agent.name);
  });
});
