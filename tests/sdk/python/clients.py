"""One way to call the sync and the async client, so that a test is written once and runs on both.

The async client is used as it is. The sync client's calls are wrapped so that they can be awaited,
its pages and byte streams so that `async for` goes through them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from azure.ai.agents import models


@dataclass
class Sdk:
    """A client of one kind, with the kinds of tools that go with it."""

    agents: Any
    function_tool: type
    tool_set: type


def sync_sdk(client: Any) -> Sdk:
    """The sync client behind calls that can be awaited."""
    return Sdk(Awaited(client), models.FunctionTool, models.ToolSet)


def async_sdk(client: Any) -> Sdk:
    """The async client, with nothing changed but the one call that is sync in both."""
    return Sdk(client, models.AsyncFunctionTool, models.AsyncToolSet)


class Awaited:
    """A sync client, or one of its groups of operations."""

    def __init__(self, target: Any):
        self._target = target

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._target, name)
        if not callable(attribute):
            return Awaited(attribute)
        if name == "enable_auto_function_calls":
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
        self._items = iter(items)

    async def __aiter__(self):
        for item in self._items:
            yield item


async def collect(items: Any) -> list:
    """Every item of every page."""
    return [item async for item in items]

