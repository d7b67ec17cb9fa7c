"""The example on the official package, deployed as its README says, and asked."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from service import Service, binary, clean_environment

EXAMPLE = Path(__file__).parents[3] / "examples/hosted-python"


@pytest.fixture
def host(tmp_path):
    """A service that runs code as processes, with the interpreter that runs this test."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    host = Service(tmp_path / "data", {"CUPOLA_HOSTING__RUNTIME": "process", "PATH": path})
    yield host
    assert host.stop() == 0


@pytest.fixture
def example(tmp_path) -> Path:
    """The example, with the packages that the interpreter has already."""
    copy = shutil.copytree(EXAMPLE, tmp_path / "example")
    manifest = copy / "agent.yaml"
    text = manifest.read_text()
    assert "dependency_resolution: remote_build" in text
    manifest.write_text(text.replace("remote_build", "bundled"))
    return copy


def test_the_example_is_deployed_asked_and_remembers_within_its_session(host, example):
    def cupola(*words: str) -> str:
        command = [binary(), *words, "--data", host.data]
        ended = subprocess.run(command, env=clean_environment(), capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    assert "echo-python" in cupola("agents", "deploy", str(example))
    asked = ["agents", "run", "echo-python", "Good morning", "--session", "mine"]
    assert cupola(*asked) == "You said: Good morning (question 1)\n"
    cupola("sessions", "stop", "echo-python", "mine")
    assert cupola(*asked) == "You said: Good morning (question 2)\n"
    assert cupola("sessions", "files", "get", "echo-python", "mine", "asked.txt", "-") == "2"
    log = cupola("agents", "logs", "echo-python", "--session", "mine")
    assert "question 2 of this session" in log
    assert "trace_id" not in log, "the program prints its traces"
