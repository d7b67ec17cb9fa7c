"""An agent that is made with `a2a-sdk` 1 and knows the weather. It prints its port, and serves until it is killed."""

import uvicorn
from a2a.helpers import new_task_from_user_message
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types.a2a_pb2 import AgentCapabilities, AgentCard, AgentInterface, AgentSkill, Part
from starlette.applications import Starlette

from office import FORECAST, listen, serve


class Weather(AgentExecutor):
    async def execute(self, context, event_queue):
        task = context.current_task or new_task_from_user_message(context.message)
        await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, task.id, task.context_id)
        await updater.start_work()
        for index, piece in enumerate(FORECAST):
            await updater.add_artifact([Part(text=piece)], artifact_id="forecast", append=index > 0)
        await updater.complete()

    async def cancel(self, context, event_queue):
        raise NotImplementedError


def application(url: str, streaming: bool):
    interface = AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0")
    card = AgentCard(
        name="Weather office",
        description="Knows the weather of tomorrow.",
        version="1.0.0",
        supported_interfaces=[interface],
        capabilities=AgentCapabilities(streaming=streaming),
        default_input_modes=["text"],
        default_output_modes=["text"],
        skills=[AgentSkill(id="f", name="forecast", description="Looks ahead.", tags=["weather"])],
    )
    handler = DefaultRequestHandler(
        agent_executor=Weather(), task_store=InMemoryTaskStore(), agent_card=card
    )
    routes = [*create_agent_card_routes(card), *create_jsonrpc_routes(handler, "/")]
    return Starlette(routes=routes)


if __name__ == "__main__":
    serve(application, listen(), uvicorn)
