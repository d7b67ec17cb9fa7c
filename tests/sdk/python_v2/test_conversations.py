"""Conversations, and the items in them."""

import asyncio

import pytest
from openai import APIStatusError, BadRequestError, NotFoundError

from awaited import collect
from projects import beside


def user(text: str) -> dict:
    return {"type": "message", "role": "user", "content": text}


def texts(items) -> list[str]:
    return [item.content[0].text for item in items]


async def test_a_conversation_is_read_changed_and_deleted(sdk):
    conversation = await sdk.openai.conversations.create(metadata={"topic": "a"})
    assert conversation.id.startswith("conv_")
    assert (await sdk.openai.conversations.retrieve(conversation.id)).metadata == {"topic": "a"}
    updated = await sdk.openai.conversations.update(conversation.id, metadata={"topic": "b"})
    assert updated.metadata == {"topic": "b"}
    deleted = await sdk.openai.conversations.delete(conversation.id)
    assert (deleted.id, deleted.deleted) == (conversation.id, True)
    with pytest.raises(NotFoundError):
        await sdk.openai.conversations.retrieve(conversation.id)


async def test_items_are_listed_newest_first_over_many_pages(sdk, conversation):
    said = [user(f"{n}") for n in range(5)]
    await sdk.openai.conversations.items.create(conversation.id, items=said)
    newest = await collect(sdk.openai.conversations.items.list(conversation.id, limit=2))
    assert texts(newest) == ["4", "3", "2", "1", "0"]
    oldest = await collect(sdk.openai.conversations.items.list(conversation.id, limit=2, order="asc"))
    assert texts(oldest) == ["0", "1", "2", "3", "4"]
    assert {item.status for item in oldest} == {"completed"}


async def test_an_item_is_read_and_deleted_by_itself(sdk, conversation):
    items = sdk.openai.conversations.items
    created = await items.create(conversation.id, items=[user("one"), user("two")])
    one, two = created.data
    read = await items.retrieve(one.id, conversation_id=conversation.id)
    assert read.content[0].text == "one"
    left = await items.delete(one.id, conversation_id=conversation.id)
    assert (left.id, left.object) == (conversation.id, "conversation")
    with pytest.raises(NotFoundError):
        await items.retrieve(one.id, conversation_id=conversation.id)
    assert [item.id for item in await collect(items.list(conversation.id))] == [two.id]


async def test_no_more_than_twenty_items_are_added_at_once(sdk, conversation):
    with pytest.raises(BadRequestError):
        await sdk.openai.conversations.items.create(conversation.id, items=[user("x")] * 21)
    with pytest.raises(BadRequestError):
        await sdk.openai.conversations.create(items=[user("x")] * 21)
    assert await collect(sdk.openai.conversations.items.list(conversation.id)) == []


async def test_a_turn_adds_its_input_and_its_output_once(sdk, agent, conversation):
    response = await sdk.openai.responses.create(
        conversation=conversation.id, input="Hello", extra_body=beside(agent)
    )
    assert response.conversation.id == conversation.id
    asked, answered = await collect(sdk.openai.conversations.items.list(conversation.id, order="asc"))
    assert (asked.role, asked.content[0].text) == ("user", "Hello")
    assert (answered.id, answered.content[0].text) == (response.output[0].id, response.output_text)


async def test_a_turn_sees_what_was_said_before(sdk, conversation):
    for answer in ["I see one message of yours.", "I see two messages of yours."]:
        response = await sdk.openai.responses.create(
            model="scripted", conversation=conversation.id, input="how many do you see?"
        )
        assert response.output_text == answer


async def test_a_turn_that_fails_does_not_poison_the_next_one(sdk, conversation):
    with pytest.raises(APIStatusError):
        await sdk.openai.responses.create(
            model="scripted", conversation=conversation.id, input="too many requests"
        )
    response = await sdk.openai.responses.create(
        model="scripted", conversation=conversation.id, input="Hello again"
    )
    assert response.status == "completed"
    items = await collect(sdk.openai.conversations.items.list(conversation.id, order="asc"))
    assert texts(items) == ["too many requests", "Hello again", response.output_text]


async def test_turns_at_the_same_time_run_one_after_the_other(sdk, conversation):
    if sdk.kind == "sync":
        pytest.skip("one sync client asks for one thing at a time")
    await asyncio.gather(
        *(
            sdk.openai.responses.create(model="scripted", conversation=conversation.id, input=f"turn {n}")
            for n in range(4)
        )
    )
    items = await collect(sdk.openai.conversations.items.list(conversation.id, order="asc"))
    assert [item.role for item in items] == ["user", "assistant"] * 4
    assert sorted(texts(items)[::2]) == [f"turn {n}" for n in range(4)]


async def test_an_agents_conversations_are_listed_by_its_name(sdk, agent, conversation):
    await sdk.openai.responses.create(conversation=conversation.id, input="Hello", extra_body=beside(agent))
    query = {"agent_name": agent.name}
    listed = await sdk.openai.get("/conversations", cast_to=object, options={"params": query})
    assert [found["id"] for found in listed["data"]] == [conversation.id]
