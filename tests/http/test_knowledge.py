"""Documents over HTTP: added by content, found, listed, removed, and kept from keys that may not have them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from serving import Server, serving

from tierwise.serve_settings import ServeSettings
from tierwise_app.serve.keys import Keys

CLAIM = b"A claim may take fourteen days. Bring the receipt to the desk on the second floor."
BREAD = b"The dough should rest at room temperature for eighteen hours before it is baked."


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(serve=ServeSettings(document_mb=1.0)) as server:
        yield server


def send(server: Server, *files: tuple[str, bytes], **fields: Any) -> Any:
    headers = fields.pop("headers", {})
    return server.client.post(
        "/v1/knowledge/sources", files=[("file", file) for file in files], data=fields, headers=headers
    )


def listed(server: Server, collection: str) -> list[dict[str, Any]]:
    answer = server.client.get("/v1/knowledge/sources", params={"collection": collection})
    return answer.json()["data"] if answer.status_code == 200 else []


def copies(server: Server) -> list[Path]:
    return [p for p in (server.copilot.settings.home / "uploads").rglob("*") if p.is_file()]


def test_a_document_is_read_found_listed_and_removed(server: Server) -> None:
    report = send(server, ("claims.txt", CLAIM), ("bread.md", BREAD), collection="round").json()
    assert (report["added"], report["failed"]) == (2, 0)

    found = server.client.post(
        "/v1/knowledge/search", json={"query": "How long may a claim take?", "k": 1, "collection": "round"}
    ).json()
    assert found["data"][0]["text"] == CLAIM.decode()
    assert found["by_words_only"] is False

    sources = {Path(s["path"]).name: s for s in listed(server, "round")}
    assert set(sources) == {"claims.txt", "bread.md"}
    gone = server.client.delete(f"/v1/knowledge/sources/{sources['claims.txt']['id']}")
    assert gone.json() == {"object": "sources.removed", "removed": 1}
    assert [Path(s["path"]).name for s in listed(server, "round")] == ["bread.md"]
    assert not any(p.name == "claims.txt" for p in copies(server))

    path = sources["bread.md"]["path"]
    by_path = server.client.delete("/v1/knowledge/sources", params={"path": path, "collection": "round"})
    assert by_path.json()["removed"] == 1
    assert server.client.delete("/v1/knowledge/sources", params={"path": path}).status_code == 404


def test_the_same_document_again_is_unchanged(server: Server) -> None:
    send(server, ("again.txt", CLAIM), collection="again")
    report = send(server, ("again.txt", CLAIM), collection="again").json()
    assert (report["added"], report["unchanged"]) == (0, 1)
    assert len(listed(server, "again")) == 1


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.txt",
        "/etc/cron.d/evil.txt",
        "..\\..\\evil.txt",
        "C:\\evil.txt",
        "~/evil.txt",
        ".evil.txt",
        "*evil.txt",
    ],
)
def test_a_name_is_never_a_place(server: Server, name: str) -> None:
    report = send(server, (name, CLAIM), collection="names").json()
    folder = (server.copilot.settings.home / "uploads" / "names").resolve()
    assert [Path(s["path"]).parent for s in report["sources"]] == [folder]


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("a.pdf", b"MZ\x90\x00" + bytes(100), "a program"),
        ("a.txt", b"\x7fELF" + bytes(100), "a program"),
        ("a.docx", b"just words", "is not one"),
        ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(50), "a picture"),
        ("a.txt", b"", "empty"),
    ],
)
def test_what_it_is_its_content_tells_and_nothing_stays_of_what_is_refused(
    server: Server, name: str, data: bytes, word: str
) -> None:
    before = copies(server)
    answer = send(server, (name, data), collection="refused")
    assert answer.status_code == 422
    (line,) = answer.json()["error"]["report"]["sources"]
    assert word in line["error"]
    assert str(server.copilot.settings.home) not in answer.text
    assert copies(server) == before
    page = server.client.get("/v1/knowledge/sources", params={"collection": "refused"}).json()
    assert (page["data"], page["failed"]) == ([], [])


def test_one_that_is_refused_does_not_stop_the_others(server: Server) -> None:
    report = send(server, ("bad.pdf", b"MZ\x90\x00"), ("good.txt", CLAIM), collection="mixed").json()
    assert (report["added"], report["failed"]) == (1, 1)
    assert [Path(s["path"]).name for s in listed(server, "mixed")] == ["good.txt"]


def test_a_pdf_that_is_named_otherwise_is_read_as_what_it_is(server: Server) -> None:
    import io

    from reportlab.pdfgen.canvas import Canvas

    page = io.BytesIO()
    canvas = Canvas(page)
    canvas.drawString(72, 700, "The lighthouse was built in 1861 and has a lens from Paris.")
    canvas.save()
    report = send(server, ("notes.txt", page.getvalue()), collection="kinds").json()
    assert [s["kind"] for s in report["sources"]] == ["pdf"]


def test_what_is_too_large_is_refused(server: Server) -> None:
    answer = send(server, ("large.txt", b"a word " * 200_000), collection="large")
    assert answer.status_code == 413
    assert not any(p.name == "large.txt" for p in copies(server))


def test_a_collection_can_be_locked_and_is_never_unlocked(server: Server) -> None:
    send(server, ("a.txt", CLAIM), collection="secrets", lock="true")
    send(server, ("b.txt", BREAD), collection="secrets", lock="false")
    collections = {c["name"]: c for c in server.client.get("/v1/knowledge/collections").json()["data"]}
    assert collections["secrets"]["locked"] is True
    found = server.client.post("/v1/knowledge/search", json={"query": "claim", "collection": "secrets"}).json()
    assert all(passage["locked"] for passage in found["data"])


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"collection": "../x"}, "collection"),
        ({"collection": ""}, "collection"),
        ({"lock": "perhaps"}, "lock"),
        ({"path": "/etc/passwd"}, "path"),
        ({"collection": ["a", "b"]}, "collection"),
    ],
)
def test_fields_that_do_not_fit_are_refused(server: Server, fields: dict[str, Any], param: str) -> None:
    answer = send(server, ("a.txt", CLAIM), **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_a_document_comes_as_a_form(server: Server) -> None:
    sent = [
        server.client.post("/v1/knowledge/sources", json={"path": "/etc/passwd"}),
        server.client.post("/v1/knowledge/sources", content=CLAIM, headers={"Content-Type": "text/plain"}),
        server.client.post("/v1/knowledge/sources", data={"path": "/etc/passwd"}),
    ]
    assert [answer.status_code for answer in sent] == [415, 415, 415]
    cut = {"Content-Type": "multipart/form-data; boundary=x"}
    broken = [
        server.client.post("/v1/knowledge/sources", content=b"--x\r\nnonsense", headers=cut),
        server.client.post("/v1/knowledge/sources", content=b"", headers=cut),
        server.client.post("/v1/knowledge/sources", content=b"", headers={"Content-Type": "multipart/form-data"}),
        server.client.post("/v1/knowledge/sources", files=[("other", ("a.txt", CLAIM))]),
        server.client.post("/v1/knowledge/sources", files=[("file", ("a.txt", CLAIM))] * 101),
    ]
    assert [answer.status_code for answer in broken] == [400] * 5
    assert {type(answer.json()["error"]["message"]) for answer in broken} == {str}


@pytest.mark.parametrize(
    "search",
    [
        {},
        {"query": ""},
        {"query": "x" * 8001},
        {"query": "a\0b"},
        {"query": "claim", "k": 0},
        {"query": "claim", "k": 51},
        {"query": "claim", "k": 10**30},
        {"query": "claim", "k": True},
        {"query": "claim", "k": 2.5},
        {"query": ["claim"]},
        {"query": "claim", "where": {"user": {"$ne": ""}}},
        {"query": "claim", "where_document": {"$regex": "(a+)+$"}},
        {"query": "claim", "only": {"user": {"$ne": ""}}},
        {"query": "claim", "only": {"kinds": ["secret"]}},
        {"query": "claim", "only": {"collections": [{"$ne": ""}]}},
        {"query": "claim", "only": {"sources": ["*a*a*a*a*a*a*b"]}},
        {"query": "claim", "only": {"sources": ["x"] * 11}},
        {"query": "claim", "only": {"since": 1e300}},
        {"query": "claim", "collection": {"$ne": ""}},
        {"query": "claim", "collection": "../x"},
    ],
)
def test_a_search_is_held_to_its_form(server: Server, search: dict[str, Any]) -> None:
    answer = server.client.post("/v1/knowledge/search", json=search)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_search_can_be_limited(server: Server) -> None:
    send(server, ("claims.txt", CLAIM), ("bread.md", BREAD), collection="limits")
    send(server, ("claims.txt", CLAIM), collection="limits2")

    def names(**search: Any) -> set[tuple[str, str]]:
        answer = server.client.post("/v1/knowledge/search", json={"query": "claim and dough", "k": 50, **search})
        assert answer.status_code == 200, answer.text
        return {(p["collection"], Path(p["source"]).name) for p in answer.json()["data"]}

    assert names(only={"collections": ["limits"], "kinds": ["markdown"]}) == {("limits", "bread.md")}
    assert names(collection="limits2") == {("limits2", "claims.txt")}
    assert names(only={"collections": ["limits"], "sources": ["uploads/*/claims.*"]}) == {("limits", "claims.txt")}
    assert names(collection="limits", only={"before": 0}) == set()
    unknown = server.client.post("/v1/knowledge/search", json={"query": "x", "collection": "nothing"})
    assert unknown.status_code == 404


@hypothesis_settings(max_examples=25)
@given(query=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=200))
def test_any_words_may_be_searched_for(server: Server, query: str) -> None:
    assert server.client.post("/v1/knowledge/search", json={"query": query}).status_code == 200


def test_pages_of_the_list_follow_each_other(server: Server) -> None:
    send(server, *((f"page{n}.txt", CLAIM + str(n).encode()) for n in range(5)), collection="pages")
    seen: list[str] = []
    after: dict[str, str] = {}
    for _ in range(9):
        page = server.client.get("/v1/knowledge/sources", params={"collection": "pages", "limit": "2", **after}).json()
        seen += [Path(s["path"]).name for s in page["data"]]
        after = {"after": page["data"][-1]["id"]}
        if not page["has_more"]:
            break
    assert seen == [f"page{n}.txt" for n in range(5)]


def test_documents_sent_at_once_all_arrive(server: Server) -> None:
    with ThreadPoolExecutor(6) as pool:
        sent = list(
            pool.map(lambda n: send(server, (f"{n}.txt", CLAIM + str(n).encode()), collection="many"), range(6))
        )
    assert [answer.status_code for answer in sent] == [200] * 6
    assert len(listed(server, "many")) == 6


def test_more_than_a_few_who_send_at_once_are_told_to_come_back(server: Server) -> None:
    documents = server.app.state.documents
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        go.wait(60)

    writer = server.run(_submit(documents, hold))
    assert held.wait(60)
    try:
        with ThreadPoolExecutor(8) as pool:
            waiting = [pool.submit(send, server, (f"w{n}.txt", CLAIM), collection="busy") for n in range(8)]
            while documents._writing < 8:
                assert not writer.done(), "they did not come"
                time.sleep(0.01)
            refused = send(server, ("more.txt", CLAIM), collection="busy")
            go.set()
            assert {future.result().status_code for future in waiting} == {200}
    finally:
        go.set()
    writer.result()
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")


def test_a_client_that_leaves_has_its_document_read_all_the_same(server: Server) -> None:
    form = (
        b'--x\r\nContent-Disposition: form-data; name="collection"\r\n\r\nleft\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' + CLAIM + b"\r\n--x--\r\n"
    )
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST /v1/knowledge/sources HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(form)}\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n".encode()
            + form
        )
    for _ in range(1200):
        if listed(server, "left"):
            break
        time.sleep(0.05)
    assert [Path(s["path"]).name for s in listed(server, "left")] == ["a.txt"]


def test_a_server_that_is_told_to_end_stops_after_the_document_in_work() -> None:
    with serving() as server:
        turns, documents = server.parts.turns, server.app.state.documents
        read = documents.knowledge.ingest

        def ending(*args: Any, **options: Any) -> Any:
            turns.draining = True
            return read(*args, **options)

        documents.knowledge.ingest = ending
        report = send(server, *((f"{n}.txt", CLAIM) for n in range(3))).json()
        assert (report["stopped"], report["added"]) == (True, 0)
        assert copies(server) == []
        assert send(server, ("a.txt", CLAIM)).status_code == 503


async def _submit(documents: Any, work: Any) -> Any:
    return documents._writer.submit(work)


def test_keys_have_the_documents_that_they_were_made_for(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    heads = {
        right: {"Authorization": f"Bearer {keys.add(right, documents=right)[1]}"} for right in ("none", "read", "write")
    }
    with serving(home=tmp_path) as server:
        assert send(server, ("a.txt", CLAIM), headers=heads["write"]).status_code == 200
        (source,) = server.client.get("/v1/knowledge/sources", headers=heads["read"]).json()["data"]
        statuses = {
            right: [
                server.client.get("/v1/knowledge/collections", headers=head).status_code,
                server.client.get("/v1/knowledge/sources", headers=head).status_code,
                server.client.post("/v1/knowledge/search", json={"query": "claim"}, headers=head).status_code,
                send(server, ("b.txt", BREAD), headers=head).status_code,
                server.client.delete(f"/v1/knowledge/sources/{source['id']}", headers=head).status_code,
            ]
            for right, head in heads.items()
        }
    assert statuses == {
        "none": [403, 403, 403, 403, 403],
        "read": [200, 200, 200, 403, 403],
        "write": [200, 200, 200, 200, 200],
    }


def test_a_retriever_of_ones_own_is_not_managed_here() -> None:
    class Nothing:
        def search(self, query: str, **options: Any) -> list[Any]:
            return []

    with serving(retriever=Nothing()) as server:
        assert server.client.get("/v1/knowledge/collections").status_code == 404


def test_errors_name_no_place_of_this_machine(tmp_path: Path) -> None:
    home = tmp_path / "very-private-home"
    with serving(home=home) as server:
        (home / "uploads").write_text("a file where a folder should be")
        answer = send(server, ("a.txt", CLAIM))
    assert answer.status_code == 500
    assert "very-private-home" not in answer.text
