"""The client with which code in official containers remembers things."""

import pytest
from azure.ai.agentserver.core.storage import FoundryStateStore
from azure.ai.agentserver.core.storage._errors import (
    FoundryStorageBadRequestError,
    FoundryStorageConflictError,
    FoundryStorageNotFoundError,
    FoundryStoragePreconditionError,
)


async def store(credential, name: str, **options) -> FoundryStateStore:
    return await FoundryStateStore.get_or_create(name, credential, **options)


async def test_a_store_is_made_once_changed_and_deleted(credential):
    async with await store(credential, "checkpoints/thread", description="old", tags={"a": "1"}) as first:
        async with await store(credential, "checkpoints/thread") as second:
            properties = await second.get()
            assert (properties.name, properties.description) == ("checkpoints/thread", "old")
            assert (properties.item_ttl_seconds, properties.user_isolation) == (2592000, False)
            changed = await second.update(description=None, tags={"b": "2"})
            assert (changed.description, changed.tags) == (None, {"b": "2"})
        deleted = await first.delete()
        assert deleted.deleted and deleted.id == properties.id
        assert (await first.delete()).deleted
        with pytest.raises(FoundryStorageNotFoundError):
            await first.get()


async def test_items_are_created_set_read_and_deleted(credential):
    async with await store(credential, "items") as items:
        created = await items.create_item("step/1", {"done": False}, tags={"kind": "step"})
        with pytest.raises(FoundryStorageConflictError):
            await items.create_item("step/1", {})
        item = await items.get_item("step/1")
        assert (item.key, item.value, item.tags) == ("step/1", {"done": False}, {"kind": "step"})
        assert item.etag == created.etag
        assert await items.get_item("step/2") is None

        written = await items.set_item("step/1", {"done": True}, if_match=created.etag)
        with pytest.raises(FoundryStoragePreconditionError) as stale:
            await items.set_item("step/1", {}, if_match=created.etag)
        assert stale.value.current_etag == written.etag
        with pytest.raises(FoundryStoragePreconditionError):
            await items.set_item("step/2", {}, require_exists=True)
        assert (await items.delete_item("step/1", if_match=written.etag)).id == written.id
        assert (await items.delete_item("step/1")).deleted


async def test_keys_are_paged_and_filtered_by_tags(credential):
    async with await store(credential, "keys") as items:
        for number in range(5):
            await items.set_item(f"k{number}", {}, tags={"even": str(number % 2 == 0)})
        page = await items.list_keys(limit=2, order="asc")
        assert [item.key for item in page.keys] == ["k0", "k1"]
        assert page.has_more
        rest = await items.list_keys(limit=10, order="asc", after=page.last_id)
        assert [item.key for item in rest.keys] == ["k2", "k3", "k4"]
        assert not rest.has_more
        even = await items.list_keys(tags={"even": "True"})
        assert [item.key for item in even.keys] == ["k4", "k2", "k0"]


async def test_users_are_kept_apart(credential):
    async with (
        await store(credential, "users", user_isolation=True, user_id="ann") as of_ann,
        await store(credential, "users", user_isolation=True, user_id="bob") as of_bob,
    ):
        await of_ann.set_item("k", {"of": "ann"})
        assert await of_bob.get_item("k") is None
        assert (await of_bob.list_keys()).keys == []


async def test_what_is_wrong_is_named(credential):
    async with await store(credential, "limits") as items:
        with pytest.raises(FoundryStorageBadRequestError) as refused:
            await items.set_item("k", {"text": "x" * 1024 * 1024})
        assert refused.value.param == "value"
