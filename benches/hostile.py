"""Hostile model files: does the program live, and does it say what is wrong?

    python -m benches.hostile --cases FILE.jsonl [--flips N]

A row of FILE has ``id``, ``kind``, ``name`` and ``b64``, the bytes of the file (none is an empty file). Of the kind
``gguf_broken``, the file is opened as a model. Of the kind ``gguf_chat_template``, its chat template is also put into a
model that works otherwise; ``{CANARY_FILE}`` in it is a file that must not come into being. Rows of other kinds are
left out. Three recipes are made here: a good model with flipped bytes, one whose file grows to 40 GB, and one whose
file is replaced while it is loaded.

Bars: the program lives, every case ends within 60 s, every error is one line.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tierwise.errors import ModelError
from tierwise.models import ChatRequest, LlamaModel
from tierwise.testing.tiny_gguf import write_tiny_phi3
from tierwise.types import Message

VOCABULARY = Path(__file__).parents[1] / "tests" / "data" / "phi3" / "ggml-vocab-phi-3.gguf"
FOLLOWS = {32001: 15043, 15043: 727, 727: 15043}
LIMIT_S = 60.0


async def tried(path: Path) -> str:
    """Open the file as a model and ask it; ``answered``, the error, or what must not happen in capitals."""
    model = LlamaModel(path, threads=1)
    try:
        async with asyncio.timeout(LIMIT_S):
            async for _ in model.stream(ChatRequest((Message("user", "hi"),), max_tokens=2)):
                pass
        return "answered"
    except ModelError as error:
        return f"{error.code}: {error.what}" if "\n" not in str(error) else f"MORE THAN ONE LINE: {error}"
    except TimeoutError:
        return f"NO END within {LIMIT_S:.0f} s"
    except Exception as error:
        return f"ESCAPED {type(error).__name__}: {error}"
    finally:
        await model.aclose()


def template_of(path: Path) -> str | None:
    """The chat template a broken file carries."""
    from gguf import GGUFReader

    try:
        fields: Any = GGUFReader(str(path)).fields
        return str(fields["tokenizer.chat_template"].contents())
    except (ValueError, KeyError, IndexError):
        return None


async def row(case: dict[str, Any], folder: Path) -> list[str]:
    """What came of one row."""
    path = folder / f"{case['id']}.gguf"
    path.write_bytes(base64.b64decode(case.get("b64") or ""))
    seen = [await tried(path)]
    if case["kind"] == "gguf_chat_template" and (template := template_of(path)) is not None:
        canary = folder / "canary"
        made = write_tiny_phi3(
            folder / "template.gguf",
            VOCABULARY,
            follows=FOLLOWS,
            template=template.replace("{CANARY_FILE}", str(canary)),
        )
        seen.append(await tried(made))
        if canary.exists():
            seen.append("THE CANARY IS THERE: the template ran outside its sandbox")
            canary.unlink()
    return seen


def flipped(good: bytes, dice: random.Random) -> bytes:
    """One to eight bytes of the first 64 KiB changed in one bit."""
    data = bytearray(good)
    for _ in range(dice.randint(1, 8)):
        data[dice.randrange(1 << 16)] ^= 1 << dice.randrange(8)
    return bytes(data)


async def replaced_while_loading(good: bytes, folder: Path, delay: float) -> str:
    """The file becomes another one some time after its loading began."""
    path = folder / "swapped.gguf"
    path.write_bytes(good)
    task = asyncio.create_task(tried(path))
    await asyncio.sleep(delay)
    other = folder / "other"
    other.write_bytes(b"GGUF" + os.urandom(4096))
    other.replace(path)
    return await task


async def recipes(folder: Path, flips: int, report: Callable[[str, str], None]) -> None:
    """The cases that are made here."""
    good = write_tiny_phi3(folder / "good.gguf", VOCABULARY, follows=FOLLOWS).read_bytes()
    report("good model", await tried(folder / "good.gguf"))
    grown = folder / "grown.gguf"
    grown.write_bytes(good)
    os.truncate(grown, 40 << 30)
    report("grown to 40 GB", await tried(grown))
    grown.unlink()
    for delay in (0.0, 0.05, 0.2, 0.5):
        report(f"replaced after {delay} s", await replaced_while_loading(good, folder, delay))
    dice, outcomes = random.Random(0), Counter[str]()
    for _ in range(flips):
        path = folder / "flipped.gguf"
        path.write_bytes(flipped(good, dice))
        seen = await tried(path)
        outcomes[seen.partition(":")[0]] += 1
        if bad(seen):
            report("flipped bytes", seen)
    told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    report(f"{flips} files with flipped bytes", told or "none")


def bad(seen: str) -> bool:
    """Whether this must not happen."""
    return seen.startswith(("MORE", "NO END", "ESCAPED", "THE CANARY"))


async def run(cases: list[dict[str, Any]], flips: int) -> int:
    """Run all; the number of things that must not happen."""
    failures = 0

    def report(name: str, seen: str) -> None:
        nonlocal failures
        failures += bad(seen)
        print(f"  {name:34} {seen[:140]}", flush=True)

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        begun = time.perf_counter()
        for case in cases:
            if case["kind"] in ("gguf_broken", "gguf_chat_template"):
                for seen in await row(case, folder):
                    report(case["name"], seen)
        await recipes(folder, flips, report)
        print(f"{failures} that must not be, in {time.perf_counter() - begun:.0f} s; this process lives")
    return failures


def main() -> None:
    """Print what came of each case; exit code 1 if something happened that must not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, help="rows of files; without it only the recipes are run")
    parser.add_argument("--flips", type=int, default=200, help="files with flipped bytes")
    args = parser.parse_args()
    lines = args.cases.read_text(encoding="utf-8").splitlines() if args.cases else []
    sys.exit(1 if asyncio.run(run([json.loads(line) for line in lines], args.flips)) else 0)


if __name__ == "__main__":
    main()
