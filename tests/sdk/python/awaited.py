"""One way to call both sync and async clients, so that a test is written once.

An async client is used as it is; a sync client's calls are wrapped so that they can be awaited, and
what they return so that `async for` goes through it. The suites of all generations share this.
"""

from collections.abc import Iterable, Iterator
from typing import Any


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
    """Every item of every page. What a sync client has returned already is iterated as it is."""
    return [item async for item in items] if hasattr(items, "__aiter__") else list(items)
