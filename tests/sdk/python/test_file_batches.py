"""File batches: many files at once, listed, given up."""

import re

import pytest
import pytest_asyncio
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from awaited import collect
from documents import BROKEN, all_kinds, pdf, plain
from shelves import QUICKLY, uploaded


@pytest_asyncio.fixture
async def store(sdk):
    """A store without files."""
    store = await sdk.agents.vector_stores.create(name="shelf")
    yield store
    await sdk.agents.vector_stores.delete(store.id)


async def test_a_folder_with_documents_of_every_kind_is_read(sdk, store):
    file_ids = await uploaded(sdk, *all_kinds())
    batch = await sdk.agents.vector_store_file_batches.create_and_poll(
        vector_store_id=store.id, file_ids=file_ids, polling_interval=QUICKLY
    )
    assert re.fullmatch(r"vsfb_[0-9a-f]{32}", batch.id)
    assert (batch.status, batch.vector_store_id) == ("completed", store.id)
    failed = sdk.agents.vector_store_file_batches.list_files(store.id, batch.id, filter="failed")
    assert [file.last_error for file in await collect(failed)] == []
    counts = batch.file_counts
    assert (counts.completed, counts.total) == (len(file_ids), len(file_ids))


async def test_one_bad_file_does_not_keep_the_others_out(sdk, store):
    make, _ = BROKEN["encrypted.pdf"]
    good, bad = await uploaded(sdk, plain("good.txt", 1), ("bad.pdf", make()))
    batch = await sdk.agents.vector_store_file_batches.create_and_poll(
        vector_store_id=store.id, file_ids=[good, bad], polling_interval=QUICKLY
    )
    assert batch.status == "completed"
    assert (batch.file_counts.completed, batch.file_counts.failed, batch.file_counts.total) == (1, 1, 2)
    listed = sdk.agents.vector_store_file_batches.list_files
    assert [file.id for file in await collect(listed(store.id, batch.id, filter="completed"))] == [good]
    [failed] = await collect(listed(store.id, batch.id, filter="failed"))
    assert (failed.id, failed.last_error.code) == (bad, "invalid_file")
    assert [file.id for file in await collect(listed(store.id, batch.id, order="asc"))] == [good, bad]


async def test_a_batch_is_in_progress_in_the_answer_that_makes_it(sdk, store):
    file_ids = await uploaded(sdk, *(plain(f"{number}.txt", number) for number in range(3)))
    batch = await sdk.agents.vector_store_file_batches.create(vector_store_id=store.id, file_ids=file_ids)
    assert batch.status == "in_progress"
    assert (batch.file_counts.in_progress, batch.file_counts.total) == (3, 3)


async def test_what_a_batch_has_not_read_yet_can_be_given_up(sdk, store):
    pages = [f"Page {number} of a long report. " * 40 for number in range(60)]
    file_ids = await uploaded(sdk, *((f"report-{number}.pdf", pdf(*pages)) for number in range(8)))
    batch = await sdk.agents.vector_store_file_batches.create(vector_store_id=store.id, file_ids=file_ids)
    cancelled = await sdk.agents.vector_store_file_batches.cancel(store.id, batch.id)
    counts = cancelled.file_counts
    assert (cancelled.status, counts.in_progress) == ("cancelled", 0)
    assert counts.cancelled > 0
    assert counts.cancelled + counts.completed == counts.total == 8
    later = await sdk.agents.vector_store_file_batches.get(store.id, batch.id)
    assert (later.status, later.file_counts) == (cancelled.status, cancelled.file_counts)


async def test_the_same_file_twice_is_one_file(sdk, store):
    [file_id] = await uploaded(sdk, plain("note.txt", 1))
    for _ in range(2):
        await sdk.agents.vector_store_file_batches.create_and_poll(
            vector_store_id=store.id, file_ids=[file_id], polling_interval=QUICKLY
        )
    assert [file.id for file in await collect(sdk.agents.vector_store_files.list(store.id))] == [file_id]


async def test_a_batch_with_a_file_of_a_kind_that_is_not_read_is_refused_as_a_whole(sdk, store):
    good, bad = await uploaded(sdk, plain("good.txt", 1), ("table.xlsx", b"PK"))
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.vector_store_file_batches.create(vector_store_id=store.id, file_ids=[good, bad])
    error = raised.value.model.error
    assert (raised.value.status_code, error.code) == (400, "unsupported_file")
    assert await collect(sdk.agents.vector_store_files.list(store.id)) == []


async def test_a_batch_of_another_store_is_not_found(sdk, store):
    [file_id] = await uploaded(sdk, plain("note.txt", 1))
    batch = await sdk.agents.vector_store_file_batches.create(vector_store_id=store.id, file_ids=[file_id])
    other = await sdk.agents.vector_stores.create()
    with pytest.raises(ResourceNotFoundError):
        await sdk.agents.vector_store_file_batches.get(other.id, batch.id)
    await sdk.agents.vector_stores.delete(other.id)
