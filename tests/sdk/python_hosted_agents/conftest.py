"""Hands the tests hosted agents, and clients of their project. See `serving` for the service."""

import tempfile
from importlib.metadata import version

import pytest
import pytest_asyncio

import serving
from serving import service  # noqa: F401
from surroundings import Surroundings, folder_of_memory

SURROUNDINGS = pytest.StashKey[Surroundings]()

# The oldest generation of the SDK has flows of its own, and no sessions.
OF_FIRST_GENERATION = "test_first_generation.py"
IS_FIRST_GENERATION = version("azure-ai-projects") == "2.0.0b3"


def pytest_ignore_collect(collection_path):
    if collection_path.name.startswith("test_"):
        is_of_first = collection_path.name == OF_FIRST_GENERATION
        return True if is_of_first != IS_FIRST_GENERATION else None
    return None


def pytest_sessionstart(session: pytest.Session) -> None:
    """Starts the service with a registry, and on Docker with a daemon of its own."""
    tempfile.tempdir = folder_of_memory()
    surroundings = Surroundings()
    session.config.stash[SURROUNDINGS] = surroundings
    serving.start(session, surroundings.variables())


def pytest_sessionfinish(session: pytest.Session) -> None:
    serving.pytest_sessionfinish(session)
    if surroundings := session.config.stash.get(SURROUNDINGS, None):
        surroundings.stop()


@pytest.fixture(scope="session")
def surroundings(request: pytest.FixtureRequest) -> Surroundings:
    return request.config.stash[SURROUNDINGS]


@pytest.fixture(scope="session")
def images(surroundings):
    return surroundings.images


@pytest.fixture(scope="session")
def rest(service):  # noqa: F811
    """Requests without an SDK."""
    from rest import Rest

    return Rest()


@pytest.fixture(scope="session")
def hosting(rest, service):  # noqa: F811
    """Makes versions of hosted agents."""
    from hosting import Hosting

    return Hosting(rest)


@pytest.fixture(scope="session", autouse=True)
def doomed(request, hosting, surroundings):
    """Versions that will fail, by the reason. They are begun early, and found out about late."""
    from doomed import begin_all

    if not any(item.path.stem == "test_versions_that_fail" for item in request.session.items):
        yield {}
        return
    begun = begin_all(hosting, surroundings)
    yield begun
    for version in begun.values():
        hosting.delete(version["name"])


@pytest.fixture(scope="session", autouse=True)
def deaf(request, hosting, images):
    """What became of a container that ignores SIGTERM. It takes its time."""
    from doomed import stop_a_deaf_one

    wanted = any("sigterm" in item.name for item in request.session.items)
    yield stop_a_deaf_one(images.plain("misbehaving")) if wanted else None


@pytest_asyncio.fixture(params=["sync", "async"])
async def sdk(request: pytest.FixtureRequest):
    """The sync clients and then the async ones; a test that takes it runs twice."""
    from projects import sdk_of_kind

    async with sdk_of_kind(request.param) as sdk:
        yield sdk


@pytest.fixture(scope="session")
def conversing(hosting, images):
    """An agent on the official packages, which answers responses."""
    return hosting.active("conversing", images.official("conversing"), responses="2.0.0")


@pytest.fixture(scope="session")
def invoked(hosting, images):
    """An agent on the official packages, which is invoked."""
    return hosting.active("invoked", images.official("invoked"), invocations="1.0.0", invocations_ws="1.0.0")


@pytest.fixture(scope="session")
def smallest(hosting, images):
    """An agent that starts at once, and says how often it was started in its home."""
    return hosting.active("smallest", images.smallest(), invocations="1.0.0")


@pytest.fixture(scope="session")
def misbehaving(hosting, images):
    """An agent that does what it is told, with little memory."""
    image = images.plain("misbehaving")
    return hosting.active("misbehaving", image, memory="128Mi", responses="2.0.0", invocations="1.0.0")
