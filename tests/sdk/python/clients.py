"""The clients as a program makes them, and one way to call both the sync and the async one.

Most tests are written once and run on both. For them the async client is used as it is; the sync
client's calls are wrapped so that they can be awaited, and what they return so that `async for`
goes through it.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from azure.ai.agents import AgentsClient, models
from azure.ai.agents.aio import AgentsClient as AsyncAgentsClient
from azure.identity import DefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential


@contextmanager
def sync_client(**options: Any):
    """The sync client, made from environment variables alone."""
    with (
        DefaultAzureCredential() as credential,
        AgentsClient(os.environ["PROJECT_ENDPOINT"], credential, **options) as client,
    ):
        yield client


@asynccontextmanager
async def async_client(**options: Any):
    """The async client, made from environment variables alone."""
    async with (
        AsyncDefaultAzureCredential() as credential,
        AsyncAgentsClient(os.environ["PROJECT_ENDPOINT"], credential, **options) as client,
    ):
        yield client


@dataclass
class Sdk:
    """A client of either kind, with the kinds of tools that go with it."""

    agents: Any
    function_tool: type
    tool_set: type


@asynccontextmanager
async def sdk_of_kind(kind: str):
    """The client of that kind behind calls that are awaited."""
    if kind == "sync":
        with sync_client() as client:
            yield Sdk(Awaited(client), models.FunctionTool, models.ToolSet)
    else:
        async with async_client() as client:
            yield Sdk(client, models.AsyncFunctionTool, models.AsyncToolSet)


class Awaited:
    """A sync client, or one of its groups of operations."""

    def __init__(self, target: Any):
        self._target = target

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._target, name)
        if not callable(attribute):
            return Awaited(attribute)
        if name == "enable_auto_function_calls":  # no request; sync in both clients
            return attribute
        return lambda *args, **kwargs: Call(attribute, args, kwargs)


class Call:
    """A call that happens when it is awaited or iterated."""

    def __init__(self, function: Any, args: tuple, kwargs: dict):
        self._perform = lambda: function(*args, **kwargs)

    def __await__(self):
        return self._result().__await__()

    async def _result(self) -> Any:
        result = self._perform()
        return Items(result) if isinstance(result, Iterator) else result

    def __aiter__(self):
        return Items(self._perform()).__aiter__()


class Items:
    """A sync iterable for `async for`."""

    def __init__(self, items: Iterable):
        self._items = items

    async def __aiter__(self):
        for item in self._items:
            yield item


async def collect(items: Any) -> list:
    """Every item of every page."""
    return [item async for item in items]
