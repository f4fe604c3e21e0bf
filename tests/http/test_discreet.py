"""What a key is told of the machine that it asks: names of files, and no folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from serving import Server, serving

from tierwise_app.serve.discreet import without_folders

WARRANTY = "The warranty of the Falcon pump lasts thirty months from the day of delivery.\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("home")
    with serving(["The warranty lasts thirty months [1]."], home=home) as server:
        yield server


def everything(server: Server, secret: str) -> tuple[str, str]:
    """All that is told of a turn and of the documents, and the ways to the turn's source in it."""
    ask = server.client
    head = {"Authorization": f"Bearer {secret}"}
    told = ask.post("/v1/turns", json={"question": "How long is the warranty of the Falcon pump?"}, headers=head)
    turn = told.headers["X-Tierwise-Turn"]
    parts = [told.text]
    for path in (f"/v1/turns/{turn}", f"/v1/turns/{turn}/events", "/v1/knowledge/sources", "/v1/turns"):
        parts.append(ask.get(path, headers=head).text)
    parts.append(ask.get(f"/v1/turns/{turn}/events", headers={**head, "Last-Event-ID": "7-1"}).text)
    parts.append(ask.post("/v1/knowledge/search", json={"query": "warranty"}, headers=head).text)
    body = {"question": "How long is the warranty of the Falcon pump?", "stream": False}
    parts.append(ask.post("/v1/turns", json=body, headers=head).text)
    assert all("pump.txt" in part for n, part in enumerate(parts) if n != 4)
    return "\n".join(parts), turn


def test_who_sees_only_its_own_learns_no_folder(server: Server) -> None:
    keys = server.parts.keys
    _, owner = keys.add("owner", sees="all", documents="write")
    _, guest = keys.add("guest")
    files = {"file": ("pump.txt", WARRANTY.encode())}
    sent = server.client.post("/v1/knowledge/sources", files=files, headers={"Authorization": f"Bearer {owner}"})
    assert sent.status_code == 200
    home = str(server.copilot.settings.home)
    assert home in everything(server, owner)[0]
    assert home not in everything(server, guest)[0]


def test_what_people_and_models_wrote_stays_as_it_is() -> None:
    home = "/" + "home"
    value = {
        "asked": f"What is in {home}/me/a.txt?",
        "text": f"{home}/me/a.txt",
        "citations": [{"source": f"{home}/me/a.txt", "quote": f"{home}/x"}, {"source": "https://host/a/b"}],
        "notices": [{"code": "x", "text": f"{home}/me/a.txt cannot be read."}],
        "attempts": [{"model_served": f"llama:{home}/me/m.gguf", "text": f"{home}/y"}],
        "error": None,
    }
    assert without_folders(value) == {
        "asked": value["asked"],
        "text": value["text"],
        "citations": [{"source": "a.txt", "quote": f"{home}/x"}, {"source": "https://host/a/b"}],
        "notices": [{"code": "x", "text": "a.txt cannot be read."}],
        "attempts": [{"model_served": "llama:m.gguf", "text": f"{home}/y"}],
        "error": None,
    }


def test_a_question_that_is_too_long_is_the_callers_fault(tmp_path: Path) -> None:
    with serving(home=tmp_path) as server:
        long = "word " * 7000
        bodies = {
            "/v1/turns": {"question": long},
            "/v1/chat/completions": {"model": "auto", "messages": [{"role": "user", "content": long}]},
            "/v1/responses": {"model": "auto", "input": long},
        }
        for path, body in bodies.items():
            answer = server.client.post(path, json=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "question_too_long"), path
        assert server.copilot.record.records() == []
