"""`mcp` in runs, against a real server: lists, calls, approvals, events, and servers that fail."""

import json

import pytest
from azure.ai.agents import models
from azure.core.exceptions import HttpResponseError

from awaited import collect
from ledgers import LABEL, either_ledger, ledger  # noqa: F401
from service import Service
from test_streaming import ANSWERED, STARTED, kinds
from waiting import settled

# The stable generation has no words for MCP, but takes plain JSON.
KNOWS_MCP = hasattr(models, "McpTool")
needs_words = pytest.mark.skipif(not KNOWS_MCP, reason="this generation of the SDK knows no approvals")

LISTED = ["thread.run.step.created", "thread.run.step.in_progress", "thread.run.step.completed"]
CALLING = ["thread.run.step.created", "thread.run.step.in_progress", "thread.run.step.delta"]


def tool(ledger, **settings) -> dict:
    """The server as a tool."""
    return {"type": "mcp", "server_label": LABEL, "server_url": ledger.url, **settings}


def resources(**settings) -> dict:
    """What a run says of the server."""
    return {"mcp": [{"server_label": LABEL, "headers": {}, **settings}]}


NEVER = resources(require_approval="never")


async def agent_of(sdk, ledger, **settings):
    return await sdk.agents.create_agent({"model": "scripted", "tools": [tool(ledger, **settings)]})


async def run_of(sdk, thread, agent, question, tool_resources=None):
    await sdk.agents.messages.create(thread.id, role="user", content=question)
    body = {"assistant_id": agent.id}
    if tool_resources:
        body["tool_resources"] = tool_resources
    return await settled(sdk, await sdk.agents.runs.create(thread.id, body))


async def steps_of(sdk, run) -> list[dict]:
    steps = await collect(sdk.agents.run_steps.list(run.thread_id, run.id, order="asc"))
    return [step.as_dict() for step in steps]


async def last_words(sdk, thread) -> str:
    return (await sdk.agents.messages.get_last_message_text_by_role(thread.id, "assistant")).text.value


def approval(call, approve: bool = True, **more):
    return models.ToolApproval(tool_call_id=call.id, approve=approve, **more)


def calls_of(run) -> list:
    assert run.status == "requires_action", run.last_error
    assert run.required_action.type == "submit_tool_approval"
    return run.required_action.submit_tool_approval.tool_calls


async def test_a_tool_is_listed_called_and_told_over_both_transports(sdk, thread, either_ledger):  # noqa: F811
    agent = await agent_of(sdk, either_ledger)
    run = await run_of(sdk, thread, agent, "what is on it", NEVER)
    assert run.status == "completed", run.last_error
    assert await last_words(sdk, thread) == "Told: savings holds 42."
    listed, called, said = await steps_of(sdk, run)
    assert (listed["type"], called["type"], said["type"]) == ("activities", "tool_calls", "message_creation")
    [activity] = listed["step_details"]["activities"]
    assert (activity["type"], activity["server_label"]) == ("mcp_list_tools", LABEL)
    assert activity["tools"]["balance"]["description"] == "Says what is on an account."
    assert activity["tools"]["balance"]["parameters"]["required"] == ["account"]
    [call] = called["step_details"]["tool_calls"]
    assert (call["type"], call["name"], call["server_label"]) == ("mcp", "balance", LABEL)
    assert (json.loads(call["arguments"]), call["output"]) == ({"account": "savings"}, "savings holds 42")


@needs_words
async def test_a_call_waits_for_its_approval(sdk, thread, ledger):  # noqa: F811
    agent = await agent_of(sdk, ledger)
    run = await run_of(sdk, thread, agent, "pay Ann")
    [call] = calls_of(run)
    assert (call.type, call.name, call.server_label) == ("mcp", "transfer", LABEL)
    assert json.loads(call.arguments) == {"to": "Ann", "amount": 5}
    assert ledger.transfers == []
    submitted = await sdk.agents.runs.submit_tool_outputs(thread.id, run.id, tool_approvals=[approval(call)])
    assert (submitted.status, submitted.required_action) == ("in_progress", None)
    run = await settled(sdk, submitted)
    assert run.status == "completed", run.last_error
    assert await last_words(sdk, thread) == "Told: 5 went to Ann."
    assert ledger.transfers == ["5 to Ann"]
    with pytest.raises(HttpResponseError) as refused:
        await sdk.agents.runs.submit_tool_outputs(thread.id, run.id, tool_approvals=[approval(call)])
    assert refused.value.status_code == 400


@needs_words
async def test_a_denied_call_is_not_made_and_the_model_is_told(sdk, thread, ledger):  # noqa: F811
    agent = await agent_of(sdk, ledger)
    run = await run_of(sdk, thread, agent, "pay Ann")
    [call] = calls_of(run)
    denied = [approval(call, approve=False)]
    run = await settled(sdk, await sdk.agents.runs.submit_tool_outputs(thread.id, run.id, tool_approvals=denied))
    assert run.status == "completed", run.last_error
    assert "did not approve" in await last_words(sdk, thread)
    assert ledger.transfers == []


@needs_words
async def test_an_approval_of_another_call_is_refused_and_the_run_waits_on(sdk, thread, ledger):  # noqa: F811
    agent = await agent_of(sdk, ledger)
    run = await run_of(sdk, thread, agent, "pay Ann")
    [call] = calls_of(run)
    other = [models.ToolApproval(tool_call_id="call_other", approve=True)]
    with pytest.raises(HttpResponseError, match="Expected tool approvals") as refused:
        await sdk.agents.runs.submit_tool_outputs(thread.id, run.id, tool_approvals=other)
    assert refused.value.status_code == 400
    outputs = [models.ToolOutput(tool_call_id=call.id, output="42")]
    with pytest.raises(HttpResponseError, match="submit_tool_approval"):
        await sdk.agents.runs.submit_tool_outputs(thread.id, run.id, tool_outputs=outputs)
    assert (await sdk.agents.runs.get(thread.id, run.id)).status == "requires_action"


async def test_approvals_may_depend_on_the_tool(sdk, thread, ledger):  # noqa: F811
    agent = await agent_of(sdk, ledger)
    per_tool = resources(require_approval={"never": {"tool_names": ["balance"]}})
    run = await run_of(sdk, thread, agent, "what is on it", per_tool)
    assert run.status == "completed", run.last_error
    run = await run_of(sdk, thread, agent, "pay Ann", per_tool)
    assert run.status == "requires_action"
    await sdk.agents.runs.cancel(thread.id, run.id)
    assert (await settled(sdk, await sdk.agents.runs.get(thread.id, run.id))).status == "cancelled"


async def test_only_allowed_tools_are_listed_and_offered(sdk, thread, ledger):  # noqa: F811
    agent = await agent_of(sdk, ledger, allowed_tools=["balance"])
    run = await run_of(sdk, thread, agent, "pay Ann", NEVER)
    assert run.status == "completed", run.last_error
    listed, *rest = await steps_of(sdk, run)
    assert list(listed["step_details"]["activities"][0]["tools"]) == ["balance"]
    assert [step["type"] for step in rest] == ["message_creation"]


async def test_headers_of_a_run_reach_the_server_and_nobody_else(sdk, thread, ledger):  # noqa: F811
    agent = await agent_of(sdk, ledger)
    headers = {"X-Key": "k3y-of-the-run"}
    run = await run_of(sdk, thread, agent, "which key", resources(require_approval="never", headers=headers))
    assert await last_words(sdk, thread) == "Told: the key is k3y-of-the-run."
    shown = (await sdk.agents.runs.get(thread.id, run.id)).as_dict()
    assert shown["tool_resources"]["mcp"][0]["headers"] == {"X-Key": "REDACTED"}
    assert "k3y-of-the-run" not in json.dumps(shown)


@needs_words
async def test_headers_of_an_approval_reach_the_server(sdk, thread, ledger):  # noqa: F811
    agent = await agent_of(sdk, ledger)
    run = await run_of(sdk, thread, agent, "which key")
    [call] = calls_of(run)
    approvals = [approval(call, headers={"X-Key": "k3y-of-the-approval"})]
    run = await settled(sdk, await sdk.agents.runs.submit_tool_outputs(thread.id, run.id, tool_approvals=approvals))
    assert await last_words(sdk, thread) == "Told: the key is k3y-of-the-approval."


async def test_a_server_that_is_not_there_fails_the_run_with_the_truth(sdk, thread, ledger):  # noqa: F811
    agent = await agent_of(sdk, ledger)
    ledger.stop()
    run = await run_of(sdk, thread, agent, "what is on it", NEVER)
    assert (run.status, run.last_error.code) == ("failed", "mcp_list_failed")
    assert LABEL in run.last_error.message


@needs_words
async def test_a_server_that_has_gone_when_the_approval_comes_is_told_to_the_model(sdk, thread, ledger):  # noqa: F811
    agent = await agent_of(sdk, ledger)
    run = await run_of(sdk, thread, agent, "pay Ann")
    [call] = calls_of(run)
    ledger.stop()
    run = await settled(
        sdk, await sdk.agents.runs.submit_tool_outputs(thread.id, run.id, tool_approvals=[approval(call)])
    )
    assert run.status == "completed", run.last_error
    assert "The call failed" in await last_words(sdk, thread)


@needs_words
def test_the_events_of_an_approval_come_in_order(client, ledger):  # noqa: F811
    agent = client.create_agent({"model": "scripted", "tools": [tool(ledger)]})
    thread = client.threads.create()
    client.messages.create(thread.id, role="user", content="pay Ann")
    with client.runs.stream(thread.id, agent_id=agent.id) as stream:
        events = list(stream)
    assert kinds(events) == [*STARTED, *LISTED, *CALLING, "thread.run.requires_action", "done"]
    run = next(data for kind, data, _ in events if kind == "thread.run.requires_action")
    handler = models.AgentEventHandler()
    approvals = [approval(call) for call in calls_of(run)]
    client.runs.submit_tool_outputs_stream(thread.id, run.id, event_handler=handler, tool_approvals=approvals)
    resumed = ["thread.run.in_progress", "thread.run.step.delta", "thread.run.step.completed"]
    assert kinds(handler) == [*resumed, *ANSWERED]
    assert ledger.transfers == ["5 to Ann"]


@needs_words
def test_an_approval_outlives_a_restart_of_the_service(tmp_path, monkeypatch, ledger):  # noqa: F811
    from clients import sync_client

    def begin() -> Service:
        service = Service(tmp_path / "data", {})
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        return service

    service = begin()
    try:
        with sync_client() as client:
            agent = client.create_agent({"model": "scripted", "tools": [tool(ledger)]})
            thread = client.threads.create()
            client.messages.create(thread.id, role="user", content="which key")
            body = {"assistant_id": agent.id, "tool_resources": resources(headers={"X-Key": "k3y"})}
            run = client.runs.create(thread.id, body)
            while run.status != "requires_action":
                run = client.runs.get(thread.id, run.id)
        service.kill()
        service = begin()
        with sync_client() as client:
            approvals = [approval(call) for call in calls_of(client.runs.get(thread.id, run.id))]
            run = client.runs.submit_tool_outputs(thread.id, run.id, tool_approvals=approvals)
            while run.status != "completed":
                run = client.runs.get(thread.id, run.id)
            words = client.messages.get_last_message_text_by_role(thread.id, "assistant")
            assert words.text.value == "Told: the key is k3y."
    finally:
        service.kill()
