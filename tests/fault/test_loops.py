"""Models that never come to an end."""

from __future__ import annotations

from pathlib import Path

import pytest
from benches.faults.loops import SCRIPTS, run


@pytest.mark.parametrize("name", [*SCRIPTS, "repeats"])
async def test_it_is_stopped_and_the_question_is_answered(name: str, tmp_path: Path) -> None:
    assert list((await run(name, tmp_path)).wrong()) == []
