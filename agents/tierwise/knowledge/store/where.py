"""A condition on the sources that a search may look at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Where:
    """An SQL condition on the table ``sources`` under the alias ``s``.

    Attributes:
        sql: the condition, with ``?`` for each parameter; it can stand after ``AND``.
        parameters: values in the order of their marks.
    """

    sql: str
    parameters: tuple[str | int | float, ...] = ()
