"""Images of versions that were deleted do not stay."""

import subprocess
import time

import pytest

from hosting import definition
from others import other
from surroundings import RUNTIME


def made(service, name: str, image: str) -> None:
    """Makes an agent of an image."""
    created = service("POST", f"agents/{name}/versions", json={"definition": definition(image)})
    version = created.json()
    while version["status"] == "creating":
        time.sleep(0.05)
        version = service("GET", f"agents/{name}/versions/{version['version']}").json()
    assert version["status"] == "active", version["error"]


def deleted(service, name: str) -> None:
    service("DELETE", f"agents/{name}", params={"force": "true"}).raise_for_status()


class Kept:
    """What this machine has of an image: its layers, or the image that the daemon knows."""

    def __init__(self, service, surroundings, image: str):
        self._store = service.data / "hosting" / "images" / "layers"
        self._surroundings, self._repository = surroundings, image.rpartition(":")[0]

    def __bool__(self) -> bool:
        if RUNTIME == "docker":
            return bool(self.in_daemon())
        return any(self._store.iterdir())

    def in_daemon(self) -> str:
        return docker(self._surroundings, "images", "--quiet", "--no-trunc", self._repository)

    def wait_until_gone(self) -> None:
        while self:
            time.sleep(0.02)


def docker(surroundings, *words: str) -> str:
    command = ["docker", "--host", surroundings.daemon.socket, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def image(images):
    """An image that no other test has."""
    return images.smallest(Labels={"of": "removal"}, name="removal")


def test_an_image_goes_with_the_last_version_that_runs_it(surroundings, image):
    with other(surroundings.variables()) as service:
        kept = Kept(service, surroundings, image)
        made(service, "one", image)
        made(service, "two", image)
        assert kept
        deleted(service, "one")
        # It is there for the other one, also after a start, which looks again for what is not needed.
        assert service.service.stop() == 0
        service.start()
        assert kept
        assert service("GET", "agents/two/endpoint/protocols/invocations").text == "started\n"
        deleted(service, "two")
        kept.wait_until_gone()


@pytest.mark.skipif(RUNTIME != "docker", reason="nobody else has the images of this runtime")
def test_an_image_that_somebody_else_uses_is_removed_at_a_later_start(surroundings, images, image):
    with other(surroundings.variables()) as service:
        kept = Kept(service, surroundings, image)
        made(service, "one", image)
        stranger = docker(surroundings, "create", kept.in_daemon())
        deleted(service, "one")
        # The second one is removed after the first one was tried.
        second = images.smallest(Labels={"of": "the second"}, name="second")
        made(service, "two", second)
        deleted(service, "two")
        Kept(service, surroundings, second).wait_until_gone()
        assert kept
        docker(surroundings, "rm", stranger)
        assert service.service.stop() == 0
        service.start()
        kept.wait_until_gone()
