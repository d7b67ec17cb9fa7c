"""Streams: every event in its order, through event handlers and by plain iteration."""

import json
import time
from itertools import groupby

import pytest
from azure.ai.agents.models import (
    AgentEventHandler,
    AsyncAgentEventHandler,
    AsyncFunctionTool,
    FunctionTool,
    MessageDeltaChunk,
    RunStepDeltaChunk,
    ThreadMessage,
    ThreadRun,
    ToolOutput,
)
from azure.core.exceptions import ResourceNotFoundError

from functions import definitions, get_weather
from waiting import MOVING, POLL

QUESTION = "How is the weather in Oslo?"

STARTED = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
ANSWERED = [
    "thread.run.step.created",
    "thread.run.step.in_progress",
    "thread.message.created",
    "thread.message.in_progress",
    "thread.message.delta",
    "thread.message.completed",
    "thread.run.step.completed",
    "thread.run.completed",
    "done",
]
CALLED = [
    "thread.run.step.created",
    "thread.run.step.in_progress",
    "thread.run.step.delta",
    "thread.run.requires_action",
    "done",
]
SUBMITTED = ["thread.run.step.completed", "thread.run.queued", "thread.run.in_progress"]


def kinds(events) -> list[str]:
    """The events' types in their order; deltas that follow each other count once."""
    return [kind for kind, _ in groupby(event_type for event_type, _, _ in events)]


@pytest.fixture
def plain_agent(client, model):
    return client.create_agent(model=model)


@pytest.fixture
def weather_agent(client, model):
    return client.create_agent(model=model, tools=definitions(get_weather))


@pytest.fixture
def asked(client):
    """A thread with a question about the weather."""
    thread = client.threads.create()
    client.messages.create(thread.id, role="user", content=QUESTION)
    return thread


def test_a_text_streams_its_events_in_order(client, plain_agent, asked):
    with client.runs.stream(asked.id, agent_id=plain_agent.id) as stream:
        events = list(stream)
    assert kinds(events) == STARTED + ANSWERED


def test_the_deltas_add_up_to_the_message(client, plain_agent, asked):
    with client.runs.stream(asked.id, agent_id=plain_agent.id) as stream:
        events = [data for _, data, _ in stream]
    deltas = [event for event in events if isinstance(event, MessageDeltaChunk)]
    *_, message = [event for event in events if isinstance(event, ThreadMessage)]
    assert len(deltas) > 1, "the text comes in pieces"
    assert "".join(delta.text for delta in deltas) == message.text_messages[0].text.value
    assert {delta.id for delta in deltas} == {message.id}
    assert deltas[0].as_dict()["delta"]["content"][0]["text"]["annotations"] == []
    kept = client.messages.get(asked.id, message.id)
    assert kept.content == message.content


def test_the_states_in_a_stream_are_those_of_the_run(client, plain_agent, asked):
    with client.runs.stream(asked.id, agent_id=plain_agent.id) as stream:
        events = list(stream)
    runs = {kind: data for kind, data, _ in events if isinstance(data, ThreadRun)}
    assert {kind: run.status for kind, run in runs.items()} == {
        "thread.run.created": "queued",
        "thread.run.queued": "queued",
        "thread.run.in_progress": "in_progress",
        "thread.run.completed": "completed",
    }
    last = runs["thread.run.completed"]
    kept = client.runs.get(asked.id, last.id)
    assert kept.usage == last.usage
    assert (kept.status, kept.completed_at) == (last.status, last.completed_at)


def test_an_event_handler_is_told_everything(client, plain_agent, asked):
    class Recorder(AgentEventHandler):
        def __init__(self):
            super().__init__()
            self.seen, self.text = [], ""

        def on_message_delta(self, delta):
            self.text += delta.text

        def on_thread_message(self, message):
            self.seen.append(("message", message.status))

        def on_thread_run(self, run):
            self.seen.append(("run", run.status))

        def on_run_step(self, step):
            self.seen.append((step.type, step.status))

        def on_error(self, data):
            self.seen.append(("error", data))

        def on_done(self):
            self.seen.append(("done", None))

        def on_unhandled_event(self, event_type, event_data):
            self.seen.append(("unhandled", event_type))

    recorder = Recorder()
    with client.runs.stream(asked.id, agent_id=plain_agent.id, event_handler=recorder) as stream:
        stream.until_done()
    assert recorder.seen == [
        ("run", "queued"),
        ("run", "queued"),
        ("run", "in_progress"),
        ("message_creation", "in_progress"),
        ("message_creation", "in_progress"),
        ("message", "in_progress"),
        ("message", "in_progress"),
        ("message", "completed"),
        ("message_creation", "completed"),
        ("run", "completed"),
        ("done", None),
    ]
    assert recorder.text


def test_functions_are_called_within_a_stream(client, weather_agent, asked):
    client.enable_auto_function_calls(FunctionTool({get_weather}))
    with client.runs.stream(asked.id, agent_id=weather_agent.id) as stream:
        events = list(stream)
    assert kinds(events) == STARTED + CALLED + SUBMITTED + ANSWERED
    text = "".join(data.text for _, data, _ in events if isinstance(data, MessageDeltaChunk))
    assert "a light drizzle of 13 degrees" in text


def test_a_call_streams_its_arguments_in_pieces(client, weather_agent, asked):
    with client.runs.stream(asked.id, agent_id=weather_agent.id) as stream:
        events = [data for _, data, _ in stream]
    deltas = [
        delta.as_dict()["delta"]["step_details"]["tool_calls"][0]
        for delta in events
        if isinstance(delta, RunStepDeltaChunk)
    ]
    *_, run = [event for event in events if isinstance(event, ThreadRun)]
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    assert (deltas[0]["index"], deltas[0]["id"], deltas[0]["type"]) == (0, call.id, "function")
    assert deltas[0]["function"]["name"] == call.function.name == "get_weather"
    assert "".join(delta["function"]["arguments"] for delta in deltas) == call.function.arguments
    assert json.loads(call.function.arguments)
    client.runs.cancel(asked.id, run.id)


def test_outputs_can_be_submitted_into_a_stream(client, weather_agent, asked):
    handler = AgentEventHandler()
    with client.runs.stream(asked.id, agent_id=weather_agent.id, event_handler=handler) as stream:
        events = list(stream)
    *_, run = [data for _, data, _ in events if isinstance(data, ThreadRun)]
    outputs = [
        ToolOutput(tool_call_id=call.id, output="a hand-written fog")
        for call in run.required_action.submit_tool_outputs.tool_calls
    ]
    client.runs.submit_tool_outputs_stream(asked.id, run.id, tool_outputs=outputs, event_handler=handler)
    continued = list(handler)
    assert kinds(events) == STARTED + CALLED
    assert kinds(continued) == SUBMITTED + ANSWERED
    text = "".join(data.text for _, data, _ in continued if isinstance(data, MessageDeltaChunk))
    assert "a hand-written fog" in text


def test_a_run_goes_on_when_its_reader_leaves(client, plain_agent, asked):
    with client.runs.stream(asked.id, agent_id=plain_agent.id) as stream:
        _, run, _ = next(stream)
    while run.status in MOVING:
        time.sleep(POLL)
        run = client.runs.get(asked.id, run.id)
    assert run.status == "completed", run.last_error
    assert client.messages.get_last_message_by_role(asked.id, "assistant").run_id == run.id


def test_a_stream_that_cannot_start_is_an_error_and_not_a_stream(client, asked):
    with pytest.raises(ResourceNotFoundError):
        client.runs.stream(asked.id, agent_id="asst_0123456789abcdefghijABCD")


async def test_an_async_stream_has_the_same_events(async_client, model):
    agent = await async_client.create_agent(model=model)
    thread = await async_client.threads.create()
    await async_client.messages.create(thread.id, role="user", content=QUESTION)
    async with await async_client.runs.stream(thread.id, agent_id=agent.id) as stream:
        events = [event async for event in stream]
    assert kinds(events) == STARTED + ANSWERED


async def test_functions_are_called_within_an_async_stream_with_a_handler(async_client, model):
    class Recorder(AsyncAgentEventHandler):
        def __init__(self):
            super().__init__()
            self.statuses, self.text, self.over = [], "", 0

        async def on_message_delta(self, delta):
            self.text += delta.text

        async def on_thread_run(self, run):
            self.statuses.append(run.status)

        async def on_done(self):
            self.over += 1

    async_client.enable_auto_function_calls(AsyncFunctionTool({get_weather}))
    agent = await async_client.create_agent(model=model, tools=definitions(get_weather))
    thread = await async_client.threads.create()
    await async_client.messages.create(thread.id, role="user", content=QUESTION)
    recorder = Recorder()
    async with await async_client.runs.stream(thread.id, agent_id=agent.id, event_handler=recorder) as stream:
        await stream.until_done()
    assert recorder.statuses == [
        "queued", "queued", "in_progress", "requires_action", "queued", "in_progress", "completed",
    ]  # fmt: skip
    assert "a light drizzle of 13 degrees" in recorder.text
    assert recorder.over == 2, "one stream for the run, one for the submitted outputs"
