"""The official client of A2A talks to an agent."""

from uuid import uuid4

import pytest
from a2a.client.errors import A2AClientHTTPError, A2AClientJSONRPCError
from a2a.types import Message, Part, Role, TaskIdParams, TaskQueryParams, TaskState, TextPart


def message(text: str, **more) -> Message:
    return Message(message_id=uuid4().hex, role=Role.user, parts=[Part(root=TextPart(text=text))], **more)


def said(task) -> str:
    return "".join(part.root.text for artifact in task.artifacts for part in artifact.parts)


async def ask(client, text: str, **more):
    """The task at its end, and everything that was told on the way."""
    events = [event async for event in client.send_message(message(text, **more))]
    return events[-1][0], events


async def test_the_card_introduces_the_agent(card):
    assert (card.name, card.version, card.protocol_version) == ("weather", "1.2", "0.3.0")
    assert card.skills[0].tags == ["weather"]
    assert card.url.endswith("/agents/weather/endpoint/protocols/a2a")


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_message_is_answered(client, streaming):
    agent = client(streaming=streaming)
    task, events = await ask(agent, "Hello?")
    assert task.status.state == TaskState.completed
    assert said(task)
    assert (len(events) > 1) == streaming
    stored = await agent.get_task(TaskQueryParams(id=task.id))
    assert (said(stored), stored.context_id) == (said(task), task.context_id)
    assert stored.history[0].parts[0].root.text == "Hello?"


async def test_a_context_goes_on(client):
    agent = client(streaming=False)
    first, _ = await ask(agent, "One")
    second, _ = await ask(agent, "Two", context_id=first.context_id)
    assert second.context_id == first.context_id
    assert second.id != first.id
    mine, _ = await ask(agent, "Three", context_id="my-own")
    assert mine.context_id == "my-own"


async def test_what_is_over_can_not_be_cancelled_and_what_is_not_there_not_be_found(client):
    agent = client(streaming=False)
    task, _ = await ask(agent, "Hello?")
    unknown = agent.get_task(TaskQueryParams(id="resp_1"))
    for refused in (agent.cancel_task(TaskIdParams(id=task.id)), unknown):
        with pytest.raises((A2AClientHTTPError, A2AClientJSONRPCError)):
            await refused
