"""Two users of one agent, who know nothing of each other."""

from uuid import uuid4

import pytest

ANN, BOB = f"ann-{uuid4().hex}", f"bob-{uuid4().hex}"


@pytest.fixture(scope="module")
def anns(rest, conversing):
    """A response in a session of Ann."""
    response = respond(rest, conversing, ANN, input="remember me")
    assert response.status_code == 200, response.text
    return response.json()


def respond(rest, agent, user: str, **body):
    return rest("POST", f"agents/{agent.name}/endpoint/protocols/openai/responses", user=user, json=body)


def test_a_session_is_seen_by_its_user_alone(rest, conversing, anns):
    sessions = f"agents/{conversing.name}/endpoint/sessions"
    id = anns["agent_session_id"]
    listed = {
        user: [session["agent_session_id"] for session in rest("GET", sessions, user=user).json()["data"]]
        for user in (ANN, BOB)
    }
    assert listed == {ANN: [id], BOB: []}
    assert rest("GET", f"{sessions}/{id}", user=ANN).json()["status"] == "active"
    assert rest("GET", f"{sessions}/{id}", user=BOB).status_code == 404
    assert rest("POST", f"{sessions}/{id}:stop", user=BOB).status_code == 404
    # Deleting what is not there is fine, and it is not there for Bob.
    assert rest("DELETE", f"{sessions}/{id}", user=BOB).status_code == 204
    assert rest("GET", f"{sessions}/{id}", user=ANN).json()["status"] == "active"


def test_a_list_of_sessions_tells_nothing_of_those_of_others(rest, conversing, anns):
    sessions = f"agents/{conversing.name}/endpoint/sessions"
    of_bob = rest("GET", sessions, user=BOB).json()
    assert (of_bob["first_id"], of_bob["last_id"], of_bob["has_more"]) == (None, None, False)
    # Others are made before and after, and do not take places on his pages.
    made = [new_session(rest, conversing, user) for user in (BOB, ANN, BOB, ANN)]
    page = rest("GET", sessions, user=BOB, params={"limit": 2}).json()
    assert [session["agent_session_id"] for session in page["data"]] == [made[0], made[2]]
    assert (page["first_id"], page["last_id"], page["has_more"]) == (made[0], made[2], False)
    for user, id in zip((BOB, ANN, BOB, ANN), made, strict=True):
        rest("DELETE", f"{sessions}/{id}", user=user).raise_for_status()


def new_session(rest, agent, user: str) -> str:
    made = rest("POST", f"agents/{agent.name}/endpoint/sessions", user=user, json={})
    assert made.status_code == 201, made.text
    return made.json()["agent_session_id"]


def test_a_session_is_used_by_its_user_alone(rest, conversing, anns):
    answer = respond(rest, conversing, BOB, input="hello", agent_session_id=anns["agent_session_id"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "session_not_accessible")


def test_a_response_is_seen_by_its_user_alone(rest, anns):
    path = f"openai/v1/responses/{anns['id']}"
    assert rest("GET", path, user=ANN).json()["id"] == anns["id"]
    for method, below in [("GET", ""), ("GET", "/input_items"), ("DELETE", ""), ("POST", "/cancel")]:
        answer = rest(method, f"{path}{below}", user=BOB)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), below
    assert rest("GET", path, user=ANN).status_code == 200


def test_a_response_is_followed_by_its_user_alone(rest, conversing, anns):
    refused = respond(rest, conversing, BOB, input="who?", previous_response_id=anns["id"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "not_found")
    followed = respond(rest, conversing, ANN, input="who?", previous_response_id=anns["id"])
    assert followed.json()["output"][0]["content"][0]["text"] == "2 before. Echo: who?"
    assert followed.json()["agent_session_id"] == anns["agent_session_id"]
