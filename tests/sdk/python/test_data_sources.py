"""Data sources: stores that are filled from datasets, as the samples of enterprise file search do."""

import os
from contextlib import contextmanager
from uuid import uuid4

import pytest
from azure.ai.agents.models import (
    VectorStoreConfiguration,
    VectorStoreDataSource,
    VectorStoreDataSourceAssetType,
)
from azure.ai.projects import AIProjectClient
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential

from awaited import collect
from documents import docx, plain
from shelves import QUICKLY

ID = VectorStoreDataSourceAssetType.ID_ASSET
URI = VectorStoreDataSourceAssetType.URI_ASSET


@contextmanager
def datasets():
    """The client's datasets."""
    with (
        DefaultAzureCredential() as credential,
        AIProjectClient(endpoint=os.environ["PROJECT_ENDPOINT"], credential=credential) as project,
    ):
        yield project.datasets


@pytest.fixture
def folder(tmp_path):
    """Two documents, one of them deeper."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "note.txt").write_bytes(plain("note.txt", 1).content)
    (tmp_path / "deep" / "letter.docx").write_bytes(docx("Dear keeper, the lamp is out."))
    return tmp_path


@pytest.fixture
def dataset(folder):
    """A dataset that is a file."""
    name = f"dataset-{uuid4().hex[:12]}"
    with datasets() as sets:
        yield sets.upload_file(name=name, version="1", file_path=str(folder / "note.txt"))
        sets.delete(name, "1")


@pytest.fixture
def dataset_folder(folder):
    """A dataset that is a folder."""
    name = f"dataset-{uuid4().hex[:12]}"
    with datasets() as sets:
        yield sets.upload_folder(name=name, version="1", folder=str(folder))
        sets.delete(name, "1")


async def names_in(sdk, store) -> list[str]:
    """The names of the files of a store."""
    files = await collect(sdk.agents.vector_store_files.list(store.id))
    return sorted([(await sdk.agents.files.get(file.id)).filename for file in files])


async def emptied(sdk, store) -> None:
    """Deletes the store with the files that were made for it."""
    for file in await collect(sdk.agents.vector_store_files.list(store.id)):
        await sdk.agents.files.delete(file.id)
    await sdk.agents.vector_stores.delete(store.id)


@pytest.mark.parametrize("kind", [ID, URI])
async def test_a_store_is_made_from_a_dataset(sdk, dataset, kind):
    place = dataset.id if kind == ID else dataset.data_uri
    source = VectorStoreDataSource(asset_identifier=place, asset_type=kind)
    store = await sdk.agents.vector_stores.create_and_poll(
        data_sources=[source], name="enterprise", polling_interval=QUICKLY
    )
    assert (store.status, store.file_counts.completed) == ("completed", 1)
    assert await names_in(sdk, store) == ["note.txt"]
    await emptied(sdk, store)


async def test_a_folder_gives_all_its_documents(sdk, dataset_folder):
    source = VectorStoreDataSource(asset_identifier=dataset_folder.id, asset_type=ID)
    store = await sdk.agents.vector_stores.create_and_poll(data_sources=[source], polling_interval=QUICKLY)
    assert (store.status, store.file_counts.completed) == ("completed", 2)
    names = await names_in(sdk, store)
    assert [name.rsplit("/", 1)[-1] for name in names] in (
        ["letter.docx", "note.txt"],
        ["note.txt", "letter.docx"],
    )
    await emptied(sdk, store)


async def test_a_source_is_put_into_a_store_as_a_file_and_in_a_batch(sdk, dataset):
    source = VectorStoreDataSource(asset_identifier=dataset.id, asset_type=ID)
    store = await sdk.agents.vector_stores.create()
    file = await sdk.agents.vector_store_files.create_and_poll(
        vector_store_id=store.id, data_source=source, polling_interval=QUICKLY
    )
    assert (file.status, (await sdk.agents.files.get(file.id)).filename) == ("completed", "note.txt")
    await sdk.agents.files.delete(file.id)
    assert await collect(sdk.agents.vector_store_files.list(store.id)) == []
    batch = await sdk.agents.vector_store_file_batches.create_and_poll(
        vector_store_id=store.id, data_sources=[source], polling_interval=QUICKLY
    )
    assert (batch.status, batch.file_counts.completed) == ("completed", 1)
    await emptied(sdk, store)


async def test_a_dataset_that_is_not_there_is_refused(sdk, dataset):
    missing = dataset.id.replace(dataset.name, "nothing")
    source = VectorStoreDataSource(asset_identifier=missing, asset_type=ID)
    with pytest.raises((HttpResponseError, ResourceNotFoundError)) as raised:
        await sdk.agents.vector_stores.create(
            store_configuration=VectorStoreConfiguration(data_sources=[source])
        )
    assert raised.value.status_code in (400, 404)
    assert "nothing" in raised.value.message
