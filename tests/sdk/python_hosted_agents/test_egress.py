"""Where sandboxes may reach, found out from inside of them."""

import json
import time

import pytest

from hosting import definition
from others import other
from outside import serving


@pytest.fixture
def pages(tmp_path):
    (tmp_path / "index.html").write_text("outside")
    with serving(tmp_path) as listed, serving(tmp_path) as unlisted:
        yield listed, unlisted


def reached(service, image: str, *ways: str) -> list[str]:
    """What a sandbox gets of these addresses, each with the way to it."""
    created = service("POST", "agents/a/versions", json={"definition": definition(image)})
    version = created.json()
    while version["status"] == "creating":
        time.sleep(0.05)
        version = service("GET", f"agents/a/versions/{version['version']}").json()
    assert version["status"] == "active", version["error"]
    params = {"agent_session_id": "room"}
    path = "agents/a/endpoint/protocols/invocations"
    return [service("POST", path, params=params, data=f"reach {way}").text for way in ways]


def test_an_open_sandbox_reaches_out(surroundings, images, pages):
    with other(surroundings.variables() | {"CUPOLA_HOSTING__EGRESS": '["open"]'}) as service:
        assert reached(service, images.plain("misbehaving"), f"by-proxy {pages[0]}") == ["outside"]


def test_a_closed_sandbox_reaches_nothing_but_the_service(surroundings, images, pages):
    with other(surroundings.variables() | {"CUPOLA_HOSTING__EGRESS": '["none"]'}) as service:
        seen = reached(
            service, images.plain("misbehaving"), f"directly {pages[0]}", f"by-proxy {pages[0]}", "service"
        )
    assert seen == ["nothing", "nothing", "the service"]


def test_a_sandbox_with_a_list_reaches_what_is_in_it(surroundings, images, pages):
    listed, unlisted = pages
    with other(surroundings.variables() | {"CUPOLA_HOSTING__EGRESS": json.dumps([listed])}) as service:
        seen = reached(
            service,
            images.plain("misbehaving"),
            f"by-proxy {listed}",
            f"by-proxy {unlisted}",
            f"directly {listed}",
            "service",
        )
        log = service("GET", "agents/a/sessions/room:logstream", params={"follow": "false"}).text
    assert seen == ["outside", "nothing", "nothing", "the service"]
    assert f"may not reach {unlisted}" in log
