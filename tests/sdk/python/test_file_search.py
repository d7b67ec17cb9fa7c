"""`file_search` in runs: stores of agents and threads, attachments, steps, citations and streams."""

import pytest
import pytest_asyncio
from azure.ai.agents.models import (
    FileSearchTool,
    FileSearchToolResource,
    MessageAttachment,
    MessageRole,
    RunAdditionalFieldList,
    ToolResources,
)

from awaited import collect
from documents import docx, plain
from shelves import filled, uploaded
from waiting import POLL

KEEPER = "The lighthouse keeper of Utsira paints the lantern violet every spring."
QUESTION = "Who paints the lantern violet?"
CONTENTS = RunAdditionalFieldList.FILE_SEARCH_CONTENTS
NOTE = ("note.txt", f"🚤 Notes.\n\n{KEEPER}\n".encode())


@pytest_asyncio.fixture
async def store(sdk):
    """A store with the document that answers the question, and with one that does not."""
    store = await filled(sdk, NOTE, plain("other.txt", 7))
    yield store
    await sdk.agents.vector_stores.delete(store.id)


@pytest_asyncio.fixture
async def librarian(sdk, model, store):
    """An agent that searches the store."""
    tool = FileSearchTool(vector_store_ids=[store.id])
    agent = await sdk.agents.create_agent(
        model=model, tools=tool.definitions, tool_resources=tool.resources
    )
    yield agent
    await sdk.agents.delete_agent(agent.id)


async def asked(sdk, agent, thread, question: str = QUESTION, **message):
    """The run that answers the question, and its answer."""
    await sdk.agents.messages.create(thread.id, role="user", content=question, **message)
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status == "completed", run.last_error
    [answer] = await collect(sdk.agents.messages.list(thread.id, run_id=run.id))
    return run, answer


async def heard(stream) -> list:
    """The events of a stream, of either client."""
    if not hasattr(stream, "__aenter__"):
        with stream as running:
            return list(running)
    async with stream as running:
        return [event async for event in running]


def citations_of(message) -> list:
    """The citations, each of which has to point at its marker."""
    text = message.content[0].text
    for annotation in text.annotations:
        assert annotation.type == "file_citation"
        assert text.value[annotation.start_index : annotation.end_index] == annotation.text
    return [annotation.file_citation.file_id for annotation in text.annotations]


async def note_of(sdk, store) -> str:
    """The id of the note."""
    for file in await collect(sdk.agents.vector_store_files.list(store.id)):
        if (await sdk.agents.files.get(file.id)).filename == NOTE[0]:
            return file.id
    raise AssertionError("the note is not in the store")


async def test_an_agent_answers_from_its_store_and_cites_the_file(sdk, librarian, thread, store):
    _, answer = await asked(sdk, librarian, thread)
    assert KEEPER in answer.content[0].text.value
    assert citations_of(answer) == [await note_of(sdk, store)]
    if hasattr(answer, "file_citation_annotations"):
        [annotation] = answer.file_citation_annotations
        assert annotation.text in answer.content[0].text.value


async def test_the_step_of_a_search_names_what_was_found_and_its_text_where_asked_for(
    sdk, librarian, thread, store
):
    run, _ = await asked(sdk, librarian, thread)
    [step] = [
        step
        for step in await collect(sdk.agents.run_steps.list(thread.id, run.id))
        if step.type == "tool_calls"
    ]
    [call] = step.step_details.tool_calls
    assert (call.type, step.status) == ("file_search", "completed")
    best = call.file_search.results[0]
    assert (best.file_id, best.file_name) == (await note_of(sdk, store), "note.txt")
    assert 0 <= best.score <= 1
    assert best.content is None
    with_text = await sdk.agents.run_steps.get(thread.id, run.id, step.id, include=[CONTENTS])
    [call] = with_text.step_details.tool_calls
    assert KEEPER in call.file_search.results[0].content[0].text


async def test_a_threads_store_is_searched_as_well(sdk, model):
    store = await filled(sdk, NOTE)
    tool = FileSearchTool()
    agent = await sdk.agents.create_agent(model=model, tools=tool.definitions)
    resources = ToolResources(file_search=FileSearchToolResource(vector_store_ids=[store.id]))
    thread = await sdk.agents.threads.create(tool_resources=resources)
    _, answer = await asked(sdk, agent, thread)
    assert citations_of(answer) == [await note_of(sdk, store)]
    await sdk.agents.threads.delete(thread.id)
    await sdk.agents.delete_agent(agent.id)
    await sdk.agents.vector_stores.delete(store.id)


async def test_an_attachment_is_found_in_its_thread(sdk, model, thread):
    [file_id] = await uploaded(sdk, ("letter.docx", docx(KEEPER)))
    tool = FileSearchTool()
    agent = await sdk.agents.create_agent(model=model, tools=tool.definitions)
    attachment = MessageAttachment(file_id=file_id, tools=tool.definitions)
    _, answer = await asked(sdk, agent, thread, attachments=[attachment])
    assert citations_of(answer) == [file_id]
    resources = (await sdk.agents.threads.get(thread.id)).tool_resources
    assert len(resources.file_search.vector_store_ids) == 1
    elsewhere = await sdk.agents.threads.create()
    _, answer = await asked(sdk, agent, elsewhere)
    assert citations_of(answer) == []
    await sdk.agents.threads.delete(elsewhere.id)
    await sdk.agents.delete_agent(agent.id)


async def test_a_file_that_was_taken_out_is_not_cited_again(sdk, librarian, thread, store):
    taken_out = await note_of(sdk, store)
    await sdk.agents.vector_store_files.delete(store.id, taken_out)
    _, answer = await asked(sdk, librarian, thread)
    assert KEEPER not in answer.content[0].text.value
    assert taken_out not in citations_of(answer)


@pytest.mark.parametrize("included", [[], [CONTENTS]])
async def test_a_search_streams_its_step_and_its_citations(sdk, librarian, thread, store, included):
    await sdk.agents.messages.create(thread.id, role="user", content=QUESTION)
    events = await heard(await sdk.agents.runs.stream(thread.id, agent_id=librarian.id, include=included))
    kinds = [event for event, _, _ in events]
    step = kinds.index("thread.run.step.delta")
    assert kinds.index("thread.run.step.created") < step < kinds.index("thread.run.step.completed")
    assert kinds[-2:] == ["thread.run.completed", "done"]
    [search] = events[step][1].delta.step_details.tool_calls
    assert search.type == "file_search"
    done = next(data for kind, data, _ in events if kind == "thread.run.step.completed")
    best = done.step_details.tool_calls[0].file_search.results[0]
    assert (best.content is not None) == bool(included)

    text, cited = "", []
    for kind, data, _ in events:
        if kind == "thread.message.delta":
            for part in data.delta.content:
                text += part.text.value or ""
                cited += part.text.annotations or []
    message = next(data for kind, data, _ in events if kind == "thread.message.completed")
    assert message.content[0].text.value == text
    assert citations_of(message) == [note.file_citation.file_id for note in cited]
    assert [text[note.start_index : note.end_index] for note in cited] == [note.text for note in cited]
    assert message.role == MessageRole.AGENT
