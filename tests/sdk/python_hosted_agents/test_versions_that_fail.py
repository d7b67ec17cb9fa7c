"""Versions that can't run, each by its real cause. Their error says what happened.

They are begun before the first test of all: see `doomed`.
"""

import pytest

from hosting import definition
from others import other
from projects import new_name
from registry import PASSWORD, USER


@pytest.fixture
def failed(hosting, doomed):
    """The error of a version that fails, by the reason."""

    def error(reason: str) -> dict:
        assert doomed[reason]["status"] == "creating"
        version = hosting.settled(doomed[reason])
        assert (version["status"], version["state"]) == ("failed", "failed")
        return version["error"]

    return error


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("no such image", "ImagePullBackOff", ["agents/nothing-here:1", "manifest unknown"]),
        ("no such registry", "ImagePullBackOff", ["refused"]),
        ("a registry that refuses", "ImagePullBackOff", ["credentials"]),
        ("another architecture", "InvalidContainerImage", ["linux/"]),
        ("nothing to start", "InvalidContainerImage", ["ENTRYPOINT"]),
        ("ends at once", "ContainerProbesFailed", ["exited with code 3", "the settings are missing"]),
        ("never ready", "ContainerProbesFailed", ["503", "/readiness"]),
        ("another port", "ContainerProbesFailed", ["8088"]),
    ],
)
def test_a_version_fails_and_says_why(failed, reason, code, words):
    error = failed(reason)
    assert error["code"] == code, error
    for word in words:
        assert word.lower() in error["message"].lower(), error


def test_a_version_that_failed_can_not_be_used(rest, hosting, images):
    version = hosting.settled(hosting.begin(new_name(), f"{images.registry}/agents/nothing-here:1"))
    answer = rest.invoke(version["name"], "room")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (424, "session_not_ready")
    assert version["error"]["message"] in error["message"]
    hosting.delete(version["name"])


def test_a_registry_is_told_what_a_connection_holds(rest, hosting, images, surroundings):
    connection = {
        "type": "ContainerRegistry",
        "target": f"http://{surroundings.locked_registry.address}",
        "credentials": {"type": "CustomKeys", "username": USER, "password": PASSWORD},
    }
    rest("PUT", "connections/registry", json=connection).raise_for_status()
    image = images.smallest().replace(images.registry, surroundings.locked_registry.address)
    name = new_name()
    body = {"definition": definition(image)}
    body["definition"]["container_configuration"]["registry_connection_id"] = "registry"
    version = hosting.settled(rest("POST", f"agents/{name}/versions", json=body).json())
    assert version["status"] == "active", version["error"]
    assert PASSWORD not in str(version)
    hosting.delete(name)
    rest("DELETE", "connections/registry").raise_for_status()


@pytest.mark.parametrize(
    ("protocols", "words"),
    [({"responses": "9.0.0"}, "'9.0.0'"), ({"telepathy": "1.0.0"}, "'telepathy'")],
    ids=["version", "protocol"],
)
def test_a_protocol_that_is_not_spoken_is_refused_at_once(rest, images, protocols, words):
    body = {"definition": definition(images.smallest(), **protocols)}
    answer = rest("POST", f"agents/{new_name()}/versions", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "ProtocolVersionNotSupported")
    assert words in error["message"]


@pytest.mark.parametrize(("field", "amount"), [("cpu", "64"), ("cpu", "0.1"), ("memory", "1Ti")])
def test_amounts_beyond_what_is_allowed_are_refused_at_once(rest, images, field, amount):
    body = {"definition": definition(images.smallest(), **{field: amount})}
    answer = rest("POST", f"agents/{new_name()}/versions", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, f"definition.{field}")


def test_a_service_without_hosting_says_so(images):
    with other({"CUPOLA_HOSTING__RUNTIME": "off"}) as service:
        answer = service("POST", "agents/a/versions", json={"definition": definition(images.smallest())})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (400, "CapabilityHostNotFound")
        assert "hosting.runtime" in error["message"]
