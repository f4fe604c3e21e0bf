"""What a search is limited to, as options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from tierwise.errors import InvalidInput

if TYPE_CHECKING:
    from tierwise.knowledge import Filter

Source = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="PATH", help="Search only this document, folder or pattern; again for more."),
]
Kind = Annotated[
    list[str] | None, typer.Option("--kind", metavar="KIND", help="Search only pdf, mail, code ...; again for more.")
]
Since = Annotated[str | None, typer.Option("--since", metavar="DAY", help="Search only what is from YYYY-MM-DD on.")]
Until = Annotated[str | None, typer.Option("--until", metavar="DAY", help="Search only what is up to YYYY-MM-DD.")]
Label = Annotated[
    list[str] | None, typer.Option("--label", metavar="LABEL", help="Search only what has this label; again for more.")
]


def limits(
    source: Sequence[str] | None = None,
    kind: Sequence[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    label: Sequence[str] | None = None,
) -> Filter | None:
    """The filter that the options describe; ``None`` if none was given.

    Raises:
        InvalidInput: for a kind that does not exist or a day that is none.
    """
    if not (source or kind or since or until or label):
        return None
    from tierwise.knowledge import Filter, Kind

    kinds: Any = get_args(Kind)
    for word in kind or ():
        if word not in kinds:
            raise InvalidInput(f"There is no kind {word!r} of documents.", fix=f"Use one of: {', '.join(kinds)}.")
    return Filter(
        sources=tuple(source or ()),
        kinds=tuple(kind or ()),  # type: ignore[arg-type]
        since=None if since is None else _midnight("--since", since, 0),
        before=None if until is None else _midnight("--until", until, 1),
        labels=frozenset(label or ()),
    )


def _midnight(name: str, word: str, later: int) -> float:
    """The local midnight with which a day begins, so many days later, in seconds since the epoch."""
    try:
        day = date.fromisoformat(word) + timedelta(days=later)
        return datetime.combine(day, time()).astimezone().timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidInput(f"{name} is {word!r}, which is no day.", fix="Write it as 2026-05-31.") from error
