"""A model server of OpenAI's dialect, for what the built-in model has not. It says what it was asked."""

import base64
import json
import re
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The model's name here; clients know the deployment's alone.
MODEL = "the-upstreams-own-name"

# The deployment's name.
DEPLOYMENT = "upstream"


class Upstream:
    """The server, on a free loopback port, for as long as the tests run."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def variables(self) -> dict[str, str]:
        """What makes the service know this server. Its port stands in no file."""
        provider, deployment = "CUPOLA_MODELS__PROVIDERS__LOCAL", "CUPOLA_MODELS__DEPLOYMENTS__UPSTREAM"
        return {
            f"{provider}__KIND": "openai",
            f"{provider}__BASE_URL": f"http://127.0.0.1:{self._server.server_port}/v1",
            f"{deployment}__PROVIDER": "local",
            f"{deployment}__MODEL": MODEL,
        }


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = {
            "/v1/embeddings": embeddings,
            "/v1/chat/completions": chat_completion,
            "/v1/completions": completion,
        }[self.path](body)
        if body.get("stream"):
            events = "".join(f"data: {json.dumps(event)}\n\n" for event in answer) + "data: [DONE]\n\n"
            self._send("text/event-stream", events.encode())
        else:
            self._send("application/json", json.dumps(answer).encode())

    def _send(self, content_type: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_) -> None:
        """Says nothing."""


def embeddings(body: dict) -> dict:
    """For each text a vector of its length and its place."""
    inputs = [body["input"]] if isinstance(body["input"], str) else body["input"]
    vectors = [[float(len(text)), float(place)] for place, text in enumerate(inputs)]
    if body.get("encoding_format") == "base64":
        vectors = [base64.b64encode(struct.pack("<2f", *vector)).decode() for vector in vectors]
    data = [
        {"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)
    ]
    return {"object": "list", "model": body["model"], "data": data, "usage": usage()}


def chat_completion(body: dict):
    """A sentence with the names of all fields of the request; of a question in parts, the parts as JSON."""
    content = body["messages"][-1]["content"]
    text = json.dumps(content) if isinstance(content, list) else " ".join(sorted(body))
    head = {"id": "chatcmpl-1", "created": 1, "model": body["model"], "service_tier": "of-the-upstream"}
    if body.get("stream"):
        chunk = {**head, "object": "chat.completion.chunk"}
        words = re.findall(r"\S+\s*", text)
        deltas = [{"role": "assistant", "content": ""}, *({"content": word} for word in words)]
        return [
            *({**chunk, "choices": [choice(delta=delta, finish_reason=None)]} for delta in deltas),
            {**chunk, "choices": [choice(delta={}, finish_reason="stop")]},
        ]
    message = {"role": "assistant", "content": text}
    choices = [choice(message=message, finish_reason="stop")]
    return {**head, "object": "chat.completion", "choices": choices, "usage": usage()}


def completion(body: dict) -> dict:
    """The prompt, once more."""
    choices = [choice(text=body["prompt"], finish_reason="stop", logprobs=None)]
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": body["model"]}
    return {**head, "choices": choices, "usage": usage()}


def choice(**fields) -> dict:
    """The only choice of an answer."""
    return {"index": 0, **fields}


def usage() -> dict:
    """Tokens that were used."""
    return {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
