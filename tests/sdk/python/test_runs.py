"""Runs: their life from queued to an end, and everything that a run may override."""

import json
import re

import pytest
from azure.ai.agents.models import (
    AgentsNamedToolChoice,
    AgentsResponseFormat,
    AgentThreadCreationOptions,
    FunctionName,
    ResponseFormatJsonSchema,
    ResponseFormatJsonSchemaType,
    ThreadMessageOptions,
    TruncationObject,
)

from awaited import collect
from clients import sync_client
from functions import convert_currency, definitions, get_weather
from waiting import POLL, settled, waiting_for_outputs


async def answer(sdk, run) -> str:
    """The text that a run wrote."""
    (message,) = await collect(sdk.agents.messages.list(run.thread_id, run_id=run.id))
    return message.text_messages[0].text.value


async def test_a_run_is_queued_and_then_completed(sdk, agent, thread):
    await sdk.agents.messages.create(thread.id, role="user", content="Hello")
    queued = await sdk.agents.runs.create(thread.id, agent_id=agent.id)
    assert re.fullmatch(r"run_[0-9A-Za-z]{24}", queued.id)
    assert (queued.object, queued.status) == ("thread.run", "queued")
    assert (queued.thread_id, queued.agent_id) == (thread.id, agent.id)
    assert (queued.started_at, queued.completed_at, queued.usage) == (None, None, None)
    assert (queued.expires_at - queued.created_at).total_seconds() == 600

    run = await settled(sdk, queued)
    assert run.status == "completed", run.last_error
    assert run.created_at <= run.started_at <= run.completed_at
    assert (run.expires_at, run.failed_at, run.cancelled_at, run.last_error) == (None, None, None, None)
    assert run.usage.prompt_tokens > 0
    assert run.usage.completion_tokens > 0
    assert run.usage.total_tokens == run.usage.prompt_tokens + run.usage.completion_tokens


async def test_a_run_takes_over_what_its_agent_says(sdk, thread, model):
    tools = definitions(get_weather)
    agent = await sdk.agents.create_agent(
        model=model, instructions="Be brief.", tools=tools, temperature=0.5, top_p=0.5
    )
    run = await sdk.agents.runs.create(thread.id, agent_id=agent.id, metadata={"n": "1"})
    assert (run.model, run.instructions, run.tools) == (model, "Be brief.", agent.tools)
    assert (run.temperature, run.top_p, run.metadata) == (0.5, 0.5, {"n": "1"})
    assert (run.tool_choice, run.response_format, run.parallel_tool_calls) == ("auto", "auto", True)
    assert run.truncation_strategy.type == "auto"
    await settled(sdk, run)


async def test_a_run_can_override_what_its_agent_says(sdk, agent, thread, model):
    run = await sdk.agents.runs.create(
        thread.id,
        agent_id=agent.id,
        model=model,
        instructions="Speak like a sailor.",
        tools=definitions(convert_currency),
        temperature=0.25,
        top_p=0.75,
        max_prompt_tokens=4000,
        max_completion_tokens=2000,
        truncation_strategy=TruncationObject(type="last_messages", last_messages=3),
        parallel_tool_calls=False,
    )
    assert run.instructions == "Speak like a sailor."
    assert [tool.function.name for tool in run.tools] == ["convert_currency"]
    assert (run.temperature, run.top_p, run.parallel_tool_calls) == (0.25, 0.75, False)
    assert (run.max_prompt_tokens, run.max_completion_tokens) == (4000, 2000)
    assert (run.truncation_strategy.type, run.truncation_strategy.last_messages) == ("last_messages", 3)
    assert (await settled(sdk, run)).status == "completed"
    unchanged = await sdk.agents.get_agent(agent.id)
    assert (unchanged.instructions, unchanged.tools) == (agent.instructions, [])


async def test_additional_instructions_follow_the_agents_own(sdk, agent, thread):
    run = await sdk.agents.runs.create(thread.id, agent_id=agent.id, additional_instructions="And be kind.")
    assert run.instructions.startswith(agent.instructions)
    assert run.instructions.endswith("And be kind.")
    await settled(sdk, run)


async def test_additional_messages_come_before_the_answer(sdk, agent, thread):
    await sdk.agents.messages.create(thread.id, role="user", content="One")
    run = await sdk.agents.runs.create_and_process(
        thread.id,
        agent_id=agent.id,
        additional_messages=[
            ThreadMessageOptions(role="assistant", content="Two"),
            ThreadMessageOptions(role="user", content="Three"),
        ],
        polling_interval=POLL,
    )
    messages = await collect(sdk.agents.messages.list(thread.id, order="asc"))
    assert [message.role for message in messages] == ["user", "assistant", "user", "assistant"]
    assert [message.text_messages[0].text.value for message in messages[:3]] == ["One", "Two", "Three"]
    assert messages[3].run_id == run.id


async def test_a_run_on_an_empty_thread_completes(sdk, agent, thread):
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status == "completed", run.last_error


async def test_a_thread_and_its_run_can_be_created_at_once(sdk, agent):
    run = await sdk.agents.create_thread_and_run(
        agent_id=agent.id,
        thread=AgentThreadCreationOptions(
            messages=[ThreadMessageOptions(role="user", content="Hello")], metadata={"topic": "greeting"}
        ),
    )
    assert run.status == "queued"
    assert (await settled(sdk, run)).status == "completed"
    assert (await sdk.agents.threads.get(run.thread_id)).metadata == {"topic": "greeting"}
    assert len(await collect(sdk.agents.messages.list(run.thread_id))) == 2


async def test_a_thread_and_its_run_can_be_created_and_processed_at_once(sdk, model):
    tools = sdk.tool_set()
    tools.add(sdk.function_tool({get_weather}))
    sdk.agents.enable_auto_function_calls(tools)
    agent = await sdk.agents.create_agent(model=model)
    run = await sdk.agents.create_thread_and_process_run(
        agent_id=agent.id,
        thread=AgentThreadCreationOptions(
            messages=[ThreadMessageOptions(role="user", content="How is the weather in Oslo?")]
        ),
        toolset=tools,
        polling_interval=POLL,
    )
    assert run.status == "completed", run.last_error
    assert "a light drizzle of 13 degrees" in await answer(sdk, run)


async def test_a_thread_and_its_run_need_no_messages(sdk, agent):
    run = await settled(sdk, await sdk.agents.create_thread_and_run(agent_id=agent.id))
    assert run.status == "completed", run.last_error


async def test_a_json_object_is_answered_where_it_is_asked_for(sdk, agent, thread):
    await sdk.agents.messages.create(thread.id, role="user", content="Describe Oslo as JSON.")
    run = await sdk.agents.runs.create_and_process(
        thread.id,
        agent_id=agent.id,
        response_format=AgentsResponseFormat(type="json_object"),
        polling_interval=POLL,
    )
    assert run.status == "completed", run.last_error
    assert run.response_format == {"type": "json_object"}
    assert isinstance(json.loads(await answer(sdk, run)), dict)


async def test_an_answer_follows_the_schema_that_is_asked_for(sdk, thread, model):
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "inhabitants": {"type": "integer"}},
        "required": ["city", "inhabitants"],
        "additionalProperties": False,
    }
    agent = await sdk.agents.create_agent(
        model=model,
        response_format=ResponseFormatJsonSchemaType(
            json_schema=ResponseFormatJsonSchema(name="city", description="A city.", schema=schema)
        ),
    )
    assert agent.response_format["json_schema"]["schema"] == schema
    await sdk.agents.messages.create(thread.id, role="user", content="Describe Oslo.")
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status == "completed", run.last_error
    described = json.loads(await answer(sdk, run))
    assert set(described) == {"city", "inhabitants"}
    assert isinstance(described["city"], str)
    assert isinstance(described["inhabitants"], int)


async def test_tool_choice_none_keeps_a_run_from_calling_functions(sdk, thread, model):
    agent = await sdk.agents.create_agent(model=model, tools=definitions(get_weather))
    await sdk.agents.messages.create(thread.id, role="user", content="How is the weather in Oslo?")
    run = await settled(sdk, await sdk.agents.runs.create(thread.id, agent_id=agent.id, tool_choice="none"))
    assert (run.status, run.tool_choice) == ("completed", "none")


async def test_a_forced_function_is_called_whatever_the_words_are(sdk, thread, model):
    agent = await sdk.agents.create_agent(model=model, tools=definitions(get_weather, convert_currency))
    await sdk.agents.messages.create(thread.id, role="user", content="How is the weather in Oslo?")
    forced = AgentsNamedToolChoice(type="function", function=FunctionName(name="convert_currency"))
    run, calls = await waiting_for_outputs(sdk, agent, thread, tool_choice=forced)
    assert [call.function.name for call in calls] == ["convert_currency"]
    assert run.tool_choice["function"]["name"] == "convert_currency"
    await sdk.agents.runs.cancel(thread.id, run.id)


async def test_a_run_that_waits_can_be_cancelled(sdk, thread, model):
    agent = await sdk.agents.create_agent(model=model, tools=definitions(get_weather))
    await sdk.agents.messages.create(thread.id, role="user", content="How is the weather in Oslo?")
    run, _ = await waiting_for_outputs(sdk, agent, thread)
    cancelling = await sdk.agents.runs.cancel(thread.id, run.id)
    assert cancelling.status in ("cancelling", "cancelled")
    cancelled = await settled(sdk, cancelling)
    assert cancelled.status == "cancelled"
    assert cancelled.cancelled_at >= cancelled.created_at
    assert (cancelled.required_action, cancelled.expires_at) == (None, None)
    await sdk.agents.messages.create(thread.id, role="user", content="The thread is free again.")


async def test_a_runs_metadata_can_be_changed_after_its_end(sdk, agent, thread):
    run = await sdk.agents.runs.create_and_process(
        thread.id, agent_id=agent.id, metadata={"a": "1"}, polling_interval=POLL
    )
    updated = await sdk.agents.runs.update(thread.id, run.id, metadata={"b": "2"})
    assert (updated.metadata, updated.status) == ({"b": "2"}, "completed")
    assert await sdk.agents.runs.get(thread.id, run.id) == updated


async def test_runs_are_listed_newest_first(sdk, agent, thread):
    ids = [
        (await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)).id
        for _ in range(3)
    ]
    assert [run.id for run in await collect(sdk.agents.runs.list(thread.id, limit=2))] == ids[::-1]
    assert [run.id for run in await collect(sdk.agents.runs.list(thread.id, order="asc"))] == ids


@pytest.mark.parametrize("api_version", ["latest", "v1", "2025-05-15-preview", "2024-07-01-preview"])
def test_any_api_version_is_served(api_version, model):
    with sync_client(api_version=api_version) as client:
        agent = client.create_agent(model=model)
        run = client.create_thread_and_process_run(agent_id=agent.id, polling_interval=POLL)
        assert run.status == "completed", run.last_error
