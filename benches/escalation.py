"""The live pair: a local model and the recorded results of a larger one, on questions of two kinds.

    python -m benches.escalation --data FOLDER --gguf MODEL.gguf --keep FOLDER [--json]

FOLDER holds gsm8k_phi and crux_phi tables with their gold answers (id, prompt, strong_correct; id, gold). The questions
are drawn by a fixed seed; ``tierwise bench escalation`` does the rest, half to learn from and half to be measured on.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import sys
from pathlib import Path

KINDS = {
    "gsm8k": ("gsm8k_phi", "Work it out in one or two short lines. End with: Answer: NUMBER"),
    "crux": ("crux_phi", "Reply with the value only."),
}
SEED = 11


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--gguf", type=Path, required=True, help="the local model")
    parser.add_argument("--keep", type=Path, required=True, help="folder for questions, recorded results and answers")
    parser.add_argument("--gsm8k", type=int, default=240, help="how many questions of arithmetic")
    parser.add_argument("--crux", type=int, default=200, help="how many questions about code")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    args.keep.mkdir(parents=True, exist_ok=True)
    write_questions(args.data, args.keep, {"gsm8k": args.gsm8k, "crux": args.crux})

    from tierwise_app.cli import main as tierwise

    options = ["--local", str(args.gguf), "--deep", str(args.keep / "recorded.csv"), "--keep", str(args.keep)]
    options += ["--questions", str(args.keep / "questions.jsonl"), "--rows", str(args.keep / "rows.jsonl")]
    sys.exit(tierwise(["bench", "escalation", *options, *(["--json"] if args.json else [])]))


def write_questions(data: Path, keep: Path, sizes: dict[str, int]) -> None:
    with (keep / "questions.jsonl").open("w") as asked, (keep / "recorded.csv").open("w", newline="") as recorded:
        results = csv.writer(recorded)
        results.writerow(["id", "right"])
        for kind, (table, how) in KINDS.items():
            gold = {row["id"]: row["gold"].lstrip("# ").strip() for row in rows(data / f"{table}.gold.csv.gz")}
            drawn = rows(data / f"{table}.csv.gz")
            random.Random(SEED).shuffle(drawn)
            for row in drawn[: sizes[kind]]:
                question = {"id": row["id"], "kind": kind, "question": f"{row['prompt']}\n\n{how}"}
                asked.write(json.dumps({**question, "gold": gold[row["id"]]}) + "\n")
                results.writerow([row["id"], row["strong_correct"]])


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
