from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bag_of_words import BagOfWords
from benches.knowledge_parts import rest_of

from tierwise.knowledge import Knowledge
from tierwise.models.minilm import MiniLM


@pytest.fixture(scope="session")
def embedder() -> MiniLM:
    return MiniLM()


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """A busy machine opens an index slowly; that is no reason here to do without it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tierwise.knowledge.store.folder._OPEN_SECONDS", 60.0)
        yield


@pytest.fixture
def words() -> BagOfWords:
    return BagOfWords()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def knowledge(home: Path, embedder: MiniLM) -> Iterator[Knowledge]:
    opened = Knowledge(home, embedder)
    yield opened
    opened.close()


@pytest.fixture
def quick(home: Path, words: BagOfWords) -> Iterator[Knowledge]:
    """A knowledge whose embedder costs nothing."""
    opened = Knowledge(home, words)
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


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Forty files of five sections each, all with words of their own."""
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(40):
        (folder / f"file{i:02}.md").write_text(numbered(i * 5, i * 5 + 5))
    return folder


def numbered(start: int, end: int) -> str:
    """Markdown with one section a number, each long enough not to be joined with the next, and not like any other."""
    return "".join(f"## Part {j}\n\nThis is what item{j} is about. {rest_of(j)}\n\n" for j in range(start, end))
