"""Files of a session, sent and fetched while its sandbox runs and while it sleeps."""

import pytest
from azure.ai.projects import models
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from awaited import collect


@pytest.fixture
async def session(sdk, misbehaving):
    """A new session; it is gone afterwards."""
    agents = sdk.project.agents
    indicator = models.VersionRefIndicator(agent_version=misbehaving.version)
    session = await agents.create_session(misbehaving.name, version_indicator=indicator)
    yield session.agent_session_id
    await agents.delete_session(misbehaving.name, session.agent_session_id)


@pytest.fixture
def files(sdk, misbehaving, session):
    return Files(sdk.project.agents, misbehaving.name, session)


class Files:
    def __init__(self, agents, agent: str, session: str):
        self.agents, self.where = agents, (agent, session)

    async def send(self, path: str, content: bytes):
        return await self.agents.upload_session_file(*self.where, content, path=path)

    async def fetch(self, path: str) -> bytes:
        pieces = await self.agents.download_session_file(*self.where, path=path)
        return b"".join([piece async for piece in pieces])

    async def names(self, path: str | None = None) -> list[tuple[str, bool]]:
        entries = await collect(self.agents.list_session_files(*self.where, path=path))
        return [(entry.name, entry.is_directory) for entry in entries]

    async def delete(self, path: str, **options) -> None:
        await self.agents.delete_session_file(*self.where, path=path, **options)


async def test_a_file_is_sent_listed_fetched_and_deleted(files):
    written = await files.send("/remote/notes.txt", b"one\x00two")
    assert (written.path, written.bytes_written) == ("remote/notes.txt", 7)
    assert await files.names() == [("remote", True)]
    assert await files.names("/remote") == [("notes.txt", False)]
    assert await files.fetch("/remote/notes.txt") == b"one\x00two"
    with pytest.raises(ResourceExistsError):
        await files.delete("/remote")
    await files.delete("/remote", recursive=True)
    assert await files.names() == []
    with pytest.raises(ResourceNotFoundError):
        await files.fetch("/remote/notes.txt")


async def test_the_client_and_the_container_see_the_same_files(files, rest, misbehaving, session):
    await files.send("from-outside", b"hello in there")
    assert rest.invoke(misbehaving.name, session, "read from-outside").text == "hello in there"
    assert rest.invoke(misbehaving.name, session, "write from-inside hello").text == "written"
    assert await files.fetch("from-inside") == b"hello"


async def test_files_are_there_while_the_sandbox_sleeps(files, sdk, rest, misbehaving, session):
    assert rest.invoke(misbehaving.name, session, "write note hello").text == "written"
    await sdk.project.agents.stop_session(misbehaving.name, session)
    assert await files.fetch("note") == b"hello"
    await files.send("more", b"and more")
    assert (await sdk.project.agents.get_session(misbehaving.name, session)).status == "idle"
    assert rest.invoke(misbehaving.name, session, "read more").text == "and more"


@pytest.mark.parametrize("path", ["../escape", "/../../etc/passwd", "a/../../b", "a\0b"])
async def test_a_path_can_not_leave_the_home(files, path):
    for attempt in (files.send(path, b"x"), files.fetch(path), files.delete(path)):
        with pytest.raises(HttpResponseError) as refused:
            await attempt
        assert refused.value.status_code == 400


async def test_a_link_of_the_container_leads_nowhere(files, rest, misbehaving, session):
    assert rest.invoke(misbehaving.name, session, "link out /etc/passwd").text == "linked"
    with pytest.raises(HttpResponseError) as refused:
        await files.fetch("out")
    assert 400 <= refused.value.status_code < 500
    assert rest.invoke(misbehaving.name, session, "read out").text.startswith("root:")
    # What is sent takes the place of the link, and leaves alone what it leads to.
    await files.send("out", b"mine")
    assert await files.fetch("out") == b"mine"
    assert rest.invoke(misbehaving.name, session, "read /etc/passwd").text.startswith("root:")


async def test_a_file_over_the_limit_is_refused(files):
    with pytest.raises(HttpResponseError) as refused:
        await files.send("large", bytes(50 * 1024 * 1024 + 1))
    assert refused.value.status_code == 413
    assert await files.names() == []
