"""`openapi` in runs: operations of a real service, their steps and streams, credentials and refusals."""

import pytest
from azure.ai.agents.models import OpenApiAnonymousAuthDetails, OpenApiTool
from azure.core.exceptions import HttpResponseError

from awaited import collect
from shop import Shop
from test_file_search import heard
from waiting import POLL

SHOP = Shop()


def tool(document: dict) -> OpenApiTool:
    """The tool for this document."""
    auth = OpenApiAnonymousAuthDetails()
    return OpenApiTool(name="shop", spec=document, description="A shop of pets.", auth=auth)


async def clerk(sdk, document: dict):
    """An agent that knows the shop. The scripted model calls what it is told to."""
    return await sdk.agents.create_agent(model="scripted", tools=tool(document).definitions)


async def asked(sdk, agent, thread, question: str):
    """The run that answers, its answer, and the call that it made."""
    await sdk.agents.messages.create(thread.id, role="user", content=question)
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status == "completed", run.last_error
    [answer] = await collect(sdk.agents.messages.list(thread.id, run_id=run.id))
    steps = await collect(sdk.agents.run_steps.list(thread.id, run.id))
    [step] = [step for step in steps if step.type == "tool_calls"]
    [call] = step.step_details.tool_calls
    return answer.content[0].text.value, step, call


async def test_an_operation_is_called_and_its_answer_is_told(sdk, thread):
    agent = await clerk(sdk, SHOP.document())
    answer, step, call = await asked(sdk, agent, thread, "Which pet has the number 2?")
    assert '"name": "Mia"' in answer
    assert (step.status, call.type) == ("completed", "openapi")
    assert SHOP.asked[-1] == "GET /pets/2"
    function = call["function"]
    assert (function["name"], function["arguments"]) == ("shop_getPet", '{"petId":2}')
    assert '"name": "Mia"' in function["output"]
    await sdk.agents.delete_agent(agent.id)


async def test_a_body_is_sent_as_the_model_wrote_it(sdk, thread):
    agent = await clerk(sdk, SHOP.document())
    answer, *_ = await asked(sdk, agent, thread, "Add the pet named Zoe.")
    assert SHOP.asked[-1] == 'POST /pets {"name": "Zoe"}'
    assert '"adopted": "Zoe"' in answer
    await sdk.agents.delete_agent(agent.id)


async def test_what_the_service_refuses_and_what_does_not_fit_is_told_to_the_model(sdk, thread):
    agent = await clerk(sdk, SHOP.document())
    answer, *_ = await asked(sdk, agent, thread, "Which pet has the number 9?")
    assert "404 Not Found" in answer and "There is no such pet." in answer
    before = len(SHOP.asked)
    answer, *_ = await asked(sdk, agent, thread, 'Which pet has the number "two"?')
    assert "do not fit" in answer and "/petId" in answer
    assert len(SHOP.asked) == before
    await sdk.agents.delete_agent(agent.id)


async def test_an_operation_streams_its_call(sdk, thread):
    agent = await clerk(sdk, SHOP.document())
    await sdk.agents.messages.create(thread.id, role="user", content="Which pet has the number 1?")
    events = await heard(await sdk.agents.runs.stream(thread.id, agent_id=agent.id))
    kinds = [kind for kind, _, _ in events]
    delta = kinds.index("thread.run.step.delta")
    assert kinds.index("thread.run.step.created") < delta < kinds.index("thread.run.step.completed")
    [call] = events[delta][1].delta.step_details.tool_calls
    assert call.type == "openapi"
    assert kinds[-2:] == ["thread.run.completed", "done"]
    await sdk.agents.delete_agent(agent.id)


@pytest.mark.parametrize(
    "field, value, path",
    [
        ("servers", [], "tools[0].openapi.spec.servers"),
        ("openapi", "2.0", "tools[0].openapi.spec.openapi"),
        ("paths", {"/x": {"get": {}}}, "tools[0].openapi.spec.paths./x.get.operationId"),
    ],
)
async def test_a_document_that_can_not_work_is_refused_with_the_place(sdk, field, value, path):
    with pytest.raises(HttpResponseError) as refusal:
        await clerk(sdk, SHOP.document() | {field: value})
    assert refusal.value.status_code == 400
    assert path in str(refusal.value)


async def test_an_address_that_tools_may_not_reach_is_refused(sdk, thread):
    metadata = SHOP.document() | {"servers": [{"url": "http://169.254.169.254"}]}
    agent = await clerk(sdk, metadata)
    answer, *_ = await asked(sdk, agent, thread, "Which pet has the number 1?")
    assert "[tools] allow" in answer
    await sdk.agents.delete_agent(agent.id)
