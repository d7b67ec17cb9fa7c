"""The provider with which official containers keep their responses."""

import pytest
import pytest_asyncio
from azure.ai.agentserver.responses import (
    FoundryBadRequestError,
    FoundryResourceNotFoundError,
    FoundryStorageProvider,
)
from azure.ai.agentserver.responses.store._base import ResponseAlreadyExistsError


@pytest_asyncio.fixture
async def provider(credential):
    async with FoundryStorageProvider(credential) as provider:
        yield provider


@pytest.fixture
def exchange(new_id):
    """A response that has just begun, what it was asked, and the response at its end."""

    def make(text: str, **more):
        question = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": text}],
            "id": new_id("msg"),
            "status": "completed",
        }
        begun = {
            "id": new_id("caresp"),
            "object": "response",
            "created_at": 1795157962,
            "status": "in_progress",
            "output": [],
            "agent_reference": {"type": "agent_reference", "name": "echo", "version": "3"},
        } | more
        answer = {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": f"Echo: {text}", "annotations": []}],
            "id": new_id("msg"),
            "status": "completed",
        }
        return begun, question, begun | {"status": "completed", "output": [answer]}

    return make


async def test_a_response_is_kept_changed_read_and_deleted(provider, exchange):
    begun, question, ended = exchange("Hi")
    await provider.create_response(begun, [question], [])
    assert await provider.get_response(begun["id"]) == begun
    await provider.update_response(ended)
    assert await provider.get_response(begun["id"]) == ended
    assert await provider.get_input_items(begun["id"], limit=100, ascending=True) == [question]
    await provider.delete_response(begun["id"])
    for gone in (provider.get_response(begun["id"]), provider.update_response(ended)):
        with pytest.raises(FoundryResourceNotFoundError):
            await gone


async def test_a_second_creation_is_known_as_one(provider, exchange):
    begun, question, _ = exchange("Hi")
    await provider.create_response(begun, [question], [])
    with pytest.raises(ResponseAlreadyExistsError):
        await provider.create_response(begun, [question], [])


async def test_the_history_of_a_chain_gives_its_items(provider, exchange):
    previous, expected = None, []
    for text in ("one", "two"):
        begun, question, ended = exchange(text, **({"previous_response_id": previous} if previous else {}))
        await provider.create_response(begun, [question], [item["id"] for item in expected])
        await provider.update_response(ended)
        previous = begun["id"]
        expected += [question, *ended["output"]]
    ids = await provider.get_history_item_ids(previous, None, -1)
    assert ids == [item["id"] for item in expected]
    assert await provider.get_items([*ids, "msg_unknown"]) == [*expected, None]


async def test_a_conversation_has_every_item_once(provider, exchange, rest):
    _, conversation = await rest("POST", "openai/v1/conversations", {})
    begun, question, ended = exchange("Hi", conversation={"id": conversation["id"]})
    await provider.create_response(begun, [question], [])
    for _ in range(2):
        await provider.update_response(ended)
    ids = await provider.get_history_item_ids(None, conversation["id"], -1)
    assert ids == [question["id"], ended["output"][0]["id"]]
    _, items = await rest("GET", f"openai/v1/conversations/{conversation['id']}/items?order=asc")
    assert [item["id"] for item in items["data"]] == ids


async def test_a_history_that_is_not_there_and_an_id_of_another_kind_are_told_apart(provider, new_id):
    with pytest.raises(FoundryResourceNotFoundError):
        await provider.get_history_item_ids(new_id("caresp"), None, -1)
    with pytest.raises(FoundryBadRequestError, match="Malformed identifier"):
        await provider.get_history_item_ids(new_id("resp"), None, -1)
