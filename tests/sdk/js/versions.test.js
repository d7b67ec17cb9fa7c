// Agents with versions, through @azure/ai-projects.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { collect, model } from "./client.js";
import { beside, newName, newProject } from "./projects.js";

const project = newProject();
const prompt = (instructions) => ({ kind: "prompt", model, instructions });

describe("an agent with versions", () => {
  it("gets the next number with every version", async () => {
    const name = newName();
    const first = await project.agents.createVersion(name, prompt("one"), {
      description: "The first.",
      metadata: { team: "a" },
    });
    const second = await project.agents.createVersion(name, prompt("two"));
    assert.deepEqual([first.id, first.version, second.version], [`${name}:1`, "1", "2"]);
    assert.deepEqual([first.description, first.metadata], ["The first.", { team: "a" }]);
    const kept = await project.agents.getVersion(name, "1");
    assert.equal(kept.definition.instructions, "one");
    assert.equal((await project.agents.get(name)).versions.latest.version, "2");
    const versions = await collect(project.agents.listVersions(name, { limit: 1 }));
    assert.deepEqual(
      versions.map((version) => version.version),
      ["2", "1"],
    );
    const agents = await collect(project.agents.list({ limit: 1 }));
    assert.ok(agents.some((agent) => agent.name === name));
    await project.agents.delete(name);
  });

  it("loses one version, and then everything", async () => {
    const name = newName();
    await project.agents.createVersion(name, prompt("one"));
    await project.agents.createVersion(name, prompt("two"));
    assert.equal((await project.agents.deleteVersion(name, "1")).deleted, true);
    await assert.rejects(project.agents.getVersion(name, "1"), { statusCode: 404 });
    assert.equal((await project.agents.delete(name)).deleted, true);
    await assert.rejects(project.agents.get(name), { statusCode: 404, code: "not_found" });
  });

  it("answers with the version that is asked for", async () => {
    const name = newName();
    const openai = project.getOpenAIClient();
    const agent = await project.agents.createVersion(name, prompt("one"));
    await project.agents.createVersion(name, prompt("two"));
    const pinned = await openai.responses.create({ input: "Hello", ...beside(agent, "1") });
    const latest = await openai.responses.create({ input: "Hello", ...beside(agent) });
    assert.deepEqual([pinned.instructions, latest.instructions], ["one", "two"]);
    await project.agents.delete(name);
  });

  it("answers nothing while it is disabled", async () => {
    const name = newName();
    const openai = project.getOpenAIClient();
    const agent = await project.agents.createVersion(name, prompt("one"));
    await project.agents.disable(name);
    const refused = openai.responses.create({ input: "Hello", ...beside(agent) });
    await assert.rejects(refused, { status: 403, code: "AgentDisabled" });
    await project.agents.enable(name);
    assert.ok((await openai.responses.create({ input: "Hello", ...beside(agent) })).output_text);
    await project.agents.delete(name);
  });

  it("answers at its own address", async () => {
    const name = newName();
    await project.agents.createVersion(name, prompt("one"));
    const openai = newProject().getOpenAIClient({ azureConfig: { agentName: name, allowPreview: true } });
    const response = await openai.responses.create({ input: "Hello" });
    assert.equal(response.agent_reference.name, name);
    assert.ok(response.output_text);
    await project.agents.delete(name);
  });
});

describe("a project", () => {
  it("lists its deployments", async () => {
    const names = (await collect(project.deployments.list())).map((deployment) => deployment.name);
    assert.ok(names.includes(model) && names.includes("scripted"));
    assert.equal((await project.deployments.get(model)).name, model);
  });
});
