"""The meters: how full the window is and what that meant, money, and what was saved against asking the largest tier."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from parts import MarkerVerifier, TinyEmbedder
from streamlit.testing.v1 import AppTest
from web_text import words_of

from tierwise import Budget, Copilot, Price, Settings, Tier
from tierwise.record import LocalWork
from tierwise.testing import ScriptedModel
from tierwise_app.web.answer.meters import Gauge, read_gauge, saving_text

Make = Callable[..., Copilot]
LONG = " ".join(f"The kettle of shelf {n} holds two litres, and it is blue on one side." for n in range(9))


@pytest.fixture
def copilots(own_home: Path) -> Iterator[Make]:
    made: list[Copilot] = []

    def make(
        quick: ScriptedModel, deep: ScriptedModel | None = None, price: Price | None = None, **options: Any
    ) -> Copilot:
        tiers = [Tier("quick", quick)] + ([Tier("deep", deep, price=price)] if deep else [])
        settings = Settings(home=own_home, **options)
        made.append(
            Copilot(tiers, settings=settings, home=own_home, embedder=TinyEmbedder(), verifier=MarkerVerifier())
        )
        return made[-1]

    yield make
    for copilot in made:
        copilot.close()


def drawn(copilot: Copilot, thread: str | None) -> AppTest:
    def script(copilot, thread):  # type: ignore[no-untyped-def]
        import streamlit as st

        from tierwise_app.web.answer.meters import draw_meters

        with st.sidebar:
            draw_meters(copilot, thread)

    app = AppTest.from_function(script, args=(copilot, thread), default_timeout=60).run()
    assert not app.exception, app.exception
    return app


def test_a_new_thread_and_an_empty_record_have_meters_too(copilots: Make) -> None:
    copilot = copilots(ScriptedModel(["Fine."]))
    for thread in (None, "nobody"):
        said = words_of(drawn(copilot, thread))
        assert "This month $0" in said
        assert "Last prompt" not in said


def test_money_saved_and_left_are_told(copilots: Make) -> None:
    quick = ScriptedModel(["Fine.", "UNSURE"], repeat=True)
    deep = ScriptedModel(["Two."], on_device=False, repeat=True)
    copilot = copilots(quick, deep, Price(1000.0, 1000.0), budget=Budget(thread=0.5, day=0.2, month=1.0))
    copilot.ask("How?", thread="t")
    copilot.ask("How long?", thread="t")
    copilot.ask("Other?", thread="u", tier="quick")
    said = words_of(drawn(copilot, "t"))
    spent = copilot.record.spent_in("t")
    assert spent > 0
    assert f"This thread ${spent:.2g}"[:14] in said
    assert "This thread $0 " in words_of(drawn(copilot, "u"))
    assert "67% of 3 answers this month stayed on this device" in said
    assert "would have cost with deep, had it read as many tokens" in said
    assert "of $1.00" in said
    assert "Left today: " in said
    assert "Left for this thread: " in said
    served = [copilot.record.turns(name)[0].attempts[-1].usage for name in ("t", "u")]
    work = copilot.record.local_work(0.0)
    assert (work.free, work.prompt_tokens) == (2, sum(one.prompt_tokens for one in served))


def test_a_full_window_tells_what_became_of_the_thread(copilots: Make) -> None:
    copilot = copilots(ScriptedModel([LONG], repeat=True, context_window=1000))
    for n in range(8):
        copilot.ask(f"What does kettle number {n} hold?", thread="t")
    gauge = read_gauge(copilot.record.turns("t"))
    assert gauge is not None
    assert gauge.window == 1000
    assert 0.3 < gauge.share < 1
    said = words_of(drawn(copilot, "t"))
    assert f"Last prompt: {gauge.tokens:,} of 1,000 tokens (quick)" in said
    assert "this thread does not fit the window of quick (1,000 tokens) as it is" in said


def test_the_gauge_is_of_the_smallest_window_and_skips_turns_without_a_prompt(copilots: Make) -> None:
    quick = ScriptedModel(["UNSURE"], repeat=True, context_window=3000)
    deep = ScriptedModel(["Two."], on_device=False, repeat=True, context_window=9000)
    copilot = copilots(quick, deep)
    copilot.ask("How?", thread="t")
    copilot.ask("Mine?", thread="t", lock=True, tier="deep")
    turns = copilot.record.turns("t")
    assert turns[-1].status == "blocked"
    gauge = read_gauge(turns)
    assert gauge is not None
    assert (gauge.tier, gauge.window) == ("quick", 3000)
    assert read_gauge([]) is None
    assert Gauge("quick", 5000, 4000).share == 1.0


def test_what_was_saved_names_what_it_takes_for_granted() -> None:
    quick, deep = Tier("quick", "llama:m"), Tier("deep", "openai:m", price=Price(2.0, 10.0))
    work = LocalWork(answered=10, local=8, free=8, prompt_tokens=1_000_000, completion_tokens=100_000)
    text = saving_text(work, (quick, deep))
    assert text.startswith("About $3.00 saved: what 8 answers on this device would have cost with deep")
    assert "(1,000,000)" in text
    assert "(100,000)" in text
    assert "no price" in saving_text(work, (quick, Tier("deep", "openai:m")))
    assert "no larger one" in saving_text(work, (quick,))
    assert saving_text(LocalWork(2), (quick, deep)) == "Nothing saved yet against asking deep every time."
