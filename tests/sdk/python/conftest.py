"""Starts the service before any Azure package is imported, and hands the tests their clients.

aiohttp reads the certificate file when it is imported, so the environment that `cupola env` prints
has to be in place before the test modules are collected.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
import pytest_asyncio

from service import Service, clean_environment

SERVICE = pytest.StashKey[Service]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Starts the service and applies its environment: all that a client ever learns of it."""
    service = Service(Path(tempfile.mkdtemp(prefix="cupola-sdk-")))
    session.config.stash[SERVICE] = service
    own = clean_environment() | service.environment()
    os.environ.clear()
    os.environ.update(own)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leaves nothing behind, whatever happened."""
    if service := session.config.stash.get(SERVICE, None):
        service.kill()
        shutil.rmtree(service.data)


@pytest.fixture(scope="session", autouse=True)
def service(request: pytest.FixtureRequest):
    """The service of this session. At the end it is told to stop and has to end well."""
    service = request.config.stash[SERVICE]
    yield service
    assert service.stop() == 0, "after SIGTERM the service did not end with exit code 0"


@pytest.fixture
def model() -> str:
    """The deployment that the service names in its environment."""
    return os.environ["MODEL_DEPLOYMENT_NAME"]


@pytest_asyncio.fixture(params=["sync", "async"])
async def sdk(request: pytest.FixtureRequest):
    """The sync client and then the async one; a test that takes it runs twice."""
    from clients import sdk_of_kind

    async with sdk_of_kind(request.param) as sdk:
        yield sdk


@pytest.fixture
def client():
    """The sync client."""
    from clients import sync_client

    with sync_client() as client:
        yield client


@pytest_asyncio.fixture
async def async_client():
    """The async client."""
    from clients import async_client

    async with async_client() as client:
        yield client


@pytest_asyncio.fixture
async def agent(sdk, model):
    """An agent without tools."""
    agent = await sdk.agents.create_agent(model=model, name="plain", instructions="You are helpful.")
    yield agent
    await sdk.agents.delete_agent(agent.id)


@pytest_asyncio.fixture
async def thread(sdk):
    """A thread without messages."""
    thread = await sdk.agents.threads.create()
    yield thread
    await sdk.agents.threads.delete(thread.id)
