"""What every document that was read owes to what comes after it."""

from __future__ import annotations

from pathlib import Path

from tierwise.knowledge.document import Block, Document, Heading, Page

SAMPLES = Path(__file__).parents[1] / "data" / "documents"


def sample(name: str) -> bytes:
    """A document made by a real program; tests/data/documents/SOURCES.md says which."""
    return (SAMPLES / name).read_bytes()


def assert_well_formed(document: Document) -> None:
    """Spans lie within their page in their order, blocks do not overlap, and all of it can be stored."""
    for page in document.pages:
        page.text.encode()
        last = 0
        for heading in page.headings:
            assert last <= heading.start < heading.end <= len(page.text)
            assert heading.level >= 1
            last = heading.start
        last = 0
        for block in page.blocks:
            assert last <= block.start < block.end <= len(page.text)
            assert page.text[block.start : block.end].strip()
            last = block.end
    (document.title or "").encode()
    assert document.title is None or document.title.strip()


def titles(page: Page) -> list[tuple[int, str]]:
    """Headings as level and title."""
    return [(heading.level, heading.title) for heading in page.headings]


def said(page: Page, part: Block | Heading) -> str:
    """The text of a block or a heading."""
    return page.text[part.start : part.end]


def blocks(page: Page, kind: str) -> list[str]:
    """The texts of all blocks of a kind."""
    return [said(page, block) for block in page.blocks if block.kind == kind]
