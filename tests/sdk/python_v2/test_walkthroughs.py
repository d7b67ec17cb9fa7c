"""The flows that the SDK's documentation walks through: the same calls in the same order, with its models."""

import asyncio
import base64
import json

import pytest
from azure.ai.projects import models
from azure.ai.projects.models import FunctionTool, PromptAgentDefinition, StructuredInputDefinition
from azure.core.exceptions import ResourceNotFoundError
from openai import NotFoundError
from openai.types.responses.response_input_param import FunctionCallOutput
from pydantic import BaseModel, Field

from awaited import collect
from projects import beside, new_name

# The smallest picture there is.
PIXEL = base64.b64encode(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;").decode()


def user(text: str) -> dict:
    return {"type": "message", "role": "user", "content": text}


def in_the_form_of(schema: type[BaseModel]):
    """The setting that makes an agent answer in JSON; its model has another name in every generation."""
    asked = {"name": schema.__name__, "schema": schema.model_json_schema()}
    if hasattr(models, "TextResponseFormatJsonSchema"):
        return models.PromptAgentDefinitionTextOptions(format=models.TextResponseFormatJsonSchema(**asked))
    text = models.PromptAgentDefinitionText
    return text(format=models.ResponseTextFormatConfigurationJsonSchema(**asked))


async def test_agents_are_created_read_listed_and_deleted(sdk, model):
    one, two = [
        await sdk.project.agents.create_version(
            agent_name=new_name(), definition=PromptAgentDefinition(model=model)
        )
        for _ in range(2)
    ]
    version = await sdk.project.agents.get_version(agent_name=one.name, agent_version=one.version)
    assert (version.id, version.name, version.version) == (one.id, one.name, "1")
    assert isinstance(version.definition, PromptAgentDefinition)
    agent = await sdk.project.agents.get(agent_name=one.name)
    assert (agent.id, agent.name) == (one.name, one.name)
    assert agent.versions.latest.id == one.id
    (listed,) = await collect(sdk.project.agents.list_versions(agent_name=one.name))
    assert listed.id == one.id
    latest = {found.name: found.versions.latest.id for found in await collect(sdk.project.agents.list())}
    assert (latest[one.name], latest[two.name]) == (one.id, two.id)
    for created in (one, two):
        deleted = await sdk.project.agents.delete_version(
            agent_name=created.name, agent_version=created.version
        )
        assert (deleted.name, deleted.version, deleted.deleted) == (created.name, "1", True)
        # It was the only version.
        with pytest.raises(ResourceNotFoundError):
            await sdk.project.agents.get(agent_name=created.name)


async def test_an_agent_and_a_conversation_of_before_are_found_again(sdk, agent):
    before = await sdk.openai.conversations.create(items=[user("What is the size of France?")])
    await sdk.openai.responses.create(conversation=before.id, extra_body=beside(agent))

    found = await sdk.project.agents.get(agent_name=agent.name)
    assert found.versions.latest.version == agent.version
    conversation = await sdk.openai.conversations.retrieve(conversation_id=before.id)
    assert conversation == before
    await sdk.openai.conversations.items.create(
        conversation_id=conversation.id, items=[user("How many feet are in a mile?")]
    )
    response = await sdk.openai.responses.create(conversation=conversation.id, extra_body=beside(found))
    assert response.output_text
    items = await collect(sdk.openai.conversations.items.list(conversation.id, order="asc"))
    assert [item.role for item in items] == ["user", "assistant", "user", "assistant"]


class CalendarEvent(BaseModel):
    model_config = {"extra": "forbid"}
    name: str
    date: str = Field(description="Date in YYYY-MM-DD format")
    participants: list[str]


async def test_an_agent_answers_in_the_form_that_it_was_given(sdk, model):
    definition = PromptAgentDefinition(
        model=model, text=in_the_form_of(CalendarEvent), instructions="You extract events."
    )
    async with sdk.agent(definition) as agent:
        conversation = await sdk.openai.conversations.create(
            items=[user("Alice and Bob go to a science fair on November 7, 2025.")]
        )
        response = await sdk.openai.responses.create(conversation=conversation.id, extra_body=beside(agent))
        CalendarEvent.model_validate_json(response.output_text)
        assert response.text.format.name == "CalendarEvent"
        await sdk.openai.conversations.delete(conversation_id=conversation.id)


async def test_a_response_without_an_agent_has_the_form_that_it_asks_for(sdk, model):
    asked = {"type": "json_schema", "name": "event", "schema": CalendarEvent.model_json_schema()}
    response = await sdk.openai.responses.create(
        model=model,
        instructions="You extract events.",
        text={"format": asked | {"strict": True}},
        input="Alice and Bob go to a science fair on November 7, 2025.",
    )
    CalendarEvent.model_validate_json(response.output_text)


async def test_an_agents_function_is_called_and_what_it_says_is_used(sdk, model):
    tool = FunctionTool(
        name="get_horoscope",
        parameters={
            "type": "object",
            "properties": {"sign": {"type": "string", "description": "Such as Aquarius"}},
            "required": ["sign"],
            "additionalProperties": False,
        },
        description="Tells today's horoscope of an astrological sign.",
        strict=True,
    )
    definition = PromptAgentDefinition(model=model, instructions="You use functions.", tools=[tool])
    async with sdk.agent(definition) as agent:
        assert agent.definition.tools == [tool]
        asked = await sdk.openai.responses.create(
            input="What is my horoscope? I am an Aquarius.", extra_body=beside(agent)
        )
        answers = []
        for item in asked.output:
            if item.type == "function_call" and item.name == "get_horoscope":
                assert list(json.loads(item.arguments)) == ["sign"]
                output = json.dumps({"horoscope": "You will befriend a baby otter."})
                answers.append(
                    FunctionCallOutput(type="function_call_output", call_id=item.call_id, output=output)
                )
        assert len(answers) == 1
        answered = await sdk.openai.responses.create(
            input=answers, previous_response_id=asked.id, extra_body=beside(agent)
        )
        assert "baby otter" in answered.output_text


async def test_an_agent_tells_its_answer_as_it_comes(sdk, agent):
    conversation = await sdk.openai.conversations.create(items=[user("Tell me about Paris.")])
    stream = await sdk.openai.responses.create(
        conversation=conversation.id, stream=True, extra_body=beside(agent)
    )
    seen, text = [], ""
    async for event in stream:
        if event.type == "response.created":
            seen.append(event.response.id)
        elif event.type == "response.output_text.delta":
            text += event.delta
        elif event.type == "response.output_text.done":
            assert event.text == text
        elif event.type == "response.completed":
            seen.append(event.response.id)
            assert event.response.output_text == text != ""
    assert len(seen) == 2
    assert seen[0] == seen[1]
    await sdk.openai.conversations.delete(conversation_id=conversation.id)


async def test_a_picture_is_part_of_a_question(sdk, model):
    picture = {"type": "input_image", "detail": "auto", "image_url": f"data:image/gif;base64,{PIXEL}"}
    question = {"type": "input_text", "text": "What is in this image?"}
    said = [{"type": "message", "role": "user", "content": [question, picture]}]
    response = await sdk.openai.responses.create(model=model, input=said)
    assert response.output_text
    (item,) = await collect(sdk.openai.responses.input_items.list(response.id))
    assert [part.type for part in item.content] == ["input_text", "input_image"]
    assert (item.content[1].image_url, item.content[1].detail) == (picture["image_url"], "auto")


async def test_an_uploaded_file_is_part_of_a_question(sdk, model):
    file = await sdk.openai.files.create(file=("notes.txt", b"Oslo has 700,000 people."), purpose="user_data")
    parts = [
        {"type": "input_text", "text": "What do the notes say?"},
        {"type": "input_file", "file_id": file.id},
    ]
    response = await sdk.openai.responses.create(model=model, input=[{"role": "user", "content": parts}])
    assert response.output_text
    (item,) = await collect(sdk.openai.responses.input_items.list(response.id))
    assert item.content[1].file_id == file.id
    await sdk.openai.files.delete(file.id)


async def test_a_response_fills_in_what_an_agent_leaves_open(sdk, model):
    definition = PromptAgentDefinition(
        model=model,
        instructions="You help {{user.name}}, who is {{role}}.",
        structured_inputs={
            "user": StructuredInputDefinition(
                description="Who asks",
                required=True,
                schema={
                    "type": "object",
                    "properties": {"name": {"type": "string"}},
                    "required": ["name"],
                },
            ),
            "role": StructuredInputDefinition(description="What they do", default_value="a visitor"),
        },
    )
    async with sdk.agent(definition) as agent:
        given = {"structured_inputs": {"user": {"name": "Ada"}}}
        response = await sdk.openai.responses.create(input="Hello", extra_body=beside(agent) | given)
        assert response.instructions == "You help Ada, who is a visitor."
        given["structured_inputs"]["role"] = "an engineer"
        response = await sdk.openai.responses.create(input="Hello", extra_body=beside(agent) | given)
        assert response.instructions == "You help Ada, who is an engineer."


async def test_an_agent_works_in_the_background(sdk, model):
    async with sdk.agent(PromptAgentDefinition(model="scripted")) as agent:
        response = await sdk.openai.responses.create(
            input="slowly", background=True, extra_body=beside(agent)
        )
        assert response.status == "queued"
        while response.status in ("queued", "in_progress"):
            await asyncio.sleep(0.05)
            response = await sdk.openai.responses.retrieve(response.id)
        assert response.status == "completed"
        assert response.output_text.split()[-1] == "sixteen"
        assert response.model_extra["agent_reference"]["name"] == agent.name


async def test_an_agent_keeps_its_conversations_apart(sdk):
    async with sdk.agent(PromptAgentDefinition(model="scripted")) as agent:
        one, two = [await sdk.openai.conversations.create() for _ in range(2)]
        heard = []
        for conversation in (one, two, one, two):
            response = await sdk.openai.responses.create(
                conversation=conversation.id, input="how many do you see?", extra_body=beside(agent)
            )
            heard.append(response.output_text)
        assert heard == ["I see one message of yours."] * 2 + ["I see two messages of yours."] * 2
        for conversation in (one, two):
            items = await collect(sdk.openai.conversations.items.list(conversation.id))
            assert len(items) == 4
        await sdk.openai.conversations.delete(one.id)
        response = await sdk.openai.responses.create(
            conversation=two.id, input="Hello", extra_body=beside(agent)
        )
        assert response.status == "completed"


async def test_two_agents_take_part_in_one_conversation(sdk, model):
    async with (
        sdk.agent(PromptAgentDefinition(model=model, instructions="You ask.")) as asks,
        sdk.agent(PromptAgentDefinition(model=model, instructions="You answer.")) as answers,
    ):
        conversation = await sdk.openai.conversations.create(items=[user("Let us begin.")])
        turns = [
            await sdk.openai.responses.create(conversation=conversation.id, extra_body=beside(agent))
            for agent in (asks, answers)
        ]
        assert [turn.instructions for turn in turns] == ["You ask.", "You answer."]
        _, *said = await collect(sdk.openai.conversations.items.list(conversation.id, order="asc"))
        assert [item.id for item in said] == [turn.output[0].id for turn in turns]
        speakers = [item.model_extra["agent_reference"]["name"] for item in said]
        assert speakers == [asks.name, answers.name]


async def test_a_response_of_an_agent_is_read_cancelled_and_deleted(sdk, model):
    async with sdk.agent(PromptAgentDefinition(model="scripted")) as agent:
        response = await sdk.openai.responses.create(
            input="never", background=True, extra_body=beside(agent)
        )
        kept = await sdk.openai.responses.retrieve(response.id)
        assert kept.status in ("queued", "in_progress")
        assert (await sdk.openai.responses.cancel(response.id)).status == "cancelled"
        (asked,) = await collect(sdk.openai.responses.input_items.list(response.id))
        assert asked.content[0].text == "never"
        await sdk.openai.responses.delete(response.id)
        with pytest.raises(NotFoundError):
            await sdk.openai.responses.retrieve(response.id)
