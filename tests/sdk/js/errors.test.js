// Errors: a RestError with the status and the service's own words.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { model, newClient, polling, settled, weather } from "./client.js";

const client = newClient();
const nobody = "0123456789abcdefghijABCD";

/** What `assert.rejects` compares: the status and the service's words. */
function refusal(statusCode, message) {
  return (error) => {
    assert.equal(error.name, "RestError");
    assert.deepEqual([error.statusCode, error.details.error.message], [statusCode, message]);
    return true;
  };
}

async function waiting() {
  const agent = await client.createAgent(model, { tools: [weather.tool] });
  const thread = await client.threads.create({ messages: [{ role: "user", content: weather.question }] });
  return settled(client, await client.runs.create(thread.id, agent.id));
}

describe("an error", () => {
  it("says what was not found", async () => {
    const noAgent = refusal(404, `No assistant found with id 'asst_${nobody}'.`);
    await assert.rejects(client.getAgent(`asst_${nobody}`), noAgent);
    const noThread = refusal(404, `No thread found with id 'thread_${nobody}'.`);
    await assert.rejects(client.threads.get(`thread_${nobody}`), noThread);
    await assert.rejects(client.messages.create(`thread_${nobody}`, "user", "Hello"), noThread);
  });

  it("says that the thread is busy", async () => {
    const run = await waiting();
    const busy = `Can't add messages to ${run.threadId} while a run ${run.id} is active.`;
    await assert.rejects(client.messages.create(run.threadId, "user", "And now?"), refusal(400, busy));
    await client.runs.cancel(run.threadId, run.id);
  });

  it("says which outputs were expected", async () => {
    const run = await waiting();
    const [call] = run.requiredAction.submitToolOutputs.toolCalls;
    const outputs = [{ toolCallId: "call_of_someone_else", output: "sunny" }];
    const expected = `Expected tool outputs for call_ids ['${call.id}'], got ['call_of_someone_else']`;
    const submit = async () => client.runs.submitToolOutputs(run.threadId, run.id, outputs);
    await assert.rejects(submit, refusal(400, expected));
    await client.runs.cancel(run.threadId, run.id);
  });

  it("says why a run cannot be cancelled", async () => {
    const agent = await client.createAgent(model);
    const thread = await client.threads.create();
    const run = await client.runs.createAndPoll(thread.id, agent.id, polling);
    const late = "Cannot cancel run with status 'completed'.";
    await assert.rejects(client.runs.cancel(thread.id, run.id), refusal(400, late));
  });

  it("names the value that is wrong by its path", async () => {
    const create = client.createAgent(model, { temperature: "warm" });
    await assert.rejects(create, (error) => {
      assert.deepEqual([error.statusCode, error.details.error.param], [400, "temperature"]);
      return true;
    });
  });

  it("refuses a token that someone else signed", async () => {
    const forger = {
      getToken: async () => ({ token: "forged", expiresOnTimestamp: Date.now() + 3_600_000 }),
    };
    await assert.rejects(newClient(forger).threads.create(), { name: "RestError", statusCode: 401 });
  });
});
