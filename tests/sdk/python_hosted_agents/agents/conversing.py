"""An agent on the official packages. What it is told decides what it shows of itself.

It says how many items came before, and repeats what it is told. With `wait` it waits until it is cancelled,
with `write NAME` and `read NAME` it uses its home, with `ask` it asks a model, with `slowly` its stream comes
word by word.
"""

import asyncio
import os
from pathlib import Path

import aiohttp
from azure.ai.agentserver.core import get_request_context
from azure.ai.agentserver.responses import ResponsesAgentServerHost, TextResponse
from azure.identity.aio import DefaultAzureCredential

app = ResponsesAgentServerHost()


@app.response_handler
async def converse(request, context, cancellation_signal):
    history = await context.get_history()
    told = await context.get_input_text()

    async def words():
        for word in told.split():
            yield f"{word} "
            await asyncio.sleep(0.01)

    async def answer():
        match told.split():
            case ["wait"]:
                await cancellation_signal.wait()
                return ""
            case ["write", name]:
                (Path.home() / name).write_text(told)
                return f"wrote {name}"
            case ["read", name]:
                return (Path.home() / name).read_text()
            case ["tell", variable]:
                return os.environ.get(variable, "nothing")
            case ["ask", *question]:
                return await ask(" ".join(question))
        return f"{len(history)} before. Echo: {told}"

    return TextResponse(context, request, text=words() if told.startswith("slowly") else answer)


async def ask(question: str) -> str:
    """A model of the project, with the token of the sandbox."""
    async with DefaultAzureCredential() as credential, aiohttp.ClientSession() as session:
        token = (await credential.get_token("https://ai.azure.com/.default")).token
        headers = {"Authorization": f"Bearer {token}"} | get_request_context().platform_headers()
        url = f"{os.environ['FOUNDRY_PROJECT_ENDPOINT']}/openai/v1/responses"
        body = {"model": "offline", "input": question}
        async with session.post(url, json=body, headers=headers) as answer:
            answer.raise_for_status()
            return (await answer.json())["output"][0]["content"][0]["text"]


if __name__ == "__main__":
    app.run()
