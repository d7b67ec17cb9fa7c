"""An agent on the official packages: it repeats what it is told, and says how much was said before."""

from azure.ai.agentserver.responses import ResponsesAgentServerHost, TextResponse

app = ResponsesAgentServerHost()


@app.response_handler
async def echo(request, context, cancellation_signal):
    history = await context.get_history()
    text = await context.get_input_text()
    return TextResponse(context, request, text=f"{len(history)} before. Echo: {text}")


if __name__ == "__main__":
    app.run()
