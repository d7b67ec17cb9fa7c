"""Agents at their own addresses: `get_openai_client(agent_name=…)`, and how versions share the traffic."""

from contextlib import asynccontextmanager

import pytest
from openai import BadRequestError, NotFoundError

from awaited import collect
from functions_of_agents import GET_WEATHER, WEATHER, calls_of, outputs_for
from projects import CAN_SHARE_TRAFFIC, HAS_ADDRESSES, beside, new_name

pytestmark = pytest.mark.skipif(
    not (HAS_ADDRESSES and CAN_SHARE_TRAFFIC), reason="this generation has no clients for agents' addresses"
)


def shares(**percentages: int) -> dict:
    """A selector: how much of the traffic goes to `v1`, `v2`, …"""
    rules = [
        {"type": "FixedRatio", "agent_version": version.removeprefix("v"), "traffic_percentage": percentage}
        for version, percentage in percentages.items()
    ]
    return {"version_selector": {"version_selection_rules": rules}}


@asynccontextmanager
async def reachable(sdk, **definition):
    """A client at the address of a new agent with one version, which takes all traffic by name."""
    async with sdk.agent({"kind": "prompt", "model": "scripted"} | definition) as agent:
        endpoint = shares(v1=100) | {"protocol_configuration": {"responses": {}}}
        updated = await sdk.project.agents.update_details(agent.name, agent_endpoint=endpoint)
        (rule,) = updated.agent_endpoint.version_selector.version_selection_rules
        assert (rule.agent_version, rule.traffic_percentage) == ("1", 100)
        yield agent, sdk.openai_of(agent.name)


async def answering_versions(openai, times: int) -> list[str]:
    """Which versions answer that many requests."""
    responses = [await openai.responses.create(input="Hello", store=False) for _ in range(times)]
    return [response.model_extra["agent_reference"]["version"] for response in responses]


async def test_a_conversation_at_an_agents_address(sdk):
    async with reachable(sdk, instructions="You help.") as (agent, openai):
        conversation = await openai.conversations.create(
            items=[{"type": "message", "role": "user", "content": "how many?"}]
        )
        first = await openai.responses.create(conversation=conversation.id)
        assert (first.output_text, first.instructions) == ("I see one message of yours.", "You help.")
        await openai.conversations.items.create(
            conversation.id, items=[{"type": "message", "role": "user", "content": "how many?"}]
        )
        second = await openai.responses.create(conversation=conversation.id)
        assert second.output_text == "I see two messages of yours."
        items = await collect(openai.conversations.items.list(conversation.id, order="asc"))
        assert [item.role for item in items] == ["user", "assistant"] * 2
        await openai.conversations.delete(conversation.id)
        with pytest.raises(NotFoundError):
            await sdk.openai.conversations.retrieve(conversation.id)


async def test_a_stream_at_an_agents_address(sdk):
    async with reachable(sdk) as (agent, openai):
        events = [event async for event in await openai.responses.create(input="Hello", stream=True)]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == events[-1].response.output_text
    assert events[0].response.model_extra["agent_reference"]["name"] == agent.name


async def test_a_function_at_an_agents_address(sdk):
    async with reachable(sdk, tools=[GET_WEATHER]) as (_, openai):
        asked = await openai.responses.create(input="two towns")
        assert len(calls_of(asked)) == 2
        answered = await openai.responses.create(input=outputs_for(asked), previous_response_id=asked.id)
        assert answered.output_text == f"In the first town: {WEATHER}."


async def test_the_background_at_an_agents_address(sdk):
    async with reachable(sdk) as (_, openai):
        stream = await openai.responses.create(input="slowly", background=True, stream=True)
        events = [event async for event in stream]
        id = events[0].response.id
        again = await openai.responses.retrieve(id, stream=True, starting_after=5)
        assert [event.sequence_number async for event in again] == list(range(6, len(events)))
        never = await openai.responses.create(input="never", background=True)
        assert (await openai.responses.cancel(never.id)).status == "cancelled"
        await openai.responses.delete(never.id)
        with pytest.raises(NotFoundError):
            await openai.responses.retrieve(never.id)


async def test_structured_inputs_at_an_agents_address(sdk):
    inputs = {"name": {"required": True, "schema": {"type": "string"}}}
    settings = {"instructions": "Speak to {{name}}.", "structured_inputs": inputs}
    async with reachable(sdk, **settings) as (_, openai):
        given = {"structured_inputs": {"name": "Ada"}}
        response = await openai.responses.create(input="Hello", extra_body=given)
        assert response.instructions == "Speak to Ada."
        with pytest.raises(BadRequestError) as raised:
            await openai.responses.create(input="Hello")
        assert raised.value.param == "structured_inputs.name"


async def test_an_address_takes_nothing_that_its_agent_says_itself(sdk):
    async with reachable(sdk) as (_, openai):
        for name, value in [("instructions", "Be kind."), ("model", "offline"), ("tools", [GET_WEATHER])]:
            with pytest.raises(BadRequestError) as raised:
                await openai.responses.create(input="Hello", **{name: value})
            assert (raised.value.code, raised.value.param) == ("invalid_payload", name)


async def test_conversations_at_an_agents_address_are_listed_by_its_name(sdk):
    async with reachable(sdk) as (agent, openai):
        conversation = await openai.conversations.create()
        query = {"agent_name": agent.name}
        listed = await sdk.openai.get("/conversations", cast_to=object, options={"params": query})
        assert [found["id"] for found in listed["data"]] == [conversation.id]


async def test_files_and_models_are_the_projects_at_every_address(sdk):
    async with reachable(sdk) as (_, openai):
        file = await openai.files.create(file=("notes.txt", b"some text"), purpose="assistants")
        assert await sdk.openai.files.retrieve(file.id) == file
        await openai.files.delete(file.id)
        assert await collect(openai.models.list()) == await collect(sdk.openai.models.list())


async def test_an_address_of_an_agent_that_is_not_there_is_not_found(sdk):
    openai = sdk.openai_of(new_name())
    with pytest.raises(NotFoundError) as raised:
        await openai.responses.create(input="Hello")
    assert raised.value.code == "not_found"
    with pytest.raises(NotFoundError):
        await openai.conversations.create()


async def test_all_traffic_goes_where_the_selector_says_and_a_request_may_say_otherwise(sdk):
    async with reachable(sdk) as (agent, openai):
        definition = {"kind": "prompt", "model": "scripted"}
        await sdk.project.agents.create_version(agent.name, definition=definition)
        assert await answering_versions(openai, 3) == ["1", "1", "1"]
        named = await sdk.openai.responses.create(input="Hello", extra_body=beside(agent))
        assert named.model_extra["agent_reference"]["version"] == "1"
        pinned = await openai.responses.create(input="Hello", extra_body=beside(agent, "2"))
        assert pinned.model_extra["agent_reference"]["version"] == "2"


async def test_traffic_is_shared_as_the_selector_says(sdk):
    async with reachable(sdk) as (agent, openai):
        for _ in range(2):
            definition = {"kind": "prompt", "model": "scripted"}
            await sdk.project.agents.create_version(agent.name, definition=definition)
        await sdk.project.agents.update_details(agent.name, agent_endpoint=shares(v1=50, v2=50))
        # That 40 requests go one way happens once in 2 to the power of 39.
        assert set(await answering_versions(openai, 40)) == {"1", "2"}
        await sdk.project.agents.update_details(agent.name, agent_endpoint=shares(v2=100))
        assert await answering_versions(openai, 3) == ["2"] * 3


async def test_a_version_without_traffic_leaves_it_to_the_others(sdk):
    async with reachable(sdk) as (agent, openai):
        definition = {"kind": "prompt", "model": "scripted"}
        await sdk.project.agents.create_version(agent.name, definition=definition)
        await sdk.project.agents.delete_version(agent.name, "1")
        assert await answering_versions(openai, 1) == ["2"]


async def test_the_answer_says_how_its_version_was_chosen(sdk):
    async with reachable(sdk) as (agent, openai):
        raw = await openai.responses.with_raw_response.create(input="Hello")
        assert raw.headers["x-agent-version-resolution"] == "pinned"
        assert raw.headers["x-agent-version-resolved"] == "1"
        async with sdk.agent({"kind": "prompt", "model": "scripted"}) as other:
            raw = await sdk.openai_of(other.name).responses.with_raw_response.create(input="Hello")
            assert raw.headers["x-agent-version-resolution"] == "latest"
