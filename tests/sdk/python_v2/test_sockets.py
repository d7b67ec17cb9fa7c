"""Responses over one WebSocket connection, as the OpenAI client opens it."""

from contextlib import asynccontextmanager

import openai
import pytest

from awaited import Awaited
from functions_of_agents import GET_WEATHER, WEATHER, calls_of, outputs_for
from projects import HAS_ADDRESSES, beside

pytestmark = pytest.mark.skipif(
    int(openai.__version__.split(".")[0]) < 3, reason="this client opens connections without a token"
)

TERMINAL = ("response.completed", "response.incomplete", "response.failed", "error")


@asynccontextmanager
async def connected(sdk, agent_name: str | None = None):
    """A connection, behind calls that are awaited."""
    named = {} if agent_name is None else {"agent_name": agent_name}
    client = sdk.raw.get_openai_client(**named)
    if sdk.kind == "sync":
        with client.responses.connect() as connection:
            yield Awaited(connection)
    else:
        async with client.responses.connect() as connection:
            yield connection


async def told(connection, **request) -> list:
    """All events of one response."""
    await connection.send({"type": "response.create", **request})
    events = [await connection.recv()]
    while events[-1].type not in TERMINAL:
        events.append(await connection.recv())
    return events


async def test_a_response_comes_as_the_same_events_as_over_http(sdk):
    request = {"model": "scripted", "input": "two towns", "tools": [GET_WEATHER]}
    async with connected(sdk) as connection:
        events = await told(connection, **request)
    streamed = [event async for event in await sdk.openai.responses.create(stream=True, **request)]
    assert [event.type for event in events] == [event.type for event in streamed]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kept = await sdk.openai.responses.retrieve(events[-1].response.id)
    assert kept.to_dict() == events[-1].response.to_dict()


async def test_one_connection_carries_many_responses_that_follow_each_other(sdk):
    async with connected(sdk) as connection:
        first = await told(connection, model="scripted", input="how many do you see?")
        second = await told(
            connection,
            model="scripted",
            input="how many do you see?",
            previous_response_id=first[-1].response.id,
        )
    texts = [events[-1].response.output_text for events in (first, second)]
    assert texts == ["I see one message of yours.", "I see two messages of yours."]


async def test_a_chain_that_is_not_stored_goes_on_within_its_connection(sdk):
    request = {"model": "scripted", "tools": [GET_WEATHER], "store": False}
    async with connected(sdk) as connection:
        asked = (await told(connection, input="two towns", **request))[-1].response
        assert len(calls_of(asked)) == 2
        answered = await told(
            connection, input=outputs_for(asked), previous_response_id=asked.id, **request
        )
    assert answered[-1].response.output_text == f"In the first town: {WEATHER}."


async def test_what_is_wrong_is_an_event_and_the_connection_goes_on(sdk):
    async with connected(sdk) as connection:
        (error,) = await told(connection, input="Hello")
        assert (error.type, error.status) == ("error", 400)
        assert (error.error.code, error.error.param) == ("missing_required_parameter", "model")
        events = await told(connection, model="scripted", input="Hello")
        assert events[-1].type == "response.completed"


async def test_an_agent_answers_in_its_conversation(sdk, agent, conversation):
    async with connected(sdk) as connection:
        events = await told(
            connection, input="Hello", conversation=conversation.id, **beside(agent)
        )
    assert events[-1].response.model_extra["agent_reference"]["version"] == agent.version
    assert len((await sdk.openai.conversations.items.list(conversation.id)).data) == 2


@pytest.mark.skipif(not HAS_ADDRESSES, reason="this generation has no client for an agent's own address")
async def test_an_agents_address_takes_connections(sdk, agent):
    async with connected(sdk, agent.name) as connection:
        events = await told(connection, input="Hello")
    assert events[-1].response.model_extra["agent_reference"]["name"] == agent.name
