"""Answers from documents, end to end: how many are right, cited to the right file, and refused where nothing is said.

    python -m benches.answers --corpus DIR --questions FILE.jsonl --gguf FILE [--home DIR] [--out FILE] [--threads 2]

A small local tier (the embedded model) and a larger one behind HTTP: llama.cpp's own server with ``--gguf``, as a
hosted tier would be. The questions are those of ``benches.retrieval``, with ``id``, ``kind``, ``answer_aliases``
(regular expressions, any of which a right answer matches) and ``gold_files``. Prints, by kind: answers right,
citations at a gold file among answered questions, refused, and which tier answered. ``--out`` keeps every answer, and
goes on from there.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import unicodedata
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benches.ports import free_port
from tierwise import Copilot, Settings, Tier
from tierwise.jsonable import to_json
from tierwise.verify.phrases import refusal

WITHOUT_GOLD = ("unanswerable", "chitchat")
REFUSALS = ("not_in_documents", "nothing_in_documents")


@contextmanager
def server(gguf: Path, window: int, threads: int) -> Iterator[str]:
    """The model behind HTTP; the value is the address of its API."""
    port = free_port()
    options = [
        "--n_ctx",
        str(window),
        "--port",
        str(port),
        "--n_threads",
        str(threads),
        "--interrupt_requests",
        "False",
    ]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(gguf), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/v1"
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{url}/models", timeout=1):
                    break
            except OSError:
                if process.poll() is not None:
                    sys.exit("the model's server did not start")
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def folded(text: str) -> str:
    """Lower case, one form a character, single spaces, without citation marks."""
    text = unicodedata.normalize("NFKC", text).lower()
    return re.sub(r"\s+", " ", re.sub(r"\[[^\]]{0,80}\]", " ", text))


def judge(question: dict[str, Any], answer: dict[str, Any], corpus: Path) -> dict[str, Any]:
    """What is to be said about one answer."""
    text = folded(answer["text"])
    declined = any(n["code"] in REFUSALS for n in answer["notices"]) or refusal(answer["text"]) is not None
    cited = {
        str(Path(c["source"]).relative_to(corpus)) for c in answer["citations"] if c["source"].startswith(str(corpus))
    }
    return {
        "right": any(re.search(alias, text) for alias in question["answer_aliases"]) and not declined,
        "declined": declined,
        "cited": bool(cited & set(question["gold_files"])),
        "cites": bool(cited),
        "searched": bool(answer["passages"]),
        "tier": answer["tier"],
    }


def show(rows: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """One line a kind, then what the answers as a whole are like."""
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for question, verdict in rows:
        by_kind[question["kind"]].append(verdict)
    print(
        "| kind | n | right | refused | answered | of these cited at a gold file | answered by |\n" + "|---" * 7 + "|"
    )
    for kind, found in by_kind.items():
        answered = [v for v in found if not v["declined"]]
        tiers: dict[str, int] = defaultdict(int)
        for verdict in found:
            tiers[str(verdict["tier"])] += 1
        right = "" if kind in WITHOUT_GOLD else f"{sum(v['right'] for v in found)}"
        cited = "" if kind in WITHOUT_GOLD else f"{sum(v['cited'] for v in answered)}"
        by = ", ".join(f"{tier} {n}" for tier, n in sorted(tiers.items()))
        print(f"| {kind} | {len(found)} | {right} | {len(found) - len(answered)} | {len(answered)} | {cited} | {by} |")
    gold = [v for q, v in rows if q["kind"] not in WITHOUT_GOLD]
    no = by_kind.get("unanswerable", [])
    lookups = [v for v in by_kind.get("lookup", []) if not v["declined"]]
    print(f"right {_share(gold, 'right')} of {len(gold)}; answerable refused {_share(gold, 'declined')}")
    print(f"unanswerable refused {_share(no, 'declined')} of {len(no)}; look-ups answered and cited at a gold file")
    print(f"{_share(lookups, 'cited')} of {len(lookups)}; small talk without a search")
    talk = by_kind.get("chitchat", [])
    print(f"{sum(not v['searched'] for v in talk)} of {len(talk)}")


def _share(found: Sequence[dict[str, Any]], name: str) -> str:
    return f"{sum(v[name] for v in found) / len(found):.0%}" if found else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of documents")
    parser.add_argument("--questions", type=Path, required=True, help="questions, one JSON object a line")
    parser.add_argument("--gguf", type=Path, required=True, help="the larger model")
    parser.add_argument("--home", type=Path, help="keep the ingested documents here")
    parser.add_argument("--out", type=Path, help="keep the answers here, one JSON object a line")
    parser.add_argument("--threads", type=int, default=2, help="of the larger model")
    parser.add_argument("--only", help="questions whose id begins so")
    arguments = parser.parse_args()
    corpus = arguments.corpus.resolve()
    lines = arguments.questions.read_text(encoding="utf-8").splitlines()
    questions = [q for q in map(json.loads, filter(str.strip, lines)) if q["id"].startswith(arguments.only or "")]
    out = arguments.out
    kept = {}
    if out is not None and out.exists():
        kept = {row["id"]: row for row in map(json.loads, out.read_text(encoding="utf-8").splitlines())}
    with tempfile.TemporaryDirectory() as folder, server(arguments.gguf, 4096, arguments.threads) as url:
        tiers = (
            Tier("quick", "llama:smollm2-135m", max_tokens=160),
            Tier("deep", "openai:deep", base_url=url, max_tokens=160, context_window=4096),
        )
        settings = Settings(home=arguments.home or Path(folder), tiers=tiers)
        with Copilot(settings=settings) as copilot:
            copilot.knowledge.ingest(corpus)
            for question in questions:
                if question["id"] in kept:
                    continue
                answer = copilot.ask(question["question"])
                record = copilot.record.get(answer.turn_id)
                row = {"id": question["id"], **to_json(answer), "passages": [p.source for p in record.passages]}
                kept[question["id"]] = row
                print(f"{question['id']} {answer.tier} {answer.ms / 1000:.0f} s: {answer.text[:90]!r}", flush=True)
                if out is not None:
                    with out.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    show([(question, judge(question, kept[question["id"]], corpus)) for question in questions])


if __name__ == "__main__":
    main()
