"""Tables of recorded results: what was asked, how well each model did, and what the weak one answered.

CSV with a header, plain or gzipped. A file that cannot be used is refused in one sentence that names the file, the
line and the one thing to do; nothing is repaired in silence.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tierwise.errors import InvalidInput
from tierwise.textfile import read_text

Floats = NDArray[np.float64]
LABELS = ("weak_correct", "strong_correct")


@dataclass(frozen=True)
class Prompts:
    """Questions to score.

    Attributes:
        name: the file's name without endings.
        ids: all different.
        prompts: as the router sees them.
        responses: what the weak model answered, ``None`` for a row without an answer.
    """

    name: str
    ids: tuple[str, ...]
    prompts: tuple[str, ...]
    responses: tuple[str | None, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Which rows have an answer, shape ``(n,)``."""
        return np.array([r is not None for r in self.responses] or [False] * len(self), bool)

    def with_responses(self, responses: Mapping[str, str]) -> Prompts:
        """The same rows with the answers of this mapping from id to text."""
        return replace(self, responses=tuple(responses.get(id_) for id_ in self.ids))


@dataclass(frozen=True)
class Table(Prompts):
    """Questions with results.

    Attributes:
        weak: quality of the weak model's answers, in [0, 1], shape ``(n,)``.
        strong: the same of the strong model.
        scale: what results were divided by: 1, or the range of a scale such as 1 to 10.
    """

    weak: Floats = field(default_factory=lambda: np.zeros(0))
    strong: Floats = field(default_factory=lambda: np.zeros(0))
    scale: float = 1.0

    @property
    def gain(self) -> Floats:
        """Strong minus weak, in [-1, 1]."""
        made: Floats = self.strong - self.weak
        return made


def read_prompts(path: Path | str) -> Prompts:
    """Read ``id`` and ``prompt``; every other column is ignored.

    Raises:
        InvalidInput: if the file cannot be used.
    """
    rows = _rows(Path(path), ("id", "prompt"))
    return Prompts(_name(path), tuple(r["id"] for _, r in rows), tuple(r["prompt"] for _, r in rows))


def read_table(path: Path | str) -> Table:
    """Read ``id``, ``prompt``, ``weak_correct`` and ``strong_correct``; every other column is ignored.

    Results may be 0 and 1, shares between, or any other scale (1 to 10): such a one is brought to [0, 1] by its range
    in this file.

    Raises:
        InvalidInput: if the file cannot be used.
    """
    path = Path(path)
    rows = _rows(path, ("id", "prompt", *LABELS))
    values = np.array([[_number(path, line, row, label) for label in LABELS] for line, row in rows])
    low, high = min(0.0, float(values.min())), max(1.0, float(values.max()))
    scale = high - low
    weak, strong = (values - low).T / scale
    ids, prompts = tuple(r["id"] for _, r in rows), tuple(r["prompt"] for _, r in rows)
    return Table(_name(path), ids, prompts, weak=weak, strong=strong, scale=scale)


def read_responses(paths: Sequence[Path | str]) -> dict[str, str]:
    """Read ``id`` and ``weak_response`` of one or more files.

    Raises:
        InvalidInput: if a file cannot be used, or an id comes twice.
    """
    found: dict[str, str] = {}
    for path in paths:
        for line, row in _rows(Path(path), ("id", "weak_response")):
            if row["id"] in found:
                raise InvalidInput(
                    f"{path}, line {line}: there is already an answer for the id {row['id']!r}.",
                    fix="Give each answer once.",
                )
            found[row["id"]] = row["weak_response"]
    return found


def read_scores(path: Path | str) -> dict[str, float]:
    """Read ``id`` and ``score``.

    Raises:
        InvalidInput: if the file cannot be used.
    """
    path = Path(path)
    return {row["id"]: _number(path, line, row, "score") for line, row in _rows(path, ("id", "score"))}


def write_scores(path: Path | str, ids: Sequence[str], scores: Floats) -> None:
    """Write ``id,score``, gzipped if the name ends in ``.gz``.

    Raises:
        InvalidInput: if the file cannot be written.
    """
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(("id", "score"))
    writer.writerows((id_, f"{score:.6f}") for id_, score in zip(ids, scores, strict=True))
    data = made.getvalue().encode()
    try:
        Path(path).write_bytes(gzip.compress(data, mtime=0) if str(path).endswith(".gz") else data)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.", fix="Choose another place.") from error


def join(rows: Prompts, responses: Mapping[str, str], where: str) -> Prompts:
    """The rows with their answers.

    Raises:
        InvalidInput: if no answer belongs to any row.
    """
    joined = rows.with_responses(responses)
    if not joined.answered.any():
        example = next(iter(responses), "")
        raise InvalidInput(
            f"No answer in {where} belongs to a row of {rows.name}: the ids differ ({example!r}, {rows.ids[0]!r}).",
            fix="Give the responses of the same table.",
        )
    return joined


# -- reading -----------------------------------------------------------------------------------------------------------


def _rows(path: Path, wanted: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Line number and wanted columns of each row; ids are there and differ, as do prompts' texts from nothing."""
    text = read_text(path)
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.DictReader(io.StringIO(text, newline=""))
    found, seen = list[tuple[int, dict[str, str]]](), dict[str, int]()
    try:
        there = reader.fieldnames or ()
        missing = [name for name in wanted if name not in there]
        if not text.strip():
            raise InvalidInput(f"{path} is empty.", fix=f"Give a CSV file with the columns {', '.join(wanted)}.")
        if missing:
            raise InvalidInput(
                f"{path} has no column {', '.join(missing)}; it has {', '.join(map(str, there))[:200]}.",
                fix=f"Give a CSV file with the columns {', '.join(wanted)}.",
            )
        for row in reader:
            line, kept = reader.line_num, {}
            for name in wanted:
                if row[name] is None:
                    raise InvalidInput(
                        f"{path}, line {line} is cut short: {name} is missing.", fix="Complete that line."
                    )
                kept[name] = row[name]
            if not kept["id"].strip():
                raise InvalidInput(f"{path}, line {line} has no id.", fix="Give every row an id of its own.")
            if kept["id"] in seen:
                raise InvalidInput(
                    f"{path}, line {line}: the id {kept['id']!r} is already in line {seen[kept['id']]}.",
                    fix="Give every row an id of its own.",
                )
            if "prompt" in kept and not kept["prompt"].strip():
                raise InvalidInput(f"{path}, line {line} has an empty prompt.", fix="Leave that row out.")
            seen[kept["id"]] = line
            found.append((line, kept))
    except csv.Error as error:
        raise InvalidInput(f"{path}, line {reader.line_num} is not CSV: {error}.", fix="Correct that line.") from error
    if not found:
        raise InvalidInput(f"{path} has a header and no rows.", fix="Give a table with rows.")
    return found


def _number(path: Path, line: int, row: Mapping[str, str], name: str) -> float:
    try:
        value = float(row[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInput(
            f"{path}, line {line}: {name} is {row[name][:40]!r}, which is no number.",
            fix="Correct or leave out that row.",
        )
    return value


def _name(path: Path | str) -> str:
    return Path(path).name.removesuffix(".gz").removesuffix(".csv")
