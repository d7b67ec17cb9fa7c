"""`bing_grounding` in runs: steps, citations of pages and streams, through the provider of the suite."""

import json

from azure.ai.agents.models import BingGroundingTool

from awaited import collect
from searxng import KEEPER, Searxng
from test_file_search import heard
from waiting import POLL

QUESTION = "Who paints the lantern? Look on the web."
CONNECTION = (
    "/subscriptions/0/resourceGroups/cupola/providers/Microsoft.CognitiveServices/accounts/cupola/projects/demo"
    "/connections/bing"
)
LIGHTHOUSE = "https://utsira.example/lighthouse"


async def searcher(sdk, **settings):
    """An agent that searches the web."""
    tool = BingGroundingTool(connection_id=CONNECTION, **settings)
    return await sdk.agents.create_agent(model="scripted", tools=tool.definitions)


async def test_a_run_answers_from_the_web_and_cites_the_page(sdk, thread):
    agent = await searcher(sdk, market="en-GB", count=2, freshness="week")
    await sdk.agents.messages.create(thread.id, role="user", content=QUESTION)
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status == "completed", run.last_error
    asked = Searxng.asked[-1]
    assert (asked["q"], asked["language"], asked["time_range"]) == ("lantern keeper", "en-GB", "week")
    [answer] = await collect(sdk.agents.messages.list(thread.id, run_id=run.id))
    text = answer.content[0].text
    assert KEEPER in text.value
    [annotation] = text.annotations
    assert annotation.type == "url_citation"
    assert (annotation.url_citation.url, annotation.url_citation.title) == (LIGHTHOUSE, "Utsira [lighthouse]")
    assert text.value[annotation.start_index : annotation.end_index] == annotation.text == "【0:0†source】"
    steps = await collect(sdk.agents.run_steps.list(thread.id, run.id))
    [step] = [step for step in steps if step.type == "tool_calls"]
    [call] = step.step_details.tool_calls
    assert (call.type, step.status) == ("bing_grounding", "completed")
    assert "q=lantern+keeper" in call.bing_grounding["requesturl"]
    assert json.loads(call.bing_grounding["response_metadata"])["num_docs_actually_used"] == 2
    await sdk.agents.delete_agent(agent.id)


async def test_a_search_streams_its_step_and_its_citation(sdk, thread):
    agent = await searcher(sdk)
    await sdk.agents.messages.create(thread.id, role="user", content=QUESTION)
    events = await heard(await sdk.agents.runs.stream(thread.id, agent_id=agent.id))
    kinds = [kind for kind, _, _ in events]
    delta = kinds.index("thread.run.step.delta")
    assert kinds.index("thread.run.step.created") < delta < kinds.index("thread.run.step.completed")
    [call] = events[delta][1].delta.step_details.tool_calls
    assert call.type == "bing_grounding"
    text, cited = "", []
    for kind, data, _ in events:
        if kind == "thread.message.delta":
            for part in data.delta.content:
                text += part.text.value or ""
                cited += part.text.annotations or []
    [citation] = cited
    assert citation.url_citation.url == LIGHTHOUSE
    assert text[citation.start_index : citation.end_index] == "【0:0†source】"
    assert kinds[-2:] == ["thread.run.completed", "done"]
    await sdk.agents.delete_agent(agent.id)


async def test_a_search_that_is_refused_is_told_to_the_model(sdk, thread):
    agent = await searcher(sdk)
    await sdk.agents.messages.create(thread.id, role="user", content="Look for overloaded on the web.")
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status == "completed", run.last_error
    [answer] = await collect(sdk.agents.messages.list(thread.id, run_id=run.id))
    assert "answered 429" in answer.content[0].text.value
    await sdk.agents.delete_agent(agent.id)
