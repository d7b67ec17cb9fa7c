"""An agent on the official packages: it repeats what it is told, and says how much was said before.

Told to wait, it waits for as long as it runs for the first time, so that a test can end it meanwhile.
"""

import asyncio
import os

from azure.ai.agentserver.responses import ResponsesAgentServerHost, ResponsesServerOptions, TextResponse

app = ResponsesAgentServerHost(options=ResponsesServerOptions(resilient_background=True))


@app.response_handler
async def echo(request, context, cancellation_signal):
    history = await context.get_history()
    text = await context.get_input_text()

    async def answer():
        if text == "wait" and not os.environ.get("ECHO_GOES_ON"):
            await asyncio.Event().wait()
        return f"{len(history)} before. Echo: {text}"

    return TextResponse(context, request, text=answer)


if __name__ == "__main__":
    app.run()
