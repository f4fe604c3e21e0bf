"""An installed tool package for tests of whole programs: what its tools do is seen in a file."""

from __future__ import annotations

from pathlib import Path

_SOURCE = '''
"""Notes."""

import time
from pathlib import Path

from tierwise_tools import ToolContext, ToolError, tool

NOTES = Path({notes!r})


@tool(effects="write")
def note(text: str, copies: int = 1) -> str:
    """Write a note down.

    Args:
        text: what it says.
        copies: how many.
    """
    if copies > 9:
        raise ToolError("that is too many copies; take at most 9")
    with NOTES.open("a", encoding="utf-8") as file:
        file.write((text + "\\n") * copies)
    return f"noted: {{text}}"


@tool(effects="write")
def stuck(text: str) -> str:
    """Write a note down and never come back.

    Args:
        text: what it says.
    """
    note(text)
    time.sleep(60)
    return "late"


@tool(effects="read")
def count(context: ToolContext) -> int:
    """Count the notes."""
    context.progress("counting")
    return len(NOTES.read_text(encoding="utf-8").splitlines()) if NOTES.exists() else 0


TOOLS = [note, stuck, count]
'''


def install_notes(site: Path, notes: Path) -> None:
    """Install the package ``acme-notes``, with the tools ``note``, ``stuck`` and ``count``.

    Args:
        site: folder to be on the path of Python.
        notes: the file that its tools write.
    """
    about = site / "acme_notes-1.2.dist-info"
    about.mkdir(parents=True)
    (site / "acme_notes.py").write_text(_SOURCE.format(notes=str(notes)), encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-notes\nVersion: 1.2\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[tierwise.tools]\nnotes = acme_notes:TOOLS\n", encoding="utf-8")
