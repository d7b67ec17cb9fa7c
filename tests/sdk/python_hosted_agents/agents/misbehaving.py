"""An agent that does what it is told, however bad it is for it. What it needs is Python alone.

`PORT_OF_MY_OWN` makes it listen elsewhere, `NEVER_READY` makes it never ready, and `DEAF` makes it ignore
SIGTERM.
"""

import json
import os
import signal
import socket
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Agent(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(b"starting", 503) if "NEVER_READY" in os.environ else self.answer(b"ready")

    def do_POST(self):
        told = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path.startswith("/responses"):
            told = json.loads(told)["input"]
        act, *arguments = told.split()
        ACTS[act](self, *arguments)

    def answer(self, body: bytes, status: int = 200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def garbage(agent):
    agent.wfile.write(b"\x00\x01 this is not HTTP \xff\r\n\r\n")
    agent.close_connection = True


def switch(agent):
    agent.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello")
    agent.close_connection = True


def break_off(agent):
    agent.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
    agent.wfile.write(b"Transfer-Encoding: chunked\r\n\r\n")
    agent.wfile.write(b"b\r\ndata: one\n\n\r\n")
    agent.wfile.flush()
    agent.connection.shutdown(2)
    agent.close_connection = True


def end(agent, code):
    print("I have had enough", file=sys.stderr, flush=True)
    os._exit(int(code))


def allocate(agent, mebibytes):
    hoard = []
    for _ in range(int(mebibytes)):
        hoard.append(bytearray(os.urandom(1 << 10) * (1 << 10)))
    agent.answer(f"{len(hoard)}".encode())


def fork(agent, count):
    """As many processes as there may be, until they are too many. Then all of them end."""
    children, error = [], "none"
    for _ in range(int(count)):
        try:
            child = os.fork()
        except OSError as refused:
            error = refused.strerror
            break
        if child == 0:
            time.sleep(3600)
        children.append(child)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    agent.answer(json.dumps({"started": len(children), "error": error}).encode())


def flood(agent, lines):
    for number in range(int(lines)):
        print(f"line {number} " + "x" * 100)
    print("the end of the flood", flush=True)
    agent.answer(b"flooded")


def write(agent, name, text):
    (Path.home() / name).write_text(text)
    agent.answer(b"written")


def read(agent, name):
    file = Path.home() / name
    agent.answer(file.read_bytes()) if file.exists() else agent.answer(b"nothing", 404)


def link(agent, name, target):
    (Path.home() / name).symlink_to(target)
    agent.answer(b"linked")


def complain(agent, word):
    print(word, file=sys.stderr, flush=True)
    agent.answer(b"complained")


def reach(agent, way, address=""):
    """What is at an address: over the proxy if there is one, directly, or of the service itself."""
    try:
        if way == "service":
            address = os.environ["FOUNDRY_PROJECT_ENDPOINT"].split("/")[2]
        host, port = (address or "nowhere:0").rsplit(":", 1)
        if way == "by-proxy":
            with urllib.request.urlopen(f"http://{address}/", timeout=5) as page:
                return agent.answer(page.read())
        socket.create_connection((host, int(port)), 5).close()
        agent.answer(b"the service" if way == "service" else b"somebody")
    except OSError:
        agent.answer(b"nothing")


def fill(agent, mebibytes):
    with (Path.home() / "big").open("wb") as file:
        for _ in range(int(mebibytes)):
            file.write(os.urandom(1 << 20))
    time.sleep(60)


def identity(agent):
    """The token that this sandbox gets."""
    resource = "api-version=2019-08-01&resource=https://ai.azure.com"
    headers = {"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]}
    request = urllib.request.Request(f"{os.environ['IDENTITY_ENDPOINT']}?{resource}", headers=headers)
    # The service is reached directly, also where there is a proxy for what is outside.
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with directly.open(request) as answer:
        agent.answer(json.load(answer)["access_token"].encode())


def privileges(agent):
    status = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":\t", 1) for line in status)
    agent.answer(json.dumps({name: fields[name] for name in ("CapEff", "NoNewPrivs", "Seccomp")}).encode())


ACTS = {
    "garbage": garbage,
    "switch": switch,
    "break": break_off,
    "end": end,
    "allocate": allocate,
    "fork": fork,
    "flood": flood,
    "write": write,
    "read": read,
    "link": link,
    "complain": complain,
    "privileges": privileges,
    "identity": identity,
    "reach": reach,
    "fill": fill,
}

if __name__ == "__main__":
    # The first process of a sandbox is asked to end in vain if it has no word for that.
    if "DEAF" not in os.environ:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    port = int(os.environ.get("PORT_OF_MY_OWN", os.environ["PORT"]))
    ThreadingHTTPServer(("0.0.0.0", port), Agent).serve_forever()
