"""A connector of your own: tickets of a SQLite file, in full the first time and then only what changed."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tierwise.knowledge import ConnectorItem, ConnectorOrigin, Cursor, Deleted, Knowledge, check_connector
from tierwise.models import MiniLM


class Tickets:
    """Tickets with a title, a text, the team that may read them, and the number of their last change."""

    name = "tickets"

    def __init__(self, path: Path) -> None:
        self._path = path

    def crawl(self, cursor: str | None) -> Iterator[ConnectorItem | Deleted | Cursor]:
        """All tickets, or those that changed after ``cursor``."""
        with closing(sqlite3.connect(self._path)) as database:
            rows = database.execute(
                "SELECT id, title, text, team, status, change FROM tickets WHERE change > ? ORDER BY change",
                (int(cursor or 0),),
            )
            for id_, title, text, team, status, change in rows:
                if status != "deleted":
                    labels, access = frozenset({status}), frozenset({team})
                    yield ConnectorItem(str(id_), f"{id_}.md", text, title, labels=labels, access=access)
                elif cursor is not None:  # a full crawl tells it by not giving the ticket
                    yield Deleted(str(id_))
                yield Cursor(str(change))


class TicketSystem:
    """Stands for the system where people write the tickets."""

    def __init__(self, path: Path) -> None:
        self._path, self._change = path, 0
        self._do("CREATE TABLE tickets (id INTEGER PRIMARY KEY, title, text, team, status, change)")

    def put(self, id_: int, title: str, text: str, status: str = "open", team: str = "support") -> list[str]:
        self._change += 1
        self._do("REPLACE INTO tickets VALUES (?, ?, ?, ?, ?, ?)", id_, title, text, team, status, self._change)
        return [str(id_)]

    def _do(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self._path)) as database, database:
            database.execute(statement, values)


with tempfile.TemporaryDirectory() as folder:
    system = TicketSystem(Path(folder, "tickets.db"))
    system.put(1, "Printer", "The printer on the second floor eats paper. Clean roller B.")
    system.put(2, "Coffee", "The coffee machine shows E4: the water tank is missing.")

    # An installed package names a function that makes it under the entry point group "tierwise.connectors", and
    # `tierwise ingest tickets:/path/to/tickets.db` does what follows. `tierwise sources new` begins such a package.
    origin = ConnectorOrigin("tickets:", lambda: Tickets(Path(folder, "tickets.db")))
    with closing(Knowledge(Path(folder, "home"), MiniLM())) as knowledge:
        report = knowledge.ingest_from([origin], collection="tickets")
        print(f"{report.added} added")
        print(knowledge.search("What does E4 mean?", k=1)[0].source)

        system.put(1, "Printer", "The printer on the second floor was replaced.", status="solved")
        system.put(2, "", "", status="deleted")
        report = knowledge.ingest_from([origin], collection="tickets")
        print(f"{report.changed} changed, {report.removed} removed")
        (ticket,) = knowledge.sources("tickets")
        print(ticket.title, *ticket.labels, *ticket.access)

    check_connector(
        lambda: Tickets(Path(folder, "tickets.db")),
        change=lambda: system.put(1, "Printer", "It eats paper again."),
        delete=lambda: system.put(1, "", "", status="deleted"),
    ).raise_for_problems()
    print("keeps its contract")
