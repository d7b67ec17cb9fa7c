"""Function tools: called by the SDK itself, or by the program that polls and submits."""

import json

from azure.ai.agents.models import AsyncFunctionTool, ToolOutput

from awaited import collect
from functions import convert_currency, definitions, get_weather
from waiting import POLL, settled, waiting_for_outputs

QUESTION = "How is the weather in Oslo?"


async def last_words(sdk, thread) -> str:
    """The text of the newest message of the agent."""
    return (await sdk.agents.messages.get_last_message_text_by_role(thread.id, "assistant")).text.value


async def test_functions_are_called_by_themselves_where_the_client_knows_them(sdk, thread, model):
    called = []

    def get_time(city: str) -> str:
        """Tells the time in a city."""
        called.append(city)
        return json.dumps({"time": "half past seven"})

    functions = sdk.function_tool({get_time, convert_currency})
    sdk.agents.enable_auto_function_calls(functions)
    agent = await sdk.agents.create_agent(model=model, tools=functions.definitions)
    await sdk.agents.messages.create(thread.id, role="user", content="What time is it in Oslo?")
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status == "completed", run.last_error
    assert len(called) == 1
    assert "half past seven" in await last_words(sdk, thread)


async def test_a_tool_set_brings_functions_to_agent_and_client(sdk, thread, model):
    tools = sdk.tool_set()
    tools.add(sdk.function_tool({get_weather, convert_currency}))
    sdk.agents.enable_auto_function_calls(tools)
    agent = await sdk.agents.create_agent(model=model, toolset=tools)
    assert {tool.function.name for tool in agent.tools} == {"get_weather", "convert_currency"}
    for question, words in [
        (QUESTION, "13 degrees"),
        ("Convert 100 dollars to doubloons, please.", "four hundred doubloons"),
    ]:
        await sdk.agents.messages.create(thread.id, role="user", content=question)
        run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
        assert run.status == "completed", run.last_error
        assert words in await last_words(sdk, thread)


async def test_the_client_may_also_be_given_a_plain_set_of_functions(sdk, thread, model):
    sdk.agents.enable_auto_function_calls({get_weather})
    agent = await sdk.agents.create_agent(model=model, tools=definitions(get_weather))
    await sdk.agents.messages.create(thread.id, role="user", content=QUESTION)
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status == "completed", run.last_error
    assert "13 degrees" in await last_words(sdk, thread)


async def test_async_functions_are_awaited_by_the_async_client(async_client, model):
    async def get_weather(location: str) -> str:
        """Tells the weather at a place."""
        return json.dumps({"weather": "an asynchronous storm"})

    functions = AsyncFunctionTool({get_weather})
    async_client.enable_auto_function_calls(functions)
    agent = await async_client.create_agent(model=model, tools=functions.definitions)
    thread = await async_client.threads.create()
    await async_client.messages.create(thread.id, role="user", content=QUESTION)
    run = await async_client.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status == "completed", run.last_error
    answer = await async_client.messages.get_last_message_text_by_role(thread.id, "assistant")
    assert "an asynchronous storm" in answer.text.value


async def test_a_function_that_fails_does_not_hang_the_run(sdk, thread, model):
    def get_weather(location: str) -> str:
        """Tells the weather at a place."""
        raise OSError("the barometer is broken")

    functions = sdk.function_tool({get_weather})
    sdk.agents.enable_auto_function_calls(functions, max_retry=2)
    agent = await sdk.agents.create_agent(model=model, tools=functions.definitions)
    await sdk.agents.messages.create(thread.id, role="user", content=QUESTION)
    run = await sdk.agents.runs.create_and_process(thread.id, agent_id=agent.id, polling_interval=POLL)
    assert run.status in ("completed", "cancelling", "cancelled")
    outputs = [
        call["function"]["output"]
        for step in await collect(sdk.agents.run_steps.list(thread.id, run.id))
        if step.type == "tool_calls"
        for call in step.as_dict()["step_details"]["tool_calls"]
    ]
    assert any("the barometer is broken" in (output or "") for output in outputs)


async def test_a_program_can_poll_and_submit_by_itself(sdk, thread, model):
    agent = await sdk.agents.create_agent(model=model, tools=definitions(get_weather))
    await sdk.agents.messages.create(thread.id, role="user", content=QUESTION)
    run, (call,) = await waiting_for_outputs(sdk, agent, thread)
    assert run.required_action.type == "submit_tool_outputs"
    assert call.id.startswith("call_")
    assert (call.type, call.function.name) == ("function", "get_weather")
    assert isinstance(json.loads(call.function.arguments)["location"], str)
    assert (run.expires_at - run.created_at).total_seconds() >= 36000, "ten hours to answer"

    output = ToolOutput(tool_call_id=call.id, output="a storm, submitted by hand")
    submitted = await sdk.agents.runs.submit_tool_outputs(thread.id, run.id, tool_outputs=[output])
    assert (submitted.status, submitted.required_action) == ("queued", None)
    run = await settled(sdk, submitted)
    assert run.status == "completed", run.last_error
    assert "a storm, submitted by hand" in await last_words(sdk, thread)


async def test_outputs_may_be_plain_dictionaries(sdk, thread, model):
    agent = await sdk.agents.create_agent(model=model, tools=definitions(get_weather))
    await sdk.agents.messages.create(thread.id, role="user", content=QUESTION)
    run, (call,) = await waiting_for_outputs(sdk, agent, thread)
    outputs = [{"tool_call_id": call.id, "output": "a calm, from a dictionary"}]
    run = await settled(
        sdk, await sdk.agents.runs.submit_tool_outputs(thread.id, run.id, tool_outputs=outputs)
    )
    assert run.status == "completed", run.last_error
    assert "a calm, from a dictionary" in await last_words(sdk, thread)


async def test_a_large_output_arrives_whole(sdk, thread, model):
    agent = await sdk.agents.create_agent(model=model, tools=definitions(get_weather))
    await sdk.agents.messages.create(thread.id, role="user", content=QUESTION)
    run, (call,) = await waiting_for_outputs(sdk, agent, thread)
    large = "rain and " * 50_000
    outputs = [ToolOutput(tool_call_id=call.id, output=large)]
    run = await settled(
        sdk, await sdk.agents.runs.submit_tool_outputs(thread.id, run.id, tool_outputs=outputs)
    )
    assert run.status == "completed", run.last_error
    (step,) = [
        step
        for step in await collect(sdk.agents.run_steps.list(thread.id, run.id))
        if step.type == "tool_calls"
    ]
    assert step.as_dict()["step_details"]["tool_calls"][0]["function"]["output"] == large
