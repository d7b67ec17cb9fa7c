"""Responses of an agent on the official packages, through both doors of the SDK."""

import asyncio
from uuid import uuid4

import pytest

from projects import beside


@pytest.fixture(scope="module")
def room() -> dict:
    """The extra body that names one session for all tests, so that its sandbox is started once."""
    return {"agent_session_id": f"room-{uuid4().hex}"}


@pytest.fixture
def openai(sdk, conversing):
    """The OpenAI client at the agent's own address."""
    return sdk.openai_of(conversing.name)


async def events_of(stream) -> list:
    return [event async for event in stream]


async def settled(openai, response):
    while response.status in ("queued", "in_progress"):
        response = await openai.responses.retrieve(response.id)
    return response


async def items_of(sdk, conversation) -> list[str]:
    items = [item async for item in sdk.openai.conversations.items.list(conversation.id, order="asc")]
    return [item.content[0].text for item in items]


async def test_an_agent_answers_at_its_own_address(openai, room, conversing):
    response = await openai.responses.create(input="Hi", extra_body=room)
    assert (response.status, response.output_text) == ("completed", "0 before. Echo: Hi")
    assert response.id.startswith("caresp_")
    told = response.to_dict()
    assert told["agent_session_id"] == room["agent_session_id"]
    expected = {"type": "agent_reference", "name": conversing.name, "version": conversing.version}
    assert told["agent_reference"] == expected


async def test_an_agent_answers_by_reference(sdk, room, conversing):
    response = await sdk.openai.responses.create(input="Hi", extra_body=room | beside(conversing))
    assert response.output_text == "0 before. Echo: Hi"
    stored = await sdk.openai.responses.retrieve(response.id)
    assert stored.output_text == response.output_text


async def test_a_response_is_streamed_as_the_container_makes_it(openai, room):
    stream = await openai.responses.create(input="slowly one two", stream=True, extra_body=room)
    events = await events_of(stream)
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert deltas == ["slowly ", "one ", "two "]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    assert events[-1].response.output_text == "slowly one two "


async def test_a_chain_of_responses_is_remembered(openai, room):
    first = await openai.responses.create(input="one", extra_body=room)
    second = await openai.responses.create(input="two", previous_response_id=first.id, extra_body=room)
    assert second.output_text == "2 before. Echo: two"
    third = await openai.responses.create(input="three", previous_response_id=second.id, extra_body=room)
    assert third.output_text == "4 before. Echo: three"


async def test_a_conversation_is_known_to_the_agent_and_grows_by_every_item_once(sdk, openai):
    before = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "zero"}]}
    conversation = await sdk.openai.conversations.create(items=[before])
    first = await openai.responses.create(input="one", conversation=conversation.id)
    second = await openai.responses.create(input="two", conversation=conversation.id)
    assert [first.output_text, second.output_text] == ["1 before. Echo: one", "3 before. Echo: two"]
    # Nobody named a session: the conversation has one.
    assert first.to_dict()["agent_session_id"] == second.to_dict()["agent_session_id"]
    expected = ["zero", "one", "1 before. Echo: one", "two", "3 before. Echo: two"]
    assert await items_of(sdk, conversation) == expected
    await sdk.project.agents.stop_session("conversing", first.to_dict()["agent_session_id"])


async def test_a_streamed_response_is_added_to_its_conversation_once(sdk, openai, room):
    conversation = await sdk.openai.conversations.create()
    stream = await openai.responses.create(
        input="one", conversation=conversation.id, stream=True, extra_body=room
    )
    begun, *_ = await events_of(stream)
    # The container ends its stream first, and then it tells the platform.
    while (await sdk.openai.responses.retrieve(begun.response.id)).status != "completed":
        await asyncio.sleep(0.02)
    assert await items_of(sdk, conversation) == ["one", "0 before. Echo: one"]


async def test_a_response_in_the_background_is_retrieved_when_it_is_done(openai, room):
    response = await openai.responses.create(input="Hi", background=True, extra_body=room)
    assert response.status in ("queued", "in_progress")
    done = await settled(openai, response)
    assert (done.status, done.output_text) == ("completed", "0 before. Echo: Hi")


async def test_a_response_in_the_background_is_cancelled(openai, room):
    response = await openai.responses.create(input="wait", background=True, extra_body=room)
    await openai.responses.cancel(response.id)
    assert (await settled(openai, response)).status == "cancelled"


async def test_a_response_is_deleted(openai, room):
    from openai import NotFoundError

    response = await openai.responses.create(input="Hi", extra_body=room)
    await openai.responses.delete(response.id)
    with pytest.raises(NotFoundError):
        await openai.responses.retrieve(response.id)


async def test_an_agent_asks_a_model_of_its_project(openai, room):
    response = await openai.responses.create(input="ask How are you?", extra_body=room)
    assert "How are you?" in response.output_text


async def test_an_agent_is_told_who_it_is(openai, room, conversing):
    for variable, expected in [
        ("FOUNDRY_AGENT_NAME", conversing.name),
        ("FOUNDRY_AGENT_VERSION", conversing.version),
        ("FOUNDRY_AGENT_SESSION_ID", room["agent_session_id"]),
        ("HOME", "/home/session"),
        ("PORT", "8088"),
    ]:
        response = await openai.responses.create(input=f"tell {variable}", extra_body=room)
        assert response.output_text == expected


async def test_what_an_agent_writes_is_there_when_its_session_goes_on(sdk, openai, room):
    await openai.responses.create(input="write note", extra_body=room)
    await sdk.project.agents.stop_session("conversing", room["agent_session_id"])
    response = await openai.responses.create(input="read note", extra_body=room)
    assert response.output_text == "write note"
