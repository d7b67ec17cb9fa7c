"""The client with which official containers keep work that outlives them."""

import os
from contextlib import contextmanager

import pytest
import pytest_asyncio
from azure.ai.agentserver.core.tasks._client import HostedTaskProvider
from azure.ai.agentserver.core.tasks._exceptions_internal import TaskNotFound, _HostedConflict
from azure.ai.agentserver.core.tasks._models import TaskCreateRequest, TaskPatchRequest


@pytest_asyncio.fixture
async def tasks(credential):
    provider = HostedTaskProvider(os.environ["FOUNDRY_PROJECT_ENDPOINT"], credential)
    yield provider
    await provider.close()


@pytest.fixture
def work(new_id):
    """A new task, in a session of its own."""

    def make(**more):
        options = {"agent_name": "echo", "session_id": new_id("s"), "id": new_id("t"), "title": "a task"}
        return TaskCreateRequest(**(options | more))

    return make


def lease(owner: str, instance: str = "one", seconds: int = 60) -> dict:
    return {"lease_owner": owner, "lease_instance_id": instance, "lease_duration_seconds": seconds}


@contextmanager
def refused(code: str):
    """Expects a refusal with this code."""
    with pytest.raises(_HostedConflict) as caught:
        yield
    assert caught.value._code == code


async def test_work_begins_is_renewed_and_ends(tasks, work):
    attachments = {"_input": {"text": "Hi"}}
    request = work(status="in_progress", payload={"a": 1}, attachments=attachments, **lease("ann"))
    created = await tasks.create(request)
    assert (created.status, created.lease.owner, created.lease.generation) == ("in_progress", "ann", 0)
    assert created.attachments == {"_input": {"text": "Hi"}}
    patch = TaskPatchRequest(if_match=created.etag, payload={"b": 2}, **lease("ann"))
    renewed = await tasks.update(created.id, patch)
    assert renewed.payload == {"a": 1, "b": 2}
    assert renewed.lease.expires_at >= created.lease.expires_at
    ended = await tasks.update(created.id, TaskPatchRequest(status="completed", if_match=renewed.etag))
    assert (ended.status, ended.lease) == ("completed", None)
    assert (await tasks.get(created.id)).completed_at == ended.completed_at
    await tasks.delete(created.id)
    assert await tasks.get(created.id) is None
    with pytest.raises(TaskNotFound):
        await tasks.delete(created.id)


async def test_every_conflict_has_the_code_that_the_client_knows(tasks, work):
    request = work(status="in_progress", **lease("ann"))
    created = await tasks.create(request)
    with refused("task_already_exists"):
        await tasks.create(request)
    with refused("lease_held_by_another"):
        await tasks.update(created.id, TaskPatchRequest(**lease("bob")))
    with refused("etag_mismatch"):
        await tasks.update(created.id, TaskPatchRequest(payload={}, if_match="another"))
    with refused("invalid_request"):
        await tasks.delete(created.id)
    await tasks.update(created.id, TaskPatchRequest(status="completed"))
    with refused("task_immutable"):
        await tasks.update(created.id, TaskPatchRequest(payload={}))
    pending = await tasks.create(work())
    with refused("invalid_state_transition"):
        await tasks.update(pending.id, TaskPatchRequest(status="suspended"))


async def test_attachments_are_merged_and_cleared(tasks, work):
    created = await tasks.create(work(attachments={"a": 1, "b": 2}))
    merged = await tasks.update(created.id, TaskPatchRequest(attachments={"a": None, "c": [3]}))
    assert merged.attachments == {"b": 2, "c": [3]}
    cleared = await tasks.update(created.id, TaskPatchRequest(clear_attachments=True))
    assert not cleared.attachments


async def test_the_list_is_filtered_and_read_page_by_page(tasks, work, new_id):
    session = new_id("s")
    ids = [(await tasks.create(work(session_id=session, tags={"k": "v"}))).id for _ in range(5)]
    found = await tasks.list(agent_name="echo", session_id=session, limit=2, order="asc")
    assert [task.id for task in found] == ids
    assert await tasks.list(session_id=session, tag={"k": "other"}) == []
    await tasks.update(ids[0], TaskPatchRequest(status="in_progress", **lease("ann")))
    assert [task.id for task in await tasks.list(session_id=session, lease_expired=False)] == ids[:1]
    assert [task.id for task in await tasks.list(session_id=session, status="in_progress")] == ids[:1]
