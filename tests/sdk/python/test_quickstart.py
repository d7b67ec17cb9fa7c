"""The documented quickstart, as its readers type it, with nothing but environment variables.

Four things in it are repaired, which fail whatever a server does: the SDK's version is pinned,
`FunctionTool` and `user_functions` are defined, the client is not closed before it is used, and
the list of messages is iterated instead of being asked for `.data`.
"""

import os

from azure.ai.agents.models import AsyncFunctionTool, FunctionTool
from azure.ai.projects import AIProjectClient
from azure.ai.projects.aio import AIProjectClient as AsyncAIProjectClient
from azure.identity import DefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential

from functions import get_weather

user_functions = {get_weather}


def test_the_quickstart_runs():
    project_endpoint = os.environ["PROJECT_ENDPOINT"]
    project_client = AIProjectClient(
        endpoint=project_endpoint,
        credential=DefaultAzureCredential(),
        api_version="latest",
    )
    functions = FunctionTool(functions=user_functions)

    agent = project_client.agents.create_agent(
        model=os.environ["MODEL_DEPLOYMENT_NAME"],
        name="my-agent",
        instructions="You are a helpful agent",
    )
    thread = project_client.agents.threads.create()
    message = project_client.agents.messages.create(
        thread_id=thread.id,
        role="user",
        content="When was Microsoft founded?",
    )
    assert message["id"].startswith("msg_")
    run = project_client.agents.runs.create_and_process(thread_id=thread.id, agent_id=agent.id)
    assert run.status == "completed", run.last_error

    answer, question = project_client.agents.messages.list(thread_id=thread.id)
    assert (question.role, question.text_messages[0].text.value) == ("user", "When was Microsoft founded?")
    assert (answer.role, answer.agent_id, answer.run_id) == ("assistant", agent.id, run.id)
    assert answer.text_messages[0].text.value

    project_client.agents.delete_agent(agent.id)
    project_client.close()
    assert functions.definitions[0].function.name == "get_weather"


def test_the_quickstart_runs_with_its_functions():
    with AIProjectClient(os.environ["PROJECT_ENDPOINT"], DefaultAzureCredential()) as project_client:
        functions = FunctionTool(functions=user_functions)
        project_client.agents.enable_auto_function_calls(functions)
        agent = project_client.agents.create_agent(
            model=os.environ["MODEL_DEPLOYMENT_NAME"],
            name="my-agent",
            instructions="You are a helpful agent",
            tools=functions.definitions,
        )
        thread = project_client.agents.threads.create()
        project_client.agents.messages.create(thread.id, role="user", content="How is the weather in Oslo?")
        run = project_client.agents.runs.create_and_process(thread_id=thread.id, agent_id=agent.id)
        assert run.status == "completed", run.last_error
        answer = project_client.agents.messages.get_last_message_text_by_role(thread.id, "assistant")
        assert "a light drizzle of 13 degrees" in answer.text.value
        project_client.agents.delete_agent(agent.id)


async def test_the_quickstart_runs_with_the_async_client():
    async with (
        AsyncDefaultAzureCredential() as credential,
        AsyncAIProjectClient(os.environ["PROJECT_ENDPOINT"], credential) as project_client,
    ):
        functions = AsyncFunctionTool(functions=user_functions)
        project_client.agents.enable_auto_function_calls(functions)
        agent = await project_client.agents.create_agent(
            model=os.environ["MODEL_DEPLOYMENT_NAME"],
            name="my-agent",
            instructions="You are a helpful agent",
            tools=functions.definitions,
        )
        thread = await project_client.agents.threads.create()
        await project_client.agents.messages.create(
            thread_id=thread.id, role="user", content="How is the weather in Oslo?"
        )
        run = await project_client.agents.runs.create_and_process(thread_id=thread.id, agent_id=agent.id)
        assert run.status == "completed", run.last_error
        answer = await project_client.agents.messages.get_last_message_text_by_role(thread.id, "assistant")
        assert "a light drizzle of 13 degrees" in answer.text.value
        await project_client.agents.delete_agent(agent.id)
