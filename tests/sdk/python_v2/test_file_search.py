"""`file_search` in responses: results, citations, events, filters, and what is not there."""

import pytest
import pytest_asyncio
from openai import BadRequestError, NotFoundError

from projects import beside
from shelves import read, store_of
from test_streams import assert_gapless, kinds, streamed

KEEPER = "The lighthouse keeper of Utsira paints the lantern violet every spring."
QUESTION = "Who paints the lantern violet?"
NOTE = ("note.txt", f"🚤 Notes.\n\n{KEEPER}\n".encode())
OTHER = ("other.txt", b"The ferry carries crates to Lofoten.\n")
RESULTS = "file_search_call.results"
SEARCHED = [
    "response.output_item.added",
    "response.file_search_call.in_progress",
    "response.file_search_call.searching",
    "response.file_search_call.completed",
    "response.output_item.done",
]


@pytest_asyncio.fixture
async def store(sdk):
    """A store with the document that answers the question, and with one that does not."""
    async with store_of(sdk, NOTE, OTHER) as store:
        yield store


def searching(*stores, **settings) -> dict:
    """The tool on these stores."""
    return {"type": "file_search", "vector_store_ids": [store.id for store in stores], **settings}


def parts_of(response):
    """The search and the text of an answer."""
    search, message = response.output
    assert (search.type, message.type) == ("file_search_call", "message")
    return search, message.content[0]


async def test_a_response_answers_from_a_store_and_cites_the_file(sdk, model, store):
    response = await sdk.openai.responses.create(model=model, input=QUESTION, tools=[searching(store)])
    search, text = parts_of(response)
    assert (search.status, search.results) == ("completed", None)
    assert search.queries
    assert KEEPER in text.text
    [cited] = text.annotations
    assert (cited.type, cited.filename) == ("file_citation", "note.txt")
    assert 0 < cited.index <= len(text.text)
    again = await sdk.openai.responses.retrieve(response.id)
    assert again.output == response.output


async def test_results_are_told_where_they_are_asked_for(sdk, model, store):
    response = await sdk.openai.responses.create(
        model=model, input=QUESTION, tools=[searching(store)], include=[RESULTS]
    )
    search, text = parts_of(response)
    best = search.results[0]
    assert (best.filename, best.file_id) == ("note.txt", text.annotations[0].file_id)
    assert KEEPER in best.text
    assert 0 <= best.score <= 1


async def test_a_search_streams_its_events_in_order(sdk, model, store):
    events = await streamed(sdk, model=model, input=QUESTION, tools=[searching(store)], include=[RESULTS])
    assert_gapless(events)
    assert kinds(events)[2:7] == SEARCHED
    added, done = events[2].item, events[6].item
    assert (added.type, added.status, added.queries) == ("file_search_call", "in_progress", [])
    assert (done.status, done.results[0].filename) == ("completed", "note.txt")
    [cited] = [event for event in events if event.type == "response.output_text.annotation.added"]
    _, text = parts_of(events[-1].response)
    assert dict(cited.annotation) == text.annotations[0].to_dict()
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert deltas == text.text


async def test_an_agent_searches_in_a_conversation(sdk, model, store, conversation):
    definition = {"kind": "prompt", "model": model, "tools": [searching(store)]}
    async with sdk.agent(definition) as agent:
        response = await sdk.openai.responses.create(
            conversation=conversation.id, input=QUESTION, extra_body=beside(agent)
        )
        assert KEEPER in response.output_text
        items = [item async for item in sdk.openai.conversations.items.list(conversation.id, order="asc")]
        assert [item.type for item in items] == ["message", "file_search_call", "message"]


async def test_a_filter_and_a_limit_narrow_what_is_searched(sdk, model):
    async with store_of(sdk) as store:
        await read(sdk, store, NOTE, attributes={"year": 2020})
        await read(sdk, store, ("copy.txt", NOTE[1]), attributes={"year": 2024})
        newer = {"type": "gt", "key": "year", "value": 2022}
        for settings, names in [
            ({"filters": newer}, {"copy.txt"}),
            ({"max_num_results": 1, "filters": newer}, {"copy.txt"}),
            ({}, {"note.txt", "copy.txt"}),
        ]:
            response = await sdk.openai.responses.create(
                model=model, input=QUESTION, tools=[searching(store, **settings)], include=[RESULTS]
            )
            search, _ = parts_of(response)
            assert {result.filename for result in search.results} == names


async def test_two_stores_are_searched_as_one(sdk, model):
    async with store_of(sdk, OTHER) as one, store_of(sdk, NOTE) as two:
        response = await sdk.openai.responses.create(
            model=model, input=QUESTION, tools=[searching(one, two)]
        )
        _, text = parts_of(response)
        assert [cited.filename for cited in text.annotations] == ["note.txt"]


async def test_nothing_is_cited_where_nothing_is_found(sdk, model):
    async with store_of(sdk) as store:
        response = await sdk.openai.responses.create(model=model, input=QUESTION, tools=[searching(store)])
        _, text = parts_of(response)
        assert text.annotations == []


async def test_a_store_that_is_not_there_is_refused_or_said(sdk, model, store):
    missing = {"type": "file_search", "vector_store_ids": ["vs_doesnotexist"]}
    with pytest.raises((BadRequestError, NotFoundError)) as refusal:
        await sdk.openai.responses.create(model=model, input=QUESTION, tools=[missing])
    assert "vs_doesnotexist" in refusal.value.message
