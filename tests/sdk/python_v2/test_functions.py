"""Functions: a response asks for calls, and the program answers them in a conversation or by a chain."""

import json

import pytest

from awaited import collect
from functions_of_agents import CONVERT_CURRENCY, GET_WEATHER, WEATHER, calls_of, outputs_for
from projects import beside


async def test_a_call_is_answered_by_a_chain(sdk, model):
    request = {"model": model, "tools": [GET_WEATHER]}
    asked = await sdk.openai.responses.create(input="How is the weather in Oslo?", **request)
    (call,) = calls_of(asked)
    assert (call.name, call.status) == ("get_weather", "completed")
    assert list(json.loads(call.arguments)) == ["location"]
    answered = await sdk.openai.responses.create(
        input=outputs_for(asked), previous_response_id=asked.id, **request
    )
    assert WEATHER in answered.output_text


async def test_two_calls_at_once_are_answered_in_a_conversation(sdk, scripted, conversation):
    asked = await sdk.openai.responses.create(
        conversation=conversation.id, input="two towns", extra_body=beside(scripted)
    )
    places = [json.loads(call.arguments)["location"] for call in calls_of(asked)]
    assert places == ["Oslo", "Bergen"]
    assert len({call.call_id for call in calls_of(asked)}) == 2
    answered = await sdk.openai.responses.create(
        conversation=conversation.id, input=outputs_for(asked), extra_body=beside(scripted)
    )
    assert answered.output_text == f"In the first town: {WEATHER}."
    items = await collect(sdk.openai.conversations.items.list(conversation.id, order="asc"))
    assert [item.type for item in items] == [
        "message",
        "function_call",
        "function_call",
        "function_call_output",
        "function_call_output",
        "message",
    ]


async def test_two_calls_at_once_are_answered_by_a_chain(sdk, scripted):
    asked = await sdk.openai.responses.create(input="two towns", extra_body=beside(scripted))
    answered = await sdk.openai.responses.create(
        input=outputs_for(asked)[::-1], previous_response_id=asked.id, extra_body=beside(scripted)
    )
    assert answered.output_text == f"In the first town: {WEATHER}."


async def test_calls_follow_each_other(sdk, scripted, conversation):
    response = await sdk.openai.responses.create(
        conversation=conversation.id, input="step by step", extra_body=beside(scripted)
    )
    called = []
    for _ in range(2):
        called += [call.name for call in calls_of(response)]
        response = await sdk.openai.responses.create(
            conversation=conversation.id,
            input=outputs_for(response, "forty"),
            extra_body=beside(scripted),
        )
    assert called == ["get_weather", "convert_currency"]
    assert response.output_text == "In the end: forty."


async def test_a_call_that_nobody_answered_does_not_poison_the_next_turn(sdk, scripted, conversation):
    asked = await sdk.openai.responses.create(
        conversation=conversation.id, input="two towns", extra_body=beside(scripted)
    )
    assert len(calls_of(asked)) == 2
    response = await sdk.openai.responses.create(
        conversation=conversation.id, input="Leave it.", extra_body=beside(scripted)
    )
    assert response.output_text


async def test_a_function_is_called_because_it_is_forced_and_not_called_because_it_is_not_allowed(sdk, model):
    request = {"model": model, "tools": [GET_WEATHER, CONVERT_CURRENCY]}
    forced = await sdk.openai.responses.create(
        input="Hello", tool_choice={"type": "function", "name": "convert_currency"}, **request
    )
    assert [call.name for call in calls_of(forced)] == ["convert_currency"]
    silent = await sdk.openai.responses.create(
        input="How is the weather in Oslo?", tool_choice="none", **request
    )
    assert calls_of(silent) == []
    only = [{"type": "function", "name": "get_weather"}]
    choice = {"type": "allowed_tools", "mode": "required", "tools": only}
    allowed = await sdk.openai.responses.create(input="Hello", tool_choice=choice, **request)
    assert {call.name for call in calls_of(allowed)} == {"get_weather"}


@pytest.mark.parametrize("output", ["plain", [{"type": "input_text", "text": "in parts"}]])
async def test_an_output_may_be_a_text_or_parts(sdk, scripted, output):
    asked = await sdk.openai.responses.create(input="two towns", extra_body=beside(scripted))
    answered = await sdk.openai.responses.create(
        input=outputs_for(asked, output), previous_response_id=asked.id, extra_body=beside(scripted)
    )
    text = output if isinstance(output, str) else output[0]["text"]
    assert answered.output_text == f"In the first town: {text}."


SHOUT = {"type": "custom", "name": "shout", "description": "Shouts what it is given."}


async def test_a_custom_tool_takes_text_and_says_text(sdk, model):
    request = {"model": model, "tools": [SHOUT]}
    asked = await sdk.openai.responses.create(
        input="Hello", tool_choice={"type": "custom", "name": "shout"}, **request
    )
    (call,) = asked.output
    assert (call.type, call.name, isinstance(call.input, str)) == ("custom_tool_call", "shout", True)
    said = [{"type": "custom_tool_call_output", "call_id": call.call_id, "output": "HELLO TO ALL"}]
    answered = await sdk.openai.responses.create(input=said, previous_response_id=asked.id, **request)
    assert "HELLO TO ALL" in answered.output_text


async def test_a_call_of_a_custom_tool_streams_its_input(sdk, model):
    stream = await sdk.openai.responses.create(
        model=model, input="Hello", tools=[SHOUT], tool_choice="required", stream=True
    )
    events = [event async for event in stream if event.type.startswith("response.custom_tool_call_input")]
    *pieces, done = events
    assert done.type == "response.custom_tool_call_input.done"
    assert "".join(event.delta for event in pieces) == done.input != ""
