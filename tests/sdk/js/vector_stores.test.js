// Vector stores and file search, through the agents' client and through the OpenAI client.

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { MessageStreamEvent, RunStreamEvent, ToolUtility } from "@azure/ai-agents";
import { toFile } from "openai";
import { collect, model, newClient, polling, textOf } from "./client.js";
import { beside, newName, newProject } from "./projects.js";

const client = newClient();
const project = newProject();
const openai = project.getOpenAIClient();

const fact = "The lighthouse keeper of Utsira paints the lantern violet every spring.";
const question = "Who paints the lantern violet?";

async function upload(text, fileName) {
  const file = await client.files.upload(Readable.from([Buffer.from(text)]), "assistants", { fileName });
  return file.id;
}

async function filled(...texts) {
  const fileIds = await Promise.all(texts.map((text, number) => upload(text, `${number}.txt`)));
  return client.vectorStores.createAndPoll({ fileIds, name: "shelf", ...polling });
}

describe("a vector store", () => {
  it("is made with files, changed, listed and deleted", async () => {
    const store = await filled(fact, "Another one.");
    assert.deepEqual([store.status, store.fileCounts.completed, store.fileCounts.total], ["completed", 2, 2]);
    const changed = await client.vectorStores.update(store.id, { name: "rack" });
    assert.equal(changed.name, "rack");
    const ids = (await collect(client.vectorStores.list({ limit: 1 }))).map(({ id }) => id);
    assert.ok(ids.includes(store.id));
    assert.equal((await client.vectorStores.delete(store.id)).deleted, true);
    await assert.rejects(client.vectorStores.get(store.id), { statusCode: 404 });
  });

  it("takes a file and a batch, and says why it refuses", async () => {
    const store = await client.vectorStores.create();
    const fileId = await upload(fact, "note.txt");
    const file = await client.vectorStoreFiles.createAndPoll(store.id, { fileId, ...polling });
    assert.deepEqual([file.id, file.status, file.lastError], [fileId, "completed", null]);
    const fileIds = [await upload("one", "1.md"), await upload("%PDF-1.7 cut", "2.pdf")];
    const batch = await client.vectorStoreFileBatches.createAndPoll(store.id, { fileIds, ...polling });
    assert.deepEqual([batch.status, batch.fileCounts.completed, batch.fileCounts.failed], ["completed", 1, 1]);
    const failed = await collect(client.vectorStoreFileBatches.list(store.id, batch.id, { filter: "failed" }));
    assert.deepEqual([failed[0].id, failed[0].lastError.code], [fileIds[1], "invalid_file"]);
    const table = await upload("a,b", "table.csv");
    await assert.rejects(client.vectorStoreFiles.create(store.id, { fileId: table }), (error) => {
      assert.deepEqual([error.statusCode, error.code], [400, "unsupported_file"]);
      return true;
    });
    await client.vectorStores.delete(store.id);
  });
});

describe("file search in a run", () => {
  it("cites the file, and streams", async () => {
    const store = await filled(fact, "Another one.");
    const { definition, resources } = ToolUtility.createFileSearchTool([store.id]);
    const agent = await client.createAgent(model, { tools: [definition], toolResources: resources });
    const thread = await client.threads.create();
    await client.messages.create(thread.id, "user", question);
    let message;
    let ended = false;
    for await (const event of await client.runs.create(thread.id, agent.id).stream()) {
      if (event.event === MessageStreamEvent.ThreadMessageCompleted) message = event.data;
      ended ||= event.event === RunStreamEvent.ThreadRunCompleted;
    }
    assert.ok(ended);
    const text = textOf(message);
    assert.ok(text.includes(fact));
    const [{ type, text: marker, startIndex, endIndex, fileCitation }] = message.content[0].text.annotations;
    assert.equal(type, "file_citation");
    assert.equal([...text].slice(startIndex, endIndex).join(""), marker);
    assert.equal((await client.files.get(fileCitation.fileId)).filename, "0.txt");
    await client.deleteAgent(agent.id);
    await client.vectorStores.delete(store.id);
  });
});

describe("the OpenAI client", () => {
  it("fills a store, searches it, and answers from it", async () => {
    const store = await openai.vectorStores.create({ name: "shelf" });
    const files = [await toFile(Buffer.from(fact), "note.txt"), await toFile(Buffer.from("Other."), "b.md")];
    const batch = await openai.vectorStores.fileBatches.uploadAndPoll(
      store.id,
      { files },
      { pollIntervalMs: 50 },
    );
    assert.deepEqual([batch.status, batch.file_counts.completed], ["completed", 2]);
    const [best] = await collect(openai.vectorStores.search(store.id, { query: question }));
    assert.deepEqual([best.filename, best.content[0].text], ["note.txt", fact]);

    const tool = { type: "file_search", vector_store_ids: [store.id] };
    const agent = await project.agents.createVersion(newName(), { kind: "prompt", model, tools: [tool] });
    const include = ["file_search_call.results"];
    const response = await openai.responses.create({ input: question, include, ...beside(agent) });
    const [search, message] = response.output;
    assert.equal(search.results[0].filename, "note.txt");
    assert.ok(message.content[0].text.includes(fact));
    assert.equal(message.content[0].annotations[0].filename, "note.txt");
    await project.agents.delete(agent.name);
    assert.equal((await openai.vectorStores.delete(store.id)).deleted, true);
  });
});
