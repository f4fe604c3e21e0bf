"""How calls that models write wrongly are read: mended, given back to the model, or left as text.

    python -m benches.malformed_calls --data DIR

DIR holds ``malformed_tool_calls.jsonl``: rows of ``raw`` (what a model wrote), ``tool`` (the name that came beside it;
for the kind ``text_form`` there was none), ``expect`` (repair, error_to_model or none) and ``args`` after a repair.

Gate: the right class for 95 % of the rows, and no row in which a call is run that is not the one that was meant.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tierwise.models import ToolSpec
from tierwise.models.tools.reading import Call, read_arguments, read_text

SEARCH = ToolSpec(
    "search_docs",
    "Search the documents.",
    {
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1, "maxLength": 4000},
            "k": {"type": "integer", "minimum": 1, "maximum": 50, "default": 3},
        },
        "required": ["query"],
        "additionalProperties": False,
    },
)
GATE = 0.95


def read(row: dict[str, Any]) -> tuple[str, Call | None]:
    """The class of a row as we see it, and the call that would be run."""
    if row["kind"] == "text_form":
        found = read_text(row["raw"], [SEARCH])
    else:
        found = (read_arguments(row["raw"], row["tool"] or "", [SEARCH]),)
    calls = [one for one in found if isinstance(one, Call)]
    return ("repair" if calls else "error_to_model" if found else "none"), (calls[0] if calls else None)


def main() -> int:
    """Print the figures; 1 if a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    lines = (parser.parse_args().data / "malformed_tool_calls.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    total, right, wrong_runs = Counter[str](), Counter[str](), 0
    for row in rows:
        seen, call = read(row)
        total[row["expect"]] += 1
        wrong = call is not None and (row["expect"] != "repair" or call.arguments != row["args"])
        wrong_runs += wrong
        if seen == row["expect"] and not wrong:
            right[row["expect"]] += 1
        else:
            print(f"  {row['id']}: {seen} and not {row['expect']}: {row['raw'][:80]!r}")
    for kind, n in total.items():
        print(f"{kind:15}{right[kind]:4} of {n}")
    share = right.total() / total.total()
    print(f"right class    {right.total():4} of {total.total()} ({share:.1%}; gate {GATE:.0%})")
    print(f"wrong calls run{wrong_runs:4} (gate 0)")
    return int(share < GATE or wrong_runs > 0)


if __name__ == "__main__":
    sys.exit(main())
