"""What the agents of both versions have in common."""

import socket
import sys

# What the agent says, in the pieces in which it says it.
FORECAST = ("Light rain ", "from noon on.")


def listen() -> socket.socket:
    """A socket on a free port of the loopback interface."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    return listening


def serve(application, listening: socket.socket, uvicorn) -> None:
    """Serves the agent, and prints its address once that is known."""
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    config = uvicorn.Config(application(url, "streaming" in sys.argv), log_level="error")
    print(url, flush=True)
    uvicorn.Server(config).run(sockets=[listening])
