"""A filter lets through what it says, and nothing else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

import pytest

from tierwise.knowledge import Filter

SOURCES = {  # path: collection, kind, date, modified, labels, access
    "/home/me/notes/today.md": ("home", "markdown", None, 200.0, ["work"], []),
    "/home/me/notes/old/a[1].txt": ("home", "text", None, 100.0, [], ["anna"]),
    "/home/me/notesbook.txt": ("home", "text", None, None, ["work", "tax"], ["ben", "anna"]),
    "/mail/letter.eml": ("mail", "mail", 50.0, 300.0, [], []),
    "https://example.org/guide/": ("web", "html", None, 250.0, [], []),
    "wiki:Page": ("web", "html", None, 260.0, ["it's"], ["100%"]),
}


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE sources (path, collection, kind, date, modified, labels, access)")
    rows = [(path, *values[:4], *map(json.dumps, values[4:])) for path, values in SOURCES.items()]
    connection.executemany("INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    yield connection
    connection.close()


def found(db: sqlite3.Connection, only: Filter) -> set[str]:
    where = only.where()
    if where is None:
        return set(SOURCES)
    sql = f"SELECT path FROM sources s WHERE 1 AND {where.sql}"
    return {path for (path,) in db.execute(sql, where.parameters)}


def test_an_empty_filter_is_no_condition() -> None:
    assert Filter().where() is None


@pytest.mark.parametrize(
    ("word", "paths"),
    [
        ("/home/me/notes/today.md", {"/home/me/notes/today.md"}),
        ("/home/me/notes", {"/home/me/notes/today.md", "/home/me/notes/old/a[1].txt"}),
        ("/home/me/notes/", {"/home/me/notes/today.md", "/home/me/notes/old/a[1].txt"}),
        ("/", {path for path in SOURCES if path.startswith("/")}),
        ("/home/*.txt", {"/home/me/notes/old/a[1].txt", "/home/me/notesbook.txt"}),
        ("/home/me/notes/old/a[1].txt", {"/home/me/notes/old/a[1].txt"}),
        ("notes/*.md", {"/home/me/notes/today.md"}),
        ("today.md", {"/home/me/notes/today.md"}),
        ("notes", {"/home/me/notes/today.md", "/home/me/notes/old/a[1].txt"}),
        ("https://example.org", {"https://example.org/guide/"}),
        ("https://example.org/guide/", {"https://example.org/guide/"}),
        ("wiki:Page", {"wiki:Page"}),
        ("wiki:*", {"wiki:Page"}),
        ("/nowhere", set()),
        ("' OR 1=1 --", set()),
    ],
)
def test_sources_by_name_folder_and_pattern(db: sqlite3.Connection, word: str, paths: set[str]) -> None:
    assert found(db, Filter(sources=(word,))) == paths


def test_several_of_a_kind_are_alternatives_and_different_ones_go_together(db: sqlite3.Connection) -> None:
    assert found(db, Filter(collections=("mail", "web"))) == {
        "/mail/letter.eml",
        "https://example.org/guide/",
        "wiki:Page",
    }
    assert found(db, Filter(sources=("/mail", "wiki:Page"), kinds=("html", "text"))) == {"wiki:Page"}
    assert found(db, Filter(labels=frozenset({"tax", "it's"}))) == {"/home/me/notesbook.txt", "wiki:Page"}


def test_a_document_s_own_date_goes_before_its_file_s(db: sqlite3.Connection) -> None:
    assert "/mail/letter.eml" in found(db, Filter(before=60.0))
    assert found(db, Filter(since=200.0, before=260.0)) == {"/home/me/notes/today.md", "https://example.org/guide/"}
    assert "/home/me/notesbook.txt" not in found(db, Filter(since=0.0))


def test_what_is_kept_for_readers_is_found_by_them_alone(db: sqlite3.Connection) -> None:
    everyone = {path for path, values in SOURCES.items() if not values[5]}
    assert found(db, Filter(access=frozenset())) == everyone
    assert found(db, Filter(access=frozenset({"anna"}))) == everyone | {
        "/home/me/notes/old/a[1].txt",
        "/home/me/notesbook.txt",
    }
    assert found(db, Filter(access=None)) == set(SOURCES)
