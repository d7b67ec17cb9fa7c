"""Hands the tests an agent that speaks A2A, and the official client of A2A on either transport."""

import os

import pytest
import pytest_asyncio

from serving import model, pytest_sessionfinish, pytest_sessionstart, service  # noqa: F401

NAME = "weather"


@pytest_asyncio.fixture
async def http():
    """An HTTP client with a token, as agents of other companies have one."""
    import httpx
    from azure.identity.aio import DefaultAzureCredential

    async with DefaultAzureCredential() as credential:
        token = (await credential.get_token("https://ai.azure.com/.default")).token
    headers = {"Authorization": f"Bearer {token}"}
    base = os.environ["FOUNDRY_PROJECT_ENDPOINT"]
    async with httpx.AsyncClient(base_url=base, headers=headers, params={"api-version": "v1"}) as http:
        yield http


@pytest_asyncio.fixture
async def card(http, model):  # noqa: F811
    """The card of a new agent, as the SDK finds it."""
    from a2a.client import A2ACardResolver

    definition = {"kind": "prompt", "model": model, "instructions": "You are helpful."}
    made = await http.post(f"agents/{NAME}/versions", json={"definition": definition})
    made.raise_for_status()
    how = {
        "agent_endpoint": {"protocols": ["responses", "a2a"]},
        "agent_card": {
            "version": "1.2",
            "description": "Knows the weather.",
            "skills": [{"id": "w", "name": "weather", "description": "Tells it.", "tags": ["weather"]}],
        },
    }
    (await http.patch(f"agents/{NAME}", json=how)).raise_for_status()
    base = f"{http.base_url}agents/{NAME}/endpoint/protocols/a2a"
    yield await A2ACardResolver(http, base, "agentCard/v0.3").get_agent_card()
    (await http.delete(f"agents/{NAME}")).raise_for_status()


@pytest.fixture(params=["JSONRPC", "HTTP+JSON"])
def client(request, http, card):
    """Makes the client, on one transport and then on the other."""
    from a2a.client import ClientConfig, ClientFactory

    def make(**options):
        config = ClientConfig(
            httpx_client=http, supported_transports=[request.param], use_client_preference=True, **options
        )
        return ClientFactory(config).create(card)

    return make
