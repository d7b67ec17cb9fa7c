"""`code_interpreter` in responses: code, outputs, files and their citations, containers that stay, and streams."""

import io
from contextlib import asynccontextmanager

import pytest
from openai import BadRequestError, NotFoundError

from projects import beside
from test_streams import assert_gapless, kinds, streamed

AUTO = {"type": "code_interpreter", "container": {"type": "auto"}}
OUTPUTS = "code_interpreter_call.outputs"
TABLE = b"town,people\nOslo,700\nBergen,300\n"
CALL = [
    "response.output_item.added",
    "response.code_interpreter_call.in_progress",
    "response.code_interpreter_call_code.delta",
    "response.code_interpreter_call_code.done",
    "response.code_interpreter_call.interpreting",
    "response.code_interpreter_call.completed",
    "response.output_item.done",
]
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nprint('drawn')"


def running(code: str) -> str:
    """What a user writes so that the built-in model runs this code."""
    return f"Run this, please:\n```python\n{code}\n```"


async def ask(sdk, model, code: str, **more):
    """A response to a request to run code."""
    return await sdk.openai.responses.create(**{"model": model, "input": running(code), "tools": [AUTO], **more})


def parts_of(response):
    """The call and the text of an answer."""
    call, message = response.output
    assert (call.type, message.type) == ("code_interpreter_call", "message")
    return call, message.content[0]


async def content_of(sdk, cited) -> bytes:
    """The bytes of a file that an annotation cites."""
    content = await sdk.openai.containers.files.content.retrieve(cited.file_id, container_id=cited.container_id)
    return content.read()


@asynccontextmanager
async def upload(sdk, name: str, content: bytes):
    """An uploaded file."""
    file = await sdk.openai.files.create(file=(name, content), purpose="user_data")
    yield file
    await sdk.openai.files.delete(file.id)


@asynccontextmanager
async def container_of(sdk, **settings):
    """A container."""
    container = await sdk.openai.containers.create(name="table", **settings)
    yield container
    await sdk.openai.containers.delete(container.id)


async def test_code_runs_and_the_answer_knows_what_it_wrote(sdk, model):
    response = await ask(sdk, model, "print(6 * 7)")
    call, text = parts_of(response)
    assert (call.status, call.outputs) == ("completed", None)
    assert call.code == "print(6 * 7)\n"
    assert call.container_id.startswith("cntr_")
    assert text.text == "The code wrote: 42"
    again = await sdk.openai.responses.retrieve(response.id, include=[OUTPUTS])
    assert [output.to_dict() for output in again.output[0].outputs] == [{"type": "logs", "logs": "42\n"}]


async def test_outputs_are_told_where_they_are_asked_for(sdk, model):
    response = await ask(sdk, model, PLOT, include=[OUTPUTS])
    call, text = parts_of(response)
    logs, image = call.outputs
    assert (logs.type, logs.logs) == ("logs", "drawn\n")
    assert image.type == "image"
    # A figure of which the answer does not speak is cited at its end.
    [cited] = text.annotations
    assert (cited.type, cited.filename) == ("container_file_citation", "figure-1.png")
    assert cited.start_index == cited.end_index == len(text.text)
    assert image.url.endswith(f"{cited.container_id}/files/{cited.file_id}/content")
    assert (await content_of(sdk, cited)).startswith(b"\x89PNG")


async def test_a_file_that_the_answer_links_to_is_cited_where_the_link_stands(sdk, model):
    code = "open('/mnt/data/🚤 list.csv', 'w').write('a,b\\n1,2\\n')\nprint('🚤')"
    _, text = parts_of(await ask(sdk, model, code))
    [cited] = text.annotations
    assert (cited.type, cited.filename) == ("container_file_citation", "🚤 list.csv")
    assert text.text[cited.start_index : cited.end_index] == "sandbox:/mnt/data/🚤 list.csv"
    assert await content_of(sdk, cited) == b"a,b\n1,2\n"


async def test_variables_and_files_stay_in_a_chain_of_responses(sdk, model):
    first = await ask(sdk, model, "x = 20\nopen('note', 'w').write('kept')")
    second = await ask(sdk, model, "print(x + 1, open('note').read())", previous_response_id=first.id)
    assert parts_of(second)[1].text == "The code wrote: 21 kept"
    assert parts_of(second)[0].container_id == parts_of(first)[0].container_id
    other = await ask(sdk, model, "print('x' in globals())")
    assert parts_of(other)[1].text == "The code wrote: False"
    assert parts_of(other)[0].container_id != parts_of(first)[0].container_id


async def test_an_agent_keeps_its_variables_in_a_conversation(sdk, model, conversation):
    definition = {"kind": "prompt", "model": model, "tools": [AUTO]}
    async with sdk.agent(definition) as agent:
        bound = {"conversation": conversation.id, "extra_body": beside(agent)}
        await sdk.openai.responses.create(input=running("x = 'still here'"), **bound)
        response = await sdk.openai.responses.create(input=running("print(x)"), **bound)
    assert parts_of(response)[1].text == "The code wrote: still here"
    items = await sdk.openai.conversations.items.list(conversation.id, order="asc")
    assert [item.type for item in items.data].count("code_interpreter_call") == 2


async def test_uploaded_files_are_there_for_code(sdk, model):
    async with upload(sdk, "towns.csv", TABLE) as file:
        tool = {"type": "code_interpreter", "container": {"type": "auto", "file_ids": [file.id]}}
        code = "import pandas as pd\nprint(pd.read_csv('towns.csv').people.sum())"
        _, text = parts_of(await ask(sdk, model, code, tools=[tool]))
    assert text.text == "The code wrote: 1000"


async def test_an_exception_is_an_output_like_any_other(sdk, model):
    call, text = parts_of(await ask(sdk, model, "1 / 0", include=[OUTPUTS]))
    assert call.status == "completed"
    assert call.outputs[0].logs.endswith("ZeroDivisionError: division by zero\n")
    assert "ZeroDivisionError" in text.text


async def test_code_that_ends_its_interpreter_is_told_the_truth_and_the_next_call_works(sdk, model):
    first = await ask(sdk, model, "x = 1\nopen('note', 'w').write('kept')\nimport os\nos._exit(1)")
    assert "The interpreter ended while the code ran" in parts_of(first)[1].text
    second = await ask(
        sdk, model, "print('x' in globals(), open('note').read())", previous_response_id=first.id
    )
    text = parts_of(second)[1].text
    assert text.startswith("The code wrote: False kept")
    assert "variables and imports of earlier calls are gone" in text


async def test_a_call_streams_its_events_in_order(sdk, model):
    code = "for i in range(3):\n    print(\"line\", i)"
    request = {"model": model, "input": running(code), "tools": [AUTO], "include": [OUTPUTS]}
    events = await streamed(sdk, **request)
    assert_gapless(events)
    assert kinds(events)[2:9] == CALL
    added = next(event.item for event in events if event.type == "response.output_item.added")
    assert (added.type, added.status, added.code) == ("code_interpreter_call", "in_progress", "")
    deltas = [event for event in events if event.type == "response.code_interpreter_call_code.delta"]
    assert "".join(event.delta for event in deltas) == f"{code}\n"
    assert len(deltas) > 1
    [whole] = [event for event in events if event.type == "response.code_interpreter_call_code.done"]
    assert whole.code == f"{code}\n"
    call, _ = parts_of(events[-1].response)
    assert (call.id, call.container_id) == (added.id, added.container_id)
    assert call.outputs[0].logs == "line 0\nline 1\nline 2\n"
    assert {event.item_id for event in deltas} == {call.id}


async def test_a_background_response_tells_its_code_at_once_and_can_be_read_again(sdk, model):
    request = {"model": model, "input": running("print(1)"), "tools": [AUTO], "background": True}
    events = await streamed(sdk, **request)
    assert_gapless(events)
    told = [event.delta for event in events if event.type == "response.code_interpreter_call_code.delta"]
    assert told == ["print(1)\n"]
    again = await sdk.openai.responses.retrieve(events[0].response.id, stream=True, starting_after=1)
    assert [event.type async for event in again] == [event.type for event in events[2:]]


async def test_code_runs_in_a_container_that_the_client_has_made(sdk, model):
    async with upload(sdk, "towns.csv", TABLE) as file, container_of(sdk, file_ids=[file.id]) as container:
        tool = {"type": "code_interpreter", "container": container.id}
        code = "table = open('/mnt/data/towns.csv').read()\nopen('copy.csv', 'w').write(table.upper())"
        call, text = parts_of(await ask(sdk, model, code, tools=[tool]))
        assert call.container_id == container.id
        assert await content_of(sdk, text.annotations[0]) == TABLE.upper()
        files = await sdk.openai.containers.files.list(container.id, order="asc")
        assert [(file.path, file.source) for file in files.data] == [
            ("/mnt/data/towns.csv", "user"),
            ("/mnt/data/copy.csv", "assistant"),
        ]


async def test_files_that_come_while_an_interpreter_lives_are_seen_by_code(sdk, model):
    async with container_of(sdk) as container:
        tool = {"type": "code_interpreter", "container": container.id}
        await ask(sdk, model, "open('mine.txt', 'w').write('m')", tools=[tool])
        put = await sdk.openai.containers.files.create(container.id, file=("new.txt", io.BytesIO(b"come")))
        assert (put.path, put.bytes, put.source) == ("/mnt/data/new.txt", 4, "user")
        files = await sdk.openai.containers.files.list(container.id)
        mine = next(file for file in files.data if file.path.endswith("mine.txt"))
        await sdk.openai.containers.files.delete(mine.id, container_id=container.id)
        code = "import os\nprint(open('new.txt').read(), os.listdir())"
        _, text = parts_of(await ask(sdk, model, code, tools=[tool]))
        assert text.text == "The code wrote: come ['new.txt']"


async def test_containers_are_made_found_listed_and_deleted(sdk):
    expiry = {"anchor": "last_active_at", "minutes": 5}
    async with container_of(sdk, memory_limit="4g", expires_after=expiry) as container:
        assert (container.object, container.status, container.name) == ("container", "running", "table")
        assert (container.memory_limit, container.expires_after.minutes) == ("4g", 5)
        assert (await sdk.openai.containers.retrieve(container.id)).id == container.id
        listed = await sdk.openai.containers.list(limit=100)
        assert container.id in [one.id for one in listed.data]
    with pytest.raises(NotFoundError):
        await sdk.openai.containers.retrieve(container.id)
    with pytest.raises(NotFoundError):
        await sdk.openai.containers.files.list(container.id)


async def test_a_file_of_a_container_is_a_copy_of_the_uploaded_one(sdk):
    async with container_of(sdk) as container:
        async with upload(sdk, "towns.csv", TABLE) as file:
            copy = await sdk.openai.containers.files.create(container.id, file_id=file.id)
        assert copy.path == "/mnt/data/towns.csv"
        found = await sdk.openai.containers.files.retrieve(copy.id, container_id=container.id)
        assert (found.bytes, found.container_id) == (len(TABLE), container.id)
        content = await sdk.openai.containers.files.content.retrieve(copy.id, container_id=container.id)
        assert content.read() == TABLE


async def test_what_no_container_can_be_made_of_is_refused(sdk):
    for settings in [{"memory_limit": "2t"}, {"file_ids": ["assistant-gone"]}, {"expires_after": {"anchor": "x", "minutes": 1}}]:
        with pytest.raises((BadRequestError, NotFoundError)):
            await sdk.openai.containers.create(name="x", **settings)


async def test_a_container_that_is_not_there_is_named(sdk, model):
    tool = {"type": "code_interpreter", "container": "cntr_gone"}
    with pytest.raises(NotFoundError) as refused:
        await ask(sdk, model, "1", tools=[tool])
    assert refused.value.param == "tools[0].container"


async def test_a_call_can_be_demanded(sdk, model):
    choice = {"type": "code_interpreter"}
    call, _ = parts_of(await ask(sdk, model, "print('asked for')", tool_choice=choice))
    assert call.code == "print('asked for')\n"
