"""`mcp` in responses, against a real server: lists, calls, approvals, events, and servers that fail."""

import json

import pytest
from openai import APIStatusError, BadRequestError

from ledgers import LABEL, either_ledger, ledger  # noqa: F401
from projects import beside
from service import Service
from test_streams import assert_gapless, kinds, streamed

LISTED = [
    "response.output_item.added",
    "response.mcp_list_tools.in_progress",
    "response.mcp_list_tools.completed",
    "response.output_item.done",
]
CALLED = [
    "response.output_item.added",
    "response.mcp_call.in_progress",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.mcp_call.completed",
    "response.output_item.done",
]
TEXT = [
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
]
BEGIN = ["response.created", "response.in_progress"]


def tool(ledger, **settings) -> dict:
    """The server as a tool."""
    return {"type": "mcp", "server_label": LABEL, "server_url": ledger.url, **settings}


def types(response) -> list[str]:
    return [item.type for item in response.output]


def approval(request, approve: bool = True, **more) -> dict:
    return {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": approve, **more}


async def respond(sdk, input, ledger, settings=None, **more):
    tools = [tool(ledger, **(settings or {}))]
    return await sdk.openai.responses.create(model="scripted", input=input, tools=tools, **more)


async def test_a_tool_is_listed_called_and_told_over_both_transports(sdk, either_ledger):  # noqa: F811
    response = await respond(sdk, "what is on it", either_ledger, {"require_approval": "never"})
    assert types(response) == ["mcp_list_tools", "mcp_call", "message"]
    listed, call, message = response.output
    assert (listed.server_label, len(listed.tools)) == (LABEL, 5)
    balance = next(tool for tool in listed.tools if tool.name == "balance")
    assert balance.description == "Says what is on an account."
    assert balance.input_schema["required"] == ["account"]
    assert balance.annotations["readOnlyHint"] is True
    assert (call.name, call.server_label, call.status) == ("balance", LABEL, "completed")
    assert json.loads(call.arguments) == {"account": "savings"}
    assert (call.output, call.error) == ("savings holds 42", None)
    assert message.content[0].text == "Told: savings holds 42."
    again = await sdk.openai.responses.retrieve(response.id)
    assert again.output == response.output


async def test_the_events_of_a_call_come_in_order(sdk, ledger):  # noqa: F811
    tools = [tool(ledger, require_approval="never")]
    events = await streamed(sdk, model="scripted", input="what is on it", tools=tools)
    assert_gapless(events)
    assert kinds(events) == [*BEGIN, *LISTED, *CALLED, *TEXT, "response.completed"]
    [delta] = [event for event in events if event.type == "response.mcp_call_arguments.delta"]
    [done] = [event for event in events if event.type == "response.mcp_call_arguments.done"]
    assert delta.delta == done.arguments == '{"account":"savings"}'


async def test_a_call_waits_for_its_approval_and_is_made_once(sdk, ledger):  # noqa: F811
    first = await respond(sdk, "pay Ann", ledger)
    assert types(first) == ["mcp_list_tools", "mcp_approval_request"]
    request = first.output[1]
    assert (request.name, request.server_label) == ("transfer", LABEL)
    assert json.loads(request.arguments) == {"to": "Ann", "amount": 5}
    assert ledger.transfers == []

    second = await respond(sdk, [approval(request)], ledger, previous_response_id=first.id)
    assert types(second) == ["mcp_call", "message"]
    call, message = second.output
    assert (call.approval_request_id, call.output) == (request.id, "5 went to Ann")
    assert message.content[0].text == "Told: 5 went to Ann."
    assert ledger.transfers == ["5 to Ann"]

    with pytest.raises(BadRequestError, match="answered already"):
        await respond(sdk, [approval(request)], ledger, previous_response_id=first.id)
    with pytest.raises(BadRequestError, match="answered already"):
        await respond(sdk, [approval(request)], ledger, previous_response_id=second.id)
    assert ledger.transfers == ["5 to Ann"]


async def test_the_events_of_an_approval_come_in_order(sdk, ledger, conversation):  # noqa: F811
    tools = [tool(ledger)]
    asked = {"model": "scripted", "tools": tools, "conversation": conversation.id}
    events = await streamed(sdk, input="pay Ann", **asked)
    request = ["response.output_item.added", "response.output_item.done"]
    assert kinds(events) == [*BEGIN, *LISTED, *request, "response.completed"]
    events = await streamed(sdk, input=[approval(events[-1].response.output[1])], **asked)
    assert_gapless(events)
    assert kinds(events) == [*BEGIN, *CALLED, *TEXT, "response.completed"]
    items = [item.type async for item in sdk.openai.conversations.items.list(conversation.id, order="asc")]
    assert items == [
        "message",
        "mcp_list_tools",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "message",
    ]


async def test_a_denied_call_is_not_made_and_the_model_is_told(sdk, ledger):  # noqa: F811
    first = await respond(sdk, "pay Ann", ledger)
    denied = approval(first.output[1], approve=False, reason="too dear")
    second = await respond(sdk, [denied], ledger, previous_response_id=first.id)
    assert types(second) == ["message"]
    assert "did not approve" in second.output_text and "too dear" in second.output_text
    assert ledger.transfers == []


async def test_an_approval_that_nobody_asked_for_is_refused(sdk, ledger):  # noqa: F811
    first = await respond(sdk, "pay Ann", ledger)
    unknown = {"type": "mcp_approval_response", "approval_request_id": "mcpr_none", "approve": True}
    with pytest.raises(BadRequestError) as refused:
        await respond(sdk, [unknown], ledger, previous_response_id=first.id)
    assert (refused.value.param, refused.value.code) == ("input", "invalid_value")
    assert "mcpr_none" in refused.value.message
    twice = [approval(first.output[1]), approval(first.output[1], approve=False)]
    with pytest.raises(BadRequestError, match="more than once"):
        await respond(sdk, twice, ledger, previous_response_id=first.id)
    assert ledger.transfers == []


async def test_approvals_may_depend_on_the_tool(sdk, ledger):  # noqa: F811
    for rule in ({"never": {"tool_names": ["balance"]}}, {"never": {"read_only": True}}):
        free = await respond(sdk, "what is on it", ledger, {"require_approval": rule})
        assert types(free) == ["mcp_list_tools", "mcp_call", "message"]
        bound = await respond(sdk, "pay Ann", ledger, {"require_approval": rule})
        assert types(bound) == ["mcp_list_tools", "mcp_approval_request"]


async def test_only_allowed_tools_are_listed_and_offered(sdk, ledger):  # noqa: F811
    for allowed in (["balance"], {"tool_names": ["balance"]}, {"read_only": True}):
        settings = {"allowed_tools": allowed, "require_approval": "never"}
        response = await respond(sdk, "pay Ann", ledger, settings)
        assert [tool.name for tool in response.output[0].tools] == ["balance"]
        assert "mcp_call" not in types(response)
    assert ledger.transfers == []


async def test_tools_are_listed_once_in_a_conversation(sdk, ledger, conversation):  # noqa: F811
    settings = {"require_approval": "never"}
    first = await respond(sdk, "what is on it", ledger, settings, conversation=conversation.id)
    second = await respond(sdk, "what is on it", ledger, settings, conversation=conversation.id)
    assert types(first) == ["mcp_list_tools", "mcp_call", "message"]
    assert types(second) == ["mcp_call", "message"]


async def test_headers_reach_the_server_and_nobody_else(sdk, ledger):  # noqa: F811
    settings = {"headers": {"X-Key": "k3y-of-nobody"}, "require_approval": "never"}
    response = await respond(sdk, "which key", ledger, settings)
    assert response.output_text == "Told: the key is k3y-of-nobody."
    assert response.tools[0].headers == {"X-Key": "REDACTED"}
    stored = await sdk.openai.responses.retrieve(response.id)
    assert "k3y-of-nobody" not in json.dumps(stored.to_dict()["tools"])


async def test_an_agent_keeps_what_its_server_is_told(sdk, ledger, conversation):  # noqa: F811
    headers = {"X-Key": "k3y-of-the-agent"}
    tools = [tool(ledger, headers=headers, require_approval="never")]
    async with sdk.agent({"kind": "prompt", "model": "scripted", "tools": tools}) as agent:
        shown = await sdk.project.agents.get_version(agent.name, agent.version)
        assert "k3y-of-the-agent" not in json.dumps(shown.as_dict())
        asked = {"input": "which key", "extra_body": beside(agent), "conversation": conversation.id}
        response = await sdk.openai.responses.create(**asked)
        assert response.output_text == "Told: the key is k3y-of-the-agent."
        # What was read is sent back, as programs do that change something else.
        definition = shown.as_dict()["definition"] | {"instructions": "Be brief."}
        await sdk.project.agents.create_version(agent.name, definition=definition)
        response = await sdk.openai.responses.create(**asked)
        assert response.output_text == "Told: the key is k3y-of-the-agent."


async def test_a_connection_holds_what_a_server_is_told(sdk, ledger):  # noqa: F811
    credentials = {"type": "CustomKeys", "x-key": "k3y-of-the-connection"}
    connection = {"type": "CustomKeys", "target": ledger.url, "credentials": credentials}
    await sdk.put_connection("ledger", **connection)
    tools = {"type": "mcp", "server_label": LABEL, "project_connection_id": "ledger", "require_approval": "never"}
    response = await sdk.openai.responses.create(model="scripted", input="which key", tools=[tools])
    assert response.output_text == "Told: the key is k3y-of-the-connection."
    await sdk.delete_connection("ledger")


async def test_a_tool_that_fails_is_told_to_the_model(sdk, ledger):  # noqa: F811
    response = await respond(sdk, "let it fail", ledger, {"require_approval": "never"})
    call = response.output[1]
    assert (call.status, call.output) == ("failed", None)
    assert call.to_dict()["error"]["type"] == "mcp_tool_execution_error"
    assert "fail" in response.output_text


async def test_a_server_that_is_not_there_fails_the_response_with_the_truth(sdk, ledger):  # noqa: F811
    ledger.stop()
    with pytest.raises(APIStatusError) as refused:
        await respond(sdk, "what is on it", ledger)
    assert (refused.value.status_code, refused.value.code) == (424, "mcp_list_failed")
    assert LABEL in refused.value.message
    events = await streamed(sdk, model="scripted", input="what is on it", tools=[tool(ledger)])
    failed = [*LISTED[:2], "response.mcp_list_tools.failed", LISTED[3]]
    assert kinds(events) == [*BEGIN, *failed, "response.failed"]
    assert events[-1].response.output[0].error


async def test_a_server_that_has_gone_when_the_approval_comes_is_told_to_the_model(sdk, ledger):  # noqa: F811
    first = await respond(sdk, "pay Ann", ledger)
    ledger.stop()
    second = await respond(sdk, [approval(first.output[1])], ledger, previous_response_id=first.id)
    assert types(second) == ["mcp_call", "message"]
    assert second.output[0].status == "failed"
    assert "The call failed" in second.output_text


async def test_a_call_that_hangs_can_be_cancelled(sdk, ledger):  # noqa: F811
    settings = {"require_approval": "never"}
    response = await respond(sdk, "let it hang", ledger, settings, background=True)
    while "mcp_call" not in [event.item.type async for event in began(sdk, response)]:
        pass
    cancelled = await sdk.openai.responses.cancel(response.id)
    assert cancelled.status in ("cancelled", "in_progress")
    while cancelled.status != "cancelled":
        cancelled = await sdk.openai.responses.retrieve(response.id)
    assert cancelled.output[1].status == "incomplete"


async def began(sdk, response):
    """The items that have begun, until there is a call."""
    stream = await sdk.openai.responses.retrieve(response.id, stream=True)
    async for event in stream:
        if event.type == "response.output_item.added":
            yield event
            if event.item.type == "mcp_call":
                return


def test_an_approval_outlives_a_restart_of_the_service(tmp_path, monkeypatch, ledger):  # noqa: F811
    from azure.ai.projects import AIProjectClient
    from azure.identity import DefaultAzureCredential

    def ask(service, **request):
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        endpoint = service.environment()["PROJECT_ENDPOINT"]
        with DefaultAzureCredential() as credential, AIProjectClient(endpoint, credential) as project:
            with project.get_openai_client(max_retries=0) as openai:
                tools = [tool(ledger, headers={"X-Key": "k3y"})]
                return openai.responses.create(model="scripted", tools=tools, **request)

    service = Service(tmp_path / "data", {})
    try:
        first = ask(service, input="pay Ann")
        service.kill()
        service = Service(tmp_path / "data", {})
        second = ask(service, input=[approval(first.output[1])], previous_response_id=first.id)
        assert second.output_text == "Told: 5 went to Ann."
        assert ledger.transfers == ["5 to Ann"]
    finally:
        service.kill()
