"""Datasets: records with versions, and their data as the Azure Blob client puts and gets it."""

import inspect
import os
import re

import pytest
from azure.ai.projects.models import (
    DatasetType,
    FileDatasetVersion,
    FolderDatasetVersion,
    PendingUploadRequest,
    PendingUploadType,
)
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import ContainerClient
from azure.storage.blob.aio import ContainerClient as AsyncContainerClient

from awaited import Awaited, collect
from projects import new_name

# Small pieces, so that a few kilobytes are put in blocks and read in ranges.
IN_PIECES = {
    "max_single_put_size": 1024,
    "max_block_size": 1024,
    "max_single_get_size": 1024,
    "max_chunk_get_size": 1024,
}


def container(sdk, address: str, **options):
    """The Blob client of the container at a signed address. It may stand for one blob: that is the root."""
    if sdk.kind == "sync":
        return Awaited(ContainerClient.from_container_url(address, **options))
    return AsyncContainerClient.from_container_url(address, **options)


async def content_of(blobs, name: str) -> bytes:
    """A blob's bytes."""
    content = (await blobs.download_blob(name)).readall()
    return await content if inspect.isawaitable(content) else content


def up_to_the_container(address: str) -> str:
    """The signed address of the container that a signed address of a blob is in."""
    place, signature = address.split("?")
    return f"{place.rsplit('/', 1)[0]}?{signature}"


async def pending_upload(sdk, name: str, version: str = "1"):
    """Where a client may put the data of a version."""
    request = PendingUploadRequest(pending_upload_type=PendingUploadType.BLOB_REFERENCE)
    return await sdk.project.datasets.pending_upload(
        name=name, version=version, pending_upload_request=request
    )


@pytest.fixture
def folder(tmp_path):
    """Files, one of them in a folder of its own."""
    (tmp_path / "deep").mkdir()
    for place, text in [("one.txt", "one"), ("deep/two.TXT", "two"), ("three.bin", "three")]:
        (tmp_path / place).write_text(text)
    return tmp_path


async def test_a_file_is_uploaded_recorded_and_read_back(sdk, folder):
    name = new_name("dataset")
    dataset = await sdk.project.datasets.upload_file(
        name=name, version="1.0", file_path=str(folder / "one.txt")
    )
    assert (dataset.name, dataset.version, dataset.type) == (name, "1.0", DatasetType.URI_FILE)
    assert isinstance(dataset, FileDatasetVersion)
    assert dataset.id.endswith(f"/data/{name}/versions/1.0")
    assert dataset.data_uri.endswith("/one.txt")
    assert "sig=" not in dataset.data_uri
    assert await sdk.project.datasets.get(name, "1.0") == dataset

    credential = await sdk.project.datasets.get_credentials(name, "1.0")
    reference = credential.blob_reference
    assert reference.blob_uri == dataset.data_uri
    assert reference.storage_account_arm_id
    assert reference.credential.type == "SAS"
    blobs = container(sdk, up_to_the_container(reference.credential.sas_uri))
    assert await content_of(blobs, "one.txt") == b"one"
    await blobs.close()
    await sdk.project.datasets.delete(name, "1.0")


async def test_a_folder_keeps_its_paths_and_leaves_out_what_the_pattern_does_not_match(sdk, folder):
    name = new_name("dataset")
    dataset = await sdk.project.datasets.upload_folder(
        name=name,
        version="2",
        folder=str(folder),
        file_pattern=re.compile(r"\.txt$", re.IGNORECASE),
        connection_name="ignored",
    )
    assert isinstance(dataset, FolderDatasetVersion)
    assert (dataset.type, dataset.is_reference) == (DatasetType.URI_FOLDER, False)
    credential = await sdk.project.datasets.get_credentials(name, "2")
    blobs = container(sdk, credential.blob_reference.credential.sas_uri)
    found = {blob.name: blob.size for blob in await collect(blobs.list_blobs())}
    assert found == {"deep/two.TXT": 3, "one.txt": 3}
    assert await content_of(blobs, "deep/two.TXT") == b"two"
    below = await collect(blobs.list_blobs(name_starts_with="deep/"))
    assert [blob.name for blob in below] == ["deep/two.TXT"]
    await blobs.close()
    await sdk.project.datasets.delete(name, "2")


async def test_a_pending_upload_takes_a_blob_in_blocks_and_gives_it_back_in_ranges(sdk):
    name, content = new_name("dataset"), os.urandom(10_000)
    pending = await pending_upload(sdk, name)
    assert (pending.pending_upload_type, pending.version) == (PendingUploadType.BLOB_REFERENCE, "1")
    assert pending.pending_upload_id
    blobs = container(sdk, pending.blob_reference.credential.sas_uri, **IN_PIECES)
    await blobs.upload_blob("large.bin", content)
    assert await content_of(blobs, "large.bin") == content
    await blobs.close()

    record = FolderDatasetVersion(data_uri=pending.blob_reference.blob_uri)
    created = await sdk.project.datasets.create_or_update(name=name, version="1", dataset_version=record)
    assert created.data_uri == pending.blob_reference.blob_uri
    credential = await sdk.project.datasets.get_credentials(name, "1")
    blobs = container(sdk, credential.blob_reference.credential.sas_uri, **IN_PIECES)
    assert await content_of(blobs, "large.bin") == content
    await blobs.close()
    await sdk.project.datasets.delete(name, "1")


async def test_an_update_changes_what_it_names_and_keeps_the_rest(sdk):
    name = new_name("dataset")
    data = {"type": "uri_file", "dataUri": "https://data.invalid/file"}
    datasets = sdk.project.datasets
    first = data | {"description": "The first.", "tags": {"a": "1", "b": "2"}}
    created = await datasets.create_or_update(name=name, version="1", dataset_version=first)
    assert (created.description, dict(created.tags)) == ("The first.", {"a": "1", "b": "2"})
    changed = await datasets.create_or_update(
        name=name, version="1", dataset_version={"tags": {"a": None, "c": "3"}}
    )
    assert (changed.description, dict(changed.tags)) == ("The first.", {"b": "2", "c": "3"})
    assert changed.data_uri == "https://data.invalid/file"
    await datasets.delete(name, "1")


async def test_the_newest_version_of_each_is_listed_and_all_versions_of_one(sdk):
    one, other = new_name("dataset"), new_name("dataset")
    for name, version in [(one, "1"), (other, "1"), (one, "2")]:
        record = FileDatasetVersion(data_uri="https://data.invalid/file")
        await sdk.project.datasets.create_or_update(name=name, version=version, dataset_version=record)
    versions = await collect(sdk.project.datasets.list_versions(one))
    assert [version.version for version in versions] == ["2", "1"]
    listed = await collect(sdk.project.datasets.list())
    newest = {found.name: found.version for found in listed if found.name in (one, other)}
    assert newest == {one: "2", other: "1"}
    for name, version in [(one, "1"), (other, "1"), (one, "2")]:
        await sdk.project.datasets.delete(name, version)
    assert await collect(sdk.project.datasets.list_versions(one)) == []


async def test_the_data_goes_with_its_record(sdk, folder):
    name = new_name("dataset")
    await sdk.project.datasets.upload_folder(name=name, version="1", folder=str(folder))
    credential = await sdk.project.datasets.get_credentials(name, "1")
    # As often as one likes.
    await sdk.project.datasets.delete(name, "1")
    await sdk.project.datasets.delete(name, "1")
    blobs = container(sdk, credential.blob_reference.credential.sas_uri)
    with pytest.raises(ResourceNotFoundError):
        await content_of(blobs, "one.txt")
    await blobs.close()
    for gone in (sdk.project.datasets.get, sdk.project.datasets.get_credentials):
        with pytest.raises(ResourceNotFoundError) as raised:
            await gone(name, "1")
        assert "Could not find asset with ID" in raised.value.message


async def test_credentials_let_a_client_read_and_not_write(sdk, folder):
    name = new_name("dataset")
    await sdk.project.datasets.upload_folder(name=name, version="1", folder=str(folder))
    credential = await sdk.project.datasets.get_credentials(name, "1")
    blobs = container(sdk, credential.blob_reference.credential.sas_uri)
    with pytest.raises(HttpResponseError) as raised:
        await blobs.upload_blob("four.txt", b"four")
    assert (raised.value.status_code, raised.value.error_code) == (403, "AuthorizationPermissionMismatch")
    await blobs.close()
    await sdk.project.datasets.delete(name, "1")


async def test_a_signature_opens_its_own_container_alone(sdk):
    one, other = [await pending_upload(sdk, new_name("dataset")) for _ in range(2)]
    place = one.blob_reference.blob_uri
    foreign = other.blob_reference.credential.sas_uri.split("?")[1]
    blobs = container(sdk, f"{place}?{foreign}")
    with pytest.raises(HttpResponseError) as raised:
        await blobs.upload_blob("x.txt", b"x")
    assert (raised.value.status_code, raised.value.error_code) == (403, "AuthenticationFailed")
    await blobs.close()


async def test_a_blob_that_is_there_is_replaced_only_by_who_says_so(sdk):
    pending = await pending_upload(sdk, new_name("dataset"))
    blobs = container(sdk, pending.blob_reference.credential.sas_uri)
    await blobs.upload_blob("one.txt", b"one")
    with pytest.raises(HttpResponseError) as raised:
        await blobs.upload_blob("one.txt", b"two")
    assert raised.value.error_code == "BlobAlreadyExists"
    await blobs.upload_blob("one.txt", b"three", overwrite=True)
    assert await content_of(blobs, "one.txt") == b"three"
    await blobs.close()


@pytest.mark.parametrize(
    ("record", "version", "fault"),
    [
        ({"dataUri": "https://data.invalid/file"}, "1", "'type'"),
        ({"type": "uri_file"}, "1", "'dataUri'"),
        ({"type": "table", "dataUri": "https://data.invalid/file"}, "1", "'table'"),
        ({"type": "uri_file", "dataUri": "https://data.invalid/file"}, "a b", "'version'"),
    ],
    ids=["no type", "no data", "unknown type", "bad version"],
)
async def test_what_no_dataset_may_be_is_refused(sdk, record, version, fault):
    with pytest.raises(HttpResponseError) as raised:
        await sdk.project.datasets.create_or_update(
            name=new_name("dataset"), version=version, dataset_version=record
        )
    assert raised.value.status_code == 400
    assert fault in raised.value.message
