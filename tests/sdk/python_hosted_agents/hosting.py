"""Versions of hosted agents, from their creation to where they settle."""

import time
from contextlib import contextmanager
from dataclasses import dataclass

from projects import new_name


@dataclass(frozen=True)
class Hosted:
    """A version of a hosted agent."""

    name: str
    version: str


class Hosting:
    """Makes versions as a script would."""

    def __init__(self, rest):
        self.rest = rest

    def begin(self, name: str, image: str, **more) -> dict:
        """Creates a version of an image, and says what the service says at once."""
        made = self.rest("POST", f"agents/{name}/versions", json={"definition": definition(image, **more)})
        made.raise_for_status()
        return made.json()

    def settled(self, version: dict) -> dict:
        """The version once it is no longer being created."""
        while version["status"] == "creating":
            time.sleep(0.05)
            version = self.rest("GET", f"agents/{version['name']}/versions/{version['version']}").json()
        return version

    def active(self, name: str, image: str, **more) -> Hosted:
        """A version that can be used."""
        version = self.settled(self.begin(name, image, **more))
        assert version["status"] == "active", version["error"]
        return Hosted(version["name"], version["version"])

    def delete(self, name: str) -> None:
        self.rest("DELETE", f"agents/{name}", params={"force": "true"}).raise_for_status()

    @contextmanager
    def agent(self, image: str, **more):
        """A new agent, and no agent afterwards."""
        name = new_name()
        try:
            yield self.active(name, image, **more)
        finally:
            self.delete(name)


def definition(image: str, *, cpu="2", memory="1Gi", environment=None, idle_after=None, **protocols) -> dict:
    """The definition of an agent of this image, with the versions of the protocols that it speaks."""
    spoken = [{"protocol": name, "version": version} for name, version in protocols.items()]
    made = {
        "kind": "hosted",
        "cpu": cpu,
        "memory": memory,
        "container_configuration": {"image": image},
        "protocol_versions": spoken or [{"protocol": "invocations", "version": "1.0.0"}],
    }
    if environment:
        made["environment_variables"] = environment
    if idle_after:
        made["session_configuration"] = {"idle_timeout_seconds": idle_after}
    return made
