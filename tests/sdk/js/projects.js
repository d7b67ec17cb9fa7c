// The project's client as a program makes it, the OpenAI client that it hands out, and agents with versions.

import { randomUUID } from "node:crypto";
import { AIProjectClient } from "@azure/ai-projects";
import { DefaultAzureCredential } from "@azure/identity";

/** A client made from environment variables alone. */
export function newProject(options = {}) {
  return new AIProjectClient(process.env.AZURE_AI_PROJECT_ENDPOINT, new DefaultAzureCredential(), options);
}

/** A name that no agent has. */
export function newName() {
  return `agent-${randomUUID().slice(0, 8)}`;
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
