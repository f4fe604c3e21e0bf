"""Files of questions with what is right, for calibration and benches.

A file that cannot be used is refused in one sentence that names the file, the line and the one thing to do; nothing is
repaired in silence.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tierwise.errors import InvalidInput
from tierwise.textfile import read_text
from tierwise.verify.grading import check_gold

_EXAMPLE = '{"question": "How many legs has a spider?", "gold": "8"}'
_TIERS = ("answers", "right")


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question and what is known about its answers.

    Attributes:
        id: all different in a file; the row's number, from 1, where none is given.
        question: as a person would ask it.
        gold: what is right, if it is known.
        grade: how an answer is compared with the gold (:func:`tierwise.verify.grading.grade`).
        kind: the user's own word for the kind of question, if one is given.
        answers: recorded answers, by tier.
        right: how good recorded answers were, by tier, in [0, 1].
    """

    id: str
    question: str
    gold: str | None = None
    grade: str = "auto"
    kind: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    right: Mapping[str, float] = field(default_factory=dict)


def read_questions(path: Path | str) -> list[LabelledQuestion]:
    """Read JSON Lines or CSV, plain or gzipped, in UTF-8.

    A row has ``question`` (or ``prompt``) and may have ``gold``, ``grade``, ``id``, ``kind``, ``answers`` and
    ``right``; everything else is passed over. In CSV, ``answers`` and ``right`` are JSON in a cell, or a column a tier:
    ``answers.deep``, ``right.deep``. A name with ``.csv`` in its endings is CSV, one with ``.jsonl`` is JSON Lines; any
    other is JSON Lines if it begins with a brace.

    Raises:
        InvalidInput: if the file cannot be read, is empty, or a row cannot be used.
    """
    path = Path(path)
    text = read_text(path)
    if not text.strip():
        raise InvalidInput(f"{path} is empty.", fix=f"Write a question on each line: {_EXAMPLE}")
    is_csv = ".csv" in path.suffixes or (".jsonl" not in path.suffixes and not text.lstrip().startswith("{"))
    found: list[LabelledQuestion] = []
    lines: dict[str, int] = {}
    for line, row in _csv_rows(path, text) if is_csv else _json_rows(path, text):
        question = _question(f"{path}, line {line}", row, len(found) + 1)
        if question.id in lines:
            raise InvalidInput(
                f"{path}, line {line}: the id {question.id!r} is already in line {lines[question.id]}.",
                fix="Give every question an id of its own.",
            )
        lines[question.id] = line
        found.append(question)
    if not found:
        raise InvalidInput(f"{path} has no questions.", fix="Give it at least one row.")
    return found


# -- files -------------------------------------------------------------------------------------------------------------


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):  # splitlines() would break at U+2028 inside a string
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            why = error.msg if isinstance(error, json.JSONDecodeError) else "it cannot be read"
            raise InvalidInput(f"{path}, line {number} is not JSON: {why}.", fix="Correct that line.") from error
        if not isinstance(row, dict):
            raise InvalidInput(f"{path}, line {number} is no JSON object.", fix=f"Write it like this: {_EXAMPLE}")
        yield number, row


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [str(name).strip() for name in reader.fieldnames or ()]
        if not {"question", "prompt"} & set(names):
            raise InvalidInput(
                f"{path}, line 1 has no column question; it has {', '.join(names)[:200]}.",
                fix="Give it a header with a column question (or prompt).",
            )
        reader.fieldnames = names
        for row in reader:
            line = reader.line_num
            if None in row or None in row.values():
                raise InvalidInput(
                    f"{path}, line {line} has {'more' if None in row else 'fewer'} cells than the header.",
                    fix="Correct that line; a cell with a comma or a line break needs quotes.",
                )
            yield line, _from_cells(f"{path}, line {line}", row)
    except csv.Error as error:
        raise InvalidInput(f"{path}, line {reader.line_num} is not CSV: {error}.", fix="Correct that line.") from error


def _from_cells(where: str, cells: Mapping[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {name: cell for name, cell in cells.items() if cell.strip()}
    for name in _TIERS:
        by_tier: dict[str, Any] = {}
        if name in row:
            try:
                by_tier = json.loads(row[name])
            except (ValueError, RecursionError) as error:
                raise InvalidInput(
                    f"{where}: {name} is no JSON.",
                    fix=f'Write {{"deep": ...}} in that cell, or use a column {name}.deep.',
                ) from error
        if isinstance(by_tier, dict):
            begin = f"{name}."
            columns = {key.removeprefix(begin): cell for key, cell in row.items() if key.startswith(begin)}
            row[name] = by_tier | (
                {tier: _as_number(cell) for tier, cell in columns.items()} if name == "right" else columns
            )
        else:
            row[name] = by_tier
    return row


def _as_number(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


# -- rows --------------------------------------------------------------------------------------------------------------


def _question(where: str, row: Mapping[str, Any], number: int) -> LabelledQuestion:
    question = row.get("question", row.get("prompt"))
    if not isinstance(question, str) or not question.strip():
        raise InvalidInput(f"{where} has no question.", fix=f"Write it like this: {_EXAMPLE}")
    gold = _as_text(where, row, "gold")
    grade = _as_text(where, row, "grade") or "auto"
    try:
        check_gold(gold, grade)
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error.what}", fix=error.fix) from error
    answers = _by_tier(where, row, "answers")
    for tier, answer in answers.items():
        if not isinstance(answer, str):
            raise InvalidInput(f"{where}: the answer of {tier!r} is no text.", fix="Put it in quotes.")
    right = _by_tier(where, row, "right")
    for tier, value in right.items():
        if not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= 1:
            raise InvalidInput(
                f"{where}: right of {tier!r} is {str(value)[:40]!r}, and no number from 0 to 1.",
                fix="Write 1 for a right answer and 0 for a wrong one.",
            )
    return LabelledQuestion(
        id=_as_text(where, row, "id") or str(number),
        question=question,
        gold=gold,
        grade=grade,
        kind=_as_text(where, row, "kind"),
        answers=answers,
        right={tier: float(value) for tier, value in right.items()},
    )


def _as_text(where: str, row: Mapping[str, Any], name: str) -> str | None:
    """Text as it is, a number or list as JSON; nothing and blanks are nothing."""
    value = row.get(name)
    if value is None or isinstance(value, str):
        return value if value and value.strip() else None
    if name in ("grade", "kind") or (name == "id" and not isinstance(value, int)):
        raise InvalidInput(f"{where}: {name} is no text.", fix="Put it in quotes.")
    return json.dumps(value, ensure_ascii=False)


def _by_tier(where: str, row: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = row.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(f"{where}: {name} is no JSON object.", fix=f'Write "{name}": {{"deep": ...}}.')
    return dict(value)
