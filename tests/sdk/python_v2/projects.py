"""The clients as a program makes them: a project's, and the OpenAI client that it hands out."""

import inspect
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from azure.ai.projects import AIProjectClient, __version__
from azure.ai.projects.aio import AIProjectClient as AsyncAIProjectClient
from azure.ai.projects.operations import AgentsOperations
from azure.core.rest import HttpRequest
from azure.identity import DefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential

from awaited import Awaited

ENDPOINT = os.environ["AZURE_AI_PROJECT_ENDPOINT"]

# The oldest generation names an agent by `agent`, sends an api-version along, and asks for no preview.
IS_PREVIEW = __version__ == "2.0.0b3"
OPTIONS = {} if IS_PREVIEW else {"allow_preview": True}

# What came with later generations: agents that can be disabled, that have an address of their own, and
# whose traffic can be shared between versions.
CAN_DISABLE = hasattr(AgentsOperations, "disable")
HAS_ADDRESSES = "agent_name" in inspect.signature(AIProjectClient.get_openai_client).parameters
CAN_SHARE_TRAFFIC = hasattr(AgentsOperations, "update_details")


@dataclass
class Sdk:
    """The clients of one kind, behind calls that are awaited."""

    kind: str
    project: Any
    openai: Any
    # The client itself, for what is more than a call.
    raw: Any

    async def put_connection(self, name: str, **connection: Any) -> None:
        """Puts a connection. The service takes it from anybody who may; the SDK has no operation for it."""
        request = HttpRequest("PUT", f"{ENDPOINT}/connections/{name}", json=connection)
        (await self.project.send_request(request)).raise_for_status()

    async def delete_connection(self, name: str) -> None:
        """Deletes a connection that was put."""
        request = HttpRequest("DELETE", f"{ENDPOINT}/connections/{name}")
        (await self.project.send_request(request)).raise_for_status()

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


def new_name(kind: str = "agent") -> str:
    """A name that nothing has."""
    return f"{kind}-{uuid4().hex[:12]}"


def beside(agent: Any, version: str | None = None) -> dict:
    """The extra body that names an agent."""
    reference = {"name": agent.name, "type": "agent_reference"}
    if version is not None:
        reference["version"] = version
    return {"agent" if IS_PREVIEW else "agent_reference": reference}


@asynccontextmanager
async def sdk_of_kind(kind: str):
    """The clients of that kind, made from environment variables alone. A fault shows at once."""
    if kind == "sync":
        with (
            DefaultAzureCredential() as credential,
            AIProjectClient(endpoint=ENDPOINT, credential=credential, **OPTIONS) as project,
            project.get_openai_client(max_retries=0) as openai,
        ):
            yield Sdk(kind, Awaited(project), Awaited(openai), project)
    else:
        async with (
            AsyncDefaultAzureCredential() as credential,
            AsyncAIProjectClient(endpoint=ENDPOINT, credential=credential, **OPTIONS) as project,
            project.get_openai_client(max_retries=0) as openai,
        ):
            yield Sdk(kind, project, openai, project)
