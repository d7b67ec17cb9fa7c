// The client as a program makes it, and the few things that most tests need.

import { setTimeout as sleep } from "node:timers/promises";
import { AgentsClient, ToolUtility } from "@azure/ai-agents";
import { DefaultAzureCredential } from "@azure/identity";

/** Options that look at a run often enough for a test. */
export const polling = { pollingOptions: { intervalInMs: 50 } };

/** The deployment that the service names in its environment. */
export const model = process.env.MODEL_DEPLOYMENT_NAME;

/** A client made from environment variables alone. */
export function newClient(credential = new DefaultAzureCredential()) {
  return new AgentsClient(process.env.PROJECT_ENDPOINT, credential);
}

/** A function tool, and the words that its function answers with. */
export const weather = {
  question: "How is the weather in Oslo?",
  answer: "a light drizzle of 13 degrees",
  tool: ToolUtility.createFunctionTool({
    name: "get_weather",
    description: "Tells the weather at a place.",
    parameters: {
      type: "object",
      properties: { location: { type: "string", description: "The place." } },
      required: ["location"],
    },
  }).definition,
};

/** Every item of a list. */
export async function collect(items) {
  const all = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The run as soon as it is over or waits for its client. */
export async function settled(client, run) {
  while (["queued", "in_progress", "cancelling"].includes(run.status)) {
    await sleep(50);
    run = await client.runs.get(run.threadId, run.id);
  }
  return run;
}

/** The outputs of the calls that a run waits for. */
export function outputsFor(run, output = weather.answer) {
  return run.requiredAction.submitToolOutputs.toolCalls.map((call) => ({ toolCallId: call.id, output }));
}

/** The text of a message. */
export function textOf(message) {
  return message.content.map((part) => part.text.value).join("");
}
