"""The service as a process, seen by the programs that use it."""

import subprocess

import pytest

from clients import sync_client
from service import Service, binary, clean_environment


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Starts a service of the test's own on one data directory and points the environment at it."""
    started = []

    def start() -> Service:
        service = Service(tmp_path / "data", {})
        started.append(service)
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        return service

    yield start
    for service in started:
        service.kill()


def test_everything_is_still_there_after_a_restart(start, model):
    service = start()
    with sync_client() as client:
        agent = client.create_agent(model=model, name="survivor")
        run = client.create_thread_and_process_run(agent_id=agent.id, polling_interval=0.05)
        file = client.files.upload(file=("kept.txt", b"kept"), purpose="assistants")
    assert service.stop() == 0
    start()
    with sync_client() as client:
        assert client.get_agent(agent.id) == agent
        assert client.runs.get(run.thread_id, run.id) == run
        assert len(list(client.messages.list(run.thread_id, run_id=run.id))) == 1
        assert b"".join(client.files.get_content(file.id)) == b"kept"


def test_what_was_answered_survives_a_crash(start, model):
    service = start()
    with sync_client() as client:
        agent = client.create_agent(model=model, name="survivor")
        service.kill()
    start()
    with sync_client() as client:
        assert client.get_agent(agent.id) == agent


def test_a_second_service_on_the_same_data_is_refused(service):
    up = [binary(), "up", "--data", service.data, "--listen", "127.0.0.1:0"]
    second = subprocess.run(up, env=clean_environment(), capture_output=True, text=True, timeout=30)
    assert second.returncode != 0
    assert str(service.data) in second.stderr


def test_its_environment_names_all_that_programs_look_for(service):
    environment = service.environment()
    endpoints = {environment[f"{prefix}PROJECT_ENDPOINT"] for prefix in ("", "AZURE_AI_", "FOUNDRY_")}
    models = {
        environment[name]
        for name in ("MODEL_DEPLOYMENT_NAME", "AZURE_AI_MODEL_DEPLOYMENT_NAME", "FOUNDRY_MODEL_NAME")
    }
    assert len(endpoints) == len(models) == 1
    assert endpoints.pop().startswith("https://")
    for name in (
        "IDENTITY_ENDPOINT",
        "IDENTITY_HEADER",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_FILE",
        "NODE_EXTRA_CA_CERTS",
    ):
        assert environment[name]
