"""Says again what it was told, with nothing but the standard library."""
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Agent(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer("application/json", b'{"status":"healthy"}')

    def do_POST(self):
        asked = json.loads(self.body())
        text = asked["input"] if isinstance(asked["input"], str) else asked["input"][-1]["content"]
        print("asked:", text, flush=True)
        print("to standard error", file=sys.stderr, flush=True)
        with open(os.path.expanduser("~/last.txt"), "w") as last:
            last.write(text)
        begun = {"id": self.headers["x-agent-response-id"], "object": "response", "status": "in_progress",
                 "created_at": 0, "output": [], "agent_session_id": asked["agent_session_id"]}
        part = {"type": "output_text", "text": os.environ["GREETING"] + " " + text, "annotations": []}
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
        ended = dict(begun, status="completed", output=[item])
        if not asked.get("stream"):
            return self.answer("application/json", json.dumps(ended).encode())
        place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        events = [
            {"type": "response.created", "response": begun},
            {"type": "response.output_text.delta", "delta": part["text"], **place},
            {"type": "response.output_item.done", "item": item, "output_index": 0},
            {"type": "response.completed", "response": ended},
        ]
        frames = [f"event: {event['type']}\ndata: {json.dumps(dict(event, sequence_number=number))}\n\n"
                  for number, event in enumerate(events)]
        self.answer("text/event-stream", "".join(frames).encode())

    def body(self):
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        pieces = b""
        while size := int(self.rfile.readline(), 16):
            pieces += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return pieces

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Requests are not worth a line."""


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Agent).serve_forever()
