"""Nothing that should be refused is accepted: every row is a real request to a real server."""

from __future__ import annotations

from collections.abc import Iterator

import abuse_auth
import abuse_kinds
import abuse_messages
import abuse_tenants
import abuse_tools
import abuse_wire
import pytest
from abuse_place import Case, Place, abused, wrong_with

KINDS = (abuse_auth, abuse_messages, abuse_tools, abuse_kinds, abuse_wire, abuse_tenants)
CASES: list[Case] = [case for kind in KINDS for case in kind.CASES]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with abused(tmp_path_factory.mktemp("abuse")) as place:
        yield place


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_what_should_be_refused_is(place: Place, case: Case) -> None:
    assert wrong_with(case, place) is None


def test_rows_have_names_of_their_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
