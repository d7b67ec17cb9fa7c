"""The documented first steps, as their readers type them, with nothing but environment variables."""

import os

import pytest
from azure.ai.projects import AIProjectClient
from azure.ai.projects.aio import AIProjectClient as AsyncAIProjectClient
from azure.ai.projects.models import PromptAgentDefinition
from azure.identity import DefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential

from projects import beside


def test_responses_without_an_agent():
    with (
        DefaultAzureCredential() as credential,
        AIProjectClient(endpoint=os.environ["FOUNDRY_PROJECT_ENDPOINT"], credential=credential) as project,
        project.get_openai_client() as openai_client,
    ):
        response = openai_client.responses.create(
            model=os.environ["FOUNDRY_MODEL_NAME"],
            input="What is the size of France in square miles?",
        )
        assert response.output_text
        response = openai_client.responses.create(
            model=os.environ["FOUNDRY_MODEL_NAME"],
            input="And what is the capital city?",
            previous_response_id=response.id,
        )
        assert response.output_text


def test_a_conversation_with_an_agent():
    with (
        DefaultAzureCredential() as credential,
        AIProjectClient(endpoint=os.environ["AZURE_AI_PROJECT_ENDPOINT"], credential=credential) as project,
        project.get_openai_client() as openai_client,
    ):
        agent = project.agents.create_version(
            agent_name="MyAgent",
            definition=PromptAgentDefinition(
                model=os.environ["AZURE_AI_MODEL_DEPLOYMENT_NAME"],
                instructions="You are a helpful assistant that answers general questions",
            ),
        )
        assert (agent.id, agent.name, agent.version) == ("MyAgent:1", "MyAgent", "1")
        conversation = openai_client.conversations.create(
            items=[{"type": "message", "role": "user", "content": "What is the size of France?"}],
        )
        response = openai_client.responses.create(conversation=conversation.id, extra_body=beside(agent))
        assert response.output_text
        openai_client.conversations.items.create(
            conversation_id=conversation.id,
            items=[{"type": "message", "role": "user", "content": "And what is the capital city?"}],
        )
        response = openai_client.responses.create(conversation=conversation.id, extra_body=beside(agent))
        assert response.output_text
        roles = [item.role for item in openai_client.conversations.items.list(conversation.id, order="asc")]
        assert roles == ["user", "assistant", "user", "assistant"]
        openai_client.conversations.delete(conversation_id=conversation.id)
        project.agents.delete_version(agent_name=agent.name, agent_version=agent.version)


@pytest.mark.parametrize("input", [None, ""], ids=["left out", "empty"])
async def test_a_conversation_with_an_agent_from_async_code(input):
    async with (
        AsyncDefaultAzureCredential() as credential,
        AsyncAIProjectClient(
            endpoint=os.environ["AZURE_AI_PROJECT_ENDPOINT"], credential=credential
        ) as project,
        project.get_openai_client() as openai_client,
    ):
        agent = await project.agents.create_version(
            agent_name="MyAsyncAgent",
            definition=PromptAgentDefinition(model=os.environ["AZURE_AI_MODEL_DEPLOYMENT_NAME"]),
        )
        conversation = await openai_client.conversations.create(
            items=[{"type": "message", "role": "user", "content": "What is the size of France?"}],
        )
        said = {} if input is None else {"input": input}
        response = await openai_client.responses.create(
            conversation=conversation.id, extra_body=beside(agent), **said
        )
        assert response.output_text
        await openai_client.conversations.delete(conversation_id=conversation.id)
        await project.agents.delete(agent_name=agent.name)
