"""Which version a new session is of: the latest, or one that the agent's address chooses."""

import pytest
from azure.ai.projects import models


@pytest.fixture(scope="module")
def two_versions(hosting, images):
    """An agent with two versions, by its name."""
    with hosting.agent(images.smallest()) as first:
        second = hosting.active(first.name, images.smallest(), environment={"VERSION": "two"})
        assert (first.version, second.version) == ("1", "2")
        yield first.name


async def share(sdk, name: str, **percentages: int) -> None:
    rule = models.FixedRatioVersionSelectionRule
    rules = [
        rule(agent_version=version.removeprefix("v"), traffic_percentage=part)
        for version, part in percentages.items()
    ]
    endpoint = models.AgentEndpointConfig(
        version_selector=models.VersionSelector(version_selection_rules=rules)
    )
    details = await sdk.project.agents.update_details(name, agent_endpoint=endpoint)
    assert len(details.agent_endpoint.version_selector.version_selection_rules) == len(rules)


def version_of_new_session(rest, name: str) -> str:
    """Makes a session without naming a version, and no session afterwards."""
    made = rest("POST", f"agents/{name}/endpoint/sessions", json={})
    assert made.status_code == 201, made.text
    session = made.json()
    rest("DELETE", f"agents/{name}/endpoint/sessions/{session['agent_session_id']}").raise_for_status()
    return session["version_indicator"]["agent_version"]


async def test_traffic_goes_where_the_selector_says(sdk, rest, two_versions):
    await share(sdk, two_versions, v1=100)
    assert version_of_new_session(rest, two_versions) == "1"
    await share(sdk, two_versions, v2=100)
    assert version_of_new_session(rest, two_versions) == "2"


async def test_traffic_is_shared_by_weight(sdk, rest, two_versions):
    await share(sdk, two_versions, v1=50, v2=50)
    # Both come up sooner or later; a share that leaves one out does not end well here.
    seen = set()
    for _ in range(60):
        seen.add(version_of_new_session(rest, two_versions))
        if seen == {"1", "2"}:
            return
    assert seen == {"1", "2"}


def test_a_new_version_does_not_move_traffic_that_is_pinned(rest, hosting, images):
    with hosting.agent(images.smallest()) as agent:
        rules = [{"type": "FixedRatio", "agent_version": "1", "traffic_percentage": 100}]
        selector = {"version_selector": {"version_selection_rules": rules}}
        rest("PATCH", f"agents/{agent.name}", json={"agent_endpoint": selector}).raise_for_status()
        hosting.active(agent.name, images.smallest(), environment={"VERSION": "two"})
        assert version_of_new_session(rest, agent.name) == "1"
