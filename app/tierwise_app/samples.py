"""The sample documents, and questions on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

COLLECTION = "demo"
DOCS = "demo-docs"  # apart from the sample documents: the docs quote them, and would be found in their place
TRY_QUESTION = "When does the tenancy begin?"


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the demo, and what it is there to show."""

    shows: str
    text: str
    lock: bool = False


QUESTIONS = (
    Question("from a manual", "How many months does the warranty of the coffee machine last?"),
    Question("from a PDF", "What does a lost house key cost?"),
    Question(
        "to be worked out from a table: too hard for the small model",
        "By how many metres did day 4 climb more than day 6?",
    ),
    Question("the same, locked to this device", "By how many metres did day 4 climb more than day 6?", lock=True),
)


def documents() -> list[tuple[Path, str]]:
    """Folders and their collections: the sample documents, and the project's own docs where this runs from a clone."""
    package = Path(__file__).resolve().parent
    clone = package.parent.parent
    if (clone / "pyproject.toml").is_file() and (clone / "examples" / "documents").is_dir():
        return [(clone / "examples" / "documents", COLLECTION), (clone / "docs", DOCS)]
    return [(package / "sample_documents", COLLECTION)]
