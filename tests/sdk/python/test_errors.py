"""Errors: the SDK's own exception for each kind, with the words that existing programs know."""

import os
import time

import pytest
from azure.ai.agents import AgentsClient
from azure.ai.agents.aio import AgentsClient as AsyncAgentsClient
from azure.ai.agents.models import ToolOutput
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError

from awaited import collect
from clients import sync_client
from functions import definitions, get_weather
from waiting import POLL, waiting_for_outputs

NOBODY = "0123456789abcdefghijABCD"


def said(raised: pytest.ExceptionInfo) -> tuple[int, str]:
    """The status and the service's own words."""
    error = raised.value.response.json()["error"]
    return raised.value.status_code, error["message"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda sdk: sdk.agents.get_agent(f"asst_{NOBODY}"), f"No assistant found with id 'asst_{NOBODY}'."),
        (
            lambda sdk: sdk.agents.update_agent(f"asst_{NOBODY}", name="n"),
            f"No assistant found with id 'asst_{NOBODY}'.",
        ),
        (
            lambda sdk: sdk.agents.delete_agent(f"asst_{NOBODY}"),
            f"No assistant found with id 'asst_{NOBODY}'.",
        ),
        (
            lambda sdk: sdk.agents.threads.get(f"thread_{NOBODY}"),
            f"No thread found with id 'thread_{NOBODY}'.",
        ),
        (
            lambda sdk: sdk.agents.messages.create(f"thread_{NOBODY}", role="user", content="Hello"),
            f"No thread found with id 'thread_{NOBODY}'.",
        ),
        (
            lambda sdk: collect(sdk.agents.runs.list(f"thread_{NOBODY}")),
            f"No thread found with id 'thread_{NOBODY}'.",
        ),
    ],
)
async def test_what_does_not_exist_is_not_found(sdk, call, words):
    with pytest.raises(ResourceNotFoundError) as raised:
        await call(sdk)
    assert said(raised) == (404, words)


async def test_what_is_not_in_a_thread_is_not_found(sdk, thread):
    with pytest.raises(ResourceNotFoundError) as raised:
        await sdk.agents.runs.get(thread.id, f"run_{NOBODY}")
    assert said(raised) == (404, f"No run found with id 'run_{NOBODY}'.")
    with pytest.raises(ResourceNotFoundError) as raised:
        await sdk.agents.messages.get(thread.id, f"msg_{NOBODY}")
    assert said(raised) == (404, f"No message found with id 'msg_{NOBODY}'.")


async def test_a_message_is_not_found_in_another_thread(sdk, thread):
    message = await sdk.agents.messages.create(thread.id, role="user", content="Hello")
    other = await sdk.agents.threads.create()
    with pytest.raises(ResourceNotFoundError):
        await sdk.agents.messages.get(other.id, message.id)


async def test_a_run_needs_an_agent_that_exists(sdk, thread):
    with pytest.raises(ResourceNotFoundError) as raised:
        await sdk.agents.runs.create(thread.id, agent_id=f"asst_{NOBODY}")
    assert said(raised) == (404, f"No assistant found with id 'asst_{NOBODY}'.")


async def test_a_thread_with_an_active_run_takes_neither_messages_nor_runs(sdk, thread, model):
    agent = await sdk.agents.create_agent(model=model, tools=definitions(get_weather))
    await sdk.agents.messages.create(thread.id, role="user", content="How is the weather in Oslo?")
    run, _ = await waiting_for_outputs(sdk, agent, thread)
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.messages.create(thread.id, role="user", content="And now?")
    words = f"Can't add messages to {thread.id} while a run {run.id} is active."
    assert said(raised) == (400, words)
    assert raised.value.model.error.type == "invalid_request_error"
    assert str(raised.value).startswith(f"(None) {words}")
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.runs.create(thread.id, agent_id=agent.id)
    assert said(raised) == (400, f"Thread {thread.id} already has an active run {run.id}.")
    await sdk.agents.runs.cancel(thread.id, run.id)


async def test_a_run_that_is_over_takes_no_outputs_and_cannot_be_cancelled(sdk, agent, thread):
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    outputs = [ToolOutput(tool_call_id="call_0", output="late")]
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.runs.submit_tool_outputs(thread.id, run.id, tool_outputs=outputs)
    assert said(raised) == (400, 'Runs in status "completed" do not accept tool outputs.')
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.runs.cancel(thread.id, run.id)
    assert said(raised) == (400, "Cannot cancel run with status 'completed'.")


async def test_outputs_have_to_answer_the_calls(sdk, thread, model):
    agent = await sdk.agents.create_agent(model=model, tools=definitions(get_weather))
    await sdk.agents.messages.create(thread.id, role="user", content="How is the weather in Oslo?")
    run, (call,) = await waiting_for_outputs(sdk, agent, thread)
    outputs = [ToolOutput(tool_call_id="call_of_someone_else", output="sunny")]
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.runs.submit_tool_outputs(thread.id, run.id, tool_outputs=outputs)
    words = f"Expected tool outputs for call_ids ['{call.id}'], got ['call_of_someone_else']"
    assert said(raised) == (400, words)
    assert (await sdk.agents.runs.get(thread.id, run.id)).status == "requires_action", "it still waits"
    await sdk.agents.runs.cancel(thread.id, run.id)


async def test_a_missing_parameter_is_named(sdk):
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.create_agent({"name": "without a model"})
    assert said(raised) == (400, "Missing required parameter: 'model'.")
    error = raised.value.model.error
    assert (error.code, error.param) == ("missing_required_parameter", "model")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"temperature": "warm"}, "temperature"),
        ({"metadata": ["not", "a", "map"]}, "metadata"),
        (
            {"tools": [{"type": "function", "function": {"name": 7, "parameters": {}}}]},
            "tools[0].function.name",
        ),
    ],
)
async def test_a_wrong_type_is_named_by_its_path(sdk, model, body, path):
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.create_agent({"model": model} | body)
    status, words = said(raised)
    assert status == 400
    assert path in words
    assert raised.value.model.error.param == path


@pytest.mark.parametrize(
    "body",
    [
        {"name": "n" * 257},
        {"description": "d" * 513},
        {"instructions": "i" * 256_001},
        {"metadata": {f"key{n}": "value" for n in range(17)}},
        {"metadata": {"k" * 65: "value"}},
        {"metadata": {"key": "v" * 513}},
        {
            "tools": [
                {"type": "function", "function": {"name": f"f{n}", "parameters": {}}} for n in range(129)
            ]
        },
        {"temperature": 2.5},
        {"top_p": -0.5},
    ],
    ids=lambda body: next(iter(body)),
)
async def test_what_is_over_a_limit_is_refused(sdk, model, body):
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.create_agent({"model": model} | body)
    status, words = said(raised)
    assert status == 400
    assert next(iter(body)) in words


async def test_a_text_over_the_limit_is_refused(sdk, thread):
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.messages.create(thread.id, role="user", content="x" * 1_500_001)
    status, words = said(raised)
    assert (status, raised.value.model.error.param) == (400, "content")
    assert "1500000" in words


async def test_a_body_over_the_limit_is_refused_and_the_client_hears_of_it(sdk, thread):
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.messages.create(thread.id, role="user", content="x" * (40 * 1024 * 1024))
    status, words = said(raised)
    assert status == 413
    assert "limits.max_body_bytes" in words


def test_an_unknown_project_is_not_found(monkeypatch):
    endpoint, _, _ = os.environ["PROJECT_ENDPOINT"].rpartition("/")
    monkeypatch.setenv("PROJECT_ENDPOINT", f"{endpoint}/no-such-project")
    with sync_client() as client, pytest.raises(ResourceNotFoundError):
        client.threads.create()


class Forger:
    """A credential whose tokens no service ever signed."""

    def get_token(self, *scopes, **options) -> AccessToken:
        return AccessToken("forged", int(time.time()) + 3600)


def test_a_token_of_someone_else_is_refused():
    endpoint = os.environ["PROJECT_ENDPOINT"]
    with AgentsClient(endpoint, Forger()) as client, pytest.raises(ClientAuthenticationError) as raised:
        client.threads.create()
    status, words = said(raised)
    assert status == 401
    assert words


async def test_a_token_of_someone_else_is_refused_to_the_async_client():
    class AsyncForger:
        async def get_token(self, *scopes, **options) -> AccessToken:
            return Forger().get_token()

        async def close(self):
            pass

    async with AsyncAgentsClient(os.environ["PROJECT_ENDPOINT"], AsyncForger()) as client:
        with pytest.raises(ClientAuthenticationError) as raised:
            await client.threads.create()
    assert said(raised)[0] == 401
