"""A connector as an origin: whatever it does, what was stored stays, and nobody waits for it forever."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any

from tierwise.errors import TierwiseError
from tierwise.knowledge.sources.connector import Connector, CursorExpired, Deleted
from tierwise.knowledge.sources.given import Unusable, item_of, usable
from tierwise.knowledge.sources.item import Change, Cursor, Gone, Trouble
from tierwise_tools.packages.quiet import stdout_to_stderr
from tierwise_tools.text import first_line

SECONDS = 120.0
_AHEAD = 4  # documents that a connector may be ahead of the ingest: each may hold fifty megabytes
_MOST_UNUSABLE = 50


@dataclass(frozen=True, slots=True)
class _Ended:
    """The crawl is over, well if ``error`` is ``None``."""

    error: BaseException | None = None


@dataclass(frozen=True)
class ConnectorOrigin:
    """The documents that a connector gives.

    Attributes:
        id: ``NAME:ARGUMENT``; sources are called ``NAME:ARGUMENT#ID``, or ``NAME:ID`` if there is no argument.
        open: makes the connector; called once a crawl, from the thread that crawls.
        full: ask for everything, whatever was asked before.
        seconds: how long it may take to start, and between two documents.
    """

    id: str
    open: Callable[[], Connector]
    _: KW_ONLY
    full: bool = False
    seconds: float = SECONDS

    def changes(self, known: Mapping[str, str | None], cursor: str | None) -> Iterator[Change]:
        """What the connector gives, until it ends, fails or hangs; then, of a full crawl that ended, what is gone."""
        stored = {source for source in known if self._is_mine(source)}
        if self.full or not stored:  # all of it may have been removed by hand
            cursor = None
        try:
            yield from self._crawl(stored, cursor)
        except CursorExpired:
            if cursor is not None:
                yield from self._crawl(stored, None)
            else:
                yield self._failed("It calls a cursor expired that it was not given.")

    def count(self) -> None:
        """Not known ahead."""
        return

    def source(self, id_: str) -> str:
        """What a document is called among the sources."""
        return self._prefix + _plain(id_)

    @property
    def _prefix(self) -> str:
        name, _, argument = self.id.partition(":")
        return f"{name}:{_plain(argument)}#" if argument else f"{name}:"

    def _is_mine(self, source: str) -> bool:
        return source.startswith(self._prefix) and "#" not in source[len(self._prefix) :]

    def _crawl(self, stored: set[str], cursor: str | None) -> Iterator[Change]:
        full, sure, unusable = cursor is None, True, 0
        seen: set[str] = set()
        # A full crawl that is cut short must not go on as one of changes: what is gone would never be told.
        held: Cursor | None = None
        for given in self._given(cursor):
            if isinstance(given, _Ended):
                if isinstance(given.error, CursorExpired):
                    raise given.error
                if given.error is not None:
                    yield self._failed(_told(given.error))
                    return
                break
            try:
                change = usable(given)
            except Unusable as error:
                sure = sure and error.id is not None
                unusable += 1
                if error.id is not None:
                    seen.add(self.source(error.id))
                yield self._trouble(self.id if error.id is None else self.source(error.id), str(error))
                if unusable == _MOST_UNUSABLE:
                    yield self._failed("It gives too much that cannot be used.")
                    return
                continue
            if isinstance(change, Cursor):
                if full and stored:
                    held = change
                elif sure:
                    yield change
                continue
            source = self.source(change.id)
            if isinstance(change, Deleted):
                if source in stored or source in seen:
                    yield Gone(source)
                seen.discard(source)
                stored.discard(source)
            else:
                seen.add(source)
                yield item_of(change, source)
        if full and sure:
            yield from (Gone(source) for source in sorted(stored - seen))
        if held is not None and sure:
            yield held

    def _given(self, cursor: str | None) -> Iterator[Any]:
        """What the connector gives, from a thread that is left behind if it hangs; then how it ended."""
        given: Queue[Any] = Queue(_AHEAD)
        closed = Event()

        def put(value: Any) -> bool:
            while not closed.is_set():
                try:
                    given.put(value, timeout=0.5)
                except Full:
                    continue
                return True
            return False

        def work() -> None:
            ended = _Ended()
            try:
                with stdout_to_stderr():
                    for value in self.open().crawl(cursor):
                        if not put(value):
                            return
            except BaseException as error:  # it is somebody else's code: it may raise anything
                ended = _Ended(error)
            put(ended)

        Thread(target=work, name=f"connector {self.id}", daemon=True).start()
        try:
            while True:
                try:
                    value = given.get(timeout=self.seconds)
                except Empty:
                    yield _Ended(TimeoutError(f"it gave nothing for {self.seconds:g} seconds"))
                    return
                yield value
                if isinstance(value, _Ended):
                    return
        finally:
            closed.set()

    def _failed(self, reason: str) -> Trouble:
        return self._trouble(self.id, f"{reason} What is stored of it is kept.")

    def _trouble(self, source: str, reason: str) -> Trouble:
        return Trouble(source, reason, f"Ask whoever keeps the connector {self.id.partition(':')[0]!r}.")


def _plain(text: str) -> str:
    """Text without ``#``, which stands between an argument and an id; two texts never become the same."""
    return text.replace("%", "%25").replace("#", "%23")


def _told(error: BaseException) -> str:
    if isinstance(error, TierwiseError):
        return str(error)
    line = first_line(error)[:300]
    return f"The connector failed: {type(error).__name__}{f': {line}' if line else ''}."
