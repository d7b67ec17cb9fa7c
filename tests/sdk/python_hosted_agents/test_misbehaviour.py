"""Containers that misbehave. Each time the client is told, and the service and other sessions go on."""

import json
from uuid import uuid4

import pytest
import requests

MEBIBYTES = 128
PROCESSES = 100


@pytest.fixture
def session(rest, misbehaving):
    """The id of a new session, which is gone afterwards."""
    id = f"bad-{uuid4().hex}"
    yield id
    rest("DELETE", f"agents/{misbehaving.name}/endpoint/sessions/{id}").raise_for_status()


@pytest.fixture
def tell(rest, misbehaving, session):
    """Tells the container of the session to do something."""
    return lambda told, **options: rest.invoke(misbehaving.name, session, told, **options)


def failure(answer) -> str:
    """The message of an answer that says that the container failed."""
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (424, "container_failed"), error
    return error["message"]


def test_a_container_that_takes_too_much_memory_is_killed_and_said_to_be(tell):
    assert tell("allocate 32").text == "32"
    assert "used more memory than its limit" in failure(tell(f"allocate {2 * MEBIBYTES}"))
    # The next use starts it again.
    assert tell("allocate 32").text == "32"


def test_a_container_that_forks_without_end_comes_to_a_limit(tell):
    seen = json.loads(tell("fork 5000").text)
    assert seen["error"] == "Resource temporarily unavailable"
    assert 10 < seen["started"] < PROCESSES
    assert tell("read nothing").status_code == 404


def test_a_container_that_ends_is_said_to_have_ended_and_started_again(tell):
    assert tell("write note hello").text == "written"
    message = failure(tell("end 7"))
    assert "exited with code 7" in message and "I have had enough" in message
    assert tell("read note").text == "hello"


def test_garbage_is_no_answer(tell):
    assert "not HTTP" in failure(tell("garbage"))
    assert tell("read nothing").status_code == 404


def test_another_protocol_is_no_answer(tell):
    assert "101 Switching Protocols" in failure(tell("switch"))
    assert tell("read nothing").status_code == 404


def test_a_stream_that_breaks_off_does_not_look_complete(tell):
    with tell("break", stream=True) as answer:
        pieces = answer.iter_content(chunk_size=None)
        assert next(pieces) == b"data: one\n\n"
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            next(pieces)
    assert tell("read nothing").status_code == 404


def test_a_container_that_floods_its_log_still_answers(tell):
    assert tell("flood 50000").text == "flooded"


def test_a_container_has_no_privileges(tell):
    seen = json.loads(tell("privileges").text)
    assert (int(seen["CapEff"], 16), seen["NoNewPrivs"], seen["Seccomp"]) == (0, "1", "2")


def test_responses_of_a_container_that_fails_say_so_too(rest, misbehaving, session):
    path = f"agents/{misbehaving.name}/endpoint/protocols/openai/responses"
    answer = rest("POST", path, json={"input": "end 9", "agent_session_id": session})
    assert "exited with code 9" in failure(answer)
    assert answer.headers["x-agent-version-resolved"] == misbehaving.version
    assert answer.headers["x-platform-error-source"] == "upstream"


def test_a_container_that_ignores_sigterm_is_ended_all_the_same(deaf):
    assert deaf.result() == (204, "idle", "hello")
