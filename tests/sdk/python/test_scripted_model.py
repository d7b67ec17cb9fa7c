"""What depends on the model's exact behaviour, with the deployment whose answers `script.yaml` lists."""

import asyncio
import json

import pytest
from azure.ai.agents.models import (
    MessageDeltaChunk,
    RunStepDeltaChunk,
    ThreadMessage,
    ThreadRun,
    ToolOutput,
    TruncationObject,
)
from azure.core.exceptions import HttpResponseError

from awaited import collect
from functions import convert_currency, definitions, get_weather
from waiting import POLL, settled, waiting_for_outputs

SLOW = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"


@pytest.fixture
def model() -> str:
    return "scripted"


async def ask(sdk, thread, content: str):
    return await sdk.agents.messages.create(thread.id, role="user", content=content)


async def answer(sdk, run) -> str:
    (message,) = await collect(sdk.agents.messages.list(run.thread_id, run_id=run.id))
    return message.text_messages[0].text.value


async def run_of(sdk, agent, thread, **overrides):
    return await sdk.agents.runs.create_and_process(
        thread.id, agent_id=agent.id, polling_interval=POLL, **overrides
    )


async def test_parallel_calls_have_to_be_answered_together(sdk, thread, model):
    agent = await sdk.agents.create_agent(model=model, tools=definitions(get_weather))
    await ask(sdk, thread, "How is the weather in two towns?")
    run, (oslo, bergen) = await waiting_for_outputs(sdk, agent, thread)
    assert [json.loads(call.function.arguments) for call in (oslo, bergen)] == [
        {"location": "Oslo"},
        {"location": "Bergen"},
    ]
    first = ToolOutput(tool_call_id=oslo.id, output="rain")
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.runs.submit_tool_outputs(thread.id, run.id, tool_outputs=[first])
    assert raised.value.model.error.message == (
        f"Expected tool outputs for call_ids ['{oslo.id}', '{bergen.id}'], got ['{oslo.id}']"
    )

    # The order of the outputs does not matter; the ids do.
    outputs = [ToolOutput(tool_call_id=bergen.id, output="more rain"), first]
    run = await settled(
        sdk, await sdk.agents.runs.submit_tool_outputs(thread.id, run.id, tool_outputs=outputs)
    )
    assert (run.status, await answer(sdk, run)) == ("completed", "In the first town: rain.")
    _, step = await collect(sdk.agents.run_steps.list(thread.id, run.id))
    calls = step.as_dict()["step_details"]["tool_calls"]
    assert [(call["id"], call["function"]["output"]) for call in calls] == [
        (oslo.id, "rain"),
        (bergen.id, "more rain"),
    ]


async def test_a_run_may_call_functions_again_after_it_has_seen_an_output(sdk, thread, model):
    functions = sdk.function_tool({get_weather, convert_currency})
    sdk.agents.enable_auto_function_calls(functions)
    agent = await sdk.agents.create_agent(model=model, tools=functions.definitions)
    await ask(sdk, thread, "Step by step, please.")
    run = await run_of(sdk, agent, thread)
    assert run.status == "completed", run.last_error
    assert await answer(sdk, run) == f"In the end: {convert_currency('100', 'NOK')}."
    steps = await collect(sdk.agents.run_steps.list(thread.id, run.id, order="asc"))
    assert [step.type for step in steps] == ["tool_calls", "tool_calls", "message_creation"]


async def test_a_run_that_works_can_be_cancelled(sdk, agent, thread):
    await ask(sdk, thread, "This never begins.")
    run = await sdk.agents.runs.create(thread.id, agent_id=agent.id)
    while run.status == "queued":
        await asyncio.sleep(POLL)
        run = await sdk.agents.runs.get(thread.id, run.id)
    assert run.status == "in_progress"
    run = await sdk.agents.runs.cancel(thread.id, run.id)
    assert run.status in ("cancelling", "cancelled")
    run = await settled(sdk, run)
    assert run.status == "cancelled"
    assert await collect(sdk.agents.messages.list(thread.id, run_id=run.id)) == []


async def test_a_model_that_refuses_fails_the_run_with_its_own_words(sdk, agent, thread):
    await ask(sdk, thread, "Too many requests?")
    run = await run_of(sdk, agent, thread)
    assert run.status == "failed"
    assert run.last_error.code == "rate_limit_exceeded"
    assert "The scripted model asks for fewer requests." in run.last_error.message
    assert run.failed_at is not None
    await ask(sdk, thread, "The thread is free again.")
    assert (await run_of(sdk, agent, thread)).status == "completed"


async def test_a_deployment_that_nobody_serves_fails_the_run_and_lists_those_that_exist(sdk, thread):
    agent = await sdk.agents.create_agent(model="gpt-unheard-of")
    run = await run_of(sdk, agent, thread)
    assert run.status == "failed"
    assert run.last_error.code == "invalid_engine_error"
    for name in ("gpt-unheard-of", "offline", "scripted"):
        assert name in run.last_error.message


async def test_an_answer_ends_where_the_completion_tokens_end(sdk, agent, thread):
    await ask(sdk, thread, "Count.")
    run = await run_of(sdk, agent, thread, max_completion_tokens=3)
    assert (run.status, run.incomplete_details.reason) == ("incomplete", "max_completion_tokens")
    assert run.usage.completion_tokens <= 3
    assert "one two three four five six seven eight nine ten".startswith(await answer(sdk, run))


async def test_a_run_sees_the_whole_thread_or_its_last_messages(sdk, agent, thread):
    await ask(sdk, thread, "Hello")
    await ask(sdk, thread, "How many messages do you see?")
    assert await answer(sdk, await run_of(sdk, agent, thread)) == "I see two messages of yours."
    await ask(sdk, thread, "And how many now?")
    last = TruncationObject(type="last_messages", last_messages=1)
    run = await run_of(sdk, agent, thread, truncation_strategy=last)
    assert await answer(sdk, run) == "I see one message of yours."


def test_parallel_calls_stream_one_after_the_other(client, model):
    agent = client.create_agent(model=model, tools=definitions(get_weather))
    thread = client.threads.create()
    client.messages.create(thread.id, role="user", content="How is the weather in two towns?")
    with client.runs.stream(thread.id, agent_id=agent.id) as stream:
        events = [data for _, data, _ in stream]
    *_, run = [event for event in events if isinstance(event, ThreadRun)]
    streamed = {}
    for event in events:
        if isinstance(event, RunStepDeltaChunk):
            (delta,) = event.as_dict()["delta"]["step_details"]["tool_calls"]
            streamed.setdefault(delta["index"], []).append(delta)
    calls = run.required_action.submit_tool_outputs.tool_calls
    assert list(streamed) == [0, 1]
    for index, call in enumerate(calls):
        first, *_ = streamed[index]
        assert (first["id"], first["function"]["name"]) == (call.id, "get_weather")
        arguments = "".join(delta["function"]["arguments"] for delta in streamed[index])
        assert arguments == call.function.arguments
    client.runs.cancel(thread.id, run.id)


def test_a_model_that_breaks_off_ends_the_stream_with_a_failed_run(client, model):
    agent = client.create_agent(model=model)
    thread = client.threads.create()
    client.messages.create(thread.id, role="user", content="Break off!")
    with client.runs.stream(thread.id, agent_id=agent.id) as stream:
        events = list(stream)
    kinds = [kind for kind, _, _ in events]
    assert "thread.message.delta" in kinds
    assert "thread.message.completed" not in kinds
    assert kinds[-2:] == ["thread.run.failed", "done"]
    *_, message = [data for _, data, _ in events if isinstance(data, ThreadMessage)]
    assert (message.status, message.incomplete_details.reason) == ("incomplete", "run_failed")
    *_, run = [data for _, data, _ in events if isinstance(data, ThreadRun)]
    assert run.last_error.code == "server_error"
    assert "The scripted model broke off." in run.last_error.message


def test_a_slow_text_can_be_cancelled_while_it_streams(client, model):
    agent = client.create_agent(model=model)
    thread = client.threads.create()
    client.messages.create(thread.id, role="user", content="Count slowly.")
    events = []
    with client.runs.stream(thread.id, agent_id=agent.id) as stream:
        while not events or not isinstance(events[-1][1], MessageDeltaChunk):
            events.append(next(stream))
        client.runs.cancel(thread.id, events[0][1].id)
        events += list(stream)
    assert [kind for kind, _, _ in events][-2:] == ["thread.run.cancelled", "done"]
    *_, message = [data for _, data, _ in events if isinstance(data, ThreadMessage)]
    assert (message.status, message.incomplete_details.reason) == ("incomplete", "run_cancelled")


async def test_a_slow_text_is_finished_although_its_reader_left(sdk, client, agent, thread):
    await ask(sdk, thread, "Count slowly.")
    with client.runs.stream(thread.id, agent_id=agent.id) as stream:
        _, run, _ = next(stream)
    run = await settled(sdk, run)
    assert (run.status, await answer(sdk, run)) == ("completed", SLOW)
