"""Whatever a thread holds and a person takes out: only what was shown leaves, and nothing that was taken out."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parts import MarkerVerifier, Shelf

from tierwise import Copilot, Outgoing, Passage, Settings, Tier
from tierwise.testing import LoopbackServer, ScriptedModel, make_copilot

TOKEN = re.compile(r"\bx\d+x\b")
DECISION = st.tuples(st.integers(0, 2**12 - 1), st.booleans())


class Words:
    """Words that occur once each, so that any of them tells where it came from."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, count: int) -> str:
        self.made += count
        return " ".join(f"x{n}x" for n in range(self.made - count, self.made))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    turns=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 30)), max_size=6),
    found=st.lists(st.integers(3, 40), max_size=4),
    window=st.sampled_from([260, 500, 8000]),
    asked=st.lists(
        st.tuples(st.sampled_from(["auto", "deep"]), st.sampled_from(["first", "always", "never"])), max_size=3
    ),
    decisions=st.lists(DECISION, min_size=12, max_size=12),
)
def test_only_what_was_shown_and_not_taken_out_leaves(
    turns: Any, found: Any, window: int, asked: Any, decisions: Any
) -> None:
    words, decisions = Words(), list(decisions)
    texts = [words(count) for count in found]
    passages = [Passage(f"p{n}", f"/d/{n}.txt", "default", None, 0, len(t), t, 0.9) for n, t in enumerate(texts)]
    drafts = [f"{words(answer)}." for _, answer in turns]
    quick = ScriptedModel([*drafts, *(f"UNSURE {words(9)}." for _ in range(4))], context_window=8000, repeat=True)
    deep = ScriptedModel(["Done."], on_device=False, host="h.invalid", context_window=window, repeat=True)
    with tempfile.TemporaryDirectory() as home:
        copilot = make_copilot(
            quick, deep, home=Path(home), retriever=Shelf(*passages), embedder=None, verifier=MarkerVerifier(), tools=[]
        )
        with copilot:
            for question, _ in turns:
                copilot.ask(f"{words(question)}?", thread="t", tier="quick")
            out: set[str] = set()
            for tier, show in [("auto", "always"), *asked]:
                sent_before = len(deep.requests)
                answer = copilot.ask(f"{words(3)}?", thread="t", tier=tier, show_before_sending=show)
                while answer.status == "needs_approval":
                    assert answer.outgoing is not None
                    assert out.isdisjoint(tokens(answer.outgoing))
                    mask, allow = decisions.pop() if decisions else (0, True)
                    gone = [i for n, i in enumerate(i for i in answer.outgoing.items if i.removable) if mask >> n & 1]
                    if allow:
                        out |= {token for item in gone for token in TOKEN.findall(item.text)}
                    ids = [item.id for item in gone]
                    copilot.decide_sending(answer.turn_id, answer.outgoing.id, allow=allow, without=ids)
                    had = len(deep.requests)
                    shown = tokens(answer.outgoing)
                    answer = copilot.go_on(answer.turn_id)
                    assert allow or len(deep.requests) == had
                    for request in deep.requests[had:]:
                        assert leaves(request) <= shown - out
                # Also what left unseen, by the wish, holds nothing that was taken out before.
                assert all(out.isdisjoint(leaves(request)) for request in deep.requests[sent_before:])


def tokens(outgoing: Outgoing) -> set[str]:
    return {token for item in outgoing.items for token in TOKEN.findall(item.text)}


def leaves(request: Any) -> set[str]:
    return {token for message in request.messages for token in TOKEN.findall(message.content)}


def test_over_http_nothing_is_sent_before_the_yes_and_nothing_that_was_taken_out(own_home: Path) -> None:
    secret = Passage("p1", "/d/1.txt", "default", None, 0, 10, "It is hidden here.", 0.9)
    with LoopbackServer(ScriptedModel(["Hello."])) as server:
        tiers = [Tier("deep", "openai:big", base_url=server.url)]
        own = Settings(home=own_home, show_before_sending="first")
        with Copilot(tiers, settings=own, retriever=Shelf(secret)) as copilot:
            answer = copilot.ask("Where is it?")
            assert answer.outgoing is not None
            assert server.connections == 0
            assert answer.outgoing.host == server.url.split("/")[2]
            copilot.decide_sending(answer.turn_id, answer.outgoing.id, allow=True, without=["p1"])
            done = copilot.go_on(answer.turn_id)
    assert (done.text, done.sent_out.passages) == ("Hello.", 0)
    (body,) = server.requests
    assert "hidden" not in json.dumps(body)
    assert {message["role"] for message in body["messages"]} == {"system", "user"}
