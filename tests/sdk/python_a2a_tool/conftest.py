"""Hands the tests a real agent that speaks A2A, and the official client of the service."""

import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from serving import pytest_sessionfinish, pytest_sessionstart, service  # noqa: F401

# The agent speaks the version of the SDK that it is made with.
AGENT = "agent_0_3.py" if version("a2a-sdk").startswith("0.") else "agent_1_0.py"


@pytest.fixture(scope="session", params=["at once", "streaming"])
def office(request):
    """The address of an agent that knows the weather: one that answers at once, then one that streams."""
    command = [sys.executable, Path(__file__).parent / AGENT, request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as agent:
        url = agent.stdout.readline().strip()
        until_served(url, agent)
        yield url
        agent.kill()


def until_served(url: str, agent: subprocess.Popen) -> None:
    """Waits until the agent shows its card."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and agent.poll() is None:
        try:
            with urlopen(f"{url}.well-known/agent-card.json", timeout=5):
                return
        except URLError:
            time.sleep(0.05)
    raise RuntimeError("the agent does not show its card")


@pytest.fixture
def project():
    """The official client, made from environment variables alone."""
    import os

    from azure.ai.projects import AIProjectClient
    from azure.identity import DefaultAzureCredential

    with DefaultAzureCredential() as credential:
        with AIProjectClient(os.environ["FOUNDRY_PROJECT_ENDPOINT"], credential) as project:
            yield project
