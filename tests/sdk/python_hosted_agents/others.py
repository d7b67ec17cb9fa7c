"""A service beside the one of the suite, which a test may stop and kill."""

import shutil
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path

import requests

from service import Service


class Other:
    """Such a service, asked without an SDK."""

    def __init__(self, variables: dict[str, str], data: Path):
        self._variables, self.data = variables, data
        self.start()

    def start(self) -> None:
        """Starts it, or starts it again on what it kept."""
        self.service = Service(self.data, self._variables)
        self.environment = self.service.environment()
        identity = {"X-IDENTITY-HEADER": self.environment["IDENTITY_HEADER"]}
        resource = {"api-version": "2019-08-01", "resource": "https://ai.azure.com"}
        answer = self._send("GET", self.environment["IDENTITY_ENDPOINT"], params=resource, headers=identity)
        self._token = answer.json()["access_token"]

    def __call__(self, method: str, path: str, **options) -> requests.Response:
        options["params"] = {"api-version": "v1"} | options.get("params", {})
        headers = {"Authorization": f"Bearer {self._token}"}
        endpoint = self.environment["AZURE_AI_PROJECT_ENDPOINT"]
        return self._send(method, f"{endpoint}/{path}", headers=headers, **options)

    def _send(self, method: str, url: str, **options) -> requests.Response:
        bundle = self.environment["REQUESTS_CA_BUNDLE"]
        return requests.request(method, url, verify=bundle, timeout=100, **options)


@contextmanager
def other(variables: dict[str, str], prepare=lambda _data: nullcontext()):
    """One that leaves nothing behind. Its folder may be prepared first."""
    data = Path(tempfile.mkdtemp(prefix="cupola-sdk-"))
    with prepare(data):
        service = Other(variables, data)
        try:
            yield service
        finally:
            service.service.kill()
    shutil.rmtree(data)
