"""Sessions: each has a sandbox while it is used, and files that outlive it."""

import time
from uuid import uuid4

import pytest
from azure.ai.projects import models
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from awaited import collect


@pytest.fixture
def indicator(smallest):
    return models.VersionRefIndicator(agent_version=smallest.version)


async def test_a_session_is_created_shown_stopped_resumed_and_deleted(sdk, rest, smallest, indicator):
    agents = sdk.project.agents
    session = await agents.create_session(smallest.name, version_indicator=indicator)
    id = session.agent_session_id
    assert (session.status, session.version_indicator.agent_version) == ("active", smallest.version)
    assert session.expires_at > session.last_accessed_at >= session.created_at
    assert rest.invoke(smallest.name, id).text == "started\n"
    assert id in [listed.agent_session_id for listed in await collect(agents.list_sessions(smallest.name))]

    await agents.stop_session(smallest.name, id)
    assert (await agents.get_session(smallest.name, id)).status == "idle"
    # Stopping it once more changes nothing.
    await agents.stop_session(smallest.name, id)

    # Its next use starts it, and its files are there.
    assert rest.invoke(smallest.name, id).text == "started\nstarted\n"
    assert (await agents.get_session(smallest.name, id)).status == "active"

    await agents.delete_session(smallest.name, id)
    assert (await agents.get_session(smallest.name, id)).status == "deleted"
    with pytest.raises(ResourceNotFoundError):
        await agents.get_session(smallest.name, "not-there")
    # Deleting what is not there is fine.
    await agents.delete_session(smallest.name, "not-there")


async def test_a_session_has_the_id_that_its_client_chooses(sdk, smallest, indicator):
    chosen = f"user:{uuid4().hex}"
    agents = sdk.project.agents
    session = await agents.create_session(
        smallest.name, version_indicator=indicator, agent_session_id=chosen
    )
    assert session.agent_session_id == chosen
    with pytest.raises(HttpResponseError) as refused:
        await agents.create_session(smallest.name, version_indicator=indicator, agent_session_id=chosen)
    assert refused.value.status_code == 409
    await agents.delete_session(smallest.name, chosen)


@pytest.mark.parametrize("id", ["../escape", "a/b", ".hidden", "a b", "x" * 257])
def test_an_id_that_could_lead_elsewhere_is_refused(rest, smallest, id):
    body = {"agent_session_id": id}
    created = rest("POST", f"agents/{smallest.name}/endpoint/sessions", json=body)
    used = rest.invoke(smallest.name, id)
    for refused in (created, used):
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "agent_session_id")


def test_a_session_is_made_by_its_first_use(rest, smallest):
    id = f"first-{uuid4().hex}"
    answer = rest.invoke(smallest.name, id)
    assert (answer.status_code, answer.headers["x-agent-session-id"]) == (200, id)
    session = rest("GET", f"agents/{smallest.name}/endpoint/sessions/{id}").json()
    assert session["status"] == "active"
    rest("DELETE", f"agents/{smallest.name}/endpoint/sessions/{id}").raise_for_status()


def test_sessions_have_homes_of_their_own(rest, smallest):
    ids = [f"{name}-{uuid4().hex}" for name in ("one", "two")]
    for id in ids:
        assert rest.invoke(smallest.name, id).text == "started\n"
    for id in ids:
        rest("DELETE", f"agents/{smallest.name}/endpoint/sessions/{id}").raise_for_status()


def test_a_session_that_nobody_uses_falls_asleep_and_wakes_again(rest, hosting, images):
    with hosting.agent(images.smallest(), idle_after=1) as agent:
        id = "sleeper"
        assert rest.invoke(agent.name, id).text == "started\n"
        path = f"agents/{agent.name}/endpoint/sessions/{id}"
        while (session := rest("GET", path).json())["status"] == "active":
            time.sleep(0.05)
        assert session["status"] == "idle" and session["stopped_at"] >= session["created_at"]
        assert rest.invoke(agent.name, id).text == "started\nstarted\n"
