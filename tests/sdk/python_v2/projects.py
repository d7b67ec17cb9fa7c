"""The clients as a program makes them: a project's, and the OpenAI client that it hands out."""

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from azure.ai.projects import AIProjectClient, __version__
from azure.ai.projects.aio import AIProjectClient as AsyncAIProjectClient
from azure.identity import DefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential

from awaited import Awaited

# The older generation names an agent by `agent`, sends an api-version along, and asks for no preview.
IS_PREVIEW = __version__ == "2.0.0b3"
OPTIONS = {} if IS_PREVIEW else {"allow_preview": True}


@dataclass
class Sdk:
    """The clients of one kind, behind calls that are awaited."""

    kind: str
    project: Any
    openai: Any
    # The client itself, for what is more than a call.
    raw: Any

    def openai_of(self, agent_name: str) -> Any:
        """The OpenAI client at an agent's own address."""
        client = self.raw.get_openai_client(agent_name=agent_name)
        return Awaited(client) if self.kind == "sync" else client

    @asynccontextmanager
    async def agent(self, definition: dict):
        """A new agent's first version, and no agent afterwards."""
        version = await self.project.agents.create_version(new_name(), definition=definition)
        yield version
        await self.project.agents.delete(version.name)


def new_name() -> str:
    """A name that no agent has."""
    return f"agent-{uuid4().hex[:12]}"


def beside(agent: Any, version: str | None = None) -> dict:
    """The extra body that names an agent."""
    reference = {"name": agent.name, "type": "agent_reference"}
    if version is not None:
        reference["version"] = version
    return {"agent" if IS_PREVIEW else "agent_reference": reference}


@asynccontextmanager
async def sdk_of_kind(kind: str):
    """The clients of that kind, made from environment variables alone. A fault shows at once."""
    endpoint = os.environ["AZURE_AI_PROJECT_ENDPOINT"]
    if kind == "sync":
        with (
            DefaultAzureCredential() as credential,
            AIProjectClient(endpoint=endpoint, credential=credential, **OPTIONS) as project,
            project.get_openai_client(max_retries=0) as openai,
        ):
            yield Sdk(kind, Awaited(project), Awaited(openai), project)
    else:
        async with (
            AsyncDefaultAzureCredential() as credential,
            AsyncAIProjectClient(endpoint=endpoint, credential=credential, **OPTIONS) as project,
            project.get_openai_client(max_retries=0) as openai,
        ):
            yield Sdk(kind, project, openai, project)
