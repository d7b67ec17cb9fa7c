"""Agents that come to no good end, each in its own way. To find that out takes a while for some."""

from concurrent.futures import Future, ThreadPoolExecutor

from hosting import Hosting
from projects import new_name
from registry import free_address
from rest import Rest


def begin_all(hosting: Hosting, surroundings) -> dict[str, dict]:
    """Versions that will fail, by the reason."""
    images = surroundings.images
    misbehaving = images.plain("misbehaving")
    locked = images.smallest().replace(images.registry, surroundings.locked_registry.address)
    ways = {
        "no such image": (f"{images.registry}/agents/nothing-here:1", {}),
        "no such registry": (f"{free_address()}/agents/smallest:1", {}),
        "a registry that refuses": (locked, {}),
        "another architecture": (images.of_another_architecture(), {}),
        "nothing to start": (images.nothing_to_start(), {}),
        "ends at once": (images.plain("ends_at_once"), {}),
        "never ready": (misbehaving, {"NEVER_READY": "yes"}),
        "another port": (misbehaving, {"PORT_OF_MY_OWN": "9999"}),
    }
    return {
        reason: hosting.begin(new_name(), image, environment=environment)
        for reason, (image, environment) in ways.items()
    }


def stop_a_deaf_one(image: str) -> Future:
    """Starts an agent that ignores SIGTERM, and stops it. The answer comes once it is gone."""

    def stop():
        rest = Rest()
        hosting = Hosting(rest)
        with hosting.agent(image, environment={"DEAF": "yes"}) as agent:
            assert rest.invoke(agent.name, "deaf", "write note hello").text == "written"
            sessions = f"agents/{agent.name}/endpoint/sessions"
            stopped = rest("POST", f"{sessions}/deaf:stop").status_code
            state = rest("GET", f"{sessions}/deaf").json()["status"]
            return stopped, state, rest.invoke(agent.name, "deaf", "read note").text

    return ThreadPoolExecutor(1).submit(stop)
