"""What Prometheus reads: the figures of turns that were asked, under labels that no client can make."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from abuse_place import canary_server
from prometheus_client.parser import text_string_to_metric_families
from serving import Server, serving

from tierwise.testing import Step
from tierwise.types import TokenEvidence
from tierwise_app.serve.keys import Keys


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(["A short answer."], ["A longer answer."]) as server:
        yield server


def figures(server: Server, **headers: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = server.client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(found: dict[Any, float], name: str, **labels: str) -> float:
    return sum(value for (n, of), value in found.items() if n == name and labels.items() <= dict(of).items())


def ask(server: Server, question: str = "What is the capital of Peru?", **body: Any) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": question}], **body}
    assert server.client.post("/v1/chat/completions", json=body).status_code == 200
    last = time.monotonic() + 60
    while server.parts.turns.running:  # it is told its answer before it is over, and counted
        assert time.monotonic() < last, "the turn is not over"
        time.sleep(0.01)


def test_turns_are_counted_with_all_that_they_took(server: Server) -> None:
    before = figures(server)
    ask(server)
    ask(server, model="deep")
    after = figures(server)

    def more(name: str, **labels: str) -> float:
        return of(after, name, **labels) - of(before, name, **labels)

    assert more("tierwise_turns_total", status="done") == 2
    assert more("tierwise_turns_total", tier="deep", status="done", stage="manual") == 1
    assert more("tierwise_attempts_total", tier="deep", outcome="accepted") == 1
    assert more("tierwise_tokens_total", tier="deep", way="out") == 3
    assert more("tierwise_tokens_total", tier="deep", way="in") > 3
    assert more("tierwise_turn_seconds_count", status="done") == 2
    assert more("tierwise_own_seconds_count") == 2
    assert more("tierwise_waiting_seconds_count") == 2
    assert more("tierwise_sent_bytes_total") > 0
    assert more("tierwise_http_requests_total", route="/v1/chat/completions", method="POST", status="200") == 2
    assert (of(after, "tierwise_running"), of(after, "tierwise_working"), of(after, "tierwise_waiting")) == (0, 0, 0)


def test_a_turn_that_goes_up_is_an_escalation() -> None:
    unsure = Step("Perhaps it is so.", evidence=TokenEvidence((-6.0,) * 4, (0.01,) * 4, (5.0,) * 4))
    with serving([unsure], ["It is so."]) as server:
        for _ in range(3):
            ask(server, "Explain in detail how the treaty of 1648 changed the law of nations.")
        after = figures(server)
        went = of(after, "tierwise_attempts_total", tier="quick", outcome="discarded")
        assert went > 0
        assert of(after, "tierwise_escalations_total", from_tier="quick", to_tier="deep") == went


def test_what_is_refused_is_counted_by_reason(server: Server) -> None:
    before = of(figures(server), "tierwise_refused_total")
    assert server.client.get("/v1/models", headers={"Host": "evil.example"}).status_code >= 400
    assert server.client.get("/v1/models", headers={"Origin": "https://evil.example"}).status_code == 403
    assert of(figures(server), "tierwise_refused_total") == before + 2


def test_no_client_makes_a_label(server: Server) -> None:
    marks = ["zqx1", "zqx2", "zqx3", "zqx4"]
    server.client.get(f"/{marks[0]}")
    server.client.get(f"/v1/turns/{marks[1]}")
    server.client.request("ZQX", "/v1/models")
    server.client.post("/v1/chat/completions", json={"model": marks[2], "messages": []})
    server.client.get("/v1/models", headers={"Host": f"{marks[3]}.example"})
    text = server.client.get("/metrics").text
    assert [mark for mark in [*marks, "ZQX"] if mark in text] == []
    assert of(figures(server), "tierwise_http_requests_total", method="other") == 1


def test_two_servers_count_for_themselves(server: Server) -> None:
    ask(server)
    with serving() as other:
        assert of(figures(other), "tierwise_turns_total") == 0


def test_where_keys_are_needed_it_takes_one_that_sees_everything(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    own, everything = keys.add("own")[1], keys.add("watcher", sees="all")[1]
    with serving(home=tmp_path) as server:
        assert server.client.get("/metrics").status_code == 401
        assert server.client.get("/metrics", headers={"Authorization": f"Bearer {own}"}).status_code == 403
        assert figures(server, Authorization=f"Bearer {everything}")


def test_no_collector_is_told_though_the_environment_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    visits: list[bytes] = []
    with canary_server(visits) as address:
        monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
        with serving() as server:
            ask(server)
            server.client.post("/v1/turns", json={"question": ["not", "a", "text"]})
    assert visits == []
