"""Connectors: what they give, and that whatever they do costs only what they did not give."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.knowledge.sources import (
    Change,
    ConnectorItem,
    ConnectorOrigin,
    Cursor,
    CursorExpired,
    Deleted,
    Gone,
    Item,
    Trouble,
    check_connector,
)


@dataclass
class Scripted:
    """Gives what it was told; a callable is called, and may raise or wait."""

    given: list[Any]
    name: str = "scripted"
    asked: list[str | None] = field(default_factory=list)

    def crawl(self, cursor: str | None) -> Iterator[Any]:
        self.asked.append(cursor)
        for one in self.given:
            yield one() if callable(one) else one


def crawled(
    given: list[Any], known: list[str] | None = None, cursor: str | None = None, id_: str = "tickets:", **settings: Any
) -> list[Change]:
    origin = ConnectorOrigin(id_, lambda: Scripted(given), **settings)
    assert origin.count() is None
    return list(origin.changes(dict.fromkeys(known or []), cursor))


def item(id_: str, **values: Any) -> ConnectorItem:
    return ConnectorItem(id_, f"{id_}.md", f"What {id_} says.", **values)


def fails(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_an_item_comes_with_all_that_is_known_of_it() -> None:
    given = item("7", title="The  7th\n", modified=5.0, labels=frozenset({"urgent"}), access=frozenset({"ann"}))
    (found,) = crawled([given])
    assert isinstance(found, Item)
    assert (found.source, found.name, found.title, found.modified) == ("tickets:7", "7.md", "The 7th", 5.0)
    assert (found.labels, found.access) == ({"urgent"}, {"ann"})
    assert found.load() == b"What 7 says."
    assert found.stamp is None


def test_what_a_full_crawl_does_not_name_is_gone() -> None:
    known = ["tickets:1", "tickets:2", "tickets:other#1", "tickets2:1", "/tickets/1"]
    assert [type(c) for c in crawled([item("1")], known)] == [Item, Gone]
    assert crawled([item("1")], known)[1] == Gone("tickets:2")
    assert crawled([], known, id_="tickets:other") == [Gone("tickets:other#1")]


def test_an_incremental_crawl_takes_out_only_what_it_names() -> None:
    found = crawled([item("1"), Deleted("2"), Deleted("9"), Cursor("b")], ["tickets:1", "tickets:2", "tickets:3"], "a")
    assert [type(c) for c in found] == [Item, Gone, Cursor]
    assert found[1:] == [Gone("tickets:2"), Cursor("b")]


def test_arguments_and_ids_never_make_the_same_source() -> None:
    pairs = [("", "a#b"), ("a", "b"), ("a#b", ""), ("a%23b", "c"), ("a#b", "c"), ("a", "b#c"), ("", "a%23b")]
    made = {ConnectorOrigin(f"x:{argument}", lambda: Scripted([])).source(id_) for argument, id_ in pairs}
    assert len(made) == len(pairs)


@given(st.text(max_size=6), st.text(max_size=6), st.text(max_size=6), st.text(max_size=6))
def test_a_source_belongs_to_one_origin(one: str, first: str, two: str, second: str) -> None:
    def origin(argument: str) -> ConnectorOrigin:
        return ConnectorOrigin(f"x:{argument}", lambda: Scripted([]))

    if one != two:
        assert origin(one).source(first) != origin(two).source(second)
        assert list(origin(one).changes({origin(two).source(second): None}, None)) == []


@pytest.mark.parametrize(
    "error", [ValueError("no\nsuch table"), SystemExit(3), KeyboardInterrupt(), MemoryError(), RecursionError()]
)
def test_one_that_fails_is_named_and_what_was_stored_stays(error: BaseException) -> None:
    found = crawled([item("1"), fails(error), item("2")], ["tickets:1", "tickets:2"])
    assert [type(c) for c in found] == [Item, Trouble]
    assert isinstance(found[1], Trouble)
    assert found[1].source == "tickets:"
    assert type(error).__name__ in found[1].reason
    assert "\n" not in found[1].reason


def test_one_that_cannot_be_made_is_named() -> None:
    def broken() -> Scripted:
        raise ImportError("no module")

    (found,) = ConnectorOrigin("tickets:", broken).changes({"tickets:1": None}, None)
    assert isinstance(found, Trouble)


def test_one_that_hangs_is_left_behind() -> None:
    go_on = threading.Event()
    found = crawled([item("1"), go_on.wait, item("2")], ["tickets:2"], seconds=3)
    go_on.set()
    assert [type(c) for c in found] == [Item, Trouble]
    assert "nothing for 3 seconds" in found[1].reason  # type: ignore[union-attr]


def test_one_that_is_not_wanted_any_more_stops() -> None:
    ended = threading.Event()

    class Endless:
        name = "endless"

        def crawl(self, cursor: str | None) -> Iterator[ConnectorItem]:
            try:
                for number in range(1_000_000):
                    yield item(str(number))
            finally:
                ended.set()

    changes = ConnectorOrigin("endless:", Endless).changes({}, None)
    next(changes)
    changes.close()  # type: ignore[attr-defined]
    assert ended.wait(60)


@pytest.mark.parametrize(
    "nonsense",
    [None, 7, "text", ("1", "x"), item(""), item("\0"), item("a\nb"), item("\udce9"), item("x" * 501), Deleted("\0"),
     ConnectorItem(5, "a.md", "x"), Cursor("")],  # type: ignore[arg-type]
)  # fmt: skip
def test_nonsense_is_set_aside_and_nothing_is_taken_for_gone(nonsense: Any) -> None:
    found = crawled([item("1"), nonsense, item("2"), Cursor("c")], ["tickets:1", "tickets:3"])
    assert [type(c) for c in found] == [Item, Trouble, Item]


@pytest.mark.parametrize(
    "values",
    [
        {"access": "ann"},
        {"access": None},
        {"access": {"ann": 1}},
        {"access": [1]},
        {"labels": "urgent"},
        {"labels": ["a\0"]},
        {"modified": "yesterday"},
        {"modified": float("nan")},
        {"title": 5},
    ],
)
def test_an_item_that_is_half_right_is_set_aside_by_its_name(values: dict[str, Any]) -> None:
    found = crawled([item("1", **values), item("2")], ["tickets:1", "tickets:3"])
    assert [type(c) for c in found] == [Trouble, Item, Gone]
    assert found[0].source == "tickets:1"  # type: ignore[union-attr]
    assert found[2] == Gone("tickets:3")


def test_nonsense_without_end_ends() -> None:
    found = crawled([None] * 100_000)
    assert 10 < len(found) < 100
    assert "too much" in found[-1].reason  # type: ignore[union-attr]


def test_a_cursor_comes_after_all_before_it_and_never_from_half_a_crawl() -> None:
    assert [type(c) for c in crawled([item("1"), Cursor("a"), item("2"), Cursor("b")])] == [Item, Cursor, Item, Cursor]
    # Something is stored: were the first cursor kept, a crawl cut short would never tell that 9 is gone.
    found = crawled([item("1"), Cursor("a"), item("2"), Cursor("b")], ["tickets:9"])
    assert [type(c) for c in found] == [Item, Item, Gone, Cursor]
    assert found[-1] == Cursor("b")
    cut = crawled([item("1"), Cursor("a"), fails(OSError("gone"))], ["tickets:9"])
    assert [type(c) for c in cut] == [Item, Trouble]


@pytest.mark.parametrize(
    ("known", "full", "asked"),
    [(["tickets:1"], False, "a"), (["tickets:1"], True, None), (["tickets:x#1"], False, None)],
)
def test_who_has_nothing_or_wants_everything_does_not_go_on_from_a_cursor(
    known: list[str], full: bool, asked: str | None
) -> None:
    connector = Scripted([])
    list(ConnectorOrigin("tickets:", lambda: connector, full=full).changes(dict.fromkeys(known), "a"))
    assert connector.asked == [asked]


def test_a_cursor_that_expired_leads_to_a_full_crawl() -> None:
    class Forgetful(Scripted):
        def crawl(self, cursor: str | None) -> Iterator[Any]:
            if cursor is not None:
                raise CursorExpired
            return super().crawl(cursor)

    found = list(
        ConnectorOrigin("tickets:", lambda: Forgetful([item("1")])).changes(dict.fromkeys(["tickets:2"]), "old")
    )
    assert [type(c) for c in found] == [Item, Gone]
    (trouble,) = crawled([fails(CursorExpired())])
    assert isinstance(trouble, Trouble)


def test_what_a_connector_prints_stays_out_of_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    crawled([lambda: print("debugging") or item("1")])
    assert capsys.readouterr().out == ""


# -- the check for those who write one ---------------------------------------------------------------------------------


@dataclass
class Shelf:
    """A system with changes numbered from 1."""

    rows: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    now: int = 0

    def put(self, id_: str, text: str | None) -> list[str]:
        self.now += 1
        self.rows[id_] = (self.now, text)
        return [id_]


class ShelfConnector:
    name = "shelf"

    def __init__(self, shelf: Shelf, *, deletions: bool = True, exact: bool = True, twice: bool = False) -> None:
        self.shelf, self.deletions, self.exact, self.twice = shelf, deletions, exact, twice

    def crawl(self, cursor: str | None) -> Iterator[ConnectorItem | Deleted | Cursor]:
        since = int(cursor or 0) - (not self.exact)
        for id_, (changed, text) in self.shelf.rows.items():
            if changed > since and text is not None:
                yield from [ConnectorItem(id_, f"{id_}.txt", text)] * (2 if self.twice else 1)
            elif changed > since and cursor is not None and self.deletions:
                yield Deleted(id_)
        yield Cursor(str(self.shelf.now))


@pytest.mark.parametrize(
    ("faults", "problem"),
    [
        ({}, None),
        ({"deletions": False}, "b was deleted"),
        ({"exact": False}, "though nothing changed"),
        ({"twice": True}, "gives a twice"),
    ],
)
def test_the_check_finds_what_is_wrong(faults: dict[str, bool], problem: str | None) -> None:
    shelf = Shelf()
    shelf.put("a", "One.")
    shelf.put("b", "Two.")
    report = check_connector(
        lambda: ShelfConnector(shelf, **faults),
        change=lambda: shelf.put("a", "Uno."),
        delete=lambda: shelf.put("b", None),
    )
    if problem is None:
        report.raise_for_problems()
        assert (report.items, report.deleted) == (2, 1)
    else:
        with pytest.raises(AssertionError, match=problem):
            report.raise_for_problems()


def test_the_check_names_what_could_not_be_taken() -> None:
    report = check_connector(lambda: Scripted([item("1", access="ann"), None, ConnectorItem("2", "2.md", " ")]))
    assert len(report.problems) == 3
