"""Hands the tests their clients. The service starts before they are imported: see `serving`."""

import pytest
import pytest_asyncio

from serving import model, pytest_sessionfinish, pytest_sessionstart, service  # noqa: F401


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
