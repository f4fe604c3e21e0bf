"""Figures and words as people read them."""

from __future__ import annotations

import pytest

from tierwise.errors import InvalidInput
from tierwise_app.text import clean, duration, from_home, money, one_line, plural, since, size


def test_money():
    assert [money(x) for x in (0, 1.5, 0.25, 0.00123, 0.0000012)] == ["$0", "$1.50", "$0.25", "$0.0012", "$0.000001"]


def test_durations():
    assert [duration(x) for x in (3.2, 999, 1500, 61_000)] == ["3 ms", "999 ms", "1.5 s", "1 min 1 s"]


def test_sizes():
    assert [size(x) for x in (0, 999, 1000, 98_362_432, 2.4e9)] == ["0 B", "999 B", "1.0 kB", "98.4 MB", "2.4 GB"]


def test_plural():
    assert [plural(n, "turn") for n in (0, 1, 1200)] == ["0 turns", "1 turn", "1,200 turns"]


def test_clean_takes_out_what_a_terminal_would_obey():
    assert clean("a\x1b[31mb\x9b2Jc\r\nd\re\tf\x00") == "a[31mb2Jc\nd\ne\tf"
    assert one_line("a\n b\tc " * 100, 10) == "a b c a b…"


def test_since():
    assert since("2h", now=10_000) == 2_800
    assert since("1w", now=700_000) == 95_200
    assert since("2026-01-02") > since("2026-01-01")
    with pytest.raises(InvalidInput, match="30d"):
        since("yesterday")


def test_a_path_begins_at_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert from_home("/home/ada/papers/a.pdf") == "~/papers/a.pdf"
    assert from_home("/srv/a.pdf") == "/srv/a.pdf"
    assert from_home("https://example.org/home/ada") == "https://example.org/home/ada"
