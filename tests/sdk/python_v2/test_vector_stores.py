"""Vector stores through the OpenAI client: files, batches, attributes, content, search."""

import pytest
from openai import BadRequestError, NotFoundError

from awaited import collect
from documents import BROKEN, all_kinds, docx, pdf, plain, pptx
from projects import new_name
from shelves import QUICKLY, read, store_of

UNSUPPORTED = (
    "Files with extensions [.csv] are not supported for retrieval. Supported file types include: [.c, .cpp, "
    ".cs, .css, .doc, .docx, .go, .html, .java, .js, .json, .md, .pdf, .php, .pptx, .py, .rb, .sh, .tex, .ts, "
    ".txt]."
)

LAMPS = ("lamps.md", b"# Lamps\n\nThe oil lamps of the harbour are cleaned on Mondays.\n")
BOATS = ("boats.md", b"# Boats\n\nThe wooden boats of the harbour are tarred in April.\n")


async def found(sdk, store, query, **options) -> list:
    """The passages of a search."""
    return await collect(await page_of(sdk, store, query, **options))


async def page_of(sdk, store, query, **options):
    """The page of a search."""
    return await sdk.openai.vector_stores.search(store.id, query=query, **options)


async def test_a_store_is_made_changed_listed_and_deleted(sdk):
    store = await sdk.openai.vector_stores.create(
        name="shelf", metadata={"a": "b"}, expires_after={"anchor": "last_active_at", "days": 3}
    )
    assert (store.status, store.file_counts.total, store.metadata) == ("completed", 0, {"a": "b"})
    assert store.expires_at == store.last_active_at + 3 * 24 * 3600
    changed = await sdk.openai.vector_stores.update(store.id, name="rack")
    assert (changed.name, changed.metadata) == ("rack", {"a": "b"})
    changed = await sdk.openai.vector_stores.update(store.id, expires_after=None)
    assert (changed.expires_after, changed.expires_at) == (None, None)
    assert store.id in [one.id async for one in sdk.openai.vector_stores.list(limit=1)]
    deleted = await sdk.openai.vector_stores.delete(store.id)
    assert (deleted.deleted, deleted.object) == (True, "vector_store.deleted")
    with pytest.raises(NotFoundError):
        await sdk.openai.vector_stores.retrieve(store.id)


async def test_a_file_is_uploaded_put_into_the_store_and_waited_for(sdk):
    async with store_of(sdk) as store:
        file = await sdk.openai.vector_stores.files.upload_and_poll(
            vector_store_id=store.id, file=LAMPS, poll_interval_ms=QUICKLY
        )
        assert (file.status, file.last_error, file.object) == ("completed", None, "vector_store.file")
        [best, *_] = await found(sdk, store, "When are lamps cleaned?")
        assert (best.file_id, best.filename) == (file.id, "lamps.md")
        assert "cleaned on Mondays" in best.content[0].text
        assert 0 <= best.score <= 1


async def test_every_kind_of_document_is_found_by_what_it_says(sdk):
    documents = all_kinds()
    async with store_of(sdk, *(document.upload for document in documents)) as store:
        for document in documents:
            [best, *_] = await found(sdk, store, document.question, max_num_results=3)
            assert best.filename == document.name, document.question
            assert document.fact in " ".join(best.content[0].text.split())


async def test_what_was_read_comes_back_without_repetition(sdk):
    sentences = [f"Sentence {number} of the long report is about nothing." for number in range(400)]
    async with store_of(sdk) as store:
        file = await read(sdk, store, ("long.txt", " ".join(sentences).encode()))
        pieces = await collect(sdk.openai.vector_stores.files.content(file.id, vector_store_id=store.id))
        assert len(pieces) > 1
        text = " ".join("".join(piece.text for piece in pieces).split())
        assert text == " ".join(sentences)


async def test_a_passage_of_an_office_document_comes_back_with_its_words(sdk):
    uploads = [("a.docx", docx("Tar keeps water out.")), ("b.pptx", pptx("Oars are made of ash."))]
    async with store_of(sdk, *uploads) as store:
        for query, name, text in [
            ("what keeps water out", "a.docx", "Tar keeps water out."),
            ("what are oars made of", "b.pptx", "Oars are made of ash."),
        ]:
            [best, *_] = await found(sdk, store, query)
            assert best.filename == name
            assert text in best.content[0].text


@pytest.mark.parametrize("name", BROKEN)
async def test_a_file_that_can_not_be_read_says_why(sdk, name):
    make, word = BROKEN[name]
    async with store_of(sdk, LAMPS) as store:
        file = await read(sdk, store, (name, make()))
        assert (file.status, file.last_error.code) == ("failed", "invalid_file")
        assert word in file.last_error.message
        store = await sdk.openai.vector_stores.retrieve(store.id)
        assert (store.status, store.file_counts.failed, store.file_counts.completed) == ("completed", 1, 1)


async def test_a_file_of_a_kind_that_is_not_read_is_refused_in_the_services_words(sdk):
    async with store_of(sdk) as store:
        file = await sdk.openai.files.create(file=("table.csv", b"a,b\n"), purpose="assistants")
        with pytest.raises(BadRequestError) as refusal:
            await sdk.openai.vector_stores.files.create(store.id, file_id=file.id)
        told = {field: refusal.value.body[field] for field in ("message", "type", "param", "code")}
        assert told == {
            "message": UNSUPPORTED,
            "type": "invalid_request_error",
            "param": "file_id",
            "code": "unsupported_file",
        }


async def test_searches_are_narrowed_by_attributes(sdk):
    async with store_of(sdk) as store:
        lamps = await read(sdk, store, LAMPS, attributes={"year": 2020, "team": "light", "draft": False})
        boats = await read(sdk, store, BOATS, attributes={"year": 2024, "team": "sea", "draft": True})
        assert lamps.attributes == {"year": 2020, "team": "light", "draft": False}

        def compare(kind, key, value):
            return {"type": kind, "key": key, "value": value}

        for filters, files in [
            (compare("eq", "team", "sea"), {boats.id}),
            (compare("ne", "team", "sea"), {lamps.id}),
            (compare("gt", "year", 2020), {boats.id}),
            (compare("gte", "year", 2020), {lamps.id, boats.id}),
            (compare("lt", "year", 2020), set()),
            (compare("eq", "draft", True), {boats.id}),
            (compare("in", "team", ["light", "air"]), {lamps.id}),
            (compare("nin", "team", ["light", "air"]), {boats.id}),
            ({"type": "and", "filters": [compare("eq", "draft", True), compare("lt", "year", 2022)]}, set()),
            (
                {"type": "or", "filters": [compare("eq", "draft", True), compare("lt", "year", 2022)]},
                {lamps.id, boats.id},
            ),
        ]:
            passages = await found(sdk, store, "harbour", filters=filters)
            assert {passage.file_id for passage in passages} == files, filters

        await sdk.openai.vector_stores.files.update(
            lamps.id, vector_store_id=store.id, attributes={"team": "sea"}
        )
        passages = await found(sdk, store, "harbour", filters=compare("eq", "team", "sea"))
        assert {passage.file_id for passage in passages} == {lamps.id, boats.id}
        assert {"team": "sea"} in [passage.attributes for passage in passages]


async def test_a_search_gives_as_much_as_it_is_asked_for(sdk):
    async with store_of(sdk, *(plain(f"{number}.txt", number).upload for number in range(12))) as store:
        assert len(await found(sdk, store, "ferry crates")) == 10
        assert len(await found(sdk, store, "ferry crates", max_num_results=3)) == 3
        page = await page_of(sdk, store, ["crates of sort00003", "crates of sort00007"], max_num_results=2)
        assert {passage.filename for passage in page.data} == {"3.txt", "7.txt"}
        scores = [passage.score for passage in await found(sdk, store, "sort00005 ferry")]
        assert scores == sorted(scores, reverse=True)
        strict = await found(sdk, store, "ferry crates", ranking_options={"score_threshold": 1.0, "ranker": "none"})
        assert all(passage.score == 1.0 for passage in strict)
        assert await found(sdk, store, "zeppelin") == []


async def test_what_can_not_be_searched_for_is_refused_by_its_field(sdk):
    async with store_of(sdk) as store:
        for options, param in [
            ({"query": ""}, "query"),
            ({"query": "a", "max_num_results": 51}, "max_num_results"),
            ({"query": "a", "ranking_options": {"score_threshold": 2}}, "ranking_options.score_threshold"),
        ]:
            with pytest.raises(BadRequestError) as refusal:
                await sdk.openai.vector_stores.search(store.id, **options)
            assert refusal.value.param == param


async def test_files_that_leave_are_not_found_again(sdk):
    async with store_of(sdk, LAMPS, BOATS) as store:
        [lamps] = [passage.file_id for passage in await found(sdk, store, "lamps cleaned Mondays")][:1]
        await sdk.openai.vector_stores.files.delete(lamps, vector_store_id=store.id)
        assert lamps not in [passage.file_id for passage in await found(sdk, store, "lamps harbour")]
        [boats] = {passage.file_id for passage in await found(sdk, store, "boats harbour")}
        await sdk.openai.files.delete(boats)
        assert await found(sdk, store, "boats harbour") == []


async def test_a_batch_is_listed_and_given_up(sdk):
    pages = [f"Page {number} of a long report. " * 40 for number in range(60)]
    async with store_of(sdk) as store:
        files = [
            await sdk.openai.files.create(file=(f"{number}.pdf", pdf(*pages)), purpose="assistants")
            for number in range(8)
        ]
        described = [{"file_id": file.id, "attributes": {"number": n}} for n, file in enumerate(files)]
        batch = await sdk.openai.vector_stores.file_batches.create(store.id, files=described)
        assert (batch.status, batch.file_counts.total) == ("in_progress", 8)
        cancelled = await sdk.openai.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)
        assert cancelled.status == "cancelled"
        assert cancelled.file_counts.cancelled > 0
        listed = sdk.openai.vector_stores.file_batches.list_files(
            batch.id, vector_store_id=store.id, filter="cancelled"
        )
        assert len(await collect(listed)) == cancelled.file_counts.cancelled


async def test_the_same_words_in_another_alphabet_and_encoding_are_found(sdk):
    uploads = [
        ("greek.txt", "Ο φάρος της Ύδρας ανάβει το βράδυ.".encode("utf-16")),
        ("latin.txt", "Der Leuchtturm von Wörlitz glüht täglich für Gäste.".encode("cp1252")),
        ("japanese.md", "灯台は夜に光ります。".encode()),
    ]
    async with store_of(sdk, *uploads) as store:
        for query, name in [
            ("φάρος Ύδρας", "greek.txt"),
            ("Leuchtturm Wörlitz", "latin.txt"),
            ("灯台", "japanese.md"),
        ]:
            [best, *_] = await found(sdk, store, query)
            assert best.filename == name, query


async def test_a_store_is_made_from_a_dataset(sdk, tmp_path):
    path = tmp_path / "note.txt"
    path.write_bytes(plain("note.txt", 4242).content)
    dataset = await sdk.project.datasets.upload_file(
        name=new_name("dataset"), version="1", file_path=str(path)
    )
    sources = {"data_sources": [{"uri": dataset.id, "type": "id_asset"}]}
    store = await sdk.openai.vector_stores.create(extra_body={"configuration": sources})
    while store.status == "in_progress":
        store = await sdk.openai.vector_stores.retrieve(store.id)
    assert (store.file_counts.completed, store.file_counts.total) == (1, 1)
    [passage] = await found(sdk, store, "crates of sort04242")
    assert passage.filename == "note.txt"
    await sdk.openai.files.delete(passage.file_id)
    await sdk.openai.vector_stores.delete(store.id)
    await sdk.project.datasets.delete(dataset.name, "1")
