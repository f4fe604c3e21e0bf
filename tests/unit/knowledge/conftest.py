from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tierwise.knowledge import Knowledge
from tierwise.models.minilm import MiniLM


@pytest.fixture(scope="session")
def embedder() -> MiniLM:
    return MiniLM()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def knowledge(home: Path, embedder: MiniLM) -> Iterator[Knowledge]:
    opened = Knowledge(home, embedder)
    yield opened
    opened.close()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder with three small documents."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "boiler.txt").write_text("The expansion vessel of the boiler was replaced on 19 December 2022.\n")
    (folder / "huts.md").write_text(
        "# Huts\n\nA week in the mountains.\n\n## Saddle Hut\n\nIt has eighteen places and takes cash only.\n\n"
        "## Lake Hut\n\nIt has sixty places and a washing machine.\n"
    )
    (folder / "coffee.html").write_text(
        "<html><head><title>Coffee machine</title></head><body><h1>Care</h1><p>Descale with citric acid, never with"
        " vinegar.</p></body></html>"
    )
    return folder
