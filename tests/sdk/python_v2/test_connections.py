"""Connections: who sees what of them, and the one operation that shows their secrets."""

import json
from contextlib import asynccontextmanager

import pytest
from azure.ai.projects.models import ApiKeyCredentials, ConnectionType, NoAuthenticationCredentials
from azure.core.exceptions import ResourceNotFoundError

from awaited import collect
from projects import new_name

KEY = "k3y-that-nobody-may-see"
SEARCH = {
    "type": "CognitiveSearch",
    "target": "https://search.invalid",
    "credentials": {"type": "ApiKey", "key": KEY},
    "metadata": {"ApiType": "Azure"},
}


@asynccontextmanager
async def connected(sdk, **differently):
    """The name of a new connection, and no connection afterwards."""
    name = new_name("connection")
    await sdk.put_connection(name, **(SEARCH | differently))
    try:
        yield name
    finally:
        # The next test counts the connections of a type.
        await sdk.delete_connection(name)


def names(connections) -> list[str]:
    return [connection.name for connection in connections]


async def test_a_connection_is_shown_without_its_secrets(sdk):
    async with connected(sdk) as name:
        connection = await sdk.project.connections.get(name)
        (listed,) = [one for one in await collect(sdk.project.connections.list()) if one.name == name]
    assert (connection.name, connection.type) == (name, ConnectionType.AZURE_AI_SEARCH)
    assert (connection.target, dict(connection.metadata)) == ("https://search.invalid", {"ApiType": "Azure"})
    assert connection.id.endswith(f"/connections/{name}")
    assert connection.is_default is True
    for shown in (connection, listed):
        assert isinstance(shown.credentials, ApiKeyCredentials)
        assert shown.credentials.api_key is None
        assert KEY not in json.dumps(shown.as_dict())


async def test_a_connection_is_shown_with_its_secrets_to_who_asks_for_them(sdk):
    async with connected(sdk) as name:
        connection = await sdk.project.connections.get(name, include_credentials=True)
    assert isinstance(connection.credentials, ApiKeyCredentials)
    assert (connection.name, connection.credentials.api_key) == (name, KEY)


@pytest.mark.parametrize(
    ("credentials", "kind"),
    [
        ({"type": "SAS", "SAS": "sv=1&sig=x"}, "CognitiveSearch"),
        ({"type": "CustomKeys", "first": "1", "second": "2"}, "CustomKeys"),
        ({"type": "AAD"}, "AzureOpenAI"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["type"],
)
async def test_credentials_of_every_kind_come_back_as_they_were_put(sdk, credentials, kind):
    async with connected(sdk, type=kind, credentials=credentials) as name:
        hidden = await sdk.project.connections.get(name)
        shown = await sdk.project.connections.get(name, include_credentials=True)
    assert hidden.credentials.type == shown.credentials.type == credentials["type"]
    assert {key: shown.credentials[key] for key in credentials} == credentials
    assert all(key not in hidden.credentials for key in credentials if key != "type")
    if kind == "CustomKeys":
        assert shown.credentials.credential_keys == {"first": "1", "second": "2"}


async def test_a_connection_without_credentials_has_none_to_show(sdk):
    async with connected(sdk, credentials=None) as name:
        connection = await sdk.project.connections.get(name, include_credentials=True)
    assert isinstance(connection.credentials, NoAuthenticationCredentials)


async def test_connections_are_listed_by_their_type_and_by_whether_they_are_the_default(sdk):
    async with connected(sdk) as first, connected(sdk) as second:
        async with connected(sdk, type=ConnectionType.AZURE_BLOB_STORAGE) as other:
            ours = {"connection_type": ConnectionType.AZURE_AI_SEARCH}
            assert names(await collect(sdk.project.connections.list(**ours))) == [first, second]
            defaults = await collect(sdk.project.connections.list(default_connection=True))
            assert {first, other, "traces"} <= set(names(defaults))
            assert second not in names(defaults)
            everything = names(await collect(sdk.project.connections.list()))
            assert {first, second, other, "traces"} <= set(everything)


async def test_the_default_of_a_type_is_found_with_and_without_its_secrets(sdk):
    kind = ConnectionType.AZURE_AI_SEARCH
    async with connected(sdk) as first, connected(sdk) as second:
        found = await sdk.project.connections.get_default(kind)
        assert (found.name, found.credentials.api_key) == (first, None)
        found = await sdk.project.connections.get_default(kind, include_credentials=True)
        assert (found.name, found.credentials.api_key) == (first, KEY)
        await sdk.put_connection(second, **SEARCH, isDefault=True)
        assert (await sdk.project.connections.get_default(kind)).name == second
    with pytest.raises(ValueError, match="No default connection"):
        await sdk.project.connections.get_default(kind)


async def test_a_connection_that_is_not_there_is_not_found_under_either_operation(sdk):
    async with connected(sdk) as name:
        pass
    for include_credentials in (False, True):
        with pytest.raises(ResourceNotFoundError) as raised:
            await sdk.project.connections.get(name, include_credentials=include_credentials)
        error = raised.value.error
        assert (error.code, error.message) == ("not_found", f"Connection '{name}' not found.")


async def test_the_connection_string_of_traces_is_that_of_the_configuration(sdk):
    traces = await sdk.project.telemetry.get_application_insights_connection_string()
    zeros = "00000000-0000-0000-0000-000000000000"
    assert traces == f"InstrumentationKey={zeros};IngestionEndpoint=https://monitor.invalid/"
