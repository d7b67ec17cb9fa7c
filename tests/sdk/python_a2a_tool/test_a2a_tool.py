"""`a2a_preview` and `a2a`: an agent of the service asks a real agent elsewhere, and one of the service itself."""

import os

import httpx
import pytest
from a2a_names import NAME, QUESTION
from azure.ai.projects.models import A2APreviewTool, A2ATool, PromptAgentDefinition
from azure.identity import DefaultAzureCredential

from office import FORECAST

SAID = "".join(FORECAST)


def tool_of(kind, url: str):
    """The tool of that kind, under the name that the script goes by."""
    options = {"a2a_version": "1.0"} if kind is A2ATool else {}
    tool = kind(base_url=url, **options)
    tool["name"] = NAME
    return tool


@pytest.fixture(params=[A2APreviewTool, A2ATool])
def tool(request, office):
    return tool_of(request.param, office)


@pytest.fixture
def agent(project, tool):
    """An agent that asks the weather office."""
    definition = PromptAgentDefinition(model="scripted", tools=[tool])
    agent = project.agents.create_version("front-desk", definition=definition)
    yield {"agent_reference": {"type": "agent_reference", "name": agent.name}}
    project.agents.delete("front-desk")


def test_a_real_agent_answers_and_the_model_goes_on(project, agent):
    with project.get_openai_client() as openai:
        response = openai.responses.create(input=QUESTION, extra_body=agent)
    assert response.status == "completed", response.error
    kinds = [item.type for item in response.output]
    assert kinds == ["a2a_preview_call", "a2a_preview_call_output", "message"]
    call, output, _ = response.output
    assert (call.name, output.name, output.call_id) == (NAME, NAME, call.call_id)
    assert "tomorrow" in call.arguments
    assert (call.status, output.status, output.output) == ("completed", "completed", SAID)
    assert response.output_text == f"The office says: {SAID}"


def test_a_stream_shows_the_call_and_then_its_output(project, agent):
    with project.get_openai_client() as openai:
        with openai.responses.create(input=QUESTION, stream=True, extra_body=agent) as events:
            events = list(events)
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert [item.type for item in done] == ["a2a_preview_call", "a2a_preview_call_output", "message"]
    assert done[1].output == SAID
    added = [event.item.type for event in events if event.type == "response.output_item.added"]
    assert added == [item.type for item in done]
    assert events[-1].type == "response.completed"


def test_an_agent_of_the_service_is_asked_the_same_way(project):
    project.agents.create_version(
        "weather", definition=PromptAgentDefinition(model="scripted", instructions="You know the weather.")
    )
    base = os.environ["FOUNDRY_PROJECT_ENDPOINT"]
    with DefaultAzureCredential() as credential:
        token = credential.get_token("https://ai.azure.com/.default").token
    endpoint = {"agent_endpoint": {"protocols": ["responses", "a2a"]}, "agent_card": {"version": "1.0"}}
    headers = {"Authorization": f"Bearer {token}"}
    changed = httpx.patch(f"{base}/agents/weather?api-version=v1", json=endpoint, headers=headers)
    changed.raise_for_status()
    tool = tool_of(A2APreviewTool, f"{base}/agents/weather/endpoint/protocols/a2a")
    project.agents.create_version(
        "front-desk", definition=PromptAgentDefinition(model="scripted", tools=[tool])
    )
    agent = {"agent_reference": {"type": "agent_reference", "name": "front-desk"}}
    with project.get_openai_client() as openai:
        response = openai.responses.create(input=QUESTION, extra_body=agent)
    assert response.output[1].output == "Rain, as always."
    assert response.output_text == "The office says: Rain, as always."
    for name in ("front-desk", "weather"):
        project.agents.delete(name)
