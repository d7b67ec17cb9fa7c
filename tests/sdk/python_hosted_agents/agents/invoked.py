"""An agent on the official packages that is invoked: with any body, over HTTP and over a WebSocket."""

import asyncio
import json

from azure.ai.agentserver.invocations import InvocationAgentServerHost
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.websockets import WebSocket

app = InvocationAgentServerHost()
results: dict[str, bytes] = {}
# What a stream waits for, so that a test can see it come piece by piece.
goes_on = asyncio.Event()


@app.invoke_handler
async def invoke(request: Request) -> Response:
    body = await request.body()
    state = request.state
    if request.headers.get("content-type") == "text/plain":
        return Response(body[::-1], media_type="text/plain", headers={"x-client-seen": request.url.query})
    if body == b"stream":
        return StreamingResponse(events(), media_type="text/event-stream")
    if body == b"go on":
        goes_on.set()
        return Response()
    results[state.invocation_id] = body
    seen = {"invocation": state.invocation_id, "session": state.session_id, "user": state.user_id}
    return JSONResponse(seen | {"echo": json.loads(body)})


async def events():
    yield b"data: one\n\n"
    await goes_on.wait()
    yield b"data: two\n\n"


@app.get_invocation_handler
async def get(request: Request) -> Response:
    found = results.get(request.state.invocation_id)
    return Response(found) if found else JSONResponse({"error": {"code": "not_found"}}, status_code=404)


@app.cancel_invocation_handler
async def cancel(request: Request) -> Response:
    results.pop(request.state.invocation_id, None)
    return JSONResponse({"status": "cancelled"})


@app.ws_handler
async def talk(socket: WebSocket) -> None:
    async for text in socket.iter_text():
        await socket.send_text(text.upper())


if __name__ == "__main__":
    app.run()
