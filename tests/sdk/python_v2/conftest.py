"""Hands the tests their clients. The service starts before they are imported: see `serving`."""

import pytest
import pytest_asyncio

import serving
from serving import model, pytest_sessionfinish, service  # noqa: F401
from upstream import Upstream


def pytest_sessionstart(session: pytest.Session) -> None:
    """Starts the service, with a model server behind one of its deployments."""
    serving.start(session, Upstream().variables())


@pytest_asyncio.fixture(params=["sync", "async"])
async def sdk(request: pytest.FixtureRequest):
    """The sync clients and then the async ones; a test that takes it runs twice."""
    from projects import sdk_of_kind

    async with sdk_of_kind(request.param) as sdk:
        yield sdk


@pytest_asyncio.fixture
async def agent(sdk, model):
    """A version of an agent without tools."""
    async with sdk.agent({"kind": "prompt", "model": model, "instructions": "You are helpful."}) as agent:
        yield agent


@pytest_asyncio.fixture
async def scripted(sdk):
    """A version of an agent with functions, on the model that follows the suite's script."""
    from functions_of_agents import CONVERT_CURRENCY, GET_WEATHER

    tools = [GET_WEATHER, CONVERT_CURRENCY]
    async with sdk.agent({"kind": "prompt", "model": "scripted", "tools": tools}) as agent:
        yield agent


@pytest_asyncio.fixture
async def conversation(sdk):
    """A conversation without items."""
    conversation = await sdk.openai.conversations.create()
    yield conversation
    await sdk.openai.conversations.delete(conversation.id)
