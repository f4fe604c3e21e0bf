"""Turns that end otherwise than planned, turns side by side, and graphs with nodes of one's own."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from parts import MarkerVerifier, Shelf, Stuck, TinyEmbedder
from waiting import until

from tierwise import AsyncCopilot, ConfigError, Copilot, Tier, tool
from tierwise.config import Price
from tierwise.errors import AuthError, ModelTimeout, ServerError, Unreachable, UsageError
from tierwise.graph import Node
from tierwise.models.base import ChatModel, Embedder
from tierwise.testing import ScriptedModel, Step, block_network, make_copilot
from tierwise.types import ToolCall

SLOW = Step("one two three four five six seven eight", delay=0.03)


def stuck(words: int, *, on_device: bool = True) -> Stuck:
    """A model whose first answer stops after so many words."""
    host = None if on_device else "scripted.invalid"
    return Stuck(["one two three four five"], on_device=on_device, host=host, repeat=True, words=words)


def parts(home: Path) -> dict[str, Any]:
    return {"home": home, "retriever": Shelf(), "embedder": TinyEmbedder(), "verifier": MarkerVerifier()}


def test_stopping_keeps_the_partial_text_marked(copilots: Any) -> None:
    copilot = copilots(stuck(3))
    events = copilot.stream("count", thread="t")
    for event in events:
        if event.type == "text.delta" and event.text.startswith("three"):
            break
    events.close()
    (turn,) = copilot.record.turns("t")
    assert (turn.status, turn.text, turn.final) == ("stopped", "one two three ", "quick")
    assert turn.attempts[0].outcome == "stopped"
    assert copilot.model("quick").cancelled == 1
    assert copilot.ask("go on", thread="t").status == "done"
    contents = [m.content for m in copilot.model("quick").requests[-1].messages]
    assert contents[1:] == ["count", "one two three ", "go on"]


def test_stopping_while_the_larger_tier_writes_keeps_both(copilots: Any) -> None:
    copilot = copilots(["UNSURE draft"], stuck(1, on_device=False))
    events = copilot.stream("count", thread="t")
    next(e for e in events if e.type == "text.delta" and e.attempt == 2)
    events.close()
    (turn,) = copilot.record.turns("t")
    assert [(a.tier, a.outcome) for a in turn.attempts] == [("quick", "discarded"), ("deep", "stopped")]
    assert turn.text.startswith("one")
    assert turn.sent_out.bytes > 0  # the request had left


async def test_a_cancelled_task_is_a_stopped_turn(own_home: Path) -> None:
    async with AsyncCopilot([Tier("quick", stuck(0))], **parts(own_home)) as copilot:
        task = asyncio.create_task(copilot.ask("count", thread="t"))
        while not copilot.model("quick").requests:  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert copilot.record.turns("t")[0].status == "stopped"


KILLED = """
import os, sys
from parts import MarkerVerifier, Shelf, TinyEmbedder
from tierwise import Copilot, Tier
from tierwise.testing import ScriptedModel, Step
model = ScriptedModel([Step("one two three four five six seven eight nine ten " * 900, delay=0.02)])
copilot = Copilot([Tier("quick", model)], home=sys.argv[1], retriever=Shelf(), embedder=TinyEmbedder(),
                  verifier=MarkerVerifier())
for event in copilot.stream("count to ten", thread="t"):
    if event.type == "text.delta":
        print("writing", flush=True)
"""


def test_after_a_kill_the_thread_goes_on(own_home: Path, copilots: Any) -> None:
    copilots(["Before."]).ask("Who are you?", thread="t")
    support = Path(__file__).parents[1] / "support"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(own_home)], stdout=subprocess.PIPE, text=True, env=_env(support)
    )
    assert process.stdout is not None
    with process.stdout as out:
        assert out.readline() == "writing\n"
        until(lambda: some_was_stored(own_home))
        process.send_signal(signal.SIGKILL)
        process.wait()
    copilot = copilots(["Afterwards."])
    before, killed = copilot.record.turns("t")
    assert (before.status, killed.status, killed.asked) == ("done", "stopped", "count to ten")
    assert killed.text.startswith("one two")
    assert copilot.ask("And now?", thread="t").status == "done"
    roles = [m.role for m in copilot.model("quick").requests[-1].messages]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]


def some_was_stored(home: Path) -> bool:
    """Whether a part of an answer that is being written is in the record."""
    with closing(sqlite3.connect(home / "record.sqlite")) as db:
        return db.execute("SELECT 1 FROM partials").fetchone() is not None


def _env(*paths: Path) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": ":".join(map(str, paths))}


def test_checkpoints_hold_only_running_turns(copilots: Any, own_home: Path) -> None:
    copilot = copilots(["UNSURE."], ["Sure."])
    for _ in range(3):
        copilot.ask("hello", thread="t")
    copilot.close()
    db = sqlite3.connect(own_home / "threads.sqlite")
    assert db.execute("SELECT count(*) FROM checkpoints").fetchone() == (0,)
    assert db.execute("SELECT count(*) FROM writes").fetchone() == (0,)
    db.close()


def test_turns_side_by_side_keep_apart(copilots: Any) -> None:
    copilot = copilots([lambda request: request.messages[-1].content + "!"])
    answers: dict[int, Any] = {}

    def ask(n: int) -> None:
        for m in range(3):
            answers[n] = copilot.ask(f"from {n}, {m}", thread=f"t{n}")

    workers = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [answers[n].text for n in range(6)] == [f"from {n}, 2!" for n in range(6)]
    for n in range(6):
        assert [t.asked for t in copilot.record.turns(f"t{n}")] == [f"from {n}, {m}" for m in range(3)]


def test_one_async_copilot_serves_several_loops(own_home: Path) -> None:
    copilot = AsyncCopilot([Tier("quick", ScriptedModel(["x"], repeat=True))], **parts(own_home))
    assert [asyncio.run(copilot.ask("hello", thread="t")).text for _ in range(2)] == ["x", "x"]
    asyncio.run(copilot.aclose())


def test_threads_survive_the_process(own_home: Path, copilots: Any) -> None:
    first = copilots(["My name is Ada."])
    first.ask("Who are you?", thread="t")
    first.close()
    second = copilots(["As I said."])
    second.ask("Again?", thread="t")
    assert "My name is Ada." in [m.content for m in second.model("quick").requests[0].messages]


def test_a_copilot_that_is_never_closed_does_not_keep_the_program(own_home: Path) -> None:
    program = (
        "import sys\nfrom parts import *\nfrom tierwise import Copilot, Tier\n"
        "from tierwise.testing import ScriptedModel\n"
        "tiers = [Tier('quick', ScriptedModel(['x']))]\n"
        "c = Copilot(tiers, home=sys.argv[1], retriever=Shelf(), embedder=TinyEmbedder())\n"
        "print(c.ask('hello').text)"
    )
    support = Path(__file__).parents[1] / "support"
    done = subprocess.run(
        [sys.executable, "-c", program, str(own_home)],
        capture_output=True, text=True, timeout=300, env=_env(support), check=True,
    )  # fmt: skip
    assert done.stdout == "x\n"


async def shout(state: dict[str, Any], runtime: Any) -> dict[str, Any]:
    return {"text": state["text"].upper()}


async def mark(state: dict[str, Any], runtime: Any) -> dict[str, Any]:
    return {"text": state["text"] + "!"}


def test_nodes_of_ones_own_run_in_order_and_are_drawn(copilots: Any) -> None:
    nodes = [Node("shout", "finish", shout), Node("mark", "finish", mark)]
    copilot = copilots(["hello"], nodes=nodes)
    assert copilot.ask("hi").text == "HELLO!"
    drawn = copilot.graph.get_graph().draw_mermaid()
    for edge in ("admit --> retrieve", "finish --> shout", "shout --> mark", "mark --> record", "verify -.-> generate"):
        assert edge in drawn
    assert "verify -.-> act" not in drawn


def test_nodes_that_cannot_work_are_refused(copilots: Any) -> None:
    def plain(state: Any, runtime: Any) -> Any:
        return {}

    for node, says in (
        (Node("generate", "finish", mark), "there already"),
        (Node("mine", "verify", mark), "No node can follow 'verify'"),  # type: ignore[arg-type]
        (Node("mine", "finish", plain), "not async"),
    ):
        with pytest.raises(ConfigError, match=says):
            _ = copilots(["x"], nodes=[node]).graph


def test_a_node_that_breaks_fails_the_turn_cleanly(copilots: Any) -> None:
    async def broken(state: Any, runtime: Any) -> Any:
        raise ZeroDivisionError("mine")

    answer = copilots(["x"], nodes=[Node("broken", "retrieve", broken)]).ask("hi")
    assert answer.status == "failed"
    assert "ZeroDivisionError: mine" in (answer.error or "")


def test_secrets_do_not_reach_the_record_by_way_of_errors(copilots: Any) -> None:
    key = "sk-" + "a1B2" * 8

    async def leak(state: Any, runtime: Any) -> Any:
        raise RuntimeError(f"request with {key} failed")

    copilot = copilots(["x"], nodes=[Node("leak", "retrieve", leak)])
    answer = copilot.ask("hi")
    assert key not in (answer.error or "")
    assert "[redacted]" in (copilot.record.get("last").error or "")


def test_a_read_only_home_is_named(tmp_path: Path) -> None:
    from tierwise import StoreError

    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be made"):
        Copilot([Tier("quick", ScriptedModel(["x"]))], home=tmp_path / "file" / "home")


def test_a_turn_in_the_open_uses_no_network(copilots: Any) -> None:
    with block_network() as tried:
        assert copilots(["fine"]).ask("hi", offline=True).status == "done"
    assert tried == []


def test_what_certainly_did_not_leave_is_not_counted_as_sent(copilots: Any) -> None:
    refused = Unreachable("Nothing answers.", nothing_sent=True)
    broke = Unreachable("The connection broke.")
    assert copilots(["UNSURE."], [Step(error=refused)]).ask("hi").sent_out.bytes == 0
    assert copilots(["UNSURE."], [Step(error=broke)]).ask("hi").sent_out.bytes > 0


def test_what_left_is_counted_over_retries(copilots: Any) -> None:
    refused = Step(error=Unreachable("Nothing answers.", nothing_sent=True))
    failed = Step(error=ServerError("It failed."))
    once = copilots(["UNSURE."], [failed, "Better."]).ask("hi")
    assert once.text == "Better."
    good = copilots(["UNSURE."], ["Better."]).ask("hi").sent_out.bytes
    assert once.sent_out.bytes > good  # the request that failed had left too
    assert copilots(["UNSURE."], [refused, "Better."]).ask("hi").sent_out.bytes == good
    assert copilots(["UNSURE."], [failed, refused]).ask("hi").sent_out.bytes > 0


def test_a_failed_turn_that_reached_nobody_sent_nothing(own_home: Path) -> None:
    refused = Step(error=Unreachable("Nothing answers.", nothing_sent=True))
    away = ScriptedModel([refused], on_device=False, repeat=True)
    with Copilot([Tier("deep", away)], **parts(own_home)) as copilot:
        answer = copilot.ask("hi")
    assert (answer.status, answer.sent_out.bytes) == ("failed", 0)


def test_stopping_before_the_larger_tier_says_a_word_keeps_the_draft(copilots: Any) -> None:
    copilot = copilots(["UNSURE draft"], stuck(0, on_device=False))
    events = copilot.stream("count", thread="t")
    next(e for e in events if e.type == "attempt.started" and e.attempt == 2)
    events.close()
    (turn,) = copilot.record.turns("t")
    assert (turn.status, turn.text, turn.final) == ("stopped", "UNSURE draft", "quick")


@pytest.mark.parametrize("at", ["text.delta", "draft.verified", "tool.requested", "tool.finished", "attempt.discarded"])
async def test_stopping_between_two_steps_loses_nothing(own_home: Path, at: str) -> None:
    call = ToolCall("1", "calculator", {"expression": "1+1"})
    away = ScriptedModel([Step("look", calls=(call,)), SLOW], on_device=False)
    tiers = [Tier("quick", ScriptedModel(["UNSURE"])), Tier("deep", away)]
    async with AsyncCopilot(tiers, **parts(own_home)) as copilot:
        events = copilot.stream("count", thread="t")
        async for event in events:
            if event.type == at:
                break
        await events.aclose()  # type: ignore[attr-defined]
        (turn,) = copilot.record.turns("t")
    assert turn.status == "stopped"
    assert [a.tier for a in turn.attempts] == (
        ["quick"] if at in ("text.delta", "draft.verified") else ["quick", "deep"]
    )
    assert turn.text.startswith("UNSURE" if at in ("text.delta", "draft.verified") else "look")
    assert (turn.sent_out.bytes > 0) == bool(away.requests)


@pytest.mark.parametrize("broken", [RuntimeError("boom\nbang"), TimeoutError()])
def test_a_model_that_raises_anything_costs_only_its_tier(copilots: Any, broken: Exception) -> None:
    answer = copilots(["UNSURE draft"], [Step("half", error=broken)]).ask("hi")
    assert (answer.status, answer.text, answer.tier) == ("done", "UNSURE draft", "quick")
    assert "degraded" in [n.code for n in answer.notices]


def test_a_larger_tier_that_says_nothing_leaves_the_draft(copilots: Any) -> None:
    answer = copilots(["UNSURE draft"], [""]).ask("hi")
    assert (answer.text, answer.tier) == ("UNSURE draft", "quick")
    alone = copilots([""]).ask("hi")
    assert (alone.status, alone.error) == (
        "failed",
        "quick answered without a word. Reword the question, or ask another tier.",
    )


def test_half_characters_of_a_model_of_ones_own_are_survived(copilots: Any) -> None:
    call = ToolCall("1", "calculator", {"expression": "1\udce9"})
    answer = copilots([Step("look", calls=(call,)), "caf\udce9"]).ask("hi")
    assert answer.text == "look\n\ncaf\ufffd"


@pytest.mark.parametrize("heirs", [0, 1])
def test_the_cost_of_steps_before_a_failure_is_counted(own_home: Path, heirs: int) -> None:
    call = ToolCall("1", "calculator", {"expression": "1+1"})
    paid = ScriptedModel([Step(calls=(call,)), Step(error=AuthError("Refused."))], on_device=False)
    tiers = [Tier("paid", paid, price=Price(1.0, 1.0)), Tier("other", ScriptedModel(["ok"]))][: 1 + heirs]
    with Copilot(tiers, **parts(own_home)) as copilot:
        answer = copilot.ask("hi")
    assert answer.attempts[0].outcome == "failed"
    assert answer.attempts[0].usage.prompt_tokens > 0
    assert answer.cost_usd > 0


async def test_a_closed_copilot_says_so(own_home: Path) -> None:
    copilot = AsyncCopilot([Tier("quick", ScriptedModel(["x"]))], **parts(own_home))
    await copilot.aclose()
    with pytest.raises(UsageError, match="closed"):
        await copilot.ask("hi")


def test_a_closed_synchronous_copilot_says_so(copilots: Any) -> None:
    copilot = copilots(["x"])
    copilot.close()
    with pytest.raises(UsageError, match="closed"):
        copilot.ask("hi")
    with pytest.raises(UsageError, match="closed"):
        list(copilot.stream("hi"))


def test_a_time_limit_is_not_waited_for_twice(copilots: Any) -> None:
    copilot = copilots(["UNSURE."], [Step(error=ModelTimeout("It did not begin in time."))])
    assert copilot.ask("hi").tier == "quick"
    assert len(copilot.model("deep").requests) == 1


def test_own_parts_fit_the_protocols() -> None:
    assert isinstance(ScriptedModel(["x"]), ChatModel)
    assert isinstance(TinyEmbedder(), Embedder)


def test_the_time_of_each_phase_is_recorded(copilots: Any) -> None:
    copilot = copilots([Step("a b c", delay=0.02)])
    started = time.perf_counter()
    answer = copilot.ask("hi")
    wall = (time.perf_counter() - started) * 1000
    ms = copilot.record.get(answer.turn_id).ms
    assert set(ms) >= {"retrieve", "choose", "model", "verify", "finish", "total"}
    assert 60 <= ms["model"] <= ms["total"] <= wall


def test_a_copilot_dropped_on_its_own_loop_does_not_wait_for_itself(own_home: Path) -> None:
    copilot = Copilot([Tier("quick", ScriptedModel(["x"]))], **parts(own_home))
    copilot.ask("hello")
    loop, model = copilot._loop, copilot.model("quick")

    async def drop() -> None:
        copilot._shut()  # as the garbage collector would, in the thread of the loop

    loop.run(drop())
    until(lambda: model.closed)  # type: ignore[attr-defined]


def test_a_copilot_used_within_its_own_work_is_told_so(own_home: Path) -> None:
    held: list[Copilot] = []

    @tool(effects="read")
    async def ask_again(question: str) -> str:
        """Ask.

        Args:
            question: what.
        """
        return held[0].ask(question).text

    model = ScriptedModel([Step("", calls=(ToolCall("c", "ask_again", {"question": "Why?"}),)), "Done."])
    with make_copilot(model, tools=[ask_again], **parts(own_home)) as copilot:
        held.append(copilot)
        answer = copilot.ask("Why?", thread="t")
        (step,) = copilot.record.get(answer.turn_id).tools
    assert answer.text == "Done."
    assert "would wait for itself" in step.result


def test_a_stream_dropped_on_the_own_loop_is_stopped(copilots: Any) -> None:
    copilot = copilots(stuck(1))
    events = [copilot.stream("count", thread="t")]
    next(events[0])
    copilot._loop._loop.call_soon_threadsafe(events.clear)
    until(lambda: copilot.record.turns("t")[0].status != "running")
    assert copilot.record.turns("t")[0].status == "stopped"


def test_when_a_middle_tier_fails_the_next_larger_one_is_asked(own_home: Path) -> None:
    small = ScriptedModel(["UNSURE small"], name="small")
    middle = ScriptedModel([Step(error=Unreachable("The cable is out."))], name="middle", repeat=True)
    large = ScriptedModel(["Sure.", Step(error=Unreachable("So is this one."))], name="large", repeat=True)
    tiers = [Tier("small", small), Tier("middle", middle), Tier("large", large)]
    with Copilot(tiers, **parts(own_home)) as copilot:
        answer = copilot.ask("hello")
        assert (answer.text, answer.tier) == ("Sure.", "large")
        assert [(a.tier, a.outcome) for a in answer.attempts] == [
            ("small", "discarded"),
            ("middle", "failed"),
            ("large", "accepted"),
        ]
        assert [n.code for n in answer.notices] == ["fallback"]
        small.steps = [*small.steps, "UNSURE again"]
        answer = copilot.ask("hello")
        assert (answer.text, answer.tier) == ("UNSURE again", "small")
        assert "degraded" in [n.code for n in answer.notices]


async def test_a_turn_that_was_stored_as_done_stays_done(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AsyncCopilot([Tier("quick", ScriptedModel(["Whole answer."]))], **parts(own_home)) as copilot:
        store = copilot.record.finish

        def store_and_cancel(row: Any, **how: Any) -> None:
            store(row, **how)
            if row.status == "done":
                asking.cancel()  # someone stops the turn before the answer is announced

        monkeypatch.setattr(copilot.record, "finish", store_and_cancel)
        asking = asyncio.create_task(copilot.ask("hello", thread="t"))
        with pytest.raises(asyncio.CancelledError):
            await asking
        (turn,) = copilot.record.turns("t")
        assert (turn.status, turn.text) == ("done", "Whole answer.")


def test_checkpoints_that_turns_left_behind_are_dropped(copilots: Any, own_home: Path) -> None:
    first = copilots(["x"])
    done = first.ask("hello")
    first.close()
    db = sqlite3.connect(own_home / "threads.sqlite")
    row = "INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id) VALUES (?, '', 'c')"
    db.executemany(row, [(done.turn_id,), ("a turn of another process",)])
    db.commit()
    copilots(["x"]).ask("hello")
    assert db.execute("SELECT thread_id FROM checkpoints").fetchall() == [("a turn of another process",)]
    db.close()
