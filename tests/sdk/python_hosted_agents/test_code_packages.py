"""Agents that are made from code, without an image."""

import asyncio
import hashlib
import io
import json
import time
import zipfile

import pytest
from azure.ai.projects import models
from azure.core.exceptions import ResourceExistsError

from images import AGENTS
from others import other
from outside import serving
from projects import new_name
from surroundings import RUNTIME

DEFINITION = models.HostedAgentDefinition(
    cpu="1",
    memory="1Gi",
    code_configuration=models.CodeConfiguration(
        runtime="python_3_13", entry_point=["python", "main.py"], dependency_resolution="bundled"
    ),
    protocol_versions=[models.ProtocolVersionRecord(protocol="invocations", version="1.0.0")],
)


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for name, text in files.items():
            package.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


PACKAGE = zipped({"main.py": (AGENTS / "misbehaving.py").read_text(), "data/words.txt": "some words"})


async def made(sdk, name: str, package: bytes):
    """A version of this package, once it has settled."""
    agents = sdk.project.agents
    version = await agents.create_version_from_code(name, definition=DEFINITION, code=io.BytesIO(package))
    while version.status == "creating":
        await asyncio.sleep(0.05)
        version = await agents.get_version(name, version.version)
    return version


async def test_code_becomes_an_agent_that_answers(sdk, rest):
    name = new_name()
    version = await made(sdk, name, PACKAGE)
    assert version.status == "active", version.get("error")
    digest = hashlib.sha256(PACKAGE).hexdigest()
    assert version.definition.code_configuration.content_hash == digest
    assert rest.invoke(name, "room", "write note hello").text == "written"
    assert rest.invoke(name, "room", "read note").text == "hello"

    pieces = [piece async for piece in await sdk.project.agents.download_code(name)]
    assert b"".join(pieces) == PACKAGE
    same = await made(sdk, name, PACKAGE)
    assert same.version == version.version
    await sdk.project.agents.delete(name, force=True)


GREETER = """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from greeting import GREETING

class Greeter(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(GREETING.encode())

HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Greeter).serve_forever()
"""


@pytest.fixture
def index(tmp_path):
    """A package index with one package."""
    folder = tmp_path / "greeting"
    folder.mkdir()
    wheel = "greeting-1.0-py3-none-any.whl"
    about = "greeting-1.0.dist-info"
    files = {
        "greeting.py": "GREETING = 'installed'",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    (folder / wheel).write_bytes(zipped(files))
    (folder / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>')
    with serving(tmp_path) as address:
        yield f"http://{address}/"


def built(service, requirements: str) -> dict:
    """The version of a package whose dependencies are installed, once it has settled."""
    made = DEFINITION.as_dict()
    made["code_configuration"]["dependency_resolution"] = "remote_build"
    package = zipped({"main.py": GREETER, "requirements.txt": requirements})
    files = {
        "metadata": (None, json.dumps({"definition": made}), "application/json"),
        "code": ("code.zip", package, "application/zip"),
    }
    version = service("POST", "agents/greeter/versions", files=files).json()
    while version["status"] == "creating":
        time.sleep(0.05)
        version = service("GET", f"agents/greeter/versions/{version['version']}").json()
    return version


@pytest.mark.skipif(RUNTIME == "docker", reason="the image for code in this suite has no pip")
def test_dependencies_are_installed_from_the_index_that_is_configured(surroundings, index):
    with other(surroundings.variables() | {"CUPOLA_HOSTING__PYTHON_INDEX": index}) as service:
        version = built(service, "greeting==1.0")
        assert version["status"] == "active", version["error"]
        answer = service("GET", "agents/greeter/endpoint/protocols/invocations")
        assert answer.text == "installed"
        failed = built(service, "nothing-like-this==1.0")
        assert (failed["status"], failed["error"]["code"]) == ("failed", "CodeError")
        assert "nothing-like-this" in failed["error"]["message"]


@pytest.mark.parametrize(
    ("package", "reason"),
    [
        (b"this is no zip file", "it is no zip file"),
        (zipped({"main.py": "", "../evil.py": ""}), "'../evil.py' leads out of the package"),
    ],
    ids=["no zip file", "a climbing name"],
)
async def test_a_package_that_can_not_be_used_fails_its_version(sdk, package, reason):
    name = new_name()
    version = await made(sdk, name, package)
    assert (version.status, version["error"]["code"]) == ("failed", "CodeError")
    assert reason in version["error"]["message"]
    await sdk.project.agents.delete(name)


async def test_an_agent_of_an_image_has_no_code_to_download(sdk, smallest):
    with pytest.raises(ResourceExistsError) as refused:
        [piece async for piece in await sdk.project.agents.download_code(smallest.name)]
    assert refused.value.error.code == "AgentNotCodeBased"
