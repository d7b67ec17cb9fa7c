"""Indexes: records with versions that say where something can be searched."""

import pytest
from azure.ai.projects.models import AzureAISearchIndex, IndexType, ManagedAzureAISearchIndex
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from awaited import collect
from projects import new_name


async def test_an_index_is_created_read_and_changed(sdk):
    name = new_name("index")
    index = AzureAISearchIndex(connection_name="search", index_name="books", description="The first.")
    created = await sdk.project.indexes.create_or_update(name=name, version="1.0", index=index)
    assert isinstance(created, AzureAISearchIndex)
    assert (created.name, created.version, created.type) == (name, "1.0", IndexType.AZURE_SEARCH)
    assert (created.connection_name, created.index_name) == ("search", "books")
    assert created.id.endswith(f"/indexes/{name}/versions/1.0")
    assert await sdk.project.indexes.get(name, "1.0") == created

    changed = await sdk.project.indexes.create_or_update(
        name=name, version="1.0", index={"description": "The second."}
    )
    assert (changed.index_name, changed.description) == ("books", "The second.")
    await sdk.project.indexes.delete(name, "1.0")


async def test_the_newest_version_of_each_is_listed(sdk):
    one, other = new_name("index"), new_name("index")
    for name, version in [(one, "1"), (other, "1"), (one, "2")]:
        index = ManagedAzureAISearchIndex(vector_store_id=f"vs_{version}")
        await sdk.project.indexes.create_or_update(name=name, version=version, index=index)
    listed = await collect(sdk.project.indexes.list())
    newest = {found.name: found.vector_store_id for found in listed if found.name in (one, other)}
    assert newest == {one: "vs_2", other: "vs_1"}
    for name, version in [(one, "1"), (other, "1"), (one, "2")]:
        await sdk.project.indexes.delete(name, version)


async def test_the_client_follows_the_links_between_pages_of_versions(sdk):
    name = new_name("index")
    expected = [str(version) for version in range(1, 102)]
    for version in expected:
        index = ManagedAzureAISearchIndex(vector_store_id="vs_1")
        await sdk.project.indexes.create_or_update(name=name, version=version, index=index)
    versions = [found.version for found in await collect(sdk.project.indexes.list_versions(name))]
    assert versions == expected[::-1]


async def test_a_deleted_index_is_gone_and_may_be_deleted_again(sdk):
    name = new_name("index")
    index = ManagedAzureAISearchIndex(vector_store_id="vs_1")
    await sdk.project.indexes.create_or_update(name=name, version="1", index=index)
    await sdk.project.indexes.delete(name, "1")
    await sdk.project.indexes.delete(name, "1")
    with pytest.raises(ResourceNotFoundError) as raised:
        await sdk.project.indexes.get(name, "1")
    assert "Could not find asset with ID" in raised.value.message
    assert await collect(sdk.project.indexes.list_versions(name)) == []


async def test_an_index_that_does_not_say_where_it_is_is_refused(sdk):
    with pytest.raises(HttpResponseError) as raised:
        await sdk.project.indexes.create_or_update(
            name=new_name("index"), version="1", index={"type": "AzureSearch", "connectionName": "search"}
        )
    assert raised.value.status_code == 400
    assert "'indexName'" in raised.value.message
