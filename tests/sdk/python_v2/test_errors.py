"""What is refused, and how the clients hear of it."""

import pytest
from azure.ai.projects import AIProjectClient
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import DefaultAzureCredential
from openai import BadRequestError, NotFoundError, PermissionDeniedError, RateLimitError

from projects import CAN_DISABLE, CAN_SHARE_TRAFFIC, ENDPOINT, HAS_ADDRESSES, IS_PREVIEW, beside, new_name

NOBODY = "0123456789abcdef00" + "x" * 32


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tools", [{"type": "function", "name": "f", "parameters": {}, "strict": False}]),
        ("instructions", "Be kind."),
        ("text", {"format": {"type": "text"}}),
        ("reasoning", {"effort": "low"}),
        ("tool_choice", "none"),
        ("model", "another"),
    ],
)
async def test_what_an_agent_says_itself_is_not_allowed_beside_it(sdk, agent, name, value):
    with pytest.raises(BadRequestError) as raised:
        await sdk.openai.responses.create(input="Hello", extra_body=beside(agent), **{name: value})
    error = raised.value
    assert (error.code, error.param, error.type) == ("invalid_payload", name, "invalid_request_error")
    assert error.body["message"] == "Not allowed when agent is specified."


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"input": []}, "input"),
        ({"input": "Hi", "tools": [{"type": "function"}]}, "tools[0].name"),
        ({"input": "Hi", "tool_choice": "sometimes"}, "tool_choice"),
        ({"input": "Hi", "tool_choice": {"type": "function", "name": "nobody"}}, "tool_choice"),
        ({"input": "Hi", "truncation": "middle"}, "truncation"),
        ({"input": "Hi", "text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
        ({"input": "Hi", "include": ["everything"]}, "include[0]"),
        ({"input": "Hi", "max_output_tokens": 0}, "max_output_tokens"),
        ({"input": "Hi", "top_logprobs": 21}, "top_logprobs"),
    ],
)
async def test_what_does_not_hold_together_is_refused_with_its_place(sdk, model, said, param):
    with pytest.raises(BadRequestError) as raised:
        await sdk.openai.responses.create(model=model, **said)
    error = raised.value
    assert (error.param, error.type) == (param, "invalid_request_error")
    assert error.body["additionalInfo"] == {"request_id": error.response.headers["x-request-id"]}


@pytest.mark.skipif(not CAN_DISABLE, reason="this generation can't disable an agent")
async def test_an_agent_that_is_disabled_answers_nothing_until_it_is_enabled(sdk, agent):
    await sdk.project.agents.disable(agent.name)
    ways = [(sdk.openai, {"extra_body": beside(agent)})]
    if HAS_ADDRESSES:
        ways.append((sdk.openai_of(agent.name), {}))
    for openai, said in ways:
        with pytest.raises(PermissionDeniedError) as raised:
            await openai.responses.create(input="Hello", **said)
        assert raised.value.code == "AgentDisabled"
    await sdk.project.agents.enable(agent.name)
    response = await sdk.openai.responses.create(input="Hello", extra_body=beside(agent))
    assert response.output_text


async def test_unknown_agents_and_versions_are_not_found(sdk, agent):
    with pytest.raises(NotFoundError):
        await sdk.openai.responses.create(input="Hello", extra_body=beside(agent, "99"))
    missing = type("Missing", (), {"name": "no-such-agent"})
    with pytest.raises(NotFoundError) as raised:
        await sdk.openai.responses.create(input="Hello", extra_body=beside(missing))
    assert raised.value.code == "not_found"


@pytest.mark.parametrize(
    "call",
    [
        lambda openai: openai.responses.retrieve(f"resp_{NOBODY}"),
        lambda openai: openai.responses.delete(f"resp_{NOBODY}"),
        lambda openai: openai.responses.input_items.list(f"resp_{NOBODY}"),
        lambda openai: openai.conversations.retrieve(f"conv_{NOBODY}"),
        lambda openai: openai.conversations.update(f"conv_{NOBODY}", metadata={}),
        lambda openai: openai.conversations.delete(f"conv_{NOBODY}"),
        lambda openai: openai.conversations.items.list(f"conv_{NOBODY}"),
        lambda openai: openai.conversations.items.retrieve(f"msg_{NOBODY}", conversation_id=f"conv_{NOBODY}"),
        lambda openai: openai.responses.create(input="Hello", model="offline", conversation=f"conv_{NOBODY}"),
    ],
)
async def test_what_does_not_exist_is_not_found(sdk, call):
    with pytest.raises(NotFoundError):
        await call(sdk.openai)


async def test_a_response_can_only_follow_one_that_exists(sdk, model):
    with pytest.raises(BadRequestError) as raised:
        await sdk.openai.responses.create(
            model=model, input="Hello", previous_response_id=f"resp_{NOBODY}"
        )
    error = raised.value
    assert (error.code, error.param) == ("previous_response_not_found", "previous_response_id")
    assert error.body["message"] == f"Previous response with id 'resp_{NOBODY}' not found."


async def test_a_chain_ends_where_a_response_was_deleted_and_goes_on_around_it(sdk):
    first = await sdk.openai.responses.create(model="scripted", input="how many do you see?")
    second = await sdk.openai.responses.create(
        model="scripted", input="Hello", previous_response_id=first.id
    )
    third = await sdk.openai.responses.create(
        model="scripted", input="Hello", previous_response_id=second.id
    )
    await sdk.openai.responses.delete(second.id)
    with pytest.raises(BadRequestError) as raised:
        await sdk.openai.responses.create(
            model="scripted", input="Hello", previous_response_id=second.id
        )
    assert raised.value.code == "previous_response_not_found"
    response = await sdk.openai.responses.create(
        model="scripted", input="how many do you see?", previous_response_id=third.id
    )
    assert response.status == "completed"


async def test_a_response_follows_a_conversation_or_a_response_and_not_both(sdk, model, conversation):
    first = await sdk.openai.responses.create(model=model, input="Hello")
    with pytest.raises(BadRequestError):
        await sdk.openai.responses.create(
            model=model, input="Hello", conversation=conversation.id, previous_response_id=first.id
        )


async def test_a_response_needs_a_model_or_an_agent(sdk):
    with pytest.raises(BadRequestError) as raised:
        await sdk.openai.responses.create(input="Hello")
    assert raised.value.param == "model"


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({}, "missing_required_parameter", "structured_inputs.name"),
        ({"name": 7}, "invalid_value", "structured_inputs.name"),
        ({"name": "Ada", "nickname": "A"}, "invalid_value", "structured_inputs.nickname"),
        ("Ada", "invalid_type", "structured_inputs"),
    ],
    ids=["missing", "of another type", "not declared", "no object"],
)
async def test_a_structured_input_that_does_not_fit_is_named(sdk, model, given, code, param):
    inputs = {"name": {"required": True, "schema": {"type": "string"}}}
    definition = {
        "kind": "prompt",
        "model": model,
        "instructions": "Speak to {{name}}.",
        "structured_inputs": inputs,
    }
    async with sdk.agent(definition) as agent:
        with pytest.raises(BadRequestError) as raised:
            await sdk.openai.responses.create(
                input="Hello", extra_body=beside(agent) | {"structured_inputs": given}
            )
    assert (raised.value.code, raised.value.param) == (code, param)


@pytest.mark.parametrize(
    ("version", "fault"),
    [
        ({"definition": {"kind": "prompt"}}, "'definition.model'"),
        ({"definition": {"kind": "prompt", "model": "m", "tools": [{}]}}, "'definition.tools[0].type'"),
        ({"definition": {"kind": "robot"}}, "'robot'"),
        ({"definition": {"kind": "prompt", "model": "m"}, "description": "d" * 513}, "'description'"),
        ({"definition": {"kind": "prompt", "model": "m"}, "metadata": {"k" * 65: "v"}}, "'metadata key'"),
    ],
    ids=["no model", "a tool without a type", "unknown kind", "long description", "long key"],
)
async def test_what_is_wrong_with_a_version_is_named(sdk, version, fault):
    with pytest.raises(HttpResponseError) as raised:
        await sdk.project.agents.create_version(new_name(), **version)
    assert raised.value.status_code == 400
    assert fault in raised.value.message


WORKFLOW = {"kind": "workflow", "workflow": "kind: Workflow"}


@pytest.mark.skipif(IS_PREVIEW, reason="this generation does not ask for previews by name")
def test_a_workflow_is_created_by_those_who_ask_for_the_preview():
    with (
        DefaultAzureCredential() as credential,
        AIProjectClient(ENDPOINT, credential) as project,
        pytest.raises(HttpResponseError) as raised,
    ):
        project.agents.create_version(new_name(), definition=WORKFLOW)
    error = raised.value.model.error
    assert (error.code, error.param) == ("preview_feature_required", "Foundry-Features")
    assert raised.value.status_code == 403


async def test_a_workflow_is_kept_and_says_that_it_can_not_run(sdk):
    async with sdk.agent(WORKFLOW) as agent:
        kept = await sdk.project.agents.get_version(agent.name, agent.version)
        assert kept.definition.as_dict() == WORKFLOW
        with pytest.raises(BadRequestError) as raised:
            await sdk.openai.responses.create(input="Hello", extra_body=beside(agent))
    assert raised.value.code == "agent_kind_not_available"


@pytest.mark.skipif(not CAN_SHARE_TRAFFIC, reason="this generation can't share traffic between versions")
@pytest.mark.parametrize(
    ("shares", "status", "fault"),
    [({"7": 100}, 404, ":7' not found"), ({"1": 50}, 400, "100")],
    ids=["a version that is not there", "half of the traffic"],
)
async def test_traffic_that_would_go_nowhere_is_refused(sdk, agent, shares, status, fault):
    rules = [
        {"type": "FixedRatio", "agent_version": version, "traffic_percentage": percentage}
        for version, percentage in shares.items()
    ]
    with pytest.raises(HttpResponseError) as raised:
        await sdk.project.agents.update_details(
            agent.name, agent_endpoint={"version_selector": {"version_selection_rules": rules}}
        )
    assert raised.value.status_code == status
    assert fault in raised.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [("temperature", 3), ("top_p", 2), ("max_output_tokens", 0), ("metadata", {"k" * 65: "v"}), ("input", 7)],
)
async def test_a_value_that_can_not_be_meant_is_named(sdk, model, name, value):
    with pytest.raises(BadRequestError) as raised:
        await sdk.openai.responses.create(**({"model": model, "input": "Hello"} | {name: value}))
    assert raised.value.param.startswith(name)


async def test_a_model_that_wants_fewer_requests_is_an_error_of_its_own(sdk):
    with pytest.raises(RateLimitError) as raised:
        await sdk.openai.responses.create(model="scripted", input="too many requests")
    assert "fewer requests" in raised.value.message


async def test_a_tool_that_nobody_serves_is_kept_and_refused_when_it_would_run(sdk, model):
    tool = {"type": "tool_of_tomorrow", "setting": {"deep": [1]}}
    async with sdk.agent({"kind": "prompt", "model": model, "tools": [tool]}) as agent:
        kept = await sdk.project.agents.get_version(agent.name, agent.version)
        assert [dict(kept) for kept in kept.definition.as_dict()["tools"]] == [tool]
        with pytest.raises(BadRequestError) as raised:
            await sdk.openai.responses.create(input="Hello", extra_body=beside(agent))
    assert raised.value.code == "tool_not_available"


async def test_a_token_of_someone_else_is_refused(sdk):
    class Forger:
        def get_token(self, *scopes, **options):
            return AccessToken("forged", 4_000_000_000)

    with AIProjectClient(ENDPOINT, Forger()) as project:
        with pytest.raises(ClientAuthenticationError):
            list(project.agents.list())
