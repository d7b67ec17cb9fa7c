"""`cupola agents deploy` says how far it is."""

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from others import other
from service import binary, clean_environment


# A layer has more bytes than this; what describes an image has less.
LAYER = 1 << 16


@pytest.fixture
def gate(images):
    """A way to the registry on which layers wait until they are let through."""

    class Way(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked = {name: ", ".join(self.headers.get_all(name, [])) for name in ("Accept", "Range")}
            headers = {name: value for name, value in asked.items() if value}
            url = f"http://{images.registry}{self.path}"
            answer = requests.request(self.command, url, headers=headers, timeout=60)
            # The description of an image comes first, and is let through.
            if len(answer.content) > LAYER:
                gate.is_open.wait()
            self.send_response(answer.status_code)
            for name in ("Content-Type", "Docker-Content-Digest", "Docker-Distribution-Api-Version"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            length = answer.headers["Content-Length"] if self.command == "HEAD" else str(len(answer.content))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(answer.content)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    gate = ThreadingHTTPServer(("127.0.0.1", 0), Way)
    gate.is_open = threading.Event()
    gate.address = f"127.0.0.1:{gate.server_address[1]}"
    threading.Thread(target=gate.serve_forever, daemon=True).start()
    yield gate
    gate.is_open.set()
    gate.shutdown()


def test_a_deployment_shows_the_pull_the_start_and_the_endpoint(surroundings, images, gate, tmp_path):
    # It takes a moment until it is ready, so that somebody sees that it is not.
    script = "trap exit TERM; sleep 2; httpd -f -p 8088 -h /www & wait"
    image = images.of_its_own("deployed", script)
    image = image.replace(images.registry, gate.address)
    manifest = f"name: deployed\nimage: {image}\nprotocols: {{invocations: 1.0.0}}\n"
    (tmp_path / "agent.yaml").write_text(manifest)
    with other(surroundings.variables()) as service:
        environment = clean_environment() | service.environment
        command = [binary(), "agents", "deploy", tmp_path]
        pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        deploying = subprocess.Popen(command, env=environment, **pipe)
        said = []
        for line in deploying.stderr:
            said.append(line.strip())
            if line.startswith("Pulling the image: "):
                gate.is_open.set()
        printed = deploying.stdout.read()
        assert deploying.wait() == 0, said
    pulling = next(line for line in said if line.startswith("Pulling the image: "))
    assert " of " in pulling and pulling.endswith(" layers"), said
    assert "Waiting until the program is ready" in said
    assert any("deployed:1 is active" in line for line in said)
    assert "/agents/deployed/endpoint/protocols/invocations" in printed
