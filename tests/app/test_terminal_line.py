"""A question in a thread that is being answered: it waits and says so, or is refused."""

from __future__ import annotations

from tierwise import events as ev
from tierwise.record import Record
from tierwise.turns import DecisionRecord
from tierwise_app.live import TurnView


def test_how_many_come_first_is_told() -> None:
    view, said = TurnView(), []
    view._status.show = said.append
    for ahead, seconds in ((2, None), (1, 200.0)):
        view.show(ev.TurnQueued(turn_id="t", seq=1, ahead=ahead, seconds=seconds))
    view.show(ev.AttemptStarted(turn_id="t", seq=2, attempt=1, tier="quick", model="m"))
    view.show(ev.AttemptQueued(turn_id="t", seq=3, attempt=1, ahead=2, seconds=14.2))
    assert [one for one in said if "first" in one] == [
        "this thread is being answered: 2 messages come first",
        "this thread is being answered: 1 message comes first, about 3 min",
        "quick is busy: 2 requests come first, about 14 s",
    ]


def test_a_busy_thread_that_refuses_is_one_sentence_and_nothing_is_stored(cli) -> None:
    cli.serve(["Fine."])
    config = cli.home / "tierwise.toml"
    config.write_text(f'busy_thread = "refuse"\n{config.read_text()}')
    record = Record(cli.home)  # this process answers in the thread
    record.start(DecisionRecord("running", "t", "First?", "running", 1.0))
    ran = cli("ask", "Second?", "--thread", "t")
    assert ran.code == 1
    assert "Thread t is being answered." in ran.err
    assert "Traceback" not in ran.err
    assert [turn.asked for turn in record.turns("t")] == ["First?"]
    record.finish(DecisionRecord("running", "t", "First?", "done", 1.0, text="Yes.", final="quick"))
    record.close()
    assert cli("ask", "Second?", "--thread", "t").code == 0
