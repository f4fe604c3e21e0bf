"""MiniLM beside Chroma's own default embedder on the same weights. Bar: one short question >= 7x faster.

Nothing is downloaded: the weights and the tokenizer are placed where Chroma's embedder looks for them.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tierwise.models import minilm
from tierwise.models.minilm import MiniLM

ROUNDS = 15
QUESTION = "How hard may the water for the coffee machine be?"


def chroma_default(folder: Path) -> Any:
    """Chroma's default embedder with our weights in ``folder``, in place of those it would download."""
    from chromadb.utils.embedding_functions import ONNXMiniLM_L6_V2

    inner = folder / ONNXMiniLM_L6_V2.EXTRACTED_FOLDER_NAME
    inner.mkdir()
    (inner / "model.onnx").symlink_to(minilm._installed_model())
    minilm._build_tokenizer().save(str(inner / "tokenizer.json"))
    for name in ("config.json", "special_tokens_map.json", "tokenizer_config.json", "vocab.txt"):
        (inner / name).write_text("{}")  # it only asks whether they are there
    embedder = ONNXMiniLM_L6_V2()
    embedder.DOWNLOAD_PATH = folder
    return embedder


def alternate(rounds: int, *sides: Callable[[], object]) -> list[float]:
    """Median seconds of each side, run in turns so that a busy machine slows both."""
    times: list[list[float]] = [[] for _ in sides]
    for side in sides:
        side()
    for _ in range(rounds):
        for side, taken in zip(sides, times, strict=True):
            started = time.perf_counter()
            side()
            taken.append(time.perf_counter() - started)
    return [statistics.median(taken) for taken in times]


def main() -> None:
    ours = MiniLM()
    with tempfile.TemporaryDirectory() as folder:
        theirs = chroma_default(Path(folder))
        fast, slow = alternate(ROUNDS, lambda: ours.embed([QUESTION]), lambda: theirs([QUESTION]))
        same = float(ours.embed([QUESTION])[0] @ theirs([QUESTION])[0])
    print(f"One short question, {ROUNDS} rounds, medians (bar: 7x)")
    print(f"  tierwise {fast * 1000:7.1f} ms   Chroma's default {slow * 1000:7.1f} ms   {slow / fast:.1f}x")
    print(f"  cosine of the two vectors {same:.4f}")


if __name__ == "__main__":
    main()
