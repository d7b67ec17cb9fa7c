"""A service that an OpenAPI document describes, for the tests of `openapi` in both dialects."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PETS = {"1": {"id": 1, "name": "Rex"}, "2": {"id": 2, "name": "Mia"}}
KEY = "shop-s3cret-key"


class Shop:
    """The service, on a free loopback port, for as long as the tests run. It remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shop.asked.append(f"{self.command} {self.path}")
                pet = PETS.get(self.path.rpartition("/")[2])
                if self.path.startswith("/keyed/") and self.headers["x-shop-key"] != KEY:
                    self._send(401, {"error": f"wrong key {self.headers['x-shop-key']}"})
                elif pet:
                    self._send(200, pet | {"seen": self.headers["x-shop-key"]})
                else:
                    self._send(404, {"error": "There is no such pet."})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                shop.asked.append(f"{self.command} {self.path} {json.dumps(body)}")
                self._send(201, {"adopted": body["name"]})

            def _send(self, status: int, answer: dict) -> None:
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def document(self, below: str = "") -> dict:
        """The document of the service, for the paths below a prefix."""
        name = {"name": "petId", "in": "path", "required": True, "schema": {"type": "integer"}}
        pet = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
        body = {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}
        answers = {"200": {"description": "A pet."}}
        return {
            "openapi": "3.1.0",
            "info": {"title": "Shop", "version": "1"},
            "servers": [{"url": f"http://127.0.0.1:{self._server.server_port}{below}"}],
            "paths": {
                "/pets/{petId}": {
                    "get": {
                        "operationId": "getPet",
                        "summary": "Gives one pet.",
                        "parameters": [name],
                        "responses": answers,
                    }
                },
                "/pets": {"post": {"operationId": "addPet", "requestBody": body, "responses": answers}},
            },
            "components": {
                "schemas": {"Pet": pet},
                "securitySchemes": {"key": {"type": "apiKey", "name": "x-shop-key", "in": "header"}},
            },
            "security": [{"key": []}],
        }
