"""What an agent has beside its versions: drafts, a card, an endpoint; and the older way to create one."""

import inspect

import pytest
from azure.ai.projects.operations import AgentsOperations
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from awaited import collect
from projects import CAN_DISABLE, CAN_SHARE_TRAFFIC, beside, new_name

HAS_THE_OLDER_WAY = hasattr(AgentsOperations, "create")
HAS_DRAFTS = "include_drafts" in inspect.signature(AgentsOperations.list_versions).parameters


def prompt(model: str, instructions: str) -> dict:
    return {"kind": "prompt", "model": model, "instructions": instructions}


@pytest.mark.skipif(not HAS_THE_OLDER_WAY, reason="this generation creates versions alone")
async def test_the_older_way_creates_an_agent_and_adds_a_version_where_something_changed(sdk, model):
    name = new_name()
    agents = sdk.project.agents
    created = await agents.create(name=name, definition=prompt(model, "One."), description="The first.")
    assert (created.id, created.versions["latest"]["version"]) == (name, "1")
    with pytest.raises(ResourceExistsError):
        await agents.create(name=name, definition=prompt(model, "Two."))
    described = {"description": "The first."}
    same = await agents.update(name, definition=prompt(model, "One."), **described)
    assert same.versions["latest"]["version"] == "1"
    changed = await agents.update(name, definition=prompt(model, "Two."), **described)
    assert changed.versions["latest"]["version"] == "2"
    await agents.delete(name)
    with pytest.raises(ResourceNotFoundError):
        await agents.update(name, definition=prompt(model, "Three."))


@pytest.mark.skipif(not HAS_DRAFTS, reason="this generation has no drafts")
async def test_a_draft_is_tried_by_its_number_and_never_becomes_the_latest(sdk, model):
    name = new_name()
    agents = sdk.project.agents
    await agents.create_version(name, definition=prompt(model, "One."))
    draft = await agents.create_version(name, definition=prompt(model, "Try."), draft=True)
    assert (draft.draft, (await agents.get(name)).versions.latest.version) == (True, "1")
    assert [found.version for found in await collect(agents.list_versions(name))] == ["1"]
    everything = await collect(agents.list_versions(name, include_drafts=True))
    assert [found.version for found in everything] == [draft.version, "1"]
    tried = await sdk.openai.responses.create(input="Hello", extra_body=beside(draft, draft.version))
    released = await sdk.openai.responses.create(input="Hello", extra_body=beside(draft))
    assert [tried.instructions, released.instructions] == ["Try.", "One."]
    await agents.delete(name)


@pytest.mark.skipif(not CAN_SHARE_TRAFFIC, reason="this generation has no details to update")
async def test_a_card_and_an_endpoint_are_merged_into_an_agent(sdk, agent):
    update = sdk.project.agents.update_details
    card = {"version": "1.0", "description": "Knows the weather.", "skills": []}
    await update(agent.name, agent_card=card)
    endpoint = {"authorization_schemes": [{"type": "Entra"}], "protocol_configuration": {"responses": {}}}
    updated = await update(agent.name, agent_endpoint=endpoint)
    seen = await sdk.project.agents.get(agent.name)
    assert seen == updated
    assert (seen.agent_card.version, seen.agent_card.description) == ("1.0", "Knows the weather.")
    assert [scheme.type for scheme in seen.agent_endpoint.authorization_schemes] == ["Entra"]
    assert seen.agent_endpoint.protocol_configuration.responses is not None
    await update(agent.name, body={"agent_card": None})
    assert (await sdk.project.agents.get(agent.name)).agent_card is None


async def test_agents_are_listed_by_their_kind(sdk, agent):
    hosted = await sdk.project.agents.create_version(
        new_name(), definition={"kind": "hosted", "image": "registry.invalid/image:1"}
    )
    for kind, expected in [("prompt", [agent.name]), ("hosted", [hosted.name])]:
        names = [found.name for found in await collect(sdk.project.agents.list(kind=kind))]
        assert [name for name in names if name in (agent.name, hosted.name)] == expected
    await sdk.project.agents.delete(hosted.name)


@pytest.mark.skipif(not CAN_DISABLE, reason="this generation can't force a deletion")
async def test_a_deletion_may_be_forced(sdk, model):
    name = new_name()
    for _ in range(2):
        await sdk.project.agents.create_version(name, definition=prompt(model, "Be kind."))
    assert (await sdk.project.agents.delete_version(name, "1", force=True)).deleted is True
    assert (await sdk.project.agents.delete(name, force=True)).deleted is True
    with pytest.raises(ResourceNotFoundError):
        await sdk.project.agents.delete(name, force=True)


async def test_an_agent_of_a_manifest_says_truthfully_that_there_is_none_yet(sdk):
    with pytest.raises(HttpResponseError) as raised:
        await sdk.project.agents.create_version_from_manifest(
            new_name(), manifest_id="manifest", parameter_values={}
        )
    assert (raised.value.status_code, raised.value.error.code) == (400, "not_built_yet")
