// The project's client as a program makes it, the OpenAI client that it hands out, and agents with versions.

import { randomUUID } from "node:crypto";
import { AIProjectClient } from "@azure/ai-projects";
import { DefaultAzureCredential } from "@azure/identity";

/** A client made from environment variables alone. */
export function newProject(options = {}) {
  return new AIProjectClient(process.env.AZURE_AI_PROJECT_ENDPOINT, new DefaultAzureCredential(), options);
}

/** A name that nothing has. */
export function newName(kind = "agent") {
  return `${kind}-${randomUUID().slice(0, 8)}`;
}

/** Puts a connection. The service takes it from anybody who may; the SDK has no operation for it. */
export async function putConnection(name, connection) {
  return atConnection("PUT", name, JSON.stringify(connection));
}

/** Deletes a connection that was put. */
export async function deleteConnection(name) {
  return atConnection("DELETE", name);
}

async function atConnection(method, name, body) {
  const { token } = await new DefaultAzureCredential().getToken("https://ai.azure.com/.default");
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const address = `${process.env.AZURE_AI_PROJECT_ENDPOINT}/connections/${name}`;
  const answer = await fetch(address, { method, headers, body });
  if (!answer.ok) throw new Error(`${method} ${name}: ${answer.status} ${await answer.text()}`);
}

/** The fields of a request that name an agent. */
export function beside(agent, version) {
  return { agent_reference: { type: "agent_reference", name: agent.name, version } };
}

/** A function as agents with versions declare it. */
export const getWeather = {
  type: "function",
  name: "get_weather",
  description: "Tells the weather at a place.",
  parameters: {
    type: "object",
    properties: { location: { type: "string" } },
    required: ["location"],
    additionalProperties: false,
  },
  strict: true,
};

/** The function calls that a response asks for. */
export function callsOf(response) {
  return response.output.filter((item) => item.type === "function_call");
}

/** The input that answers every call of a response. */
export function outputsOf(response, output) {
  return callsOf(response).map((call) => ({ type: "function_call_output", call_id: call.call_id, output }));
}
