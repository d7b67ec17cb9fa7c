"""Azurite, and a function that answers over its queues as Azure Functions would run it."""

import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

# `cargo xtask test` installs it and says where.
AZURITE = os.environ.get("AZURITE_QUEUE")
# The account that every emulator has, with a key that is no secret.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def wait_for(port: int) -> None:
    """Waits until somebody listens there."""
    until = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < until, "Azurite does not listen"
            time.sleep(0.05)


class FunctionApp:
    """A function with a queue trigger and a queue output. It remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict] = []
        self._data = tempfile.mkdtemp(prefix="azurite-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        place = ["--queueHost", "127.0.0.1", "--queuePort", str(port), "--location", self._data]
        # It need not know the newest versions of the interface, and is to tell nobody about itself.
        options = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        self._azurite = subprocess.Popen([AZURITE, *place, *options], stdout=subprocess.DEVNULL)
        wait_for(port)
        self.endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
        self.connection_string = (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};QueueEndpoint={self.endpoint};"
        )
        self._stopped = threading.Event()
        self._host = threading.Thread(target=self._serve, daemon=True)
        self._host.start()

    def close(self) -> None:
        """Ends what was started."""
        self._stopped.set()
        self._host.join(timeout=30)
        # It has nothing to keep, and waits for its connections otherwise.
        self._azurite.kill()
        self._azurite.wait(timeout=30)
        shutil.rmtree(self._data, ignore_errors=True)

    def definition(self) -> dict:
        """The function, as both dialects take it."""
        queue = lambda name: {  # noqa: E731
            "type": "storage_queue",
            "storage_queue": {"queue_service_endpoint": self.endpoint, "queue_name": name},
        }
        location = {"type": "string", "description": "The town."}
        return {
            "function": {
                "name": "GetWeather",
                "description": "Gives the weather in a town.",
                "parameters": {"type": "object", "properties": {"location": location}, "required": ["location"]},
            },
            "input_binding": queue("weather-input"),
            "output_binding": queue("weather-output"),
        }

    def _queue(self, name: str) -> QueueClient:
        return QueueClient.from_connection_string(self.connection_string, name)

    def _serve(self) -> None:
        questions, answers = self._queue("weather-input"), self._queue("weather-output")
        while not self._stopped.wait(0.05):
            try:
                messages = list(questions.receive_messages(max_messages=32))
            except ResourceNotFoundError:  # nobody has asked anything yet
                continue
            for message in messages:
                questions.delete_message(message)
                self._run(json.loads(base64.b64decode(message.content)), answers)

    def _run(self, question: dict, answers: QueueClient) -> None:
        self.asked.append(question)
        location = question["function_args"]["location"]
        # Somebody else's answer is in front of ours.
        for correlation, value in [("somebody-else", "fog"), (question["CorrelationId"], f"sunny in {location}")]:
            answer = json.dumps({"Value": value, "CorrelationId": correlation})
            answers.send_message(base64.b64encode(answer.encode()).decode())
