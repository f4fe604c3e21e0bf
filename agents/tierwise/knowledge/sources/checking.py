"""A check for those who write a connector: that it keeps its contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tierwise.errors import InvalidInput
from tierwise.knowledge.sources.connector import Connector, Deleted
from tierwise.knowledge.sources.given import Unusable, item_of, usable
from tierwise.knowledge.sources.item import Cursor


@dataclass(frozen=True, slots=True)
class ConnectorReport:
    """What :func:`check_connector` found; ``problems`` is empty if all is well."""

    items: int
    deleted: int
    problems: tuple[str, ...]

    def raise_for_problems(self) -> None:
        """Fail a test that the connector does not pass.

        Raises:
            AssertionError: naming every problem.
        """
        if self.problems:
            raise AssertionError("The connector does not keep its contract:\n- " + "\n- ".join(self.problems))


def check_connector(
    make: Callable[[], Connector],
    *,
    change: Callable[[], Iterable[str]] | None = None,
    delete: Callable[[], Iterable[str]] | None = None,
) -> ConnectorReport:
    """Check that a connector keeps its contract, by crawling it.

    Crawls in full twice, which must give the same documents; then from the cursor, which must give what was changed and
    deleted meanwhile, and nothing when nothing was.

    Args:
        make: makes the connector; called for every crawl.
        change: changes some documents in the system and gives their ids.
        delete: deletes some documents in the system and gives their ids.
    """
    problems: list[str] = []
    first, cursor, _ = _crawled(make, None, problems)
    again, _, _ = _crawled(make, None, problems)
    if first != again:
        problems.append("Two full crawls without a change between give different documents.")
    deleted: set[str] = set()
    if cursor is not None:
        quiet, _, gone = _crawled(make, cursor, problems)
        if quiet or gone:
            problems.append("A crawl from the last cursor gives documents though nothing changed.")
    for what, act in (("changed", change), ("deleted", delete)):
        if act is None:
            continue
        ids = set(act())
        found, after, gone = _crawled(make, cursor, problems)
        deleted |= gone
        told = set(found) if what == "changed" else gone if cursor is not None else set(first) - set(found)
        if missing := sorted(ids - told):
            problems.append(f"A crawl from the cursor does not tell that {', '.join(missing)} was {what}.")
        cursor = after or cursor
    return ConnectorReport(len(first), len(deleted), tuple(dict.fromkeys(problems)))


def _crawled(
    make: Callable[[], Connector], cursor: str | None, problems: list[str]
) -> tuple[dict[str, bytes | str], str | None, set[str]]:
    """Documents by id, the last cursor, and what was deleted."""
    connector = make()
    if not isinstance(connector, Connector):
        problems.append("It has no name or no crawl().")
        return {}, None, set()
    items: dict[str, bytes | str] = {}
    deleted: set[str] = set()
    last = None
    for given in connector.crawl(cursor):
        try:
            change = usable(given)
        except Unusable as error:
            problems.append(str(error) if error.id is None else f"{error.id}: {error}")
            continue
        if isinstance(change, Cursor):
            last = change.value
        elif isinstance(change, Deleted):
            deleted.add(change.id)
        else:
            if cursor is None and change.id in items:
                problems.append(f"A full crawl gives {change.id} twice.")
            try:
                item_of(change, change.id).load()
            except InvalidInput as error:
                problems.append(f"{change.id}: {error.what}")
            items[change.id] = change.data
    return items, last, deleted
