"""Requests without an SDK, as a script makes them. A user may be named, in whose name they are."""

import os

import requests
from azure.identity import DefaultAzureCredential


class Rest:
    """The project, by its paths."""

    def __init__(self):
        self.endpoint = os.environ["AZURE_AI_PROJECT_ENDPOINT"]
        with DefaultAzureCredential() as credential:
            self.token = credential.get_token("https://ai.azure.com/.default").token
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {self.token}"

    def __call__(self, method: str, path: str, *, user: str | None = None, **options) -> requests.Response:
        options["params"] = {"api-version": "v1"} | options.get("params", {})
        if user:
            options["headers"] = options.get("headers", {}) | {"x-ms-user-identity": user}
        return self._session.request(method, f"{self.endpoint}/{path}", timeout=100, **options)

    def invoke(self, agent: str, session: str, told: str = "", **options) -> requests.Response:
        """Tells an agent something by an invocation; without words, it is only looked at."""
        path = f"agents/{agent}/endpoint/protocols/invocations"
        params = {"agent_session_id": session}
        return self("POST" if told else "GET", path, params=params, data=told or None, **options)
