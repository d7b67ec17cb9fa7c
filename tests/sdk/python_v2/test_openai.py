"""What the OpenAI client does without agents: files, models, chat completions, embeddings.

Every test runs on the client that the project hands out, and on one that knows an address and a token.
"""

import json

import pytest
import pytest_asyncio
from azure.identity import DefaultAzureCredential, get_bearer_token_provider
from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential
from azure.identity.aio import get_bearer_token_provider as async_token_provider
from openai import AsyncOpenAI, AuthenticationError, BadRequestError, NotFoundError, OpenAI, RateLimitError
from pydantic import BaseModel

from awaited import Awaited, collect
from functions_of_agents import GET_WEATHER, WEATHER
from projects import ENDPOINT, beside
from upstream import DEPLOYMENT

SCOPE = "https://ai.azure.com/.default"
CONTENT = b"one\ntwo\n\x00\xff three"
COUNT = "one two three four five six seven eight nine ten"
TOOL = {"type": "function", "function": {key: GET_WEATHER[key] for key in GET_WEATHER if key != "type"}}


def user(text: str) -> dict:
    return {"role": "user", "content": text}


@pytest_asyncio.fixture(params=["of the project", "plain"])
async def openai(request: pytest.FixtureRequest, sdk):
    """An OpenAI client, behind calls that are awaited."""
    options = {"base_url": f"{ENDPOINT}/openai/v1", "max_retries": 0}
    if request.param == "of the project":
        yield sdk.openai
    elif sdk.kind == "sync":
        with DefaultAzureCredential() as credential:
            with OpenAI(api_key=get_bearer_token_provider(credential, SCOPE), **options) as client:
                yield Awaited(client)
    else:
        async with AsyncDefaultAzureCredential() as credential:
            async with AsyncOpenAI(api_key=async_token_provider(credential, SCOPE), **options) as client:
                yield client


async def chunks_of(stream) -> list:
    return [chunk async for chunk in stream]


async def test_a_file_is_uploaded_read_back_and_deleted(openai):
    file = await openai.files.create(file=("notes.bin", CONTENT), purpose="assistants")
    assert file.id.startswith("assistant-")
    assert (file.object, file.purpose, file.filename) == ("file", "assistants", "notes.bin")
    assert (file.bytes, file.status) == (len(CONTENT), "processed")
    assert await openai.files.retrieve(file.id) == file
    assert (await openai.files.content(file.id)).read() == CONTENT
    deleted = await openai.files.delete(file.id)
    assert (deleted.id, deleted.deleted, deleted.object) == (file.id, True, "file")
    for gone in (openai.files.retrieve, openai.files.content, openai.files.delete):
        with pytest.raises(NotFoundError):
            await gone(file.id)


async def test_files_are_listed_by_purpose_over_many_pages(openai):
    ids = {}
    for purpose in ("assistants", "user_data"):
        files = [
            await openai.files.create(file=(f"{n}.txt", CONTENT), purpose=purpose) for n in range(3)
        ]
        ids[purpose] = [file.id for file in files]
    newest = await collect(openai.files.list(purpose="user_data", limit=2))
    assert [file.id for file in newest if file.id in ids["user_data"]] == ids["user_data"][::-1]
    assert {file.purpose for file in newest} == {"user_data"}
    oldest = await collect(openai.files.list(order="asc", limit=2))
    both = ids["assistants"] + ids["user_data"]
    assert [file.id for file in oldest if file.id in both] == both
    for id in both:
        await openai.files.delete(id)


async def test_a_file_without_content_or_with_an_unknown_purpose_is_refused(openai):
    with pytest.raises(BadRequestError):
        await openai.files.create(file=("empty.txt", b""), purpose="assistants")
    with pytest.raises(BadRequestError):
        await openai.files.create(file=("notes.txt", CONTENT), purpose="of-no-use")


async def test_deployments_are_models(openai, model):
    models = {found.id: found for found in await collect(openai.models.list())}
    assert {model, "scripted", DEPLOYMENT} <= set(models)
    assert await openai.models.retrieve(model) == models[model]
    assert (models[model].object, models[DEPLOYMENT].owned_by) == ("model", "local")
    with pytest.raises(NotFoundError) as raised:
        await openai.models.retrieve("no-such-model")
    assert raised.value.body["message"] == "The model 'no-such-model' does not exist."


async def test_a_chat_completion_is_answered(openai):
    messages = [{"role": "system", "content": "Be kind."}, user("Hello")]
    completion = await openai.chat.completions.create(model="scripted", messages=messages)
    (choice,) = completion.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", COUNT, "stop")
    assert (completion.object, completion.model) == ("chat.completion", "scripted")
    usage = completion.usage
    assert usage.prompt_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


async def test_a_chat_completion_streams(openai):
    chunks = await chunks_of(
        await openai.chat.completions.create(
            model="scripted",
            messages=[user("Hello")],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    *said, last = chunks
    assert "".join(chunk.choices[0].delta.content or "" for chunk in said) == COUNT
    assert [chunk.choices[0].finish_reason for chunk in said] == [None] * (len(said) - 1) + ["stop"]
    assert said[0].choices[0].delta.role == "assistant"
    assert (last.choices, last.usage.completion_tokens > 0) == ([], True)
    assert {chunk.model for chunk in chunks} == {"scripted"}
    assert len({chunk.id for chunk in chunks}) == 1


async def test_a_chat_completion_asks_for_functions_and_takes_what_they_say(openai):
    request = {"model": "scripted", "tools": [TOOL]}
    messages = [user("two towns")]
    asked = await openai.chat.completions.create(messages=messages, **request)
    (choice,) = asked.choices
    calls = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert [json.loads(call.function.arguments)["location"] for call in calls] == ["Oslo", "Bergen"]
    assert len({call.id for call in calls}) == 2
    outputs = [{"role": "tool", "tool_call_id": call.id, "content": WEATHER} for call in calls]
    messages += [choice.message.to_dict(), *outputs]
    answered = await openai.chat.completions.create(messages=messages, **request)
    assert answered.choices[0].message.content == f"In the first town: {WEATHER}."


async def test_calls_of_a_chat_completion_stream_in_pieces(openai):
    chunks = await chunks_of(
        await openai.chat.completions.create(
            model="scripted", messages=[user("two towns")], tools=[TOOL], stream=True
        )
    )
    calls = {}
    for chunk in chunks:
        for piece in chunk.choices[0].delta.tool_calls or []:
            call = calls.setdefault(piece.index, {"name": "", "arguments": ""})
            call["name"] += piece.function.name or ""
            call["arguments"] += piece.function.arguments or ""
    assert [calls[index]["name"] for index in (0, 1)] == ["get_weather"] * 2
    places = [json.loads(calls[index]["arguments"]) for index in (0, 1)]
    assert places == [{"location": "Oslo"}, {"location": "Bergen"}]
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


class City(BaseModel):
    name: str
    population: int


async def test_a_chat_completion_can_be_parsed(openai, model):
    completion = await openai.chat.completions.parse(
        model=model, messages=[user("Describe Oslo.")], response_format=City
    )
    assert isinstance(completion.choices[0].message.parsed, City)


async def test_an_upstream_is_given_every_field_and_answers_under_the_deployments_name(openai):
    request = {
        "model": DEPLOYMENT,
        "messages": [user("Hello")],
        "seed": 7,
        "extra_body": {"a_field_of_tomorrow": 1},
    }
    completion = await openai.chat.completions.create(**request)
    assert completion.choices[0].message.content == "a_field_of_tomorrow messages model seed"
    assert (completion.model, completion.service_tier) == (DEPLOYMENT, "of-the-upstream")
    chunks = await chunks_of(await openai.chat.completions.create(stream=True, **request))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == "a_field_of_tomorrow messages model seed stream"
    assert {chunk.model for chunk in chunks} == {DEPLOYMENT}


@pytest.mark.parametrize("encoding", [{}, {"encoding_format": "float"}], ids=["default", "float"])
async def test_texts_are_embedded_by_an_upstream(openai, encoding):
    embedded = await openai.embeddings.create(model=DEPLOYMENT, input=["four", "sixsix"], **encoding)
    assert [data.embedding for data in embedded.data] == [[4.0, 0.0], [6.0, 1.0]]
    assert (embedded.model, embedded.usage.total_tokens) == (DEPLOYMENT, 5)


async def test_a_text_is_completed_by_an_upstream(openai):
    completion = await openai.completions.create(model=DEPLOYMENT, prompt="Once upon")
    assert (completion.choices[0].text, completion.model) == ("Once upon", DEPLOYMENT)


async def test_a_provider_that_embeds_nothing_says_so(openai, model):
    with pytest.raises(BadRequestError) as raised:
        await openai.embeddings.create(model=model, input="Hello")
    assert raised.value.code == "operation_not_offered"


@pytest.mark.parametrize(
    "call",
    [
        lambda openai: openai.chat.completions.create(model="nobody", messages=[user("Hello")]),
        lambda openai: openai.embeddings.create(model="nobody", input="Hello"),
        lambda openai: openai.responses.create(model="nobody", input="Hello"),
    ],
    ids=["chat", "embeddings", "responses"],
)
async def test_a_deployment_that_is_not_there_is_not_found(openai, call):
    with pytest.raises(NotFoundError) as raised:
        await call(openai)
    assert raised.value.code == "invalid_engine_error"


async def test_a_model_that_wants_fewer_chat_completions_is_an_error_of_its_own(openai):
    with pytest.raises(RateLimitError) as raised:
        await openai.chat.completions.create(model="scripted", messages=[user("too many requests")])
    assert "fewer requests" in raised.value.message


async def test_an_agent_answers_the_plain_client_too(openai, agent):
    response = await openai.responses.create(input="Hello", extra_body=beside(agent))
    assert response.output_text
    assert response.model_extra["agent_reference"]["name"] == agent.name


async def test_a_key_that_nobody_gave_out_is_refused():
    with OpenAI(base_url=f"{ENDPOINT}/openai/v1", api_key="made-up", max_retries=0) as client:
        with pytest.raises(AuthenticationError) as raised:
            client.models.list()
    assert raised.value.code == "unknown_api_key"
