"""Files of vector stores: put in one by one, listed, taken out, and refused with the reason."""

import pytest
import pytest_asyncio
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from awaited import collect
from documents import BROKEN, pdf, plain
from shelves import QUICKLY, read, uploaded

UNSUPPORTED = (
    "Files with extensions [.csv] are not supported for retrieval. Supported file types include: [.c, .cpp, "
    ".cs, .css, .doc, .docx, .go, .html, .java, .js, .json, .md, .pdf, .php, .pptx, .py, .rb, .sh, .tex, .ts, "
    ".txt]."
)


@pytest_asyncio.fixture
async def store(sdk):
    """A store without files."""
    store = await sdk.agents.vector_stores.create(name="shelf")
    yield store
    await sdk.agents.vector_stores.delete(store.id)


async def test_a_file_is_put_into_a_store_and_waited_for(sdk, store):
    [file_id] = await uploaded(sdk, plain("note.txt", 1))
    begun = await sdk.agents.vector_store_files.create(vector_store_id=store.id, file_id=file_id)
    assert (begun.id, begun.vector_store_id, begun.object) == (file_id, store.id, "vector_store.file")
    assert begun.status in ("in_progress", "completed")
    file = await sdk.agents.vector_store_files.create_and_poll(
        vector_store_id=store.id, file_id=file_id, polling_interval=QUICKLY
    )
    assert (file.status, file.last_error) == ("completed", None)
    assert file.usage_bytes > 0
    assert file.chunking_strategy.static.max_chunk_size_tokens == 800
    assert file.chunking_strategy.static.chunk_overlap_tokens == 400
    assert await sdk.agents.vector_store_files.get(store.id, file_id) == file


async def test_a_file_of_a_kind_that_is_not_read_is_refused_in_the_services_words(sdk, store):
    [file_id] = await uploaded(sdk, ("table.csv", b"a,b\n1,2\n"))
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.vector_store_files.create(vector_store_id=store.id, file_id=file_id)
    assert raised.value.status_code == 400
    assert raised.value.response.json() == {
        "error": {
            "message": UNSUPPORTED,
            "type": "invalid_request_error",
            "param": "file_id",
            "code": "unsupported_file",
        }
    }
    assert await collect(sdk.agents.vector_store_files.list(store.id)) == []


@pytest.mark.parametrize("name", BROKEN)
async def test_a_file_that_can_not_be_read_fails_alone_and_says_why(sdk, store, name):
    make, word = BROKEN[name]
    failed = await read(sdk, store, (name, make()))
    assert (failed.status, failed.last_error.code) == ("failed", "invalid_file")
    assert word in failed.last_error.message
    good = await read(sdk, store, plain("good.txt", 1))
    assert good.status == "completed"
    counts = (await sdk.agents.vector_stores.get(store.id)).file_counts
    assert (counts.failed, counts.completed, counts.total) == (1, 1, 2)


async def test_files_are_listed_by_how_far_they_are(sdk, store):
    good = await read(sdk, store, plain("good.txt", 1))
    bad = await read(sdk, store, ("bad.pdf", pdf("Cut.")[:300]))
    for status, files in [("completed", [good.id]), ("failed", [bad.id]), ("in_progress", []), ("cancelled", [])]:
        listed = await collect(sdk.agents.vector_store_files.list(store.id, filter=status))
        assert [file.id for file in listed] == files, status


async def test_a_file_that_is_taken_out_stays_an_uploaded_file(sdk, store):
    file = await read(sdk, store, plain("note.txt", 1))
    deleted = await sdk.agents.vector_store_files.delete(store.id, file.id)
    assert deleted is None or deleted.deleted
    with pytest.raises(ResourceNotFoundError):
        await sdk.agents.vector_store_files.get(store.id, file.id)
    assert (await sdk.agents.files.get(file.id)).filename == "note.txt"
    assert (await sdk.agents.vector_stores.get(store.id)).file_counts.total == 0


async def test_an_uploaded_file_that_is_deleted_leaves_all_stores(sdk, store):
    file = await read(sdk, store, plain("note.txt", 1))
    other = await sdk.agents.vector_stores.create_and_poll(file_ids=[file.id], polling_interval=QUICKLY)
    await sdk.agents.files.delete(file.id)
    for one in (store, other):
        assert await collect(sdk.agents.vector_store_files.list(one.id)) == []
    await sdk.agents.vector_stores.delete(other.id)


async def test_a_store_that_is_deleted_while_it_is_filled_is_gone(sdk):
    pages = [f"Page {number} of a long report. " * 40 for number in range(60)]
    file_ids = await uploaded(sdk, *((f"report-{number}.pdf", pdf(*pages)) for number in range(4)))
    store = await sdk.agents.vector_stores.create(file_ids=file_ids)
    await sdk.agents.vector_stores.delete(store.id)
    with pytest.raises(ResourceNotFoundError):
        await sdk.agents.vector_stores.get(store.id)
    other = await sdk.agents.vector_stores.create_and_poll(file_ids=file_ids[:1], polling_interval=QUICKLY)
    assert other.file_counts.completed == 1
    await sdk.agents.vector_stores.delete(other.id)


async def test_files_that_are_deleted_while_they_are_read_are_gone_from_the_counts(sdk, store):
    pages = [f"Page {number} of a long report. " * 40 for number in range(60)]
    file_ids = await uploaded(sdk, *((f"report-{number}.pdf", pdf(*pages)) for number in range(4)))
    batch = await sdk.agents.vector_store_file_batches.create(vector_store_id=store.id, file_ids=file_ids)
    await sdk.agents.files.delete(file_ids[-1])
    await sdk.agents.vector_store_files.delete(store.id, file_ids[-2])
    while batch.status == "in_progress":
        batch = await sdk.agents.vector_store_file_batches.get(store.id, batch.id)
    counts = (await sdk.agents.vector_stores.get(store.id)).file_counts
    assert (counts.completed, counts.in_progress, counts.total) == (2, 0, 2)


async def test_a_store_that_is_not_there_takes_no_files(sdk):
    [file_id] = await uploaded(sdk, plain("note.txt", 1))
    with pytest.raises(ResourceNotFoundError) as raised:
        await sdk.agents.vector_store_files.create(vector_store_id="vs_doesnotexist", file_id=file_id)
    assert "vs_doesnotexist" in raised.value.message
