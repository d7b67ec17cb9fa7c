"""Versions of hosted agents, from their creation to their end."""

import asyncio

import pytest
from azure.ai.projects import models
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from awaited import collect
from projects import new_name

INVOCATIONS = [models.ProtocolVersionRecord(protocol="invocations", version="1.0.0")]


@pytest.fixture
def definition(images):
    """The definition of a small agent; more may be said."""

    def make(**more):
        container = models.ContainerConfiguration(image=images.smallest())
        said = {"cpu": "1", "memory": "1Gi", "protocol_versions": INVOCATIONS} | more
        return models.HostedAgentDefinition(container_configuration=container, **said)

    return make


async def settled(sdk, version):
    while version.status == "creating":
        await asyncio.sleep(0.05)
        version = await sdk.project.agents.get_version(version.name, version.version)
    return version


async def test_a_version_of_an_image_becomes_active(sdk, definition):
    name = new_name()
    created = await sdk.project.agents.create_version(name, definition=definition(), description="small")
    assert (created.status, created.version, created.description) == ("creating", "1", "small")
    version = await settled(sdk, created)
    assert (version.status, version["state"], version.id) == ("active", "active", f"{name}:1")
    assert version.definition.container_configuration.image == definition().container_configuration.image
    assert [entry["protocol"] for entry in version.definition.protocol_versions] == ["invocations"]
    agent = await sdk.project.agents.get(name)
    assert agent.versions.latest.version == "1"
    await sdk.project.agents.delete(name)
    with pytest.raises(ResourceNotFoundError):
        await sdk.project.agents.get(name)


async def test_only_what_has_changed_is_a_new_version(sdk, definition):
    name = new_name()
    first = await settled(sdk, await sdk.project.agents.create_version(name, definition=definition()))
    same = await sdk.project.agents.create_version(name, definition=definition())
    assert (same.version, same.status) == (first.version, "active")
    changed = definition(environment_variables={"COLOUR": "blue"})
    second = await settled(sdk, await sdk.project.agents.create_version(name, definition=changed))
    assert second.version == "2"
    versions = await collect(sdk.project.agents.list_versions(name, order="asc"))
    assert [version.version for version in versions] == ["1", "2"]
    await sdk.project.agents.delete_version(name, "1")
    with pytest.raises(ResourceNotFoundError):
        await sdk.project.agents.get_version(name, "1")
    await sdk.project.agents.delete(name)


async def test_what_was_left_out_is_what_is_understood(sdk, images):
    name = new_name()
    body = {"definition": {"kind": "hosted", "image": images.smallest()}}
    version = await settled(sdk, await sdk.project.agents.create_version(name, body))
    assert (version.definition["cpu"], version.definition["memory"]) == ("1", "2Gi")
    await sdk.project.agents.delete(name)


async def test_a_version_with_a_session_that_runs_is_deleted_by_force_alone(sdk, definition):
    name = new_name()
    agents = sdk.project.agents
    version = await settled(sdk, await agents.create_version(name, definition=definition()))
    indicator = models.VersionRefIndicator(agent_version=version.version)
    session = await agents.create_session(name, version_indicator=indicator)
    for deletion in (agents.delete_version(name, version.version), agents.delete(name)):
        with pytest.raises(ResourceExistsError, match="active sessions"):
            await deletion
    assert (await agents.get_session(name, session.agent_session_id)).status == "active"
    deleted = await agents.delete_version(name, version.version, force=True)
    assert deleted.deleted
    with pytest.raises(ResourceNotFoundError):
        await agents.get_session(name, session.agent_session_id)


async def test_an_agent_with_a_session_that_sleeps_is_deleted(sdk, definition):
    name = new_name()
    agents = sdk.project.agents
    version = await settled(sdk, await agents.create_version(name, definition=definition()))
    indicator = models.VersionRefIndicator(agent_version=version.version)
    session = await agents.create_session(name, version_indicator=indicator)
    await agents.stop_session(name, session.agent_session_id)
    assert (await agents.delete(name)).deleted
