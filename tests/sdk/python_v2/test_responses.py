"""Responses: what they say, what is kept of them, and how they follow each other."""

import pytest
from openai import NotFoundError
from pydantic import BaseModel

from awaited import collect
from projects import HAS_ADDRESSES, beside


async def test_a_response_says_everything_about_itself(sdk, model):
    response = await sdk.openai.responses.create(
        model=model, input="Hello", instructions="Be kind.", temperature=0.5, metadata={"n": "1"}
    )
    assert response.id.startswith("resp_")
    assert (response.object, response.status, response.model) == ("response", "completed", model)
    assert (response.instructions, response.temperature, response.metadata) == ("Be kind.", 0.5, {"n": "1"})
    (message,) = response.output
    assert (message.type, message.role, message.status) == ("message", "assistant", "completed")
    assert response.output_text == message.content[0].text
    assert response.output_text
    assert (response.error, response.incomplete_details, response.background) == (None, None, False)
    usage = response.usage
    assert usage.input_tokens > 0
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert response.completed_at >= response.created_at


async def test_a_response_is_kept_until_it_is_deleted(sdk, model):
    response = await sdk.openai.responses.create(model=model, input="Hello")
    kept = await sdk.openai.responses.retrieve(response.id)
    assert kept.to_dict() == response.to_dict()
    await sdk.openai.responses.delete(response.id)
    with pytest.raises(NotFoundError):
        await sdk.openai.responses.retrieve(response.id)


async def test_a_response_that_is_not_stored_is_not_found(sdk, model):
    response = await sdk.openai.responses.create(model=model, input="Hello", store=False)
    assert response.output_text
    with pytest.raises(NotFoundError):
        await sdk.openai.responses.retrieve(response.id)


async def test_the_input_of_a_response_is_kept_in_its_order(sdk, model):
    said = [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hello"}]
    response = await sdk.openai.responses.create(model=model, input=said)
    items = await collect(sdk.openai.responses.input_items.list(response.id, order="asc", limit=1))
    assert [(item.role, item.content[0].text) for item in items] == [
        ("developer", "Be kind."),
        ("user", "Hello"),
    ]
    assert len({item.id for item in items}) == 2
    newest = await sdk.openai.responses.input_items.list(response.id)
    assert [item.role for item in newest.data] == ["user", "developer"]


async def test_a_response_sees_the_responses_before_it(sdk):
    first = await sdk.openai.responses.create(model="scripted", input="how many do you see?")
    assert first.output_text == "I see one message of yours."
    second = await sdk.openai.responses.create(
        model="scripted", input="how many do you see now?", previous_response_id=first.id
    )
    assert second.output_text == "I see two messages of yours."
    assert second.previous_response_id == first.id
    # Two responses may follow the same one.
    other = await sdk.openai.responses.create(
        model="scripted", input="how many do you see?", previous_response_id=first.id
    )
    assert other.output_text == "I see two messages of yours."


async def test_output_can_be_sent_again_as_input(sdk):
    first = await sdk.openai.responses.create(model="scripted", input="how many do you see?")
    said = [{"role": "user", "content": "how many do you see?"}, *[item.to_dict() for item in first.output]]
    said.append({"role": "user", "content": "how many do you see?"})
    second = await sdk.openai.responses.create(model="scripted", input=said)
    assert second.output_text == "I see two messages of yours."


async def test_an_answer_is_cut_where_its_tokens_end(sdk, model):
    response = await sdk.openai.responses.create(model="scripted", input="Hello", max_output_tokens=3)
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert response.output[0].status == "incomplete"


class City(BaseModel):
    name: str
    population: int


async def test_an_answer_can_be_parsed(sdk, model):
    response = await sdk.openai.responses.parse(model=model, input="Describe Oslo.", text_format=City)
    assert isinstance(response.output_parsed, City)
    assert response.text.format.type == "json_schema"


async def test_an_agent_can_be_told_the_form_of_its_answers(sdk, model):
    schema = City.model_json_schema() | {"additionalProperties": False}
    text = {"format": {"type": "json_schema", "name": "city", "schema": schema, "strict": True}}
    async with sdk.agent({"kind": "prompt", "model": model, "text": text}) as agent:
        response = await sdk.openai.responses.create(input="Describe Oslo.", extra_body=beside(agent))
    City.model_validate_json(response.output_text)


async def test_responses_are_listed_by_the_conversation_that_they_are_part_of(sdk, model, conversation):
    ids = []
    for _ in range(2):
        response = await sdk.openai.responses.create(
            model=model, input="Hello", conversation=conversation.id
        )
        ids.append(response.id)
    query = {"conversation_id": conversation.id}
    listed = await sdk.openai.get("/responses", cast_to=object, options={"params": query})
    assert [response["id"] for response in listed["data"]] == ids[::-1]


@pytest.mark.skipif(not HAS_ADDRESSES, reason="this generation has no client for an agent's own address")
async def test_an_agent_answers_at_its_own_address(sdk, agent):
    openai = sdk.openai_of(agent.name)
    conversation = await openai.conversations.create()
    response = await openai.responses.create(input="Hello", conversation=conversation.id)
    assert response.output_text
    assert response.model_extra["agent_reference"]["name"] == agent.name
    # It is the same response and the same conversation wherever one looks.
    assert (await sdk.openai.responses.retrieve(response.id)).id == response.id
    assert len(await collect(sdk.openai.conversations.items.list(conversation.id))) == 2
    await openai.conversations.delete(conversation.id)
