"""A real MCP server, made with the official SDK, in a process of its own."""

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

# An interpreter with the packages of the server.
PYTHON = os.environ.get("MCP_PYTHON")
SCRIPT = Path(__file__).parent.parent / "servers" / "ledger.py"
PATHS = {"streamable-http": "mcp", "sse": "sse"}
LABEL = "ledger"


class Ledger:
    """The server from its start to its end. It can be ended and started again at the same address."""

    def __init__(self, home: Path, transport: str = "streamable-http"):
        if not PYTHON:
            raise RuntimeError("set MCP_PYTHON to a Python with the package `mcp`, or run `cargo xtask test`")
        self.transport = transport
        self.file = home / "ledger"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/{PATHS[transport]}"
        self.start()

    def start(self) -> None:
        """Starts it and waits until somebody is there."""
        command = [PYTHON, SCRIPT, self.transport, str(self.port), self.file]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            assert self.process.poll() is None, "the MCP server ended before it listened"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends it at once."""
        self.process.kill()
        self.process.wait()

    @property
    def transfers(self) -> list[str]:
        """What was transferred so far."""
        return self.file.read_text().splitlines() if self.file.exists() else []


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def ledger(tmp_path):
    """A server over streamable HTTP."""
    ledger = Ledger(tmp_path)
    yield ledger
    ledger.stop()


@pytest.fixture(params=list(PATHS))
def either_ledger(request, tmp_path):
    """A server over each of the transports."""
    ledger = Ledger(tmp_path, request.param)
    yield ledger
    ledger.stop()
