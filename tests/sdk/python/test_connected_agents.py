"""`connected_agent`: an agent that asks another one, in steps and in streams."""

import pytest_asyncio
from azure.ai.agents.models import ConnectedAgentTool, RunStepDeltaChunk

from awaited import collect
from functions import definitions, get_weather
from waiting import POLL

QUESTION = "Ask the other agent: what is Contoso worth?"
NAME = "stock_prices"


@pytest_asyncio.fixture
async def other(sdk):
    """The agent that is asked."""
    agent = await sdk.agents.create_agent(model="scripted", name="stocks")
    yield agent
    await sdk.agents.delete_agent(agent.id)


async def asking(sdk, other):
    """An agent that may ask that one."""
    tool = ConnectedAgentTool(id=other.id, name=NAME, description="Knows the price of every stock.")
    return await sdk.agents.create_agent(model="scripted", tools=tool.definitions)


@pytest_asyncio.fixture
async def agent(sdk, other):
    agent = await asking(sdk, other)
    yield agent
    await sdk.agents.delete_agent(agent.id)


async def heard(stream) -> list:
    """The events of a stream, of either client."""
    if not hasattr(stream, "__aenter__"):
        with stream as running:
            return list(running)
    async with stream as running:
        return [event async for event in running]


async def answered(sdk, agent, thread):
    """The run that answers the question, its answer, and what its step shows of the call."""
    await sdk.agents.messages.create(thread.id, role="user", content=QUESTION)
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status == "completed", run.last_error
    [answer] = await collect(sdk.agents.messages.list(thread.id, run_id=run.id))
    steps = await collect(sdk.agents.run_steps.list(thread.id, run.id))
    [call] = steps[-1].step_details.tool_calls
    assert call.type == "connected_agent"
    return run, answer.text_messages[0].text.value, call["connected_agent"]


async def test_the_other_agent_answers_in_a_run_of_its_own(sdk, agent, other, thread):
    run, answer, call = await answered(sdk, agent, thread)
    assert answer == "The other agent says: five kroner a share."
    assert (call["name"], call["output"]) == (NAME, "five kroner a share")
    assert "contoso" in call["arguments"].lower()
    own = await sdk.agents.runs.get(call["thread_id"], call["run_id"])
    assert (own.status, own.agent_id, call["assistant_id"]) == ("completed", other.id, other.id)
    said = await collect(sdk.agents.messages.list(call["thread_id"]))
    assert [message.text_messages[0].text.value for message in said][0] == "five kroner a share"
    steps = await collect(sdk.agents.run_steps.list(thread.id, run.id))
    assert run.usage.total_tokens == sum(step.usage.total_tokens for step in steps)
    assert run.usage.total_tokens > own.usage.total_tokens > 0


async def test_a_stream_tells_of_the_call_and_goes_on_to_the_answer(sdk, agent, thread):
    await sdk.agents.messages.create(thread.id, role="user", content=QUESTION)
    events = await heard(await sdk.agents.runs.stream(thread.id, agent_id=agent.id))
    kinds = [kind for kind, _, _ in events]
    assert kinds[-2:] == ["thread.run.completed", "done"]
    deltas = [data for _, data, _ in events if isinstance(data, RunStepDeltaChunk)]
    calls = [call for delta in deltas for call in delta.delta.step_details.tool_calls]
    assert {call.type for call in calls} == {"connected_agent"}
    completed = [data for kind, data, _ in events if kind == "thread.run.step.completed"]
    assert completed[0].step_details.tool_calls[0]["connected_agent"]["output"] == "five kroner a share"


async def test_an_agent_that_needs_its_client_says_so_at_once(sdk, thread):
    other = await sdk.agents.create_agent(model="scripted", tools=definitions(get_weather))
    tool = ConnectedAgentTool(id=other.id, name="weather", description="Knows the weather.")
    agent = await sdk.agents.create_agent(model="scripted", tools=tool.definitions)
    await sdk.agents.messages.create(thread.id, role="user", content="Ask about the weather.")
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status == "completed", run.last_error
    [step] = [s for s in await collect(sdk.agents.run_steps.list(thread.id, run.id)) if s.type == "tool_calls"]
    call = step.step_details.tool_calls[0]["connected_agent"]
    assert "get_weather(" in call["output"]
    own = await sdk.agents.runs.get(call["thread_id"], call["run_id"])
    assert own.status == "cancelled"
    for made in (agent, other):
        await sdk.agents.delete_agent(made.id)
