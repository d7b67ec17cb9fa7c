"""A hosted agent on the official package: it says again what it was told, and counts the questions."""

import asyncio
from pathlib import Path

from azure.ai.agentserver.responses import ResponsesAgentServerHost, TextResponse

app = ResponsesAgentServerHost()


def times_asked() -> int:
    """Counts in a file: the home of a session outlives its sandbox."""
    counter = Path.home() / "asked.txt"
    times = int(counter.read_text()) + 1 if counter.exists() else 1
    counter.write_text(str(times))
    return times


@app.response_handler
async def handler(request, context, cancellation_signal):
    text = await context.get_input_text()
    history = await context.get_history()
    times = await asyncio.to_thread(times_asked)
    print(f"question {times} of this session, {len(history)} items before it", flush=True)
    return TextResponse(context, request, text=f"You said: {text} (question {times})")


app.run()
