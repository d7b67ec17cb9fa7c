// What a project has beside its agents: connections, deployments, datasets with their data, indexes.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ContainerClient } from "@azure/storage-blob";
import { collect, model } from "./client.js";
import { deleteConnection, newName, newProject, putConnection } from "./projects.js";

const project = newProject();

/** The names of all items of a list. */
async function namesOf(items) {
  return (await collect(items)).map(({ name }) => name);
}

describe("a connection", () => {
  const key = "k3y-that-nobody-may-see";
  const metadata = { ApiType: "Azure" };
  const search = { type: "CognitiveSearch", target: "https://search.invalid", metadata };
  const names = [newName("connection"), newName("connection")];
  before(async () => {
    for (const name of names) {
      await putConnection(name, { ...search, credentials: { type: "ApiKey", key } });
    }
  });
  after(() => Promise.all(names.map(deleteConnection)));

  it("is shown without its secrets", async () => {
    const connection = await project.connections.get(names[0]);
    assert.deepEqual(
      [connection.name, connection.type, connection.target, connection.isDefault],
      [names[0], search.type, search.target, true],
    );
    assert.deepEqual(connection.metadata, metadata);
    const shown = JSON.stringify([connection, await collect(project.connections.list())]);
    assert.ok(!shown.includes(key));
  });

  it("is shown with its secrets to who asks for them", async () => {
    const connection = await project.connections.getWithCredentials(names[1]);
    assert.deepEqual([connection.credentials.type, connection.credentials.apiKey], ["ApiKey", key]);
  });

  it("is listed by its type and found as the default", async () => {
    const kind = { connectionType: "CognitiveSearch" };
    assert.deepEqual(await namesOf(project.connections.list(kind)), names);
    const defaults = await namesOf(project.connections.list({ defaultConnection: true }));
    assert.ok(defaults.includes(names[0]) && defaults.includes("traces") && !defaults.includes(names[1]));
    assert.equal((await project.connections.getDefault("CognitiveSearch")).name, names[0]);
    const found = await project.connections.getDefault("CognitiveSearch", { includeCredentials: true });
    assert.equal(found.credentials.apiKey, key);
  });

  it("holds the connection string of traces", async () => {
    const traces = await project.telemetry.getApplicationInsightsConnectionString();
    assert.match(traces, /^InstrumentationKey=0{8}-.*;IngestionEndpoint=https:\/\/monitor\.invalid\/$/);
  });

  it("is not found where there is none", async () => {
    const missing = project.connections.get("no-such-connection");
    await assert.rejects(missing, { statusCode: 404, code: "not_found" });
  });
});

describe("a deployment", () => {
  it("is read with everything that the client knows of it", async () => {
    const { name, type, modelName, modelPublisher, capabilities, sku } = await project.deployments.get(model);
    assert.deepEqual([name, type, modelName, modelPublisher], [model, "ModelDeployment", model, "Cupola"]);
    assert.deepEqual([capabilities, sku.name], [{ chat_completion: "true" }, "Standard"]);
    await assert.rejects(project.deployments.get("no-such-deployment"), { statusCode: 404 });
  });

  it("is listed by publisher, model and type", async () => {
    const listed = (filters) => namesOf(project.deployments.list(filters));
    assert.deepEqual(await listed({ modelPublisher: "Cupola", modelName: "scripted" }), ["scripted"]);
    assert.ok((await listed({ deploymentType: "ModelDeployment" })).includes(model));
    assert.deepEqual(await listed({ modelPublisher: "nobody" }), []);
  });
});

describe("a dataset", () => {
  let folder;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cupola-"));
    await mkdir(join(folder, "deep"));
    await writeFile(join(folder, "one.txt"), "one");
    await writeFile(join(folder, "deep", "two.txt"), "two");
    await writeFile(join(folder, "three.bin"), "three");
  });
  after(() => rm(folder, { recursive: true }));

  /** What a client with the dataset's credentials reads: the texts of all blobs by their names. */
  async function read(name, version) {
    const { blobReference } = await project.datasets.getCredentials(name, version);
    const address = new URL(blobReference.credential.sasUri);
    // A dataset of one file is at the address of that file; what holds it is at the first two names.
    address.pathname = address.pathname.split("/").slice(0, 4).join("/");
    const container = new ContainerClient(address.href);
    const texts = {};
    for await (const blob of container.listBlobsFlat()) {
      texts[blob.name] = (await container.getBlobClient(blob.name).downloadToBuffer()).toString();
    }
    return texts;
  }

  it("takes a file", async () => {
    const name = newName("dataset");
    const dataset = await project.datasets.uploadFile(name, "1.0", join(folder, "one.txt"));
    assert.deepEqual([dataset.name, dataset.version, dataset.type], [name, "1.0", "uri_file"]);
    assert.match(dataset.dataUri, /\/one\.txt$/);
    assert.deepEqual(await read(name, "1.0"), { "one.txt": "one" });
    await project.datasets.delete(name, "1.0");
  });

  it("takes a folder and leaves out what the pattern does not match", async () => {
    const name = newName("dataset");
    const options = { filePattern: "\\.txt$" };
    const dataset = await project.datasets.uploadFolder(name, "1", folder, options);
    assert.equal(dataset.type, "uri_folder");
    assert.ok(!dataset.dataUri.includes("sig="), dataset.dataUri);
    assert.deepEqual(await read(name, "1"), { "deep/two.txt": "two", "one.txt": "one" });
    await project.datasets.delete(name, "1");
  });

  it("takes a blob in blocks by a pending upload", async () => {
    const name = newName("dataset");
    const pending = await project.datasets.pendingUpload(name, "1", { pendingUploadType: "BlobReference" });
    const container = new ContainerClient(pending.blobReference.credential.sasUri);
    const blob = container.getBlockBlobClient("large.txt");
    const content = Buffer.from("x".repeat(10_000));
    await blob.uploadData(content, { blockSize: 1024, maxSingleShotSize: 1024 });
    const record = { type: "uri_folder", dataUri: pending.blobReference.blobUri };
    await project.datasets.createOrUpdate(name, "1", record);
    assert.deepEqual(await read(name, "1"), { "large.txt": content.toString() });
    await project.datasets.delete(name, "1");
    await assert.rejects(blob.downloadToBuffer(), { statusCode: 404 });
  });

  it("is listed by its newest version, and by all of them", async () => {
    const name = newName("dataset");
    for (const version of ["1", "2"]) {
      const record = { type: "uri_file", dataUri: "https://data.invalid/file" };
      await project.datasets.createOrUpdate(name, version, record);
    }
    const versions = await collect(project.datasets.listVersions(name));
    assert.deepEqual(
      versions.map(({ version }) => version),
      ["2", "1"],
    );
    const newest = (await collect(project.datasets.list())).filter((dataset) => dataset.name === name);
    assert.deepEqual(
      newest.map(({ version }) => version),
      ["2"],
    );
    for (const version of ["1", "2", "2"]) await project.datasets.delete(name, version);
    await assert.rejects(project.datasets.get(name, "1"), { message: /Could not find asset with ID/ });
  });
});

describe("an index", () => {
  it("is created, changed, listed and deleted", async () => {
    const name = newName("index");
    const index = { type: "AzureSearch", connectionName: "search", indexName: "books" };
    const created = await project.indexes.createOrUpdate(name, "1", index);
    assert.deepEqual([created.name, created.version, created.indexName], [name, "1", "books"]);
    const changed = { ...index, description: "All of them." };
    await project.indexes.createOrUpdate(name, "1", changed);
    assert.equal((await project.indexes.get(name, "1")).description, "All of them.");
    await project.indexes.createOrUpdate(name, "2", { type: "ManagedAzureSearch", vectorStoreId: "vs_1" });
    const versions = await collect(project.indexes.listVersions(name));
    assert.deepEqual(
      versions.map(({ version, type }) => [version, type]),
      [
        ["2", "ManagedAzureSearch"],
        ["1", "AzureSearch"],
      ],
    );
    assert.ok((await namesOf(project.indexes.list())).includes(name));
    for (const version of ["1", "2", "2"]) await project.indexes.delete(name, version);
    await assert.rejects(project.indexes.get(name, "1"), { message: /Could not find asset with ID/ });
  });
});
