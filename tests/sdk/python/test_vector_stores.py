"""Vector stores: made, filled, listed, changed, deleted."""

import re
from datetime import timedelta

import pytest
import pytest_asyncio
from azure.ai.agents.models import (
    VectorStoreExpirationPolicy,
    VectorStoreExpirationPolicyAnchor,
    VectorStoreStaticChunkingStrategyOptions,
    VectorStoreStaticChunkingStrategyRequest,
)
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from awaited import collect
from documents import plain
from shelves import QUICKLY, filled, uploaded


@pytest_asyncio.fixture
async def store(sdk):
    """A store without files."""
    store = await sdk.agents.vector_stores.create(name="shelf", metadata={"team": "sales"})
    yield store
    await sdk.agents.vector_stores.delete(store.id)


def sizes(most: int, overlap: int) -> VectorStoreStaticChunkingStrategyRequest:
    """A chunking strategy."""
    options = VectorStoreStaticChunkingStrategyOptions(
        max_chunk_size_tokens=most, chunk_overlap_tokens=overlap
    )
    return VectorStoreStaticChunkingStrategyRequest(static=options)


async def test_a_store_without_files_is_completed_in_the_answer_that_makes_it(sdk, store):
    assert re.fullmatch(r"vs_[0-9A-Za-z]{24}", store.id)
    assert (store.object, store.status, store.usage_bytes) == ("vector_store", "completed", 0)
    assert (store.name, store.metadata) == ("shelf", {"team": "sales"})
    counts = store.file_counts
    assert (counts.total, counts.completed, counts.in_progress) == (0, 0, 0)
    assert (store.expires_after, store.expires_at) == (None, None)
    assert await sdk.agents.vector_stores.get(store.id) == store


async def test_a_store_is_made_with_files_and_waited_for(sdk):
    documents = [plain(f"note-{number}.txt", number) for number in range(3)]
    file_ids = await uploaded(sdk, *documents)
    store = await sdk.agents.vector_stores.create_and_poll(file_ids=file_ids, polling_interval=QUICKLY)
    assert (store.status, store.file_counts.completed, store.file_counts.total) == ("completed", 3, 3)
    assert store.usage_bytes > 0
    listed = await collect(sdk.agents.vector_store_files.list(store.id, order="asc"))
    assert [file.id for file in listed] == file_ids
    await sdk.agents.vector_stores.delete(store.id)


async def test_what_is_not_named_stays_as_it_is(sdk, store):
    changed = await sdk.agents.vector_stores.modify(store.id, name="rack")
    assert (changed.name, changed.metadata) == ("rack", {"team": "sales"})
    changed = await sdk.agents.vector_stores.modify(store.id, metadata={"team": "support"})
    assert (changed.name, changed.metadata) == ("rack", {"team": "support"})


async def test_stores_are_listed_newest_first_page_after_page(sdk):
    made = [(await sdk.agents.vector_stores.create(name=f"page-{number}")).id for number in range(5)]
    pages = [store.id for store in await collect(sdk.agents.vector_stores.list(limit=2))]
    assert [store for store in pages if store in made] == list(reversed(made))
    after = await collect(sdk.agents.vector_stores.list(order="asc", before=made[3]))
    assert [store.id for store in after if store.id in made] == made[:3]
    for store in made:
        deleted = await sdk.agents.vector_stores.delete(store)
        assert deleted is None or deleted.deleted


async def test_a_store_expires_some_days_after_its_last_use(sdk):
    policy = VectorStoreExpirationPolicy(anchor=VectorStoreExpirationPolicyAnchor.LAST_ACTIVE_AT, days=2)
    store = await sdk.agents.vector_stores.create(expires_after=policy)
    assert store.expires_after == policy
    assert store.expires_at - store.last_active_at == timedelta(days=2)
    await sdk.agents.vector_stores.delete(store.id)


@pytest.mark.parametrize("days", [0, 366])
async def test_days_out_of_range_are_refused_by_their_field(sdk, days):
    policy = VectorStoreExpirationPolicy(anchor="last_active_at", days=days)
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.vector_stores.create(expires_after=policy)
    assert (raised.value.status_code, raised.value.model.error.param) == (400, "expires_after.days")


async def test_files_are_cut_as_the_store_was_told(sdk):
    store = await filled(sdk, plain("a.txt", 1), chunking_strategy=sizes(200, 50))
    [file] = await collect(sdk.agents.vector_store_files.list(store.id))
    assert file.chunking_strategy.type == "static"
    assert file.chunking_strategy.static.max_chunk_size_tokens == 200
    assert file.chunking_strategy.static.chunk_overlap_tokens == 50
    await sdk.agents.vector_stores.delete(store.id)


async def test_an_overlap_of_more_than_half_is_refused(sdk):
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.vector_stores.create(chunking_strategy=sizes(200, 101))
    param = "chunking_strategy.static.chunk_overlap_tokens"
    assert (raised.value.status_code, raised.value.model.error.param) == (400, param)


async def test_a_file_that_is_not_there_is_refused(sdk):
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.vector_stores.create(file_ids=["assistant-doesnotexist00000000"])
    assert raised.value.status_code in (400, 404)
    assert "assistant-doesnotexist00000000" in raised.value.message


async def test_a_deleted_store_is_gone_and_its_files_stay(sdk):
    store = await filled(sdk, plain("a.txt", 1))
    [file] = await collect(sdk.agents.vector_store_files.list(store.id))
    await sdk.agents.vector_stores.delete(store.id)
    with pytest.raises(ResourceNotFoundError) as raised:
        await sdk.agents.vector_stores.get(store.id)
    assert store.id in raised.value.message
    assert (await sdk.agents.files.get(file.id)).filename == "a.txt"
    await sdk.agents.files.delete(file.id)
