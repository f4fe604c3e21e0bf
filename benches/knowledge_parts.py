"""What the measurements of ingesting share: a corpus that is made, an embedder that costs nothing, a look at a home."""

from __future__ import annotations

import random
import re
import sqlite3
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tierwise.knowledge import Knowledge
from tierwise.knowledge.store.index import Index

IN_FILE = 20
_SYLLABLES = ["ka", "lo", "mi", "ru", "te", "sa", "no", "vi", "de", "pu"]


class Cheap:
    """Counts words in bins: the same words make the same vector."""

    identity, dimension = "cheap:1", 64

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts, shape ``(len(texts), 64)``."""
        vectors = np.full((len(texts), self.dimension), 1e-3, np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                vector[zlib.crc32(word.encode()) % self.dimension] += 1
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def write_corpus(folder: Path, passages: int) -> None:
    """Files of twenty sections each, every section a passage with a word of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(passages // IN_FILE):
        write_file(folder / f"file{number:05}.md", number, "first")


def write_file(path: Path, number: int, word: str) -> None:
    """One file; ``word`` stands in its first section only."""
    parts = (
        f"## Part {item}\n\nThis is about item{item}{f' {word}' * (item % IN_FILE == 0)}. {rest_of(item)}\n\n"
        for item in range(number * IN_FILE, (number + 1) * IN_FILE)
    )
    path.write_text("".join(parts))


def rest_of(item: int) -> str:
    """Sentences of words that hardly any other item has, long enough to stay a passage of their own."""
    dice = random.Random(item)
    made = ["".join(dice.choices(_SYLLABLES, k=3)) for _ in range(48)]
    return " ".join(" ".join(made[i : i + 12]).capitalize() + "." for i in range(0, 48, 12))


def change_corpus(folder: Path, dice: random.Random, count: int) -> None:
    """Change, move and delete some files."""
    files = sorted(folder.rglob("*.md"))
    for path in dice.sample(files, min(count, len(files))):
        number = int(re.findall(r"\d+", path.name)[0])
        match dice.randrange(4):
            case 0:
                path.unlink()
            case 1:
                path.rename(path.with_name(f"moved{dice.randrange(10**6)}-{path.name[-8:]}"))
            case _:
                write_file(path, number, f"word{dice.randrange(10**6)}")


def problems(home: Path) -> list[str]:
    """What is wrong with a home that nobody uses, whatever its last ingest died of."""
    found = []
    with sqlite3.connect(home / "knowledge.sqlite") as sql:
        if (said := sql.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
            found.append(f"the database is damaged: {said[0]}")
        if sql.execute("PRAGMA foreign_key_check").fetchall():
            found.append("rows refer to what is not there")
        try:
            sql.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
        except sqlite3.DatabaseError as error:
            found.append(f"the index of words differs from the passages: {error}")
        for question, complaint in (
            ("SELECT count(*) FROM sources s WHERE passages != (SELECT count(*) FROM passages WHERE source = s.id)",
             "sources with more or fewer passages than they had"),
            ("SELECT count(*) FROM (SELECT 1 FROM passages GROUP BY source, position HAVING count(*) > 1)",
             "places with two passages"),
            ("SELECT count(*) FROM passages p JOIN pages g ON g.source = p.source AND g.number IS p.page"
             " WHERE substr(g.text, p.start + 1, p.end - p.start) != p.text", "passages that are not at their place"),
            ("SELECT count(*) FROM passages WHERE vector NOT IN (SELECT id FROM vectors)", "passages without a text"),
        ):  # fmt: skip
            if count := sql.execute(question).fetchone()[0]:
                found.append(f"{count} {complaint}")
    sql.close()
    return found


def differences(home: Path, reference: Path) -> list[str]:
    """What a finished home lacks or has too much, beside one that was filled without a break."""
    found = []
    contents = [_content(place) for place in (home, reference)]
    for what in contents[0]:
        ours, theirs = contents[0][what], contents[1][what]
        if missing := len(theirs - ours):
            found.append(f"{missing} {what} missing")
        if surplus := len(ours - theirs):
            found.append(f"{surplus} {what} too many")
    with sqlite3.connect(home / "knowledge.sqlite") as sql:
        rows = {row[0] for row in sql.execute("SELECT id FROM vectors")}
        if waiting := sql.execute("SELECT count(*) FROM vectors WHERE vector IS NULL").fetchone()[0]:
            found.append(f"{waiting} texts without a vector")
        ((uid,),) = sql.execute("SELECT value FROM meta WHERE key = 'index'")
    sql.close()
    index = Index(home / "chroma", uid, create=False)
    held = index.ids()
    if index.count() != len(held) or held != rows:
        found.append(f"the index lacks {len(rows - held)} vectors and has {len(held - rows)} too many")
    index.close()
    return found


def _content(home: Path) -> dict[str, set[object]]:
    with sqlite3.connect(home / "knowledge.sqlite") as sql:
        content: dict[str, set[object]] = {
            "sources": set(sql.execute("SELECT collection, path, hash FROM sources")),
            "passages": set(sql.execute("SELECT id, start, end, text FROM passages")),
            "vectors": set(sql.execute("SELECT hash, vector FROM vectors")),
        }
    sql.close()
    return content


def not_found(home: Path, dice: random.Random, count: int) -> int:
    """How many of some passages that have their vector a search for their own words does not find."""
    with sqlite3.connect(home / "knowledge.sqlite") as sql:
        texts = [
            row[0]
            for row in sql.execute(
                "SELECT p.text FROM passages p JOIN vectors v ON v.id = p.vector"
                " WHERE v.vector IS NOT NULL ORDER BY p.id"
            )
        ]
    sql.close()
    knowledge = Knowledge(home, Cheap())
    lost = 0
    for text in dice.sample(texts, min(count, len(texts))):
        words = text.split(".")[0]
        lost += all(words not in passage.text for passage in knowledge.search(words, k=20))
    knowledge.close()
    return lost
