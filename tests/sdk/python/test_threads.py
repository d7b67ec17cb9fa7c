"""Threads: created with and without messages, read, listed, changed, deleted."""

import re

import pytest
from azure.ai.agents.models import MessageRole, ThreadMessageOptions
from azure.core.exceptions import ResourceNotFoundError

from awaited import collect


async def test_a_new_thread_is_empty(sdk):
    thread = await sdk.agents.threads.create()
    assert re.fullmatch(r"thread_[0-9A-Za-z]{24}", thread.id)
    assert thread.object == "thread"
    assert thread.created_at.timestamp() > 0
    assert thread.metadata == {}
    assert await collect(sdk.agents.messages.list(thread.id)) == []
    assert await sdk.agents.threads.get(thread.id) == thread


async def test_a_thread_can_start_with_messages(sdk):
    thread = await sdk.agents.threads.create(
        messages=[
            ThreadMessageOptions(role=MessageRole.USER, content="Hello", metadata={"n": "1"}),
            ThreadMessageOptions(role=MessageRole.AGENT, content="Good day"),
        ],
        metadata={"topic": "greetings"},
    )
    assert thread.metadata == {"topic": "greetings"}
    first, second = await collect(sdk.agents.messages.list(thread.id, order="asc"))
    assert (first.role, first.text_messages[0].text.value, first.metadata) == ("user", "Hello", {"n": "1"})
    assert (second.role, second.text_messages[0].text.value) == ("assistant", "Good day")


async def test_an_update_replaces_the_metadata(sdk):
    thread = await sdk.agents.threads.create(metadata={"a": "1"})
    updated = await sdk.agents.threads.update(thread.id, metadata={"b": "2"})
    assert (updated.id, updated.metadata) == (thread.id, {"b": "2"})
    assert (await sdk.agents.threads.get(thread.id)).metadata == {"b": "2"}


async def test_threads_are_listed_newest_first(sdk):
    ids = [(await sdk.agents.threads.create()).id for _ in range(3)]
    listed = [thread.id for thread in await collect(sdk.agents.threads.list(limit=2))]
    assert listed[:3] == ids[::-1]
    assert len(listed) == len(set(listed))


async def test_a_deleted_thread_is_gone_with_its_messages(sdk):
    thread = await sdk.agents.threads.create()
    message = await sdk.agents.messages.create(thread.id, role="user", content="Hello")
    await sdk.agents.threads.delete(thread.id)
    with pytest.raises(ResourceNotFoundError):
        await sdk.agents.threads.get(thread.id)
    with pytest.raises(ResourceNotFoundError):
        await sdk.agents.messages.get(thread.id, message.id)
    with pytest.raises(ResourceNotFoundError):
        await collect(sdk.agents.messages.list(thread.id))
