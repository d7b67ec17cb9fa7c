"""Files: uploaded, listed by purpose, read back byte by byte, saved to disk, deleted."""

import re

import pytest
from azure.ai.agents.models import FilePurpose
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

CONTENT = b"one\ntwo\n\x00\xff three"


async def content_of(sdk, file_id: str) -> bytes:
    return b"".join([chunk async for chunk in await sdk.agents.files.get_content(file_id)])


async def test_an_uploaded_file_can_be_read_back(sdk, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(CONTENT)
    file = await sdk.agents.files.upload(file_path=str(path), purpose=FilePurpose.AGENTS)
    assert re.fullmatch(r"assistant-[0-9A-Za-z]{22}", file.id)
    assert (file.object, file.purpose, file.filename) == ("file", "assistants", "notes.txt")
    assert (file.bytes, file.status) == (len(CONTENT), "processed")
    assert file.created_at.timestamp() > 0
    assert await sdk.agents.files.get(file.id) == file
    assert await content_of(sdk, file.id) == CONTENT


async def test_a_file_can_be_uploaded_from_memory_and_waited_for(sdk):
    file = await sdk.agents.files.upload_and_poll(
        file=("memory.bin", CONTENT), purpose=FilePurpose.AGENTS, polling_interval=0.05
    )
    assert (file.filename, file.status) == ("memory.bin", "processed")
    assert await content_of(sdk, file.id) == CONTENT


async def test_a_name_may_hold_any_letters(sdk):
    file = await sdk.agents.files.upload(file=("Übersicht 年.txt", CONTENT), purpose=FilePurpose.AGENTS)
    assert (await sdk.agents.files.get(file.id)).filename == "Übersicht 年.txt"


async def test_an_empty_file_is_refused(sdk):
    with pytest.raises(HttpResponseError) as raised:
        await sdk.agents.files.upload(file=("empty.txt", b""), purpose=FilePurpose.AGENTS)
    assert (raised.value.status_code, raised.value.model.error.message) == (400, "The file is empty.")


async def test_a_large_file_arrives_whole(sdk):
    large = bytes(range(256)) * 32 * 1024  # 8 MiB
    file = await sdk.agents.files.upload(file=("large.bin", large), purpose=FilePurpose.AGENTS)
    assert file.bytes == len(large)
    assert await content_of(sdk, file.id) == large


async def test_files_are_listed_by_purpose(sdk):
    for_agents = await sdk.agents.files.upload(file=("a.txt", CONTENT), purpose=FilePurpose.AGENTS)
    for_vision = await sdk.agents.files.upload(file=("v.png", CONTENT), purpose=FilePurpose.VISION)
    everything = [file.id for file in (await sdk.agents.files.list()).data]
    vision = [file.id for file in (await sdk.agents.files.list(purpose=FilePurpose.VISION)).data]
    assert {for_agents.id, for_vision.id} <= set(everything)
    assert for_vision.id in vision
    assert for_agents.id not in vision


async def test_a_file_can_be_saved_to_disk(sdk, tmp_path):
    file = await sdk.agents.files.upload(file=("a.txt", CONTENT), purpose=FilePurpose.AGENTS)
    await sdk.agents.files.save(file_id=file.id, file_name="saved.txt", target_dir=tmp_path)
    assert (tmp_path / "saved.txt").read_bytes() == CONTENT


async def test_a_deleted_file_is_gone(sdk):
    file = await sdk.agents.files.upload(file=("a.txt", CONTENT), purpose=FilePurpose.AGENTS)
    await sdk.agents.files.delete(file.id)
    with pytest.raises(ResourceNotFoundError):
        await sdk.agents.files.get(file.id)
    with pytest.raises(ResourceNotFoundError):
        await content_of(sdk, file.id)
    with pytest.raises(ResourceNotFoundError):
        await sdk.agents.files.delete(file.id)
    assert file.id not in [left.id for left in (await sdk.agents.files.list()).data]
