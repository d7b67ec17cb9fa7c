"""Run steps: what a run did, newest first, and what each step cost."""

import json
import re

from awaited import collect
from functions import get_weather
from waiting import POLL


async def run_with_a_function_call(sdk, thread, model):
    functions = sdk.function_tool({get_weather})
    sdk.agents.enable_auto_function_calls(functions)
    agent = await sdk.agents.create_agent(model=model, tools=functions.definitions)
    await sdk.agents.messages.create(thread.id, role="user", content="How is the weather in Oslo?")
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status == "completed", run.last_error
    return run


async def test_a_plain_answer_is_one_step_that_names_its_message(sdk, agent, thread):
    await sdk.agents.messages.create(thread.id, role="user", content="Hello")
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    (step,) = await collect(sdk.agents.run_steps.list(thread.id, run.id))
    (message,) = await collect(sdk.agents.messages.list(thread.id, run_id=run.id))
    assert re.fullmatch(r"step_[0-9A-Za-z]{24}", step.id)
    assert (step.object, step.type, step.status) == ("thread.run.step", "message_creation", "completed")
    assert (step.run_id, step.thread_id, step.agent_id) == (run.id, thread.id, agent.id)
    assert step.step_details.message_creation.message_id == message.id
    assert step.created_at <= step.completed_at
    assert (step.failed_at, step.cancelled_at, step.last_error) == (None, None, None)


async def test_steps_are_listed_newest_first_or_oldest_first(sdk, thread, model):
    run = await run_with_a_function_call(sdk, thread, model)
    newest_first = await collect(sdk.agents.run_steps.list(thread.id, run.id))
    oldest_first = await collect(sdk.agents.run_steps.list(thread.id, run.id, order="asc"))
    assert [step.type for step in newest_first] == ["message_creation", "tool_calls"]
    assert [step.id for step in oldest_first] == [step.id for step in newest_first][::-1]
    assert [step.id for step in await collect(sdk.agents.run_steps.list(thread.id, run.id, limit=1))] == [
        step.id for step in newest_first
    ]


async def test_a_function_call_is_kept_with_its_arguments_and_its_output(sdk, thread, model):
    run = await run_with_a_function_call(sdk, thread, model)
    (listed,) = [
        step
        for step in await collect(sdk.agents.run_steps.list(thread.id, run.id))
        if step.type == "tool_calls"
    ]
    step = await sdk.agents.run_steps.get(thread.id, run.id, listed.id)
    assert step == listed
    (call,) = step.step_details.tool_calls
    assert (call.type, call.function.name) == ("function", "get_weather")
    assert isinstance(json.loads(call.function.arguments), dict)
    assert call.as_dict()["function"]["output"] == get_weather("Oslo")


async def test_the_usage_of_a_run_is_the_sum_of_its_steps(sdk, thread, model):
    run = await run_with_a_function_call(sdk, thread, model)
    steps = await collect(sdk.agents.run_steps.list(thread.id, run.id))
    for count in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert sum(step.usage[count] for step in steps) == run.usage[count] > 0
