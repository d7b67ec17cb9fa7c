"""Invocations of an agent on the official packages: any method, any body, streams and WebSockets."""

from uuid import uuid4

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

SESSION = f"room-{uuid4().hex}"


@pytest.fixture
def invoke(rest, invoked):
    """Sends anything to the agent's invocations or below them."""

    def send(method: str, below: str = "", query=None, **options):
        path = f"agents/{invoked.name}/endpoint/protocols/invocations{below}"
        return rest(method, path, params={"agent_session_id": SESSION} | (query or {}), **options)

    return send


def test_json_comes_to_the_agent_and_back(invoke):
    answer = invoke("POST", json={"hello": ["wörld", 1]}, headers={"x-agent-invocation-id": "mine-1"})
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    assert seen["echo"] == {"hello": ["wörld", 1]}
    assert (seen["invocation"], seen["session"]) == ("mine-1", SESSION)
    assert seen["user"]
    assert answer.headers["x-agent-invocation-id"] == "mine-1"
    assert answer.headers["x-agent-session-id"] == SESSION


def test_an_invocation_has_an_id_if_its_client_names_none(invoke):
    answer = invoke("POST", json={})
    assert answer.headers["x-agent-invocation-id"] == answer.json()["invocation"] != ""


def test_a_body_of_any_kind_passes_with_the_query(invoke):
    query = {"colour": "light blue"}
    answer = invoke("POST", data=b"\xff\x00plain", headers={"content-type": "text/plain"}, query=query)
    assert answer.content == b"nialp\x00\xff"
    assert answer.headers["content-type"].startswith("text/plain")
    seen = answer.headers["x-client-seen"]
    assert "colour=light" in seen and "api-version" not in seen


def test_an_invocation_is_read_and_cancelled(invoke):
    id = invoke("POST", json={"keep": "this"}).json()["invocation"]
    assert invoke("GET", f"/{id}").json() == {"keep": "this"}
    assert invoke("POST", f"/{id}/cancel").json() == {"status": "cancelled"}
    assert invoke("GET", f"/{id}").status_code == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_come_to_the_agent_too(invoke, method):
    answer = invoke(method, json={})
    # It is the official server that has no use for them.
    assert answer.status_code == 405
    assert "azure-ai-agentserver" in answer.headers["x-platform-server"]


def test_a_stream_comes_piece_by_piece(invoke):
    with invoke("POST", data="stream", stream=True) as answer:
        pieces = answer.iter_content(chunk_size=None)
        assert next(pieces) == b"data: one\n\n"
        # The rest is not even made before the first piece is here.
        assert invoke("POST", data="go on").status_code == 200
        assert b"".join(pieces) == b"data: two\n\n"


def test_a_protocol_that_an_agent_does_not_speak_is_refused(rest, conversing, invoked):
    session = f"none-{uuid4().hex}"
    asked = {"input": "hello", "agent_session_id": session}
    responses = f"agents/{invoked.name}/endpoint/protocols/openai/responses"
    for agent, answer in [
        (conversing, rest.invoke(conversing.name, session, "hello")),
        (invoked, rest("POST", responses, json=asked)),
    ]:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (400, "ProtocolVersionNotSupported")
        # Nothing was made for it.
        made = rest("GET", f"agents/{agent.name}/endpoint/sessions/{session}")
        assert made.status_code == 404


def test_a_websocket_passes_frames_both_ways(rest, invoked):
    address = rest.endpoint.replace("https://", "wss://")
    path = f"/agents/{invoked.name}/endpoint/protocols/invocations_ws?api-version=v1"
    headers = {"Authorization": f"Bearer {rest.token}"}
    with connect(f"{address}{path}&agent_session_id={SESSION}", additional_headers=headers) as socket:
        for text in ("one", "wörld", "x" * 100_000):
            socket.send(text)
            assert socket.recv() == text.upper()
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{address}{path}", additional_headers={"Authorization": "Bearer nonsense"})
    assert refused.value.response.status_code == 401
