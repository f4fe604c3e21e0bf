"""Patterns: their plain form matches what the pattern matches, and their lengths are exact."""

from __future__ import annotations

import datetime
import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.models.schemas.formats import FORMATS
from tierwise.models.schemas.patterns import NotPlain, parse

ATOMS = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", "\\d", "\\w", "\\s", "\\.", "[a-c_]", "\\x41", "(?:ab|c)", "(b)"]
)
REPEATS = st.sampled_from(["", "", "?", "*", "+", "{2}", "{1,3}", "{2,}", "*?"])
SEQUENCES = st.lists(st.tuples(ATOMS, REPEATS).map("".join), max_size=4).map("".join)
PATTERNS = st.builds(
    lambda start, parts, end: start + "|".join(parts) + end,
    st.sampled_from(["^", ""]),
    st.lists(SEQUENCES, min_size=1, max_size=3),
    st.sampled_from(["$", ""]),
)
TEXTS = st.text("abcA_1. \n", max_size=6)


@given(PATTERNS, TEXTS)
def test_the_plain_form_matches_the_same_texts(pattern: str, text: str) -> None:
    found = parse(pattern)
    plain = re.sub(r"\\x\{([0-9a-f]+)\}", lambda m: f"\\U{int(m[1], 16):08x}", found.text)
    matches = re.fullmatch(plain, text) is not None
    assert matches == (re.search(pattern.replace("$", r"\Z"), text, re.ASCII) is not None)
    if matches:
        assert found.can_be(len(text), len(text))


@given(PATTERNS)
def test_repeats_that_are_cut_match_less_and_end(pattern: str) -> None:
    cut = parse(pattern, repeats=5)
    assert cut.bounded
    assert cut.lengths & ~parse(pattern).lengths == 0


def test_lengths_are_exact() -> None:
    assert not parse("^(a{2}|b{10})$").can_be(5, 7)
    assert parse("^(a{2}|b{10})$").can_be(5, 10)
    assert not parse("^(ab)*$").can_be(3, 3)
    assert not parse("^$").can_be(1, 5)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("^(?=a)b", "looks ahead"),
        ("^(?i)a", "sets a flag"),
        ("\\bword", "not in every dialect"),
        ("(a)\\1", "not in every dialect"),
        ("a(^b|c)", "an anchor"),
        ("a$b", "follows"),
        ("(a", "not closed"),
        ("a)", "closes nothing"),
        ("[a", "too early"),
        ("[z-a]", "backwards"),
        ("[[a]]", "sets"),
        ("a**", "repeated"),
        ("a{3,1}", "ends below"),
        ("a{2000}", "above 1000"),
        ("[^\\x00-\\uffff\\U0010ffff]", "not in every dialect"),
    ],
)
def test_what_dialects_do_not_share_is_named(pattern: str, words: str) -> None:
    with pytest.raises(NotPlain, match=words):
        parse(pattern)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_bounded(name: str) -> None:
    assert parse(FORMATS[name]).bounded


@given(st.dates(datetime.date(1000, 1, 1)))
def test_every_real_date_and_no_other(day: datetime.date) -> None:
    assert re.search(FORMATS["date"], day.isoformat())
    assert not re.search(FORMATS["date"], f"{day.year}-02-30")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", ["2024-02-29", "2000-02-29"], ["2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01"]),
        ("date-time", ["2024-05-01T10:00:00Z", "2024-05-01T10:00:00.5+02:00"], ["2024-05-01T24:00:00Z"]),
        ("time", ["23:59:59Z"], ["23:59:60Z", "24:00:00Z"]),
        ("duration", ["P3D", "PT2H30M", "P1DT5S"], ["P", "PT", "PT2H5S"]),
        ("ipv4", ["127.0.0.1", "255.255.255.255"], ["256.1.1.1", "1.1.1"]),
        ("uuid", [str(uuid.UUID(int=5))], ["123"]),
        ("email", ["ann.b@example.com"], ["ann@", "@example.com", "ann b@example.com"]),
        ("uri", ["https://example.com/a/b", "http://a"], ["example.com", "ftp://a"]),
    ],
)
def test_formats(name: str, good: list[str], bad: list[str]) -> None:
    assert all(re.search(FORMATS[name], text) for text in good)
    assert not any(re.search(FORMATS[name], text) for text in bad)
