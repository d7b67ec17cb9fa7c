"""Agents and their versions."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from awaited import Awaited, collect
from projects import ENDPOINT, beside, new_name


async def test_every_version_has_the_next_number_and_stays_as_it_is(sdk, model):
    name = new_name()
    agents = sdk.project.agents
    first = await agents.create_version(
        name,
        definition={"kind": "prompt", "model": model, "instructions": "Be short."},
        description="The first.",
        metadata={"team": "a"},
    )
    second = await agents.create_version(
        name, definition={"kind": "prompt", "model": model, "instructions": "Be long."}
    )
    assert [first.version, second.version] == ["1", "2"]
    kept = await agents.get_version(name, "1")
    assert (kept.id, kept.description, dict(kept.metadata)) == (f"{name}:1", "The first.", {"team": "a"})
    assert kept.definition["instructions"] == "Be short."
    assert kept.definition["kind"] == "prompt"
    await agents.delete(name)


async def test_versions_are_listed_newest_first_over_many_pages(sdk, model):
    name = new_name()
    for _ in range(5):
        await sdk.project.agents.create_version(name, definition={"kind": "prompt", "model": model})
    versions = await collect(sdk.project.agents.list_versions(name, limit=2))
    assert [version.version for version in versions] == ["5", "4", "3", "2", "1"]
    versions = await collect(sdk.project.agents.list_versions(name, limit=2, order="asc"))
    assert [version.version for version in versions] == ["1", "2", "3", "4", "5"]
    await sdk.project.agents.delete(name)


async def test_an_agent_shows_its_latest_version_and_is_listed(sdk, agent):
    definition = {"kind": "prompt", "model": agent.definition["model"], "instructions": "New."}
    latest = await sdk.project.agents.create_version(agent.name, definition=definition)
    seen = await sdk.project.agents.get(agent.name)
    assert (seen.name, seen.versions["latest"]["version"]) == (agent.name, latest.version)
    assert agent.name in [listed.name for listed in await collect(sdk.project.agents.list(limit=1))]


async def test_a_deleted_version_is_gone_and_the_others_are_not(sdk, model):
    name = new_name()
    for _ in range(2):
        await sdk.project.agents.create_version(name, definition={"kind": "prompt", "model": model})
    deleted = await sdk.project.agents.delete_version(name, "1")
    assert (deleted.name, deleted.version, deleted.deleted) == (name, "1", True)
    with pytest.raises(ResourceNotFoundError):
        await sdk.project.agents.get_version(name, "1")
    assert (await sdk.project.agents.get_version(name, "2")).version == "2"
    deleted = await sdk.project.agents.delete(name)
    assert (deleted.name, deleted.deleted) == (name, True)
    with pytest.raises(ResourceNotFoundError):
        await sdk.project.agents.get(name)


async def test_an_unknown_agent_is_not_found(sdk):
    with pytest.raises(ResourceNotFoundError) as raised:
        await sdk.project.agents.get(new_name())
    assert raised.value.error.code == "not_found"


async def test_a_name_that_no_agent_can_have_is_refused(sdk, model):
    with pytest.raises(HttpResponseError) as raised:
        await sdk.project.agents.create_version("-no-", definition={"kind": "prompt", "model": model})
    assert raised.value.status_code == 400


async def test_a_request_is_answered_by_the_version_that_it_names(sdk, agent):
    definition = {"kind": "prompt", "model": agent.definition["model"], "instructions": "New."}
    await sdk.project.agents.create_version(agent.name, definition=definition)
    pinned = await sdk.openai.responses.create(input="Hello", extra_body=beside(agent, "1"))
    latest = await sdk.openai.responses.create(input="Hello", extra_body=beside(agent))
    assert [pinned.instructions, latest.instructions] == ["You are helpful.", "New."]
    versions = [response.model_extra["agent_reference"]["version"] for response in (pinned, latest)]
    assert versions == ["1", "2"]
    assert pinned.output[0].model_extra["agent_reference"]["version"] == "1"
    assert pinned.output[0].model_extra["response_id"] == pinned.id


async def test_structured_inputs_fill_the_instructions(sdk, model):
    definition = {
        "kind": "prompt",
        "model": model,
        "instructions": "Speak to {{name}}.",
        "structured_inputs": {"name": {"description": "Whom to speak to", "default_value": "all"}},
    }
    async with sdk.agent(definition) as agent:
        named = beside(agent) | {"structured_inputs": {"name": "Ada"}}
        response = await sdk.openai.responses.create(input="Hello", extra_body=named)
        assert response.instructions == "Speak to Ada."
        response = await sdk.openai.responses.create(input="Hello", extra_body=beside(agent))
        assert response.instructions == "Speak to all."


FORMS = [
    "agents/{name}/endpoint/protocols/openai",
    "agents/{name}/endpoint/protocols/openai/v1",
    "applications/{name}/protocols/openai",
    "applications/{name}/protocols/openai/v1",
]


@pytest.mark.parametrize("form", FORMS)
async def test_an_agent_answers_under_every_form_of_its_address(sdk, agent, form):
    address = f"{ENDPOINT}/{form.format(name=agent.name)}"
    if sdk.kind == "sync":
        openai = Awaited(sdk.raw.get_openai_client().with_options(base_url=address))
    else:
        openai = sdk.openai.with_options(base_url=address)
    response = await openai.responses.create(input="Hello")
    assert response.model_extra["agent_reference"]["name"] == agent.name
    assert (await sdk.openai.responses.retrieve(response.id)).output_text == response.output_text
