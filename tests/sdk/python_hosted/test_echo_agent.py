"""An agent of the official packages, hosted by hand: its own process, and the service as its platform."""

import asyncio
import os
import socket
import sys
import uuid
from contextlib import asynccontextmanager

import aiohttp
import pytest_asyncio


@asynccontextmanager
async def hosted(**environment: str):
    """A process of the agent, and a way to ask it as the gateway of the platform would."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "echo_agent.py", env=os.environ | {"PORT": str(port)} | environment
    )
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            await until_ready(session)

            async def ask(**body):
                async with session.post("/responses", json=body) as answer:
                    return answer.status, await answer.json()

            yield ask
    finally:
        # As a crash would, and as one that has ended already allows.
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest_asyncio.fixture
async def echo():
    async with hosted() as ask:
        yield ask


async def until_ready(session: aiohttp.ClientSession) -> None:
    while True:
        try:
            async with session.get("/readiness") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(0.05)


async def until_stored(rest, response: dict, status: str) -> dict:
    """The response as the service has it, once it has this status."""
    while True:
        _, stored = await rest("GET", f"openai/v1/responses/{response['id']}")
        if stored.get("status") == status:
            return stored
        await asyncio.sleep(0.05)


def said(response: dict) -> str:
    return response["output"][0]["content"][0]["text"]


async def test_a_chain_of_responses_is_remembered_and_shown_by_the_service(echo, rest):
    _, first = await echo(input="one")
    assert said(first) == "0 before. Echo: one"
    status, second = await echo(input="two", previous_response_id=first["id"])
    assert (status, said(second)) == (200, "2 before. Echo: two")
    _, third = await echo(input="three", previous_response_id=second["id"])
    assert said(third) == "4 before. Echo: three"

    status, stored = await rest("GET", f"openai/v1/responses/{third['id']}")
    assert (status, stored["status"], said(stored)) == (200, "completed", said(third))
    _, items = await rest("GET", f"openai/v1/responses/{third['id']}/input_items")
    assert [item["content"][0]["text"] for item in items["data"]] == ["three"]


async def test_a_conversation_is_given_every_item_once(echo, rest):
    _, conversation = await rest("POST", "openai/v1/conversations", {})
    for number, text in enumerate(["one", "two"]):
        status, response = await echo(input=text, conversation=conversation["id"])
        assert (status, said(response)) == (200, f"{2 * number} before. Echo: {text}")
    _, items = await rest("GET", f"openai/v1/conversations/{conversation['id']}/items?order=asc")
    texts = [item["content"][0]["text"] for item in items["data"]]
    assert texts == ["one", "0 before. Echo: one", "two", "2 before. Echo: two"]


async def test_a_response_that_is_not_there_can_not_be_continued(echo, new_id):
    status, answer = await echo(input="one", previous_response_id=new_id("caresp"))
    assert (status, answer["error"]["code"]) == (404, "not_found")
    status, answer = await echo(input="one", previous_response_id=new_id("resp"))
    assert (status, answer["error"]["message"]) == (400, "Malformed identifier.")


async def test_a_response_in_the_background_is_a_task_and_completes(rest):
    async with hosted(FOUNDRY_AGENT_SESSION_ID=uuid.uuid4().hex) as echo:
        status, response = await echo(input="Hi", background=True)
        assert (status, response["status"]) == (200, "in_progress")
        assert said(await until_stored(rest, response, "completed")) == "0 before. Echo: Hi"


async def test_a_response_whose_container_was_killed_is_ended_by_the_next_one(rest):
    session = uuid.uuid4().hex
    async with hosted(FOUNDRY_AGENT_SESSION_ID=session) as echo:
        _, response = await echo(input="wait", background=True)
        await until_stored(rest, response, "in_progress")
    _, left = await rest("GET", f"tasks?session_id={session}&status=in_progress")
    assert len(left["data"]) == 1
    async with hosted(FOUNDRY_AGENT_SESSION_ID=session, ECHO_GOES_ON="yes"):
        assert said(await until_stored(rest, response, "completed")) == "0 before. Echo: wait"
