"""`openapi` in responses: pairs of items, events, credentials of connections, and what comes later."""

import json

import pytest
from openai import BadRequestError

from projects import beside, new_name
from shop import KEY, Shop
from test_streams import assert_gapless, kinds, streamed

SHOP = Shop()
QUESTION = "Which pet has the number 2?"


def tool(below: str = "", **auth) -> dict:
    """The tool for the paths below a prefix."""
    document = SHOP.document(below)
    return {"type": "openapi", "openapi": {"name": "shop", "spec": document, "auth": auth or {"type": "anonymous"}}}


def parts_of(response):
    """The call, its output and the text of an answer."""
    call, output, message = response.output
    assert (call.type, output.type, message.type) == ("openapi_call", "openapi_call_output", "message")
    assert call.call_id == output.call_id
    return call, output, message.content[0].text


async def test_a_call_and_its_output_are_a_pair_of_items(sdk):
    response = await sdk.openai.responses.create(model="scripted", input=QUESTION, tools=[tool()])
    call, output, text = parts_of(response)
    assert (call.name, call.arguments, call.status) == ("shop_getPet", '{"petId":2}', "completed")
    assert (output.name, output.status) == ("shop_getPet", "completed")
    assert json.loads(json.loads(output.output)["response"])["name"] == "Mia"
    assert '"name": "Mia"' in text
    again = await sdk.openai.responses.retrieve(response.id)
    assert again.output == response.output


async def test_the_pair_is_streamed_item_by_item(sdk):
    events = await streamed(sdk, model="scripted", input=QUESTION, tools=[tool()])
    assert_gapless(events)
    items = [
        (event.type.rpartition(".")[2], event.item.type, event.item.status)
        for event in events
        if event.type.startswith("response.output_item.")
    ]
    assert items == [
        ("added", "openapi_call", "in_progress"),
        ("done", "openapi_call", "completed"),
        ("added", "openapi_call_output", "in_progress"),
        ("done", "openapi_call_output", "completed"),
        ("added", "message", "in_progress"),
        ("done", "message", "completed"),
    ]
    assert kinds(events)[-1] == "response.completed"


async def test_an_agent_calls_with_the_key_of_a_connection_and_nobody_sees_it(sdk, conversation):
    name = new_name("shop")
    keys = {"type": "CustomKeys", "x-shop-key": KEY}
    await sdk.put_connection(name, type="CustomKeys", target="http://127.0.0.1", credentials=keys)
    scheme = {"project_connection_id": (await sdk.project.connections.get(name)).id}
    keyed = tool("/keyed", type="project_connection", security_scheme=scheme)
    async with sdk.agent({"kind": "prompt", "model": "scripted", "tools": [keyed]}) as agent:
        response = await sdk.openai.responses.create(
            conversation=conversation.id, input=QUESTION, extra_body=beside(agent)
        )
        _, output, text = parts_of(response)
        assert '"name": "Mia"' in text
        assert "***" in output.output
        items = [item async for item in sdk.openai.conversations.items.list(conversation.id, order="asc")]
        assert [item.type for item in items][1:3] == ["openapi_call", "openapi_call_output"]
        assert KEY not in str(response)
        further = await sdk.openai.responses.create(
            conversation=conversation.id, input="how many", extra_body=beside(agent)
        )
        assert further.output_text == "I see two messages of yours."
    await sdk.delete_connection(name)


async def test_a_call_that_fails_says_so_in_both_items(sdk):
    keyed = tool("/keyed", type="project_connection", security_scheme={"project_connection_id": "gone"})
    response = await sdk.openai.responses.create(model="scripted", input=QUESTION, tools=[keyed])
    call, output, text = parts_of(response)
    assert (call.status, output.status) == ("failed", "failed")
    assert "There is no connection 'gone'" in text


async def test_a_document_that_can_not_work_is_refused_with_the_place(sdk):
    broken = tool()
    broken["openapi"]["spec"]["paths"]["/pets"]["post"]["operationId"] = "add pet"
    with pytest.raises(BadRequestError) as refusal:
        await sdk.openai.responses.create(model="scripted", input=QUESTION, tools=[broken])
    assert refusal.value.param == "tools[0].openapi.spec.paths./pets.post.operationId"
