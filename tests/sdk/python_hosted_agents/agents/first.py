"""An agent on the official package of the first generation (`azure-ai-agentserver-core` 1.0.0bN).

It says how many items of the conversation came before, and repeats what it is told, word by word in a stream.
"""

import time

from azure.ai.agentserver.core import AgentRunContext, FoundryCBAgent
from azure.ai.agentserver.core.models import Response
from azure.ai.agentserver.core.models import projects as models


class Repeating(FoundryCBAgent):
    async def agent_run(self, context: AgentRunContext):
        text = f"{await self.before(context)} before. Echo: {told(context)}"
        return self.events(context, text) if context.stream else completed(context, message(context, text))

    async def before(self, context) -> int:
        """How many items the conversation has, without what this response was asked with."""
        if not context.conversation_id:
            return 0
        client = await self._create_openai_client()
        items = [item async for item in client.conversations.items.list(context.conversation_id)]
        return len(items) - 1

    async def events(self, context, text):
        item = message(context, text)
        yield models.ResponseCreatedEvent(sequence_number=0, response=Response({"output": []}))
        yield models.ResponseOutputItemAddedEvent(sequence_number=1, output_index=0, item=item)
        for number, word in enumerate(text.split(" ")):
            delta = word if number == 0 else f" {word}"
            place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
            yield models.ResponseTextDeltaEvent(sequence_number=2 + number, delta=delta, **place)
        yield models.ResponseOutputItemDoneEvent(sequence_number=100, output_index=0, item=item)
        yield models.ResponseCompletedEvent(sequence_number=101, response=completed(context, item))


def told(context) -> str:
    asked = context.request["input"]
    if isinstance(asked, str):
        return asked
    content = asked[-1]["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def message(context, text: str):
    content = [models.ItemContentOutputText({"text": text, "annotations": [], "logprobs": []})]
    words = {"id": context.id_generator.generate_message_id(), "status": "completed", "content": content}
    return models.ResponsesAssistantMessageItemResource(words)


def completed(context, item) -> Response:
    return Response(
        {
            "object": "response",
            "id": context.response_id,
            "agent": context.get_agent_id_object(),
            "conversation": context.get_conversation_object(),
            "metadata": context.request.get("metadata"),
            "created_at": int(time.time()),
            "status": "completed",
            "output": [item],
        }
    )


if __name__ == "__main__":
    Repeating().run()
