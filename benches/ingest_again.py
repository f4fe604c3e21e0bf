"""The first ingest beside those that follow: nothing changed, a line changed, the folder moved; and memory.

    python -m benches.ingest_again [--corpus DIR | --passages 10000] [--made-vectors]

With the real embedder; with ``--made-vectors`` it is loaded and run on one text of each batch only, which is enough to
see the memory. Bars: the second run over an unchanged tree is at least 50 times as fast as the first; a changed
line embeds one or two passages, a moved folder none; at most 700 MB of memory, the reader's process counted apart.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benches.knowledge_parts import write_corpus
from tierwise.knowledge import Knowledge
from tierwise.models.minilm import MiniLM

_MB = 1024  # ru_maxrss counts KiB


class Loaded(MiniLM):
    """MiniLM that runs for the first text of a batch; the others get vectors by chance."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts, shape ``(len(texts), dimension)``."""
        dice = np.random.default_rng(zlib.crc32(texts[0].encode()))
        made = dice.normal(size=(len(texts), self.dimension)).astype("f4")
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        made[0] = super().embed(texts[:1])[0]
        return made


def once(home: Path, folders: list[Path], *, made: bool) -> None:
    """One ingest in this process; prints what it did."""
    knowledge = Knowledge(home, Loaded() if made else MiniLM())
    started = time.monotonic()
    report = knowledge.ingest(folders)
    seconds = time.monotonic() - started
    knowledge.close()
    done = {key: getattr(report, key) for key in ("added", "changed", "removed", "unchanged", "failed", "embedded")}
    passages = sum(source.passages for source in report.sources)
    print(
        json.dumps(
            {
                "seconds": seconds,
                **done,
                "passages": passages,
                "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MB,
                "reader_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / _MB,
            }
        )
    )


def run(name: str, home: Path, *folders: Path, made: bool) -> float:
    """One ingest in a process of its own, as a user starts it; returns seconds without the start of the process."""
    command = [sys.executable, "-m", "benches.ingest_again", "--home", home, "--folders", *folders]
    command += ["--made-vectors"] * made
    said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    kinds = ("added", "changed", "removed", "unchanged", "failed")
    counts = ", ".join(f"{said[kind]} {kind}" for kind in kinds if said[kind])
    memory = f"{said['mb']:.0f} MB" + (f" and {said['reader_mb']:.0f} MB for the reader" if said["reader_mb"] else "")
    passages = f"{said['passages']} passages, {said['embedded']} embedded"
    print(f"{name:16} {said['seconds']:8.2f} s   {counts}; {passages}; {memory}")
    return float(said["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="a folder of documents; it is copied")
    parser.add_argument("--passages", type=int, default=10_000, help="of a corpus that is made if none is given")
    parser.add_argument("--made-vectors", action="store_true", help="for the memory alone")
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--folders", type=Path, nargs="*", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.home:
        once(args.home, args.folders, made=args.made_vectors)
        return
    with tempfile.TemporaryDirectory() as folder:
        home, corpus = Path(folder, "home"), Path(folder, "corpus")
        if args.corpus:
            shutil.copytree(args.corpus, corpus)
        else:
            write_corpus(corpus, args.passages)
        time.sleep(2.5)  # a file that was written just now might change within the same tick of its clock
        first = run("first", home, corpus, made=args.made_vectors)
        again = run("nothing changed", home, corpus, made=args.made_vectors)
        print(f"{'':16} {first / again:8.0f} times as fast (bar: 50)")
        file = max(
            (p for p in corpus.rglob("*") if p.suffix in (".md", ".txt", ".html")), key=lambda p: p.stat().st_size
        )
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
        middle = text.index(" ", len(text) // 2)
        file.write_text(text[:middle] + " indeed" + text[middle:], encoding="utf-8", errors="surrogateescape")
        run("a word changed", home, corpus, made=args.made_vectors)
        moved = corpus.rename(corpus.with_name("moved"))
        run("moved", home, moved, corpus, made=args.made_vectors)


if __name__ == "__main__":
    main()
