"""Disks that are full: that of the service while it unpacks, and homes that hold too much."""

import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from hosting import definition
from others import other
from surroundings import RUNTIME

MEBIBYTE = 1 << 20


def settled(service, image: str, **more) -> dict:
    created = service("POST", "agents/a/versions", json={"definition": definition(image, **more)})
    version = created.json()
    while version["status"] == "creating":
        time.sleep(0.05)
        version = service("GET", f"agents/a/versions/{version['version']}").json()
    return version


@contextmanager
def small_disk(folder, mebibytes: int):
    """A file system of this size in a folder."""
    folder.mkdir(parents=True)
    options = f"size={mebibytes}m,mode=700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.skipif(RUNTIME == "docker", reason="images are on the disk of the daemon")
def test_a_disk_that_is_full_while_unpacking_fails_the_version_and_nothing_else(surroundings, images):
    # Room for the largest layer as it comes, and not for what is in it.
    room = Path(os.environ["HOSTED_SYSTEM"]).stat().st_size // MEBIBYTE + 16
    with other(surroundings.variables(), prepare=lambda data: small_disk(data / "hosting", room)) as service:
        version = settled(service, images.plain("misbehaving"))
        assert (version["status"], version["error"]["code"]) == ("failed", "SandboxUnavailable")
        assert "no room for images" in version["error"]["message"], version["error"]
        # What was unpacked is gone again: a smaller one has room.
        version = settled(service, images.smallest())
        assert version["status"] == "active", version["error"]


def test_a_home_that_holds_too_much_ends_its_sandbox(surroundings, images):
    variables = surroundings.variables() | {"CUPOLA_HOSTING__HOME_GIB": "0.03125"}
    with other(variables) as service:
        version = settled(service, images.plain("misbehaving"))
        assert version["status"] == "active", version["error"]
        params = {"agent_session_id": "room"}
        path = "agents/a/endpoint/protocols/invocations"
        for told in ("fill 48", "write note hello"):
            answer = service("POST", path, params=params, data=told)
            assert answer.status_code == 424
            assert "its home holds" in answer.json()["error"]["message"], answer.text
            # It is not started again before there is room.
        files = "agents/a/endpoint/sessions/room/files"
        assert service("DELETE", files, params={"path": "big"}).status_code == 204
        assert service("POST", path, params=params, data="write note hello").text == "written"
