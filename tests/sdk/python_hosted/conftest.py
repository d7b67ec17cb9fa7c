"""Hands the tests the clients that hosted containers call back with. See `serving` for the service."""

import os
import uuid

import pytest
import pytest_asyncio

from serving import pytest_sessionfinish, pytest_sessionstart, service  # noqa: F401


@pytest.fixture(scope="session", autouse=True)
def hosted(service):  # noqa: F811
    """Tells the official packages that they run hosted: only then they call the platform."""
    os.environ["FOUNDRY_HOSTING_ENVIRONMENT"] = "cupola"
    os.environ["FOUNDRY_AGENT_NAME"] = "echo"
    os.environ["FOUNDRY_AGENT_VERSION"] = "3"


@pytest_asyncio.fixture
async def credential():
    """The token that the sandbox of a container gives it."""
    from azure.identity.aio import DefaultAzureCredential

    async with DefaultAzureCredential() as credential:
        yield credential


@pytest.fixture
def new_id():
    """Makes ids as containers make them."""
    return lambda prefix: f"{prefix}_2f924b8437fe553b00{uuid.uuid4().hex}"


@pytest_asyncio.fixture
async def rest(credential):
    """Requests of an ordinary client of the project."""
    import aiohttp

    endpoint = os.environ["FOUNDRY_PROJECT_ENDPOINT"]
    token = (await credential.get_token("https://ai.azure.com/.default")).token
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:

        async def send(method: str, path: str, body=None):
            async with session.request(method, f"{endpoint}/{path}", json=body) as answer:
                return answer.status, await answer.json()

        yield send
