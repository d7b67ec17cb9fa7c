"""Sandboxes that are started before anybody asks for one."""

import time
from pathlib import Path

import pytest

from hosting import definition
from others import other

SESSIONS = "agents/small/endpoint/sessions"
INVOCATIONS = "agents/small/endpoint/protocols/invocations"


@pytest.fixture
def host(surroundings, images):
    """A service that keeps one sandbox warm, with an agent."""
    with other(surroundings.variables() | {"CUPOLA_HOSTING__WARM_SANDBOXES": "1"}) as service:
        body = {"definition": definition(images.smallest())}
        version = service("POST", "agents/small/versions", json=body).json()
        while version["status"] == "creating":
            time.sleep(0.05)
            version = service("GET", "agents/small/versions/1").json()
        assert version["status"] == "active", version["error"]
        yield service


def folders(host) -> set[Path]:
    """Where something is kept of a session, or of what will be one."""
    return set((host.data / "hosting/sessions").iterdir())


def folders_once_there_are(host, count: int) -> set[Path]:
    """All of them, once there are so many in which a program has started."""
    while True:
        started = {folder for folder in folders(host) if (folder / "home/starts").exists()}
        if len(started) == count and started == folders(host):
            return started
        time.sleep(0.05)


def test_a_new_session_gets_a_sandbox_that_runs_already_and_another_one_takes_its_place(host):
    (warm,) = folders_once_there_are(host, 1)
    made = host("POST", SESSIONS, json={})
    assert made.status_code == 201, made.text
    params = {"agent_session_id": made.json()["agent_session_id"]}
    # It has not been started again for this.
    assert host("GET", INVOCATIONS, params=params).text == "started\n"
    assert warm in folders_once_there_are(host, 2)


def test_of_sandboxes_that_nobody_took_nothing_stays(host):
    folders_once_there_are(host, 1)
    answer = host("GET", INVOCATIONS)
    assert answer.text == "started\n"
    params = {"agent_session_id": answer.headers["x-agent-session-id"]}
    both = folders_once_there_are(host, 2)

    host.service.kill()
    host.start()
    # What was somebody's is there still; in place of the other one there is a new one.
    assert host("GET", INVOCATIONS, params=params).text == "started\nstarted\n"
    after = folders_once_there_are(host, 2)
    assert len(both & after) == 1

    assert host.service.stop() == 0
    assert folders(host) == both & after


def test_with_its_agent_a_warm_sandbox_goes(host):
    folders_once_there_are(host, 1)
    host("DELETE", "agents/small").raise_for_status()
    assert folders(host) == set()
