// What the OpenAI client does without agents, as the project hands it out and as a plain client.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DefaultAzureCredential, getBearerTokenProvider } from "@azure/identity";
import OpenAI, { toFile } from "openai";
import { collect, model } from "./client.js";
import { beside, getWeather, newName, newProject } from "./projects.js";

const project = newProject();
const plain = new OpenAI({
  baseURL: `${process.env.AZURE_AI_PROJECT_ENDPOINT}/openai/v1`,
  apiKey: getBearerTokenProvider(new DefaultAzureCredential(), "https://ai.azure.com/.default"),
});

const user = (content) => ({ role: "user", content });
const { type, ...declared } = getWeather;
const tools = [{ type, function: declared }];

const clients = { "the project's client": project.getOpenAIClient(), "a plain client": plain };

for (const [kind, openai] of Object.entries(clients)) {
  describe(kind, () => {
    it("uploads, lists, reads and deletes files", async () => {
      const content = Buffer.from([0, 13, 10, 255, 65]);
      const file = await openai.files.create({
        file: await toFile(content, "notes.bin"),
        purpose: "user_data",
      });
      assert.deepEqual([file.filename, file.bytes, file.purpose], ["notes.bin", 5, "user_data"]);
      assert.deepEqual(await openai.files.retrieve(file.id), file);
      const listed = await collect(openai.files.list({ purpose: "user_data", limit: 1 }));
      assert.ok(listed.some(({ id }) => id === file.id));
      const read = Buffer.from(await (await openai.files.content(file.id)).arrayBuffer());
      assert.deepEqual(read, content);
      assert.equal((await openai.files.delete(file.id)).deleted, true);
      await assert.rejects(openai.files.retrieve(file.id), { status: 404 });
    });

    it("lists deployments as models", async () => {
      const ids = (await collect(openai.models.list())).map(({ id }) => id);
      assert.ok(ids.includes(model) && ids.includes("scripted"));
      assert.equal((await openai.models.retrieve(model)).id, model);
      await assert.rejects(openai.models.retrieve("no-such-model"), { status: 404 });
    });

    it("asks for chat completions, whole and in pieces", async () => {
      const request = { model: "scripted", messages: [user("Hello")] };
      const completion = await openai.chat.completions.create(request);
      const [{ message, finish_reason: reason }] = completion.choices;
      assert.deepEqual([completion.model, message.role, reason], ["scripted", "assistant", "stop"]);
      const options = { stream: true, stream_options: { include_usage: true } };
      const chunks = await collect(await openai.chat.completions.create({ ...request, ...options }));
      const said = chunks.flatMap(({ choices }) => choices).map(({ delta }) => delta.content ?? "");
      assert.equal(said.join(""), message.content);
      assert.equal(chunks.at(-1).usage.completion_tokens, completion.usage.completion_tokens);
    });

    it("has its functions called", async () => {
      const messages = [user("two towns")];
      const stream = openai.chat.completions.stream({ model: "scripted", messages, tools });
      const { message } = (await stream.finalChatCompletion()).choices[0];
      const places = message.tool_calls.map((call) => JSON.parse(call.function.arguments).location);
      assert.deepEqual(places, ["Oslo", "Bergen"]);
      const outputs = message.tool_calls.map(({ id }) => ({
        role: "tool",
        tool_call_id: id,
        content: "drizzle",
      }));
      const answered = await openai.chat.completions.create({
        model: "scripted",
        messages: [...messages, message, ...outputs],
        tools,
      });
      assert.equal(answered.choices[0].message.content, "In the first town: drizzle.");
    });

    it("hears truthfully what a provider does not offer", async () => {
      const refused = openai.embeddings.create({ model, input: "Hello" });
      await assert.rejects(refused, { status: 400, code: "operation_not_offered" });
      const unknown = openai.chat.completions.create({ model: "nobody", messages: [user("Hello")] });
      await assert.rejects(unknown, { status: 404, code: "invalid_engine_error" });
    });

    it("talks to an agent", async () => {
      const agent = await project.agents.createVersion(newName(), { kind: "prompt", model });
      const response = await openai.responses.create({ input: "Hello", ...beside(agent) });
      assert.equal(response.agent_reference.name, agent.name);
      await project.agents.delete(agent.name);
    });
  });
}
