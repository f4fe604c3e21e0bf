"""What the dial's window gets back from the record after a restart is what it had noted before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tierwise import DecisionRecord, Reason
from tierwise.record import Record
from tierwise.turns import Attempt


def turn(n: int, **changes: object) -> DecisionRecord:
    values = {"status": "done", "stage": "post", "final": "quick", "calibration": "c1", **changes}
    return DecisionRecord(f"turn{n}", "t", "How long?", created=float(n), **values)  # type: ignore[arg-type]


FAILED = Attempt(1, "quick", "m", "m", "discarded", "…", reasons=(Reason("loop", "It repeats itself."),))


@pytest.mark.parametrize(
    ("changes", "noted"),
    [
        ({"features": {"quick.gain": 0.3}}, [0.3]),
        ({"features": {"quick.gain": 0.3}, "locked": True}, []),
        ({"features": {"quick.gain": 0.3}, "offline": True}, []),
        ({"features": {"quick.gain": 0.3}, "calibration": "older"}, []),
        ({"features": {"quick.gain": 0.3}, "requested_tier": "quick"}, []),
        ({"stage": "pre", "final": "deep", "reasons": (Reason("gain", "…", 0.8, 0.5),)}, [0.8]),
        ({"final": "deep", "attempts": (FAILED,)}, [1.0]),
        ({"stage": "policy", "final": "deep", "reasons": (Reason("stays", "…", 1.0, 3.0),)}, []),
    ],
)
def test_a_turn_gives_back_what_it_put_in(changes: dict[str, object], noted: list[float], tmp_path: Path) -> None:
    record = Record(tmp_path)
    row = turn(1, **changes)
    record.start(row)
    record.finish(row)
    assert record.recent_gains("quick", "c1", 200) == noted
    record.close()


def test_the_latest_come_last_and_no_more_than_asked_for(tmp_path: Path) -> None:
    record = Record(tmp_path)
    for n in range(5):
        row = turn(n, features={"quick.gain": n / 10})
        record.start(row)
        record.finish(row)
    assert record.recent_gains("quick", "c1", 3) == pytest.approx([0.2, 0.3, 0.4])
    record.close()
