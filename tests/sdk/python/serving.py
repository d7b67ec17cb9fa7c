"""The service of a session, for the `conftest.py` of each suite.

It starts before any Azure package is imported: aiohttp reads the certificate file when it is imported,
so the environment that `cupola env` prints has to be in place before the test modules are collected.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from searxng import Searxng
from service import Service, clean_environment

SERVICE = pytest.StashKey[Service]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Starts the service before anything else happens."""
    start(session, {})


def start(session: pytest.Session, variables: dict[str, str]) -> None:
    """Starts the service with these variables, and applies what it says: all that a client learns of it."""
    everything = variables | Searxng().variables()
    service = Service(Path(tempfile.mkdtemp(prefix="cupola-sdk-")), everything)
    session.config.stash[SERVICE] = service
    own = clean_environment() | service.environment()
    os.environ.clear()
    os.environ.update(own)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leaves nothing behind, whatever happened."""
    if service := session.config.stash.get(SERVICE, None):
        service.kill()
        shutil.rmtree(service.data)


@pytest.fixture(scope="session", autouse=True)
def service(request: pytest.FixtureRequest):
    """The service of this session. At the end it is told to stop and has to end well."""
    service = request.config.stash[SERVICE]
    yield service
    assert service.stop() == 0, "after SIGTERM the service did not end with exit code 0"


@pytest.fixture
def model() -> str:
    """The deployment that the service names in its environment."""
    return os.environ["MODEL_DEPLOYMENT_NAME"]
