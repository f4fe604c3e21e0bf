"""What other projects do that ours is built around.

Each test passes as long as the installed version still does it, and fails when it no longer does: then the place that
it names can become simpler.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def still() -> Callable[[bool, str], None]:
    """``still(there, place)``: fail with the place that can be simplified if the fault is not there any more."""

    def check(there: bool, place: str) -> None:
        if not there:
            pytest.fail(f"gone: {place} can be simplified", pytrace=False)

    return check
