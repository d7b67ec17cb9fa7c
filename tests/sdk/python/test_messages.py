"""Messages: text, images and attachments; read, listed in order and by run, changed, deleted."""

import re

import pytest
from azure.ai.agents.models import (
    CodeInterpreterToolDefinition,
    FilePurpose,
    MessageAttachment,
    MessageImageFileParam,
    MessageImageUrlParam,
    MessageInputImageFileBlock,
    MessageInputImageUrlBlock,
    MessageInputTextBlock,
)
from azure.ai.agents.operations import MessagesOperations
from azure.core.exceptions import ResourceNotFoundError

from awaited import collect
from waiting import POLL

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154"
    "789c6360000000000500015d0d2db40000000049454e44ae426082"
)


async def test_a_text_message_is_one_block_of_text(sdk, thread):
    message = await sdk.agents.messages.create(
        thread.id, role="user", content="Hello, wörld", metadata={"n": "1"}
    )
    assert re.fullmatch(r"msg_[0-9A-Za-z]{24}", message.id)
    assert (message.object, message.thread_id, message.role) == ("thread.message", thread.id, "user")
    assert (message.agent_id, message.run_id, message.attachments) == (None, None, [])
    assert message.created_at.timestamp() > 0
    assert message.metadata == {"n": "1"}
    assert message.as_dict()["content"] == [
        {"type": "text", "text": {"value": "Hello, wörld", "annotations": []}}
    ]
    assert await sdk.agents.messages.get(thread.id, message.id) == message


async def test_a_message_can_have_several_blocks(sdk, thread):
    image = await sdk.agents.files.upload(file=("pixel.png", PIXEL), purpose=FilePurpose.AGENTS)
    message = await sdk.agents.messages.create(
        thread.id,
        role="user",
        content=[
            MessageInputTextBlock(text="What are these?"),
            MessageInputImageUrlBlock(
                image_url=MessageImageUrlParam(url="https://example.com/cat.png", detail="low")
            ),
            MessageInputImageFileBlock(image_file=MessageImageFileParam(file_id=image.id, detail="high")),
        ],
    )
    text, url, file = message.as_dict()["content"]
    assert text == {"type": "text", "text": {"value": "What are these?", "annotations": []}}
    assert url == {"type": "image_url", "image_url": {"url": "https://example.com/cat.png", "detail": "low"}}
    assert (file["type"], file["image_file"]["file_id"]) == ("image_file", image.id)
    assert message.image_contents[0].image_file.file_id == image.id


async def test_an_attachment_is_kept_with_its_tools(sdk, thread):
    file = await sdk.agents.files.upload(file=("data.csv", b"a,b\n1,2\n"), purpose=FilePurpose.AGENTS)
    attachment = MessageAttachment(file_id=file.id, tools=[CodeInterpreterToolDefinition()])
    created = await sdk.agents.messages.create(
        thread.id, role="user", content="See here", attachments=[attachment]
    )
    read = await sdk.agents.messages.get(thread.id, created.id)
    assert read.attachments[0].file_id == file.id
    assert read.as_dict()["attachments"][0]["tools"] == [{"type": "code_interpreter"}]


async def test_messages_are_listed_newest_first_or_oldest_first(sdk, thread):
    ids = [(await sdk.agents.messages.create(thread.id, role="user", content=str(n))).id for n in range(5)]
    newest_first = [message.id for message in await collect(sdk.agents.messages.list(thread.id))]
    oldest_first = [message.id for message in await collect(sdk.agents.messages.list(thread.id, order="asc"))]
    in_pages = [message.id for message in await collect(sdk.agents.messages.list(thread.id, limit=2))]
    assert (newest_first, oldest_first, in_pages) == (ids[::-1], ids, ids[::-1])


async def test_a_list_can_end_before_a_given_message(sdk, thread):
    ids = [(await sdk.agents.messages.create(thread.id, role="user", content=str(n))).id for n in range(3)]
    before = await collect(sdk.agents.messages.list(thread.id, order="asc", before=ids[2]))
    assert [message.id for message in before] == ids[:2]


async def test_messages_can_be_listed_by_the_run_that_made_them(sdk, agent, thread):
    await sdk.agents.messages.create(thread.id, role="user", content="Hello")
    runs = [
        await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
        for _ in range(2)
    ]
    for run in runs:
        (made,) = await collect(sdk.agents.messages.list(thread.id, run_id=run.id))
        assert (made.run_id, made.role, made.agent_id) == (run.id, "assistant", agent.id)


async def test_the_last_message_of_a_role_is_found(sdk, thread):
    for role, content in [("user", "one"), ("assistant", "two"), ("user", "three")]:
        await sdk.agents.messages.create(thread.id, role=role, content=content)
    last = await sdk.agents.messages.get_last_message_text_by_role(thread.id, "assistant")
    assert last.text.value == "two"
    last = await sdk.agents.messages.get_last_message_by_role(thread.id, "user")
    assert last.text_messages[0].text.value == "three"


async def test_an_update_replaces_the_metadata_and_nothing_else(sdk, thread):
    message = await sdk.agents.messages.create(thread.id, role="user", content="Hello", metadata={"a": "1"})
    updated = await sdk.agents.messages.update(thread.id, message.id, metadata={"b": "2"})
    assert (updated.metadata, updated.content) == ({"b": "2"}, message.content)
    assert await sdk.agents.messages.get(thread.id, message.id) == updated


@pytest.mark.skipif(
    not hasattr(MessagesOperations, "delete"), reason="this generation cannot delete messages"
)
async def test_a_deleted_message_is_gone(sdk, thread):
    kept = await sdk.agents.messages.create(thread.id, role="user", content="Stays")
    gone = await sdk.agents.messages.create(thread.id, role="user", content="Goes")
    await sdk.agents.messages.delete(thread.id, gone.id)
    with pytest.raises(ResourceNotFoundError):
        await sdk.agents.messages.get(thread.id, gone.id)
    assert [message.id for message in await collect(sdk.agents.messages.list(thread.id))] == [kept.id]
