"""Images and files of questions, as a model server is sent them. The server answers with what it was sent."""

import base64
import json

import pytest
from openai import NotFoundError

from upstream import DEPLOYMENT

PDF = b"%PDF-1.4\n\xff"
PIXEL = b"GIF89a\x01\x00\x01\x00"


def address(media_type: str, content: bytes) -> str:
    """The content as a data address."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def arrived(response) -> list[dict]:
    """The parts of the question that the server was sent."""
    return json.loads(response.output_text)


async def test_a_model_server_is_sent_uploaded_files_and_images(sdk):
    files = sdk.openai.files
    notes = await files.create(file=("notes.txt", b"Oslo has 700,000 people."), purpose="user_data")
    report = await files.create(file=("report.pdf", PDF), purpose="user_data")
    pixel = await files.create(file=("pixel.gif", PIXEL), purpose="vision")
    parts = [
        {"type": "input_text", "text": "What do they say?"},
        {"type": "input_file", "file_id": notes.id},
        {"type": "input_file", "file_id": report.id},
        {"type": "input_image", "file_id": pixel.id, "detail": "low"},
    ]
    said = [{"role": "user", "content": parts}]
    response = await sdk.openai.responses.create(model=DEPLOYMENT, input=said)
    assert arrived(response) == [
        {"type": "text", "text": "What do they say?"},
        {"type": "text", "text": '<file name="notes.txt">\nOslo has 700,000 people.\n</file>'},
        {
            "type": "file",
            "file": {"filename": "report.pdf", "file_data": address("application/pdf", PDF)},
        },
        {"type": "image_url", "image_url": {"url": address("image/gif", PIXEL), "detail": "low"}},
    ]
    for file in (notes, report, pixel):
        await files.delete(file.id)


async def test_a_model_server_is_sent_a_file_that_comes_along(sdk):
    sent = {"filename": "report.pdf", "file_data": address("application/pdf", PDF)}
    said = [{"role": "user", "content": [{"type": "input_file", **sent}]}]
    response = await sdk.openai.responses.create(model=DEPLOYMENT, input=said)
    assert arrived(response) == [{"type": "file", "file": sent}]


async def test_a_file_that_is_not_there_is_refused_where_it_is_named(sdk):
    said = [{"role": "user", "content": [{"type": "input_file", "file_id": "assistant-none"}]}]
    with pytest.raises(NotFoundError) as refusal:
        await sdk.openai.responses.create(model=DEPLOYMENT, input=said)
    assert refusal.value.param == "input[0].content[0].file_id"
