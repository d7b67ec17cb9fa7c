"""`azure_function` in runs: a function that is called over queues, with a connection to their account."""

import os

import pytest
from azure.core.rest import HttpRequest

from awaited import collect
from azure_functions import AZURITE, FunctionApp
from test_file_search import heard
from waiting import POLL

pytestmark = pytest.mark.skipif(not AZURITE, reason="AZURITE_QUEUE names no Azurite; cargo xtask test sets it")
QUESTION = "What does the function say about Oslo?"


@pytest.fixture(scope="module")
def app():
    """The function and its queues."""
    app = FunctionApp()
    yield app
    app.close()


async def forecaster(sdk, app):
    """An agent with the function, in a project with a connection to the account."""
    body = {
        "type": "AzureStorageQueue",
        "target": app.endpoint,
        "credentials": {"type": "CustomKeys", "AzureWebJobsStorage": app.connection_string},
    }
    request = HttpRequest("PUT", f"{os.environ['PROJECT_ENDPOINT']}/connections/queues", json=body)
    (await sdk.agents.send_request(request)).raise_for_status()
    tool = {"type": "azure_function", "azure_function": app.definition()}
    return await sdk.agents.create_agent(model="scripted", tools=[tool])


async def test_a_function_is_called_over_its_queues(sdk, thread, app):
    agent = await forecaster(sdk, app)
    await sdk.agents.messages.create(thread.id, role="user", content=QUESTION)
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status == "completed", run.last_error
    [answer] = await collect(sdk.agents.messages.list(thread.id, run_id=run.id))
    assert answer.content[0].text.value == "The function says: sunny in Oslo"
    assert app.asked[-1]["location"] == "Oslo"
    steps = await collect(sdk.agents.run_steps.list(thread.id, run.id))
    [step] = [step for step in steps if step.type == "tool_calls"]
    [call] = step.step_details.tool_calls
    assert (call.type, call["azure_function"]["name"]) == ("azure_function", "GetWeather")
    assert call["azure_function"]["output"] == "sunny in Oslo"
    await sdk.agents.delete_agent(agent.id)


async def test_a_call_of_a_function_is_streamed(sdk, thread, app):
    agent = await forecaster(sdk, app)
    await sdk.agents.messages.create(thread.id, role="user", content=QUESTION)
    events = await heard(await sdk.agents.runs.stream(thread.id, agent_id=agent.id))
    kinds = [kind for kind, _, _ in events]
    [call] = events[kinds.index("thread.run.step.delta")][1].delta.step_details.tool_calls
    assert call.type == "azure_function"
    assert kinds[-2:] == ["thread.run.completed", "done"]
    await sdk.agents.delete_agent(agent.id)
