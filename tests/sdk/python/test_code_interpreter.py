"""`code_interpreter` in runs: steps, files and images of messages, what is mounted, and streams."""

from contextlib import asynccontextmanager

from azure.ai.agents.models import CodeInterpreterTool, MessageAttachment

from awaited import collect
from shelves import uploaded
from test_file_search import heard
from waiting import POLL

TABLE = b"town,people\nOslo,700\nBergen,300\n"
SUM = "import csv\nprint(sum(int(row['people']) for row in csv.DictReader(open('/mnt/data/towns.csv'))))"
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nprint('drawn')"


@asynccontextmanager
async def coder(sdk, model, *file_ids):
    """An agent that runs code, with these files."""
    tool = CodeInterpreterTool(file_ids=list(file_ids))
    agent = await sdk.agents.create_agent(
        model=model, tools=tool.definitions, tool_resources=tool.resources
    )
    yield agent
    await sdk.agents.delete_agent(agent.id)


def running(code: str) -> str:
    """What a user writes so that the built-in model runs this code."""
    return f"Run this, please:\n```python\n{code}\n```"


async def ran(sdk, agent, thread, code: str, **message):
    """The call of the run that answers, and its answer."""
    await sdk.agents.messages.create(thread.id, role="user", content=running(code), **message)
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status == "completed", run.last_error
    [answer] = await collect(sdk.agents.messages.list(thread.id, run_id=run.id))
    [call] = [
        call
        for step in await collect(sdk.agents.run_steps.list(thread.id, run.id))
        if step.type == "tool_calls"
        for call in step.step_details.tool_calls
    ]
    return call, answer


async def content_of(sdk, file_id: str) -> bytes:
    """The bytes of a file."""
    stream = await sdk.agents.files.get_content(file_id)
    return b"".join(await collect(stream))


def text_of(message) -> str:
    """The text of a message."""
    return message.content[-1].text.value


async def test_code_runs_and_its_step_shows_what_it_wrote(sdk, model, thread):
    async with coder(sdk, model) as agent:
        call, answer = await ran(sdk, agent, thread, "print(6 * 7)")
    assert (call.type, call.code_interpreter.input) == ("code_interpreter", "print(6 * 7)\n")
    [logs] = call.code_interpreter.outputs
    assert (logs.type, logs.logs) == ("logs", "42\n")
    assert text_of(answer) == "The code wrote: 42"


async def test_variables_stay_in_a_thread(sdk, model, thread):
    async with coder(sdk, model) as agent:
        await ran(sdk, agent, thread, "x = 'still here'")
        _, answer = await ran(sdk, agent, thread, "print(x)")
        assert text_of(answer) == "The code wrote: still here"
        other = await sdk.agents.threads.create()
        _, answer = await ran(sdk, agent, other, "print('x' in globals())")
        assert text_of(answer) == "The code wrote: False"
        await sdk.agents.threads.delete(other.id)


async def test_a_figure_is_an_image_of_the_message_and_a_file(sdk, model, thread):
    async with coder(sdk, model) as agent:
        call, answer = await ran(sdk, agent, thread, PLOT)
    logs, image = call.code_interpreter.outputs
    assert (logs.logs, image.type) == ("drawn\n", "image")
    assert [block.type for block in answer.content] == ["image_file", "text"]
    file_id = answer.content[0].image_file.file_id
    assert image.image.file_id == file_id
    file = await sdk.agents.files.get(file_id)
    assert file.purpose == "assistants_output"
    assert (await content_of(sdk, file_id)).startswith(b"\x89PNG")


async def test_a_file_that_the_answer_links_to_is_annotated_where_the_link_stands(sdk, model, thread):
    code = "open('/mnt/data/🚤 list.csv', 'w').write('a,b\\n1,2\\n')\nprint('🚤')"
    async with coder(sdk, model) as agent:
        _, answer = await ran(sdk, agent, thread, code)
    [annotation] = answer.content[0].text.annotations
    assert annotation.type == "file_path"
    assert annotation.text == "sandbox:/mnt/data/🚤 list.csv"
    assert text_of(answer)[annotation.start_index : annotation.end_index] == annotation.text
    assert await content_of(sdk, annotation.file_path.file_id) == b"a,b\n1,2\n"


async def test_files_of_the_agent_are_there_for_code(sdk, model, thread):
    [file_id] = await uploaded(sdk, ("towns.csv", TABLE))
    async with coder(sdk, model, file_id) as agent:
        _, answer = await ran(sdk, agent, thread, SUM)
    assert text_of(answer) == "The code wrote: 1000"


async def test_an_attachment_of_a_message_is_there_for_code(sdk, model, thread):
    [file_id] = await uploaded(sdk, ("towns.csv", TABLE))
    attachment = MessageAttachment(file_id=file_id, tools=CodeInterpreterTool().definitions)
    async with coder(sdk, model) as agent:
        _, answer = await ran(sdk, agent, thread, SUM, attachments=[attachment])
    assert text_of(answer) == "The code wrote: 1000"
    resources = (await sdk.agents.threads.get(thread.id)).tool_resources
    assert resources.code_interpreter.file_ids == [file_id]


async def test_an_exception_is_an_output_like_any_other(sdk, model, thread):
    async with coder(sdk, model) as agent:
        call, answer = await ran(sdk, agent, thread, "1 / 0")
    assert call.code_interpreter.outputs[0].logs.endswith("ZeroDivisionError: division by zero\n")
    assert "ZeroDivisionError" in text_of(answer)


async def test_a_run_streams_its_code_its_outputs_and_its_images(sdk, model, thread):
    async with coder(sdk, model) as agent:
        await sdk.agents.messages.create(thread.id, role="user", content=running(PLOT))
        events = await heard(await sdk.agents.runs.stream(thread.id, agent_id=agent.id))
    details = [data.delta.step_details for kind, data, _ in events if kind == "thread.run.step.delta"]
    calls = [call for detail in details for call in detail.tool_calls]
    assert {call.type for call in calls} == {"code_interpreter"}
    assert calls[0].code_interpreter.input == ""
    written = "".join(call.code_interpreter.input or "" for call in calls)
    assert written == f"{PLOT}\n"
    assert len(calls) > 3
    logs, image = calls[-1].code_interpreter.outputs
    assert (logs.index, logs.logs, image.index, image.type) == (0, "drawn\n", 1, "image")
    deltas = [data.delta.content[0] for kind, data, _ in events if kind == "thread.message.delta"]
    assert (deltas[0].index, deltas[0].type) == (0, "image_file")
    assert deltas[0].image_file.file_id == image.image.file_id
    assert {(delta.index, delta.type) for delta in deltas[1:]} == {(1, "text")}
    [message] = [data for kind, data, _ in events if kind == "thread.message.completed"]
    assert text_of(message) == "".join(delta.text.value for delta in deltas[1:])
    kinds = [kind for kind, _, _ in events]
    assert kinds.index("thread.run.step.completed") < kinds.index("thread.message.created")
