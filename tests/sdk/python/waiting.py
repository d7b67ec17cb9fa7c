"""Waiting for a run to get somewhere, as a program that polls by itself would."""

import asyncio

POLL = 0.05  # seconds between two looks at a run
MOVING = ("queued", "in_progress", "cancelling")


async def settled(sdk, run):
    """The run as soon as it is over or waits for its client."""
    while run.status in MOVING:
        await asyncio.sleep(POLL)
        run = await sdk.agents.runs.get(run.thread_id, run.id)
    return run


async def waiting_for_outputs(sdk, agent, thread, **overrides):
    """A new run that waits for the outputs of its function calls, and these calls."""
    run = await settled(sdk, await sdk.agents.runs.create(thread.id, agent_id=agent.id, **overrides))
    assert run.status == "requires_action", run.last_error
    return run, run.required_action.submit_tool_outputs.tool_calls
