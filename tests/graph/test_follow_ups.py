"""A follow-up question is searched with what it goes on with, and the record says so."""

from __future__ import annotations

from typing import Any

from parts import Shelf, TinyEmbedder, passage

from tierwise import Copilot, Tier
from tierwise.testing import ScriptedModel

FIRST = "How long is the warranty of the kettle?"
FOLLOW_UP = "And how do I extend it?"
CARRIED = f"{FIRST}\nIt lasts 30 months.\n{FOLLOW_UP}"


class Lockable(Shelf):
    """Finds a locked passage for what is locked."""

    def __init__(self) -> None:
        super().__init__(passage("The warranty lasts 30 months."))
        self.locked = passage("Anna earns 5,000.", locked=True)

    def search(self, query: str, **options: Any) -> Any:
        found = super().search(query, **options)
        return [self.locked] if "earn" in query else found


def test_a_follow_up_is_searched_with_its_subject(copilots: Any) -> None:
    shelf = Shelf(passage("The warranty lasts 30 months."))
    copilot = copilots(["It lasts 30 months."], retriever=shelf)
    first = copilot.ask(FIRST, thread="t")
    second = copilot.ask(FOLLOW_UP, thread="t")
    assert [query for query, _ in shelf.asked] == [FIRST, CARRIED]
    assert copilot.record.get(first.turn_id).searched is None
    assert copilot.record.get(second.turn_id).searched == CARRIED
    assert copilot.model("quick").requests[-1].messages[-1].content.endswith(f"Question: {FOLLOW_UP}")


def test_a_question_that_stands_by_itself_and_one_in_a_new_thread_are_searched_as_they_are(copilots: Any) -> None:
    shelf = Shelf(passage("The warranty lasts 30 months."))
    copilot = copilots(["It lasts 30 months."], retriever=shelf)
    copilot.ask(FIRST, thread="t")
    answer = copilot.ask("Which page sizes does SQLite support?", thread="t")
    copilot.ask(FOLLOW_UP, thread="new")
    assert [query for query, _ in shelf.asked] == [FIRST, "Which page sizes does SQLite support?", FOLLOW_UP]
    assert copilot.record.get(answer.turn_id).searched is None


def test_routing_sees_the_question_as_it_was_asked(copilots: Any) -> None:
    vectors: list[Any] = []

    class Watching(Shelf):
        def search(self, query: str, *, vector: Any = None, **options: Any) -> Any:
            vectors.append((query, vector))
            return []

    class Router:
        async def assess(self, question: Any) -> Any:
            from tierwise.types import Assessment

            seen.append((question.text, question.vector))
            return Assessment()

    seen: list[Any] = []
    copilot = copilots(["It lasts 30 months."], retriever=Watching(), router=Router())
    copilot.ask(FIRST, thread="t")
    copilot.ask(FOLLOW_UP, thread="t")
    embed = TinyEmbedder().embed
    assert vectors[-1][0] == CARRIED
    assert (vectors[-1][1] == embed([CARRIED])[0]).all()
    assert seen[-1][0] == FOLLOW_UP
    assert (seen[-1][1] == embed([FOLLOW_UP])[0]).all()


def test_a_question_asked_again_keeps_the_subject_that_it_had(copilots: Any) -> None:
    shelf = Shelf(passage("The warranty lasts 30 months."))
    copilot = copilots(["It lasts 30 months."], ["Write to the maker."], retriever=shelf)
    copilot.ask(FIRST, thread="t")
    second = copilot.ask(FOLLOW_UP, thread="t")
    copilot.ask("What is the capital of France?", thread="t")
    again = copilot.again(second.turn_id, tier="deep")
    assert shelf.asked[-1][0] == CARRIED
    assert copilot.record.get(again.turn_id).searched == CARRIED


def test_the_subject_of_a_locked_turn_locks_who_searches_with_it(copilots: Any) -> None:
    copilot = copilots(["She earns 5,000."], ["never"], retriever=Lockable())
    copilot.ask("What does Anna earn?", thread="t")
    answer = copilot.ask("And since when?", thread="t")
    record = copilot.record.get(answer.turn_id)
    assert record.locked
    assert record.searched is not None and "earn" in record.searched
    assert copilot.model("deep").requests == []


def test_what_a_tier_off_the_device_reads_is_not_found_with_words_of_a_locked_turn(own_home: Any) -> None:
    shelf = Lockable()
    quick = ScriptedModel(["She earns 5,000."], name="q", repeat=True)
    deep = ScriptedModel(["Since May."], name="d", repeat=True, on_device=False)
    tiers = [Tier("quick", quick), Tier("deep", deep)]
    with Copilot(tiers, home=own_home, retriever=shelf, embedder=TinyEmbedder()) as copilot:
        copilot.ask("What does Anna earn?", thread="t", tier="quick")
        answer = copilot.ask("And since when?", thread="t", tier="deep")
        assert answer.tier == "deep"
        assert shelf.asked[-1][0] == "And since when?"
        record = copilot.record.get(answer.turn_id)
        assert (record.searched, record.locked) == (None, False)
