"""What a question is looked for by."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tierwise.knowledge.search.terms import MOST_TERMS, terms


def spelt(question: str) -> tuple[list[str], list[str]]:
    found = terms(question)
    return [t.text for t in found if t.spelling], [t.text for t in found if not t.spelling]


def test_common_words_are_looked_for_only_if_there_are_no_others() -> None:
    assert spelt("How do I descale the machine? The MACHINE!") == ([], ["descale", "machine"])
    assert spelt("who are you") == ([], ["who", "are", "you"])
    assert spelt("?!") == ([], [])


def test_names_that_only_machines_use_are_kept_whole() -> None:
    for name, text in (
        ("--no-ff", "no ff"),
        ("SQLITE_MAX_ATTACHED", "sqlite max attached"),
        ("core.fsmonitor", "core fsmonitor"),
        ("ORA-00942", "ora 00942"),
        ("/etc/fstab", "etc fstab"),
        ("std::move", "std move"),
        ("getUserName", "getusername"),
        ("FileNotFoundError", "filenotfounderror"),
        ("E3", "e3"),
        ("3.12.0", "3 12 0"),
    ):
        assert text in spelt(f"What does {name} mean?")[0], name


def test_ordinary_words_with_signs_are_not_names() -> None:
    assert spelt("e.g. a write-ahead log of 16 KiB and/or a well-known one in PostgreSQL")[0] == []


def test_what_stands_in_quotes_is_kept_whole() -> None:
    assert spelt('What does "fatal: bad object" mean?')[0] == ["fatal bad object"]
    assert spelt("Where is `git stash` told about?")[0] == ["git stash"]
    assert spelt("Was heißt „kein Speicherplatz“?")[0] == ["kein speicherplatz"]


@given(st.text(max_size=300))
def test_any_question_gives_few_plain_terms(question: str) -> None:
    found = terms(question)
    assert len(found) <= MOST_TERMS
    assert len({t.text for t in found}) == len(found)
    assert all('"' not in t.text and t.text.strip() for t in found)


def test_a_pasted_page_does_not_become_a_search_for_every_word() -> None:
    assert len(terms(" ".join(f"word{i}" for i in range(5000)))) == MOST_TERMS
