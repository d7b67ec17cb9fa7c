// Files: uploaded in chunks, as this SDK does, listed, read back, deleted.

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, it } from "node:test";
import { newClient, polling } from "./client.js";

const client = newClient();
const content = Buffer.from("one\ntwo\n\0\xff three", "latin1");

async function upload(bytes, fileName, purpose = "assistants") {
  return client.files.upload(Readable.from([bytes]), purpose, { fileName, ...polling });
}

async function contentOf(file) {
  const response = await client.files.getContent(file.id).asNodeStream();
  return buffer(response.body);
}

describe("a file", () => {
  it("can be uploaded and read back", async () => {
    const file = await upload(content, "notes.txt");
    assert.match(file.id, /^assistant-[0-9A-Za-z]{22}$/);
    assert.deepEqual([file.filename, file.bytes, file.purpose], ["notes.txt", content.length, "assistants"]);
    assert.deepEqual(await client.files.get(file.id), file);
    assert.deepEqual(await contentOf(file), content);
  });

  it("can be uploaded and waited for", async () => {
    const options = { fileName: "polled.txt", ...polling };
    const file = await client.files.uploadAndPoll(Readable.from([content]), "assistants", options);
    assert.equal(file.status, "processed");
  });

  it("arrives whole if it is large", async () => {
    const large = Buffer.alloc(8 * 1024 * 1024, "0123456789");
    const file = await upload(large, "large.bin");
    assert.equal(file.bytes, large.length);
    assert.ok((await contentOf(file)).equals(large));
  });

  it("is listed by its purpose", async () => {
    const file = await upload(content, "picture.png", "vision");
    const ids = async (purpose) => (await client.files.list({ purpose })).data.map(({ id }) => id);
    assert.ok((await ids("vision")).includes(file.id));
    assert.ok(!(await ids("assistants")).includes(file.id));
  });

  it("is gone once it is deleted", async () => {
    const file = await upload(content, "gone.txt");
    assert.deepEqual(await client.files.delete(file.id), { id: file.id, deleted: true, object: "file" });
    await assert.rejects(client.files.get(file.id), { statusCode: 404 });
  });
});
