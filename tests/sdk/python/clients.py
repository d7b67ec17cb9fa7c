"""The clients as a program makes them, and one way to call both the sync and the async one.

Most tests are written once and run on both: see `awaited`.
"""

import os
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from azure.ai.agents import AgentsClient, models
from azure.ai.agents.aio import AgentsClient as AsyncAgentsClient
from azure.identity import DefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential

from awaited import Awaited


@contextmanager
def sync_client(**options: Any):
    """The sync client, made from environment variables alone."""
    with (
        DefaultAzureCredential() as credential,
        AgentsClient(os.environ["PROJECT_ENDPOINT"], credential, **options) as client,
    ):
        yield client


@asynccontextmanager
async def async_client(**options: Any):
    """The async client, made from environment variables alone."""
    async with (
        AsyncDefaultAzureCredential() as credential,
        AsyncAgentsClient(os.environ["PROJECT_ENDPOINT"], credential, **options) as client,
    ):
        yield client


@dataclass
class Sdk:
    """A client of either kind, with the kinds of tools that go with it."""

    agents: Any
    function_tool: type
    tool_set: type


@asynccontextmanager
async def sdk_of_kind(kind: str):
    """The client of that kind behind calls that are awaited."""
    if kind == "sync":
        with sync_client() as client:
            yield Sdk(Awaited(client), models.FunctionTool, models.ToolSet)
    else:
        async with async_client() as client:
            yield Sdk(client, models.AsyncFunctionTool, models.AsyncToolSet)
