// Agents, threads and messages: created, read, listed, changed, deleted.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { collect, model, newClient, textOf, weather } from "./client.js";

const client = newClient();

describe("an agent", () => {
  it("is what was asked for", async () => {
    const agent = await client.createAgent(model, {
      name: "guide",
      description: "Knows the weather.",
      instructions: "Answer in one sentence.",
      tools: [weather.tool],
      temperature: 0.5,
      topP: 0.25,
      metadata: { team: "weather" },
    });
    assert.match(agent.id, /^asst_[0-9A-Za-z]{24}$/);
    assert.equal(agent.model, model);
    assert.equal(agent.name, "guide");
    assert.equal(agent.description, "Knows the weather.");
    assert.equal(agent.instructions, "Answer in one sentence.");
    assert.deepEqual([agent.temperature, agent.topP], [0.5, 0.25]);
    assert.deepEqual(agent.metadata, { team: "weather" });
    assert.deepEqual(agent.tools, [weather.tool]);
    assert.deepEqual(await client.getAgent(agent.id), agent);
  });

  it("changes only where an update says so", async () => {
    const agent = await client.createAgent(model, { name: "before", instructions: "Stay." });
    const updated = await client.updateAgent(agent.id, { name: "after" });
    assert.deepEqual(updated, { ...agent, name: "after" });
  });

  it("is listed newest first, from where one likes", async () => {
    const first = await client.createAgent(model);
    const second = await client.createAgent(model);
    // Other tests make agents meanwhile; the order of these two is what counts.
    const own = async (options) => {
      const listed = await collect(client.listAgents({ limit: 100, ...options }));
      return listed.map(({ id }) => id).filter((id) => id === first.id || id === second.id);
    };
    assert.deepEqual(await own({}), [second.id, first.id]);
    assert.deepEqual(await own({ after: second.id }), [first.id]);
  });

  it("is gone once it is deleted", async () => {
    const agent = await client.createAgent(model);
    const deleted = await client.deleteAgent(agent.id);
    assert.equal(deleted.deleted, true);
    await assert.rejects(client.getAgent(agent.id), { name: "RestError", statusCode: 404 });
  });
});

describe("a thread", () => {
  it("can start with messages and metadata", async () => {
    const thread = await client.threads.create({
      messages: [{ role: "user", content: "Hello" }],
      metadata: { topic: "greetings" },
    });
    assert.match(thread.id, /^thread_[0-9A-Za-z]{24}$/);
    assert.deepEqual(thread.metadata, { topic: "greetings" });
    const [message] = await collect(client.messages.list(thread.id));
    assert.equal(textOf(message), "Hello");
  });

  it("is listed, changed and deleted", async () => {
    const thread = await client.threads.create();
    const listed = await collect(client.threads.list({ limit: 100 }));
    assert.ok(listed.some(({ id }) => id === thread.id));
    const updated = await client.threads.update(thread.id, { metadata: { b: "2" } });
    assert.deepEqual(updated.metadata, { b: "2" });
    assert.equal((await client.threads.delete(thread.id)).deleted, true);
    await assert.rejects(client.threads.get(thread.id), { statusCode: 404 });
  });
});

describe("a message", () => {
  it("can be text", async () => {
    const thread = await client.threads.create();
    const message = await client.messages.create(thread.id, "user", "Hello, wörld", { metadata: { n: "1" } });
    assert.match(message.id, /^msg_[0-9A-Za-z]{24}$/);
    assert.equal(textOf(message), "Hello, wörld");
    assert.deepEqual(message.metadata, { n: "1" });
    assert.deepEqual(await client.messages.get(thread.id, message.id), message);
  });

  it("can be text and images", async () => {
    const thread = await client.threads.create();
    const message = await client.messages.create(thread.id, "user", [
      { type: "text", text: "What is this?" },
      { type: "image_url", imageUrl: { url: "https://example.com/cat.png", detail: "low" } },
    ]);
    assert.deepEqual(
      message.content.map((part) => part.type),
      ["text", "image_url"],
    );
  });

  it("is listed newest first or oldest first", async () => {
    const thread = await client.threads.create();
    for (const content of ["one", "two", "three"]) await client.messages.create(thread.id, "user", content);
    const newestFirst = await collect(client.messages.list(thread.id));
    const oldestFirst = await collect(client.messages.list(thread.id, { order: "asc" }));
    assert.deepEqual(oldestFirst.map(textOf), ["one", "two", "three"]);
    assert.deepEqual(newestFirst, oldestFirst.toReversed());
  });

  it("changes its metadata and nothing else", async () => {
    const thread = await client.threads.create();
    const message = await client.messages.create(thread.id, "user", "Hello");
    const updated = await client.messages.update(thread.id, message.id, { metadata: { b: "2" } });
    assert.deepEqual(updated, { ...message, metadata: { b: "2" } });
  });
});
