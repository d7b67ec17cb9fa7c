"""Searching the web in responses: items, sources, citations with their offsets, and events."""

import json

import pytest

from projects import beside
from searxng import KEEPER, Searxng
from test_streams import assert_gapless, kinds, streamed

QUESTION = "Who paints the lantern? Look on the web."
LIGHTHOUSE = "https://utsira.example/lighthouse"
LINK = f"([Utsira lighthouse]({LIGHTHOUSE}))"
SOURCES = "web_search_call.action.sources"
SEARCHED = [
    "response.output_item.added",
    "response.web_search_call.in_progress",
    "response.web_search_call.searching",
    "response.web_search_call.completed",
    "response.output_item.done",
]


def cited(text) -> None:
    """Checks the one citation: a link stands where the annotation says."""
    [annotation] = text.annotations
    assert (annotation.type, annotation.url) == ("url_citation", LIGHTHOUSE)
    assert annotation.title == "Utsira [lighthouse]"
    assert text.text[annotation.start_index : annotation.end_index] == LINK
    assert f"{KEEPER}{LINK} That is all." in text.text


@pytest.mark.parametrize("kind", ["web_search", "web_search_preview"])
async def test_a_response_answers_from_the_web_and_cites_the_page(sdk, kind):
    response = await sdk.openai.responses.create(model="scripted", input=QUESTION, tools=[{"type": kind}])
    search, message = response.output
    assert (search.type, search.status) == ("web_search_call", "completed")
    assert (search.action.type, search.action.query) == ("search", "lantern keeper")
    assert not search.action.sources
    cited(message.content[0])
    again = await sdk.openai.responses.retrieve(response.id, include=[SOURCES])
    assert [source.url for source in again.output[0].action.sources][0] == LIGHTHOUSE


async def test_a_search_streams_its_events_in_order(sdk):
    tools = [{"type": "web_search"}]
    events = await streamed(sdk, model="scripted", input=QUESTION, tools=tools, include=[SOURCES])
    assert_gapless(events)
    assert kinds(events)[2:7] == SEARCHED
    added, done = events[2].item, events[6].item
    assert (added.type, added.status) == ("web_search_call", "in_progress")
    assert (done.status, done.action.sources[0].url) == ("completed", LIGHTHOUSE)
    [annotated] = [event for event in events if event.type == "response.output_text.annotation.added"]
    text = events[-1].response.output[1].content[0]
    cited(text)
    assert dict(annotated.annotation) == text.annotations[0].to_dict()
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert deltas == text.text


async def test_domains_and_places_are_followed(sdk):
    tool = {
        "type": "web_search",
        "filters": {"allowed_domains": ["utsira.example"]},
        "user_location": {"type": "approximate", "country": "NO", "city": "Utsira"},
    }
    response = await sdk.openai.responses.create(
        model="scripted", input=QUESTION, tools=[tool], include=[SOURCES]
    )
    assert Searxng.asked[-1]["q"] == "lantern keeper site:utsira.example"
    urls = [source.url for source in response.output[0].action.sources]
    assert urls == [LIGHTHOUSE, "https://www.utsira.example/birds"]


async def test_bing_is_shown_as_a_pair_of_items(sdk, conversation):
    parameters = {"search_configurations": [{"project_connection_id": "bing", "count": 1}]}
    tool = {"type": "bing_grounding", "bing_grounding": parameters}
    async with sdk.agent({"kind": "prompt", "model": "scripted", "tools": [tool]}) as agent:
        response = await sdk.openai.responses.create(
            conversation=conversation.id, input=QUESTION, extra_body=beside(agent)
        )
    call, output, message = response.output
    assert (call.type, output.type) == ("bing_grounding_call", "bing_grounding_call_output")
    assert json.loads(call.arguments) == {"query": "lantern keeper"}
    [page] = json.loads(output.output)["webPages"]["value"]
    assert (page["url"], page["snippet"]) == (LIGHTHOUSE, KEEPER)
    cited(message.content[0])


async def test_an_instance_that_the_provider_does_not_have_is_told(sdk):
    parameters = {"search_configurations": [{"project_connection_id": "bing", "instance_name": "mine"}]}
    tool = {"type": "bing_custom_search_preview", "bing_custom_search_preview": parameters}
    response = await sdk.openai.responses.create(model="scripted", input=QUESTION, tools=[tool])
    assert [item.status for item in response.output[:2]] == ["failed", "failed"]
    assert "the instance 'mine'" in response.output_text
