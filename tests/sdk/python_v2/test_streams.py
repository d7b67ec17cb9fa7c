"""Streams: every event in its order, by plain iteration and through the client's helper."""

from contextlib import asynccontextmanager
from itertools import groupby

import pytest

from awaited import collect
from functions_of_agents import CONVERT_CURRENCY, GET_WEATHER, outputs_for
from projects import beside

TEXT = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]
CALL = [
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
]

THOUGHTS = [
    "response.output_item.added",
    "response.content_part.added",
    "response.reasoning_text.delta",
    "response.reasoning_text.done",
    "response.content_part.done",
    "response.output_item.done",
]


def kinds(events) -> list[str]:
    """The events' types in their order; those that follow each other count once."""
    return [kind for kind, _ in groupby(event.type for event in events)]


def assert_gapless(events) -> None:
    """Every event has the next number, from 0 on."""
    assert [event.sequence_number for event in events] == list(range(len(events)))


def text_of(events) -> str:
    """The text that came in pieces."""
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


async def streamed(sdk, **request) -> list:
    """All events of a response."""
    stream = await sdk.openai.responses.create(stream=True, **request)
    return [event async for event in stream]


async def test_a_text_streams_its_events_in_order(sdk, model):
    events = await streamed(sdk, model=model, input="Hello")
    assert kinds(events) == TEXT
    assert_gapless(events)
    *_, last = events
    assert text_of(events) == last.response.output_text != ""
    assert (await sdk.openai.responses.retrieve(last.response.id)).to_dict() == last.response.to_dict()


async def test_the_first_events_carry_the_response_at_its_beginning(sdk, model):
    created, in_progress, added, part, *_ = await streamed(sdk, model=model, input="Hello")
    assert (created.response.status, created.response.output) == ("in_progress", [])
    assert in_progress.response.id == created.response.id
    assert (added.item.status, added.item.content) == ("in_progress", [])
    assert (part.item_id, part.part.text) == (added.item.id, "")


async def test_an_agent_streams_into_its_conversation(sdk, agent, conversation):
    events = await streamed(sdk, conversation=conversation.id, input="Hello", extra_body=beside(agent))
    assert kinds(events) == TEXT
    assert events[0].response.model_extra["agent_reference"]["version"] == agent.version
    items = await collect(sdk.openai.conversations.items.list(conversation.id, order="asc"))
    assert [item.content[0].text for item in items] == ["Hello", text_of(events)]


async def test_calls_stream_one_after_the_other(sdk):
    tools = [GET_WEATHER, CONVERT_CURRENCY]
    events = await streamed(sdk, model="scripted", input="two towns", tools=tools)
    assert kinds(events) == [*TEXT[:2], *CALL, *CALL, "response.completed"]
    assert_gapless(events)
    for index in (0, 1):
        own = [event for event in events if getattr(event, "output_index", None) == index]
        pieces = [event.delta for event in own if event.type.endswith("arguments.delta")]
        done = own[-1].item
        assert "".join(pieces) == done.arguments != ""
        assert own[0].item.call_id == done.call_id
    response = events[-1].response
    events = await streamed(
        sdk, model="scripted", input=outputs_for(response), tools=tools, previous_response_id=response.id
    )
    assert kinds(events) == TEXT


async def test_thoughts_stream_before_the_text(sdk):
    events = await streamed(sdk, model="scripted", input="think it over")
    assert kinds(events) == [*TEXT[:2], *THOUGHTS, *TEXT[2:]]
    assert_gapless(events)
    response = events[-1].response
    reasoning, message = response.output
    assert (reasoning.type, reasoning.summary) == ("reasoning", [])
    assert [part.text for part in reasoning.content] == ["They want to know."]
    assert response.output_text == message.content[0].text == "Here it is."
    assert response.usage.output_tokens_details.reasoning_tokens > 0
    again = [{"role": "user", "content": "think it over"}, *[item.to_dict() for item in response.output]]
    again.append({"role": "user", "content": "think it over"})
    assert (await sdk.openai.responses.create(model="scripted", input=again)).output_text == "Here it is."


async def test_a_refusal_streams_as_a_part_of_its_own(sdk):
    events = await streamed(sdk, model="scripted", input="pick a lock")
    told = ["response.refusal.delta", "response.refusal.done"]
    assert kinds(events) == [*TEXT[:4], *told, *TEXT[6:]]
    assert_gapless(events)
    (part,) = events[-1].response.output[0].content
    assert (part.type, part.refusal) == ("refusal", "That is not for me to tell.")


async def test_a_text_that_breaks_off_ends_in_a_failure(sdk):
    events = await streamed(sdk, model="scripted", input="break off")
    assert kinds(events) == [*TEXT[:-1], "response.failed"]
    assert_gapless(events)
    response = events[-1].response
    assert (response.status, response.error.message) == ("failed", "The scripted model broke off.")
    assert response.output[0].status == "incomplete"


async def test_a_text_that_is_cut_ends_incomplete(sdk):
    events = await streamed(sdk, model="scripted", input="Hello", max_output_tokens=3)
    assert kinds(events) == [*TEXT[:-1], "response.incomplete"]


@asynccontextmanager
async def helped(sdk, **request):
    """The client's helper, as an async iterator of events and a call for the final response."""
    if sdk.kind == "async":
        async with sdk.openai.responses.stream(**request) as stream:
            yield stream, stream.get_final_response
        return
    with sdk.raw.get_openai_client() as openai, openai.responses.stream(**request) as stream:

        async def events():
            for event in stream:
                yield event

        async def final():
            return stream.get_final_response()

        yield events(), final


async def test_the_helper_follows_a_text(sdk, model):
    async with helped(sdk, model=model, input="Hello") as (events, final):
        seen = [event async for event in events]
        response = await final()
    assert kinds(seen) == TEXT
    snapshots = [event.snapshot for event in seen if event.type == "response.output_text.delta"]
    assert snapshots[-1] == response.output_text


@pytest.mark.parametrize("input", ["think it over", "pick a lock"])
async def test_the_helper_follows_thoughts_and_refusals(sdk, input):
    async with helped(sdk, model="scripted", input=input) as (events, final):
        seen = [event async for event in events]
        response = await final()
    whole = await sdk.openai.responses.retrieve(response.id)
    assert [item.id for item in response.output] == [item.id for item in whole.output]
    assert kinds(seen)[-1] == "response.completed"


async def test_the_helper_follows_calls(sdk):
    async with helped(sdk, model="scripted", input="two towns", tools=[GET_WEATHER]) as (events, final):
        seen = [event async for event in events]
        response = await final()
    assert kinds(seen) == [*TEXT[:2], *CALL, *CALL, "response.completed"]
    assert [item.parsed_arguments for item in response.output] == [
        {"location": "Oslo"},
        {"location": "Bergen"},
    ]


@pytest.mark.parametrize("legacy", [False, True], ids=["/openai/v1", "/openai"])
async def test_every_form_of_the_address_streams(sdk, model, legacy):
    openai = sdk.raw.get_openai_client()
    base = str(openai.base_url).rstrip("/").removesuffix("/v1")
    openai = openai.with_options(base_url=base if legacy else f"{base}/v1")
    said = {"model": model, "input": "Hello", "stream": True}
    if sdk.kind == "sync":
        events = list(openai.responses.create(**said))
    else:
        events = [event async for event in await openai.responses.create(**said)]
    assert kinds(events) == TEXT
