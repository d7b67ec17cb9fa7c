"""The flows of `azure-ai-projects` 2.0.0b3, and of the scripts of its time."""

import asyncio
import time
from uuid import uuid4

import pytest
from azure.ai.projects.models import (
    AgentProtocol,
    ImageBasedHostedAgentDefinition,
    ProtocolVersionRecord,
)
from azure.core.exceptions import ResourceNotFoundError

from awaited import collect
from projects import beside, new_name

PROTOCOLS = [ProtocolVersionRecord(protocol=AgentProtocol.RESPONSES, version="v1")]


async def made(sdk, name: str, image: str, **more):
    """A version of this image once it has settled, and what was said of it at first."""
    definition = ImageBasedHostedAgentDefinition(container_protocol_versions=PROTOCOLS, image=image, **more)
    created = await sdk.project.agents.create_version(agent_name=name, definition=definition)
    version = created
    while version["state"] == "creating":
        await asyncio.sleep(0.05)
        version = await sdk.project.agents.get_version(agent_name=name, agent_version=version.version)
    return created, version


async def test_the_sample_of_hosted_agents_runs_to_its_end(sdk, images):
    name = new_name()
    tools = [{"type": "code_interpreter"}, {"type": "mcp", "server_label": "l", "server_url": "https://x"}]
    created, version = await made(
        sdk,
        name,
        images.official("conversing"),
        cpu="1",
        memory="2Gi",
        tools=tools,
        environment_variables={"COLOUR": "blue"},
    )
    assert (created["state"], created.id, created.version) == ("creating", f"{name}:1", "1")
    assert (version["state"], version["status"]) == ("active", "active"), version.get("error")
    assert version.definition["container_protocol_versions"][0]["version"] == "v1"
    assert version.definition["tools"] == tools
    versions = await collect(sdk.project.agents.list_versions(agent_name=name))
    assert [listed.version for listed in versions] == ["1"]

    response = await sdk.openai.responses.create(input="tell COLOUR", extra_body=beside(version))
    assert response.output_text == "blue"
    conversation = await sdk.openai.conversations.create()
    for number, text in enumerate(["one", "two"]):
        response = await sdk.openai.responses.create(
            input=text, conversation=conversation.id, extra_body=beside(version)
        )
        assert response.output_text == f"{2 * number} before. Echo: {text}"
    items = await collect(sdk.openai.conversations.items.list(conversation.id))
    assert len(items) == 4

    # Its sandboxes still run; a client of that time knows no `force`.
    deleted = await sdk.project.agents.delete_version(agent_name=name, agent_version=version.version)
    assert deleted.deleted
    with pytest.raises(ResourceNotFoundError):
        await sdk.project.agents.get_version(agent_name=name, agent_version=version.version)


@pytest.fixture(scope="module")
def first(hosting, images):
    """An agent on the package of that time."""
    return hosting.active("first", images.first_official("first"), responses="v1")


@pytest.fixture(scope="module")
def room(first) -> dict:
    """The extra body that names one session for all tests: the package takes seconds to be imported."""
    return beside(first) | {"agent_session_id": f"first-{uuid4().hex}"}


async def test_a_container_of_that_time_answers(sdk, room, first):
    response = await sdk.openai.responses.create(input="Hi there", extra_body=room)
    assert (response.status, response.output_text) == ("completed", "0 before. Echo: Hi there")
    assert response.to_dict()["agent"]["name"] == first.name


async def test_a_container_of_that_time_streams_what_it_likes(sdk, room):
    stream = await sdk.openai.responses.create(input="one two", stream=True, extra_body=room)
    events = [event async for event in stream]
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert deltas == ["0", " before.", " Echo:", " one", " two"]
    # What is sparse stays sparse: nothing is added on the way.
    assert (events[0].type, events[0].response.output) == ("response.created", [])
    assert events[-1].response.output_text == "0 before. Echo: one two"


@pytest.mark.parametrize("streams", [False, True], ids=["at once", "as a stream"])
async def test_a_container_of_that_time_keeps_the_conversation_itself(sdk, room, streams):
    conversation = await sdk.openai.conversations.create()
    for number, text in enumerate(["one", "two"]):
        asked = {"input": text, "conversation": conversation.id, "extra_body": room}
        if streams:
            stream = await sdk.openai.responses.create(stream=True, **asked)
            response = [event async for event in stream][-1].response
        else:
            response = await sdk.openai.responses.create(**asked)
        assert response.output_text == f"{2 * number} before. Echo: {text}"
    items = await collect(sdk.openai.conversations.items.list(conversation.id, order="asc"))
    texts = [item.content[0].text for item in items]
    assert texts == ["one", "0 before. Echo: one", "two", "2 before. Echo: two"]


async def test_what_was_left_out_is_what_is_understood(sdk, images):
    name = new_name()
    _, version = await made(sdk, name, images.smallest())
    assert (version.definition["cpu"], version.definition["memory"]) == ("1", "2Gi")
    await sdk.project.agents.delete(agent_name=name)


async def test_an_image_that_is_not_there_fails_the_version(sdk, images):
    name = new_name()
    _, version = await made(sdk, name, f"{images.registry}/agents/nothing-here:1")
    assert (version["state"], version["error"]["code"]) == ("failed", "ImagePullBackOff")
    await sdk.project.agents.delete(agent_name=name)


async def test_a_protocol_of_another_generation_is_refused(sdk, images):
    from azure.core.exceptions import HttpResponseError

    protocols = [ProtocolVersionRecord(protocol=AgentProtocol.RESPONSES, version="v9")]
    definition = ImageBasedHostedAgentDefinition(
        container_protocol_versions=protocols, image=images.smallest(), cpu="1", memory="2Gi"
    )
    with pytest.raises(HttpResponseError) as refused:
        await sdk.project.agents.create_version(agent_name=new_name(), definition=definition)
    assert refused.value.error.code == "ProtocolVersionNotSupported"


@pytest.fixture
def container(rest, hosting, images):
    """The container of a version, as scripts address it, and the operations that they wait for."""
    with hosting.agent(images.official("conversing"), responses="v1") as agent:
        yield Container(rest, agent)


class Container:
    def __init__(self, rest, agent):
        self.rest, self.agent = rest, agent
        self.path = f"agents/{agent.name}/versions/{agent.version}/containers/default"
        self.version = {"api-version": "2025-11-15-preview"}

    def __call__(self, verb: str, **body) -> dict:
        """Begins an operation and waits until it is over."""
        begun = self.rest("POST", f"{self.path}:{verb}", json=body, params=self.version)
        assert begun.status_code == 202, begun.text
        operation = begun.json()
        assert begun.headers["operation-location"].split("?")[0].endswith(operation["id"])
        path = f"agents/{self.agent.name}/operations/{operation['id']}"
        while operation["status"] in ("NotStarted", "InProgress"):
            time.sleep(0.05)
            operation = self.rest("GET", path, params=self.version).json()
        assert operation["status"] == "Succeeded", operation
        return operation

    def shown(self):
        return self.rest("GET", self.path, params=self.version)

    def log(self, **query) -> str:
        query = self.version | {"kind": "console", "follow": "false"} | query
        answer = self.rest("GET", f"{self.path}:logstream", params=query)
        assert answer.headers["content-type"].startswith("text/plain")
        return answer.text


def test_a_container_is_started_used_changed_stopped_and_deleted(container):
    operation = container("start", min_replicas=1, max_replicas=2)
    shown = container.shown().json()
    assert (shown["object"], shown["status"]) == ("agent.container", "Running")
    assert (shown["min_replicas"], shown["max_replicas"]) == (1, 2)
    assert operation["container"]["id"] == shown["id"]
    body = {"input": "Hi", "agent": {"type": "agent_reference", "name": container.agent.name}}
    answer = container.rest("POST", "openai/responses", json=body, params=container.version)
    assert answer.json()["output"][0]["content"][0]["text"] == "0 before. Echo: Hi"
    assert container.log()

    container("update", min_replicas=2, max_replicas=2)
    assert container.shown().json()["min_replicas"] == 2
    container("stop")
    assert container.shown().json()["status"] == "Stopped"
    # It is stopped already.
    container("stop")
    container("delete")
    assert container.shown().status_code == 404
    operations = container.rest("GET", f"{container.path}/operations", params=container.version).json()
    assert len(operations["data"]) == 5
