"""Files are being read when the service is killed: the next one goes on, and nothing is lost or there twice."""

import pytest
from azure.ai.agents.models import FilePurpose

from documents import pdf
from service import Service

FILES = 130
PAGES = 3


def report(number: int) -> tuple[str, bytes]:
    """A document that takes a moment to be read."""
    text = f"The ferry carries crates of sort{number:05} to Lofoten. " * 30
    return (f"report-{number}.pdf", pdf(*[f"{text} Page {page}." for page in range(PAGES)]))


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """Starts services on one directory, one after the other, and leads the clients to each."""
    running = []

    def begin() -> Service:
        service = Service(tmp_path / "data", {})
        running.append(service)
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        return service

    yield begin
    for service in running:
        service.kill()


def test_reading_goes_on_after_a_crash(begun):
    from clients import sync_client

    service = begun()
    with sync_client() as client:
        file_ids = [client.files.upload(file=report(n), purpose=FilePurpose.AGENTS).id for n in range(FILES)]
        store = client.vector_stores.create(name="reports")
        batch = client.vector_store_file_batches.create(vector_store_id=store.id, file_ids=file_ids)
        counts = batch.file_counts
        while counts.completed == 0:
            counts = client.vector_store_file_batches.get(store.id, batch.id).file_counts
        service.kill()
    assert counts.in_progress > 0, "it was read before the service could be killed"

    begun()
    with sync_client() as client:
        while batch.status == "in_progress":
            batch = client.vector_store_file_batches.get(store.id, batch.id)
        assert (batch.status, batch.file_counts.completed, batch.file_counts.total) == ("completed", FILES, FILES)
        listed = [file.id for file in client.vector_store_files.list(store.id, order="asc", limit=100)]
        assert listed == file_ids
        for number in (0, FILES // 2, FILES - 1):
            assert found(client, store, f"sort{number:05}") == {file_ids[number]}


def found(client, store, words: str) -> set[str]:
    """The files that a search for these words finds, each of its passages once."""
    from azure.core.rest import HttpRequest

    body = {"query": words, "max_num_results": 50}
    request = HttpRequest("POST", f"/vector_stores/{store.id}/search?api-version=v1", json=body)
    answer = client.send_request(request)
    answer.raise_for_status()
    passages = [(passage["file_id"], passage["content"][0]["text"]) for passage in answer.json()["data"]]
    assert len(passages) == len(set(passages)), "a passage is there twice"
    return {file for file, _ in passages if words in dict(passages)[file]}
