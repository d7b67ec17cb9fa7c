"""The log stream of a session: past lines first, then those that come."""

import json
import time
from uuid import uuid4

import pytest


@pytest.fixture
def session(rest, misbehaving):
    """A session whose container has said something."""
    id = f"log-{uuid4().hex}"
    assert rest.invoke(misbehaving.name, id, "flood 3").text == "flooded"
    yield id
    rest("DELETE", f"agents/{misbehaving.name}/endpoint/sessions/{id}").raise_for_status()


def events(answer):
    """What the frames of a stream say."""
    for line in answer.iter_lines(chunk_size=None):
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


@pytest.mark.parametrize(
    "form", ["agents/{name}/versions/{version}/sessions/{id}", "agents/{name}/sessions/{id}"]
)
def test_past_lines_come_first_and_then_those_that_follow(rest, misbehaving, session, form):
    path = form.format(name=misbehaving.name, version=misbehaving.version, id=session)
    with rest("GET", f"{path}:logstream", stream=True) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = events(answer)
        about = next(stream)
        assert (about["session_id"], about["agent"]) == (session, misbehaving.name)
        said = until(stream, "the end of the flood")
        assert [line["message"].split(" x")[0] for line in said if line["stream"] == "stdout"] == [
            "line 0",
            "line 1",
            "line 2",
            "the end of the flood",
        ]
        rest.invoke(misbehaving.name, session, "complain loudly")
        assert until(stream, "loudly")[-1]["stream"] == "stderr"


def until(stream, message: str) -> list[dict]:
    """The lines up to this one."""
    seen = []
    for line in stream:
        seen.append(line)
        if line["message"] == message:
            return seen
    raise AssertionError(f"the stream ended without «{message}»: {seen}")


async def test_the_sdk_reads_the_log_as_it_comes(sdk, misbehaving, session):
    stream = await sdk.project.agents.get_session_log_stream(misbehaving.name, misbehaving.version, session)
    read = b""
    async for piece in stream:
        read += piece
        if b"the end of the flood" in read:
            return
    pytest.fail(f"the stream ended without the last line: {read}")


def test_a_flood_is_kept_in_bounds(rest, misbehaving, session):
    assert rest.invoke(misbehaving.name, session, "flood 50000").text == "flooded"
    path = f"agents/{misbehaving.name}/sessions/{session}:logstream"

    def kept() -> list[str]:
        with rest("GET", path, params={"follow": "false"}, stream=True) as answer:
            return [event["message"] for event in events(answer) if event.get("stream") == "stdout"]

    # The last lines may still be on their way.
    while (lines := kept())[-1] != "the end of the flood":
        time.sleep(0.05)
    assert len(lines) < 50_000
