"""The service is killed while sandboxes run."""

from pathlib import Path

from hosting import definition
from others import other


def processes_of(session: str) -> list[int]:
    """The processes on this machine whose environment names the session, found by the system itself."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if f"FOUNDRY_AGENT_SESSION_ID={session}".encode() in environment:
            found.append(int(folder.name))
    return found


def test_a_killed_service_leaves_no_orphans_and_its_sessions_go_on(surroundings, images):
    with other(surroundings.variables()) as service:
        made = service("POST", "agents/small/versions", json={"definition": definition(images.smallest())})
        version = made.json()
        while version["status"] == "creating":
            version = service("GET", "agents/small/versions/1").json()
        assert version["status"] == "active", version["error"]

        session = "goes-on"
        invocations = "agents/small/endpoint/protocols/invocations"
        params = {"agent_session_id": session}
        assert service("GET", invocations, params=params).text == "started\n"
        before = processes_of(session)
        assert before

        service.service.kill()
        service.start()
        assert not set(before) & set(processes_of(session))
        shown = service("GET", f"agents/small/endpoint/sessions/{session}").json()
        assert shown["status"] == "idle"
        assert service("GET", invocations, params=params).text == "started\nstarted\n"

        assert service.service.stop() == 0
        assert processes_of(session) == []
