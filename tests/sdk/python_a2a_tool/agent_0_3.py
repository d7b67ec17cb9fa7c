"""An agent that is made with `a2a-sdk` 0.3 and knows the weather. It prints its port, and serves until it is killed."""

import uvicorn
from a2a.server.agent_execution import AgentExecutor
from a2a.server.apps import A2AStarletteApplication
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import AgentCapabilities, AgentCard, AgentSkill, Part, TextPart
from a2a.utils import new_task

from office import FORECAST, listen, serve


class Weather(AgentExecutor):
    async def execute(self, context, event_queue):
        task = context.current_task or new_task(context.message)
        await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, task.id, task.context_id)
        await updater.start_work()
        for index, piece in enumerate(FORECAST):
            part = Part(root=TextPart(text=piece))
            await updater.add_artifact([part], artifact_id="forecast", append=index > 0)
        await updater.complete()

    async def cancel(self, context, event_queue):
        raise NotImplementedError


def application(url: str, streaming: bool):
    card = AgentCard(
        name="Weather office",
        description="Knows the weather of tomorrow.",
        version="1.0.0",
        url=url,
        capabilities=AgentCapabilities(streaming=streaming),
        default_input_modes=["text"],
        default_output_modes=["text"],
        skills=[AgentSkill(id="f", name="forecast", description="Looks ahead.", tags=["weather"])],
    )
    handler = DefaultRequestHandler(agent_executor=Weather(), task_store=InMemoryTaskStore())
    return A2AStarletteApplication(agent_card=card, http_handler=handler).build()


if __name__ == "__main__":
    serve(application, listen(), uvicorn)
