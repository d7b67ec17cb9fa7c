"""Memory stores: memories one by one, what becomes of what is said, and responses that go by them."""

import asyncio

import pytest
import pytest_asyncio
from azure.ai.projects import models
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from awaited import collect
from projects import IS_PREVIEW, beside, new_name
from test_streams import streamed

SCOPE = "ann"
SAID = "I only drink tea."
QUESTION = "What shall I drink?"
TOOL = "memory_search" if IS_PREVIEW else "memory_search_preview"
RESULTS = "memory_search_call.results"


def operations(sdk):
    """The operations on memory stores, wherever the generation has them."""
    return sdk.project.memory_stores if IS_PREVIEW else sdk.project.beta.memory_stores


@pytest_asyncio.fixture
async def store(sdk):
    """A store whose model follows the suite's script."""
    options = models.MemoryStoreDefaultOptions(user_profile_enabled=True, chat_summary_enabled=True)
    definition = models.MemoryStoreDefaultDefinition(
        chat_model="scripted", embedding_model="none", options=options
    )
    name = new_name("store")
    store = await operations(sdk).create(name=name, definition=definition, description="Of everybody.")
    yield store
    await operations(sdk).delete(name)


async def learnt(sdk, store, text: str, **options):
    """What an update came to."""
    items = [{"type": "message", "role": "user", "content": text}]
    poller = await operations(sdk).begin_update_memories(
        store.name, scope=SCOPE, items=items, update_delay=0, polling_interval=0.2, **options
    )
    result = poller.result()
    return await result if asyncio.iscoroutine(result) else result


async def contents(sdk, store, text: str | None = None) -> list[str]:
    """What is found for a text."""
    items = None if text is None else [{"type": "message", "role": "user", "content": text}]
    found = await operations(sdk).search_memories(store.name, scope=SCOPE, items=items)
    return [memory.memory_item.content for memory in found.memories]


async def test_a_store_is_made_changed_listed_and_found(sdk, store):
    assert (store.description, store.definition.chat_model) == ("Of everybody.", "scripted")
    changed = await operations(sdk).update(store.name, description="Of nobody.")
    assert (await operations(sdk).get(store.name)).description == changed.description == "Of nobody."
    assert store.name in [other.name for other in await collect(operations(sdk).list())]
    with pytest.raises(ResourceExistsError):
        await operations(sdk).create(name=store.name, definition=store.definition)
    with pytest.raises(ResourceNotFoundError):
        await operations(sdk).get(new_name("store"))


async def test_what_was_said_becomes_memories_that_are_found(sdk, store):
    result = await learnt(sdk, store, SAID)
    [operation] = result.memory_operations
    assert (operation.kind, operation.memory_item.content) == ("create", "Drinks nothing but tea.")
    assert result.usage.total_tokens > 0
    assert await contents(sdk, store) == ["Drinks nothing but tea."]
    assert await contents(sdk, store, "Is there any tea?") == ["Drinks nothing but tea."]
    gone = await operations(sdk).delete_scope(store.name, scope=SCOPE)
    assert gone.deleted and await contents(sdk, store) == []


@pytest.mark.skipif(IS_PREVIEW, reason="came later")
async def test_memories_are_made_changed_listed_and_deleted_one_by_one(sdk, store):
    made = await operations(sdk).create_memory(
        store.name, scope=SCOPE, content="Rows boats.", kind="user_profile"
    )
    changed = await operations(sdk).update_memory(store.name, made.memory_id, content="Rows no more.")
    found = await operations(sdk).get_memory(store.name, made.memory_id)
    assert changed.content == found.content == "Rows no more."
    listed = await collect(operations(sdk).list_memories(store.name, scope=SCOPE))
    assert [memory.memory_id for memory in listed] == [made.memory_id]
    assert (await operations(sdk).delete_memory(store.name, made.memory_id)).deleted
    with pytest.raises(ResourceNotFoundError):
        await operations(sdk).get_memory(store.name, made.memory_id)


async def test_an_agent_remembers_from_one_conversation_to_the_next(sdk, store):
    await learnt(sdk, store, SAID)
    tool = {"type": TOOL, "memory_store_name": store.name, "scope": SCOPE, "update_delay": 600}
    async with sdk.agent({"kind": "prompt", "model": "scripted", "tools": [tool]}) as agent:
        response = await sdk.openai.responses.create(
            input=QUESTION, extra_body=beside(agent), include=[RESULTS]
        )
    search, message = response.output
    assert (search.type, search.status, message.type) == ("memory_search_call", "completed", "message")
    [found] = search.results
    assert found["memory_item"]["content"] == "Drinks nothing but tea."
    assert response.output_text == "Tea of course."


async def test_a_stream_begins_with_the_search(sdk, store):
    tool = {"type": TOOL, "memory_store_name": store.name, "scope": SCOPE, "update_delay": 600}
    events = await streamed(sdk, model="scripted", input="Hi", tools=[tool])
    items = [event for event in events if event.type == "response.output_item.added"]
    assert [event.item.type for event in items] == ["memory_search_call", "message"]
    assert events[-1].response.output[0].status == "completed"


async def test_what_was_said_to_an_agent_is_remembered_after_its_answer(sdk, store):
    tool = {"type": TOOL, "memory_store_name": store.name, "scope": SCOPE, "update_delay": 0}
    await sdk.openai.responses.create(model="scripted", input=SAID, tools=[tool])
    while not await contents(sdk, store):
        await asyncio.sleep(0.05)
    assert await contents(sdk, store) == ["Drinks nothing but tea."]
