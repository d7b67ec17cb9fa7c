"""Agents: created, read, listed page by page, changed in part, deleted."""

import io
import json
import re

import pytest
from azure.ai.agents.models import CodeInterpreterToolDefinition, FileSearchToolDefinition
from azure.core.exceptions import ResourceNotFoundError

from awaited import collect
from functions import definitions, get_weather


async def test_a_new_agent_is_what_was_asked_for(sdk, model):
    tools = definitions(get_weather)
    agent = await sdk.agents.create_agent(
        model=model,
        name="guide",
        description="Knows the weather.",
        instructions="Answer in one sentence.",
        tools=tools,
        temperature=0.5,
        top_p=0.25,
        metadata={"team": "weather"},
    )
    assert re.fullmatch(r"asst_[0-9A-Za-z]{24}", agent.id)
    assert agent.object == "assistant"
    assert agent.created_at.timestamp() > 0
    assert (agent.model, agent.name, agent.description) == (model, "guide", "Knows the weather.")
    assert agent.instructions == "Answer in one sentence."
    assert (agent.temperature, agent.top_p) == (0.5, 0.25)
    assert agent.metadata == {"team": "weather"}
    assert agent.tools[0].type == "function"
    assert agent.tools[0].function.as_dict() == tools[0].function.as_dict() | {"strict": False}
    assert await sdk.agents.get_agent(agent.id) == agent


async def test_what_is_not_given_has_its_default(sdk, model):
    agent = await sdk.agents.create_agent(model=model)
    assert (agent.name, agent.description, agent.instructions) == (None, None, None)
    assert (agent.temperature, agent.top_p) == (1.0, 1.0)
    assert (agent.tools, agent.metadata, agent.response_format) == ([], {}, "auto")


async def test_an_agent_can_be_created_from_a_dictionary_and_from_bytes(sdk, model):
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    body = {"model": model, "name": "from a body", "tools": [tool]}
    from_dictionary = await sdk.agents.create_agent(body)
    from_bytes = await sdk.agents.create_agent(io.BytesIO(json.dumps(body).encode()))
    assert from_dictionary.name == from_bytes.name == "from a body"
    assert from_dictionary.tools == from_bytes.tools


async def test_tools_of_other_kinds_are_kept_as_they_were_declared(sdk, model):
    tools = [CodeInterpreterToolDefinition(), FileSearchToolDefinition()]
    agent = await sdk.agents.create_agent(model=model, tools=tools)
    assert [tool.type for tool in agent.tools] == ["code_interpreter", "file_search"]
    assert await sdk.agents.get_agent(agent.id) == agent


async def test_an_update_changes_only_what_it_names(sdk, model):
    agent = await sdk.agents.create_agent(
        model=model,
        name="before",
        instructions="Stay.",
        tools=definitions(get_weather),
        metadata={"kept": "yes"},
    )
    updated = await sdk.agents.update_agent(agent.id, name="after", temperature=0.1)
    assert (updated.id, updated.created_at) == (agent.id, agent.created_at)
    assert (updated.name, updated.temperature) == ("after", 0.1)
    assert (updated.instructions, updated.tools, updated.metadata) == ("Stay.", agent.tools, {"kept": "yes"})
    assert await sdk.agents.get_agent(agent.id) == updated


async def test_an_update_replaces_tools_and_metadata_as_a_whole(sdk, model):
    agent = await sdk.agents.create_agent(model=model, tools=definitions(get_weather), metadata={"a": "1"})
    updated = await sdk.agents.update_agent(agent.id, tools=[], metadata={"b": "2"})
    assert (updated.tools, updated.metadata) == ([], {"b": "2"})


async def test_a_list_goes_through_all_pages_and_ends(sdk, model):
    ids = [(await sdk.agents.create_agent(model=model, name=f"number {n}")).id for n in range(25)]
    listed = [agent.id for agent in await collect(sdk.agents.list_agents(limit=10))]
    assert [id for id in listed if id in ids] == ids[::-1], "newest first"
    assert len(listed) == len(set(listed)), "no agent twice"
    oldest_first = [agent.id for agent in await collect(sdk.agents.list_agents(limit=100, order="asc"))]
    assert oldest_first == listed[::-1]
    for id in ids:
        await sdk.agents.delete_agent(id)


async def test_a_deleted_agent_is_gone(sdk, model):
    agent = await sdk.agents.create_agent(model=model)
    await sdk.agents.delete_agent(agent.id)
    with pytest.raises(ResourceNotFoundError):
        await sdk.agents.get_agent(agent.id)
    with pytest.raises(ResourceNotFoundError):
        await sdk.agents.delete_agent(agent.id)
    assert agent.id not in [left.id for left in await collect(sdk.agents.list_agents(limit=100))]
