"""Filling vector stores through the OpenAI client."""

from contextlib import asynccontextmanager

QUICKLY = 50  # milliseconds between two looks


@asynccontextmanager
async def store_of(sdk, *uploads, **options):
    """A new store in which these documents can be found, and no store afterwards."""
    store = await sdk.openai.vector_stores.create(**options)
    if uploads:
        batch = await sdk.openai.vector_stores.file_batches.upload_and_poll(
            store.id, files=list(uploads), poll_interval_ms=QUICKLY
        )
        assert batch.file_counts.completed == len(uploads), batch
    yield store
    await sdk.openai.vector_stores.delete(store.id)


async def read(sdk, store, upload, **options):
    """One more document of the store, once it is read, well or not."""
    file = await sdk.openai.files.create(file=upload, purpose="assistants")
    return await sdk.openai.vector_stores.files.create_and_poll(
        file.id, vector_store_id=store.id, poll_interval_ms=QUICKLY, **options
    )
