"""The ledger as a person looks at it: the latest calls of all threads, and what was allowed when."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from tierwise.record import CallKey, Record
from tierwise.turns import DecisionRecord, ToolStep


def test_the_latest_calls_come_first_with_their_thread_and_time(own_home: Path) -> None:
    with closing(Record(own_home)) as record:
        for number, thread in enumerate(("a", "b", "a")):
            record.start(DecisionRecord(f"turn-{number}", thread, "q", "running", 1000.0))
            key = CallKey(f"turn-{number}", 0, 0)
            record.begin_call(key, f"tool-{number}", {"x": number}, may_repeat=False)
            if number != 1:
                record.end_call(key, ToolStep(0, 0, f"tool-{number}", {"x": number}, True, "done", 1.0))

        latest = record.recent_calls(2)
        assert [(call.entry.name, call.thread, call.entry.state) for call in latest] == [
            ("tool-2", "a", "over"),
            ("tool-1", "b", "begun"),
        ]
        assert time.time() - latest[0].at < 60
        assert [call.entry.name for call in record.recent_calls(2, skip=2)] == ["tool-0"]
        assert record.count_calls() == 3


def test_an_allowance_tells_since_when_and_for_which_tool(own_home: Path) -> None:
    with closing(Record(own_home)) as record:
        record.allow_tool("send", "as it is")
        (one,) = record.allowances()
        assert (one.tool, one.fingerprint) == ("send", "as it is")
        assert time.time() - one.given < 60
        record.forget_allowance("send")
        assert record.allowances() == []
