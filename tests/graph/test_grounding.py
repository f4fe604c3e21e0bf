"""Answers that come from the documents, or say that the documents do not have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from parts import Shelf, TinyEmbedder, passage

from tierwise import Copilot, Tier
from tierwise.errors import UnknownName
from tierwise.knowledge import Filter
from tierwise.testing import ScriptedModel
from tierwise.verify.card import CAUTIOUS
from tierwise.verify.evidence import EvidenceVerifier

PORT = "Which port does the lantern server use?"
LANTERN = passage("The lantern server listens for lamps and keeps a list of them. It is started by hand.")
INVENTED = "It uses port 7421."


class Unrelated(Shelf):
    def relevant(self, query: str, passages: Any) -> bool:
        return False


def by_evidence() -> EvidenceVerifier:
    return EvidenceVerifier(TinyEmbedder(), lambda model: CAUTIOUS)


def codes(answer: Any) -> set[str]:
    return {notice.code for notice in answer.notices}


def test_an_invented_answer_is_held_back_and_kept(copilots: Any) -> None:
    copilot = copilots([INVENTED], retriever=Shelf(LANTERN))
    answer = copilot.ask(PORT)
    assert (answer.status, answer.text, answer.citations) == ("done", "Your documents do not say.", ())
    (notice,) = [n for n in answer.notices if n.code == "not_in_documents"]
    assert '"7421"' in notice.text
    assert Path(LANTERN.source).name in notice.text
    record = copilot.record.get(answer.turn_id)
    assert [(a.text, a.outcome) for a in record.attempts] == [(INVENTED, "discarded")]
    assert record.final == "quick"


def test_a_larger_tier_is_asked_before_it_is_held_back(copilots: Any) -> None:
    copilot = copilots([INVENTED], ["It keeps a list of lamps."], retriever=Shelf(LANTERN), verifier=by_evidence())
    answer = copilot.ask(PORT)
    assert (answer.tier, answer.text) == ("deep", "It keeps a list of lamps.")


def test_what_the_documents_do_not_name_is_not_worth_a_larger_tier(copilots: Any) -> None:
    copilot = copilots(
        ["It works with Hozelock lamps."], ["It does."], retriever=Shelf(LANTERN), verifier=by_evidence()
    )
    answer = copilot.ask("Does the lantern server work with Hozelock lamps?")
    assert answer.text == "Your documents do not say."
    assert [a.tier for a in answer.attempts] == ["quick"]


@pytest.mark.parametrize("how", [{"grounded": False}, {"schema": {"type": "object"}}])
def test_a_question_set_free_is_answered_as_the_model_knows(copilots: Any, how: dict[str, Any]) -> None:
    text = '{"port": 7421}' if "schema" in how else INVENTED
    answer = copilots([text], retriever=Shelf(LANTERN)).ask(PORT, **how)
    assert "7421" in answer.text


@pytest.mark.parametrize("message", ["Write a poem about port 7421.", "My port is 7421, remember it."])
def test_what_asks_for_no_fact_is_not_held_back(copilots: Any, message: str) -> None:
    assert copilots([INVENTED], retriever=Shelf(LANTERN)).ask(message).text == INVENTED


def test_nothing_about_it_in_the_documents_it_is_limited_to(copilots: Any) -> None:
    copilot = copilots([INVENTED], retriever=Unrelated(LANTERN))
    answer = copilot.ask(PORT, collection="manuals")
    assert (answer.status, answer.tier, answer.text) == ("done", None, "Nothing in your documents is about this.")
    assert codes(answer) == {"nothing_in_documents"}
    assert copilot.model("quick").requests == []
    assert copilot.record.get(answer.turn_id).attempts == ()
    follow_up = copilot.ask("Thank you.", thread=answer.thread)
    assert follow_up.status == "done"


def test_an_answer_beside_the_documents_says_so(copilots: Any) -> None:
    answer = copilots([INVENTED], retriever=Unrelated(LANTERN)).ask(PORT)
    assert answer.text == INVENTED
    assert "not_from_documents" in codes(answer)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "lease.md").write_text("# Lease\n\nOne cat is allowed.\n\nDogs need the landlord's consent.\n")
    (tmp_path / "long.md").write_text("\n\n".join(f"Clause {n} is about the {n}th thing of many." for n in range(400)))
    return tmp_path


def ready(own_home: Path, docs: Path) -> Copilot:
    copilot = Copilot([Tier("quick", ScriptedModel(["Dogs need the landlord's consent."]))], home=own_home)
    copilot.knowledge.ingest(docs)
    return copilot


def test_a_short_document_is_read_whole_and_a_long_one_is_searched(own_home: Path, docs: Path) -> None:
    with ready(own_home, docs) as copilot:
        answer = copilot.ask("May I keep a dog?", document="lease.md")
        record = copilot.record.get(answer.turn_id)
        assert record.document == "lease.md"
        (read,) = record.passages
        assert "One cat is allowed." in read.text and "landlord" in read.text
        assert copilot.knowledge.source_text(read.source)[read.start : read.end] == read.text
        assert answer.citations[0].quote == "Dogs need the landlord's consent."
        found = copilot.record.get(copilot.ask("What is clause 17 about?", document="long.md").turn_id).passages
        assert found and {Path(p.source).name for p in found} == {"long.md"}
        assert any("Clause 17 " in p.text for p in found)
        with pytest.raises(UnknownName, match=r"nowhere\.md"):
            copilot.ask("What?", document="nowhere.md")


def test_a_question_is_limited_to_what_meets_its_conditions_also_when_asked_again(own_home: Path, docs: Path) -> None:
    tiers = [Tier("quick", ScriptedModel(["A cat."])), Tier("deep", ScriptedModel(["One cat is allowed."]))]
    with Copilot(tiers, home=own_home) as copilot:
        copilot.knowledge.ingest(docs)
        only = Filter(sources=(str(docs / "lease.md"),))
        answer = copilot.ask("Which animals are allowed?", tier="quick", only=only)
        again = copilot.again(answer.turn_id, tier="deep")
        for turn in (answer, again):
            record = copilot.record.get(turn.turn_id)
            assert {Path(p.source).name for p in record.passages} == {"lease.md"}
            assert record.only is not None and record.only["sources"] == [str(docs / "lease.md")]


def test_a_filter_on_a_locked_collection_locks_the_turn(own_home: Path, docs: Path) -> None:
    with ready(own_home, docs) as copilot:
        copilot.knowledge.ingest(docs / "lease.md", collection="private", locked=True)
        answer = copilot.ask("What about fish?", only=Filter(collections=("private",)))
        assert copilot.record.get(answer.turn_id).locked
