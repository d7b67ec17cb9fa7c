"""Filling vector stores through the classic clients."""

from azure.ai.agents.models import FilePurpose

from documents import Document

QUICKLY = 0.05  # seconds between two looks


async def uploaded(sdk, *documents: Document | tuple[str, bytes]) -> list[str]:
    """The ids of the documents as files of the project, in their order."""
    ids = []
    for document in documents:
        upload = document.upload if isinstance(document, Document) else document
        file = await sdk.agents.files.upload_and_poll(
            file=upload, purpose=FilePurpose.AGENTS, polling_interval=QUICKLY
        )
        ids.append(file.id)
    return ids


async def filled(sdk, *documents: Document | tuple[str, bytes], **options):
    """A new store in which all these documents can be found."""
    store = await sdk.agents.vector_stores.create_and_poll(
        file_ids=await uploaded(sdk, *documents), polling_interval=QUICKLY, **options
    )
    assert store.file_counts.completed == len(documents), store
    return store


async def read(sdk, store, document: Document | tuple[str, bytes], **options):
    """One more document of the store, once it is read, well or not."""
    [file_id] = await uploaded(sdk, document)
    return await sdk.agents.vector_store_files.create_and_poll(
        vector_store_id=store.id, file_id=file_id, polling_interval=QUICKLY, **options
    )
