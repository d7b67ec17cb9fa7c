"""Who a sandbox is to the service: what its token opens, and for how long."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import requests


@pytest.fixture
def session(rest, misbehaving):
    """The id of a new session, which is gone afterwards."""
    id = f"who-{uuid4().hex}"
    yield id
    rest("DELETE", f"agents/{misbehaving.name}/endpoint/sessions/{id}").raise_for_status()


@pytest.fixture
def token(rest, misbehaving, session) -> str:
    """The token of the session's sandbox."""
    answer = rest.invoke(misbehaving.name, session, "identity")
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.fixture
def status(rest, token):
    """What becomes of a request with that token."""

    def status(method: str, path: str) -> int:
        url, headers = f"{rest.endpoint}/{path}", {"Authorization": f"Bearer {token}"}
        return requests.request(method, url, params={"api-version": "v1"}, headers=headers, timeout=60).status_code

    return status


@pytest.mark.parametrize("attempt", range(3))
def test_a_sandbox_has_its_identity_also_when_many_come_first(rest, misbehaving, session, attempt):
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: rest.invoke(misbehaving.name, session, "read nothing"), range(8))
        assert {answer.status_code for answer in answers} == {404}
    assert rest.invoke(misbehaving.name, session, "identity").status_code == 200


def test_a_token_opens_what_a_sandbox_needs_and_nothing_else(status, misbehaving):
    assert status("GET", f"agents/{misbehaving.name}") == 200
    for method, path in [("GET", "connections"), ("DELETE", f"agents/{misbehaving.name}")]:
        assert status(method, path) == 403, path


def test_a_token_is_worth_nothing_once_its_sandbox_is_gone(rest, misbehaving, session, status):
    assert status("GET", f"agents/{misbehaving.name}") == 200
    rest("POST", f"agents/{misbehaving.name}/endpoint/sessions/{session}:stop").raise_for_status()
    assert status("GET", f"agents/{misbehaving.name}") == 403
