"""Responses in the background: polled, streamed again from anywhere, cancelled."""

import asyncio

import pytest
from openai import BadRequestError, NotFoundError

from awaited import collect

SLOW = {"model": "scripted", "input": "slowly", "background": True}
ANSWER = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"


async def ended(sdk, response):
    """The response as soon as it is over."""
    while response.status in ("queued", "in_progress"):
        await asyncio.sleep(0.05)
        response = await sdk.openai.responses.retrieve(response.id)
    return response


async def events_of(stream) -> list:
    return [event async for event in stream]


async def test_a_response_in_the_background_is_polled(sdk):
    response = await sdk.openai.responses.create(**SLOW)
    assert (response.status, response.background, response.output) == ("queued", True, [])
    response = await ended(sdk, response)
    assert (response.status, response.output_text) == ("completed", ANSWER)


async def test_its_events_can_be_read_again_from_anywhere(sdk):
    events = await events_of(await sdk.openai.responses.create(stream=True, **SLOW))
    assert [event.type for event in events[:3]] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    id = events[0].response.id
    for after in (None, 0, 7, len(events) - 2, len(events) - 1):
        said = {} if after is None else {"starting_after": after}
        again = await events_of(await sdk.openai.responses.retrieve(id, stream=True, **said))
        expected = events[0 if after is None else after + 1 :]
        assert [event.to_dict() for event in again] == [event.to_dict() for event in expected]


async def test_a_reader_who_left_goes_on_where_it_was(sdk):
    if sdk.kind == "sync":
        with sdk.raw.get_openai_client() as openai:
            stream = openai.responses.create(stream=True, **SLOW)
            first = [next(stream) for _ in range(8)]
            stream.close()
    else:
        stream = await sdk.openai.responses.create(stream=True, **SLOW)
        first = [await anext(stream) for _ in range(8)]
        await stream.close()
    rest = await events_of(
        await sdk.openai.responses.retrieve(
            first[0].response.id, stream=True, starting_after=first[-1].sequence_number
        )
    )
    events = first + rest
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == ANSWER


async def test_it_is_cancelled(sdk):
    response = await sdk.openai.responses.create(model="scripted", input="never", background=True)
    cancelled = await sdk.openai.responses.cancel(response.id)
    assert cancelled.status == "cancelled"
    assert (await sdk.openai.responses.retrieve(response.id)).status == "cancelled"
    # Once more changes nothing.
    assert (await sdk.openai.responses.cancel(response.id)).status == "cancelled"


async def test_a_turn_in_the_background_is_added_to_its_conversation(sdk, conversation):
    response = await ended(
        sdk, await sdk.openai.responses.create(conversation=conversation.id, **SLOW)
    )
    items = await collect(sdk.openai.conversations.items.list(conversation.id, order="asc"))
    assert [item.content[0].text for item in items] == ["slowly", response.output_text]


async def test_only_the_background_can_be_cancelled_and_streamed_again(sdk, model):
    response = await sdk.openai.responses.create(model=model, input="Hello")
    with pytest.raises(BadRequestError) as raised:
        await sdk.openai.responses.cancel(response.id)
    assert raised.value.body["message"] == "Cannot cancel a synchronous response."
    with pytest.raises(BadRequestError):
        await sdk.openai.responses.retrieve(response.id, stream=True)
    with pytest.raises(NotFoundError):
        await sdk.openai.responses.cancel("resp_" + "0" * 50)


async def test_what_is_over_can_not_be_cancelled(sdk):
    response = await ended(
        sdk, await sdk.openai.responses.create(model="scripted", input="Hello", background=True)
    )
    assert response.status == "completed"
    with pytest.raises(BadRequestError) as raised:
        await sdk.openai.responses.cancel(response.id)
    assert raised.value.body["message"] == "Cannot cancel a completed response."
    assert (await sdk.openai.responses.retrieve(response.id)).status == "completed"


async def test_a_failure_in_the_background_is_told_by_the_response(sdk):
    said = {"model": "scripted", "input": "break off", "background": True}
    response = await ended(sdk, await sdk.openai.responses.create(**said))
    assert (response.status, response.error.code) == ("failed", "server_error")
    assert response.error.message == "The scripted model broke off."
    events = await events_of(await sdk.openai.responses.retrieve(response.id, stream=True))
    assert (events[-1].type, events[-1].response.error.code) == ("response.failed", "server_error")


async def test_a_cut_answer_in_the_background_is_incomplete(sdk):
    said = {"model": "scripted", "input": "Hello", "background": True, "max_output_tokens": 3}
    response = await ended(sdk, await sdk.openai.responses.create(**said))
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")


async def test_the_background_has_to_be_stored(sdk, model):
    with pytest.raises(BadRequestError) as raised:
        await sdk.openai.responses.create(model=model, input="Hello", background=True, store=False)
    assert raised.value.param == "store"
