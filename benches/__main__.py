"""All measurements that need no file of yours, one after the other: ``python -m benches [NAME ...]``."""

from __future__ import annotations

import subprocess
import sys

# The order is that of docs/measurements.md. What needs files is run by itself: retrieval, answers, follow_ups,
# invented, hostile_documents, exfil, phi3, routing_tables, dial, escalation and its peers. What takes long is, too:
# knowledge_scale, ingest_again, ingest_kills, shared_home.
NAMES = (
    "importing",
    "turn",
    "deciding",
    "embedding",
    "ingesting",
    "support",
    "decode",
    "prefix",
    "constrained",
    "together",
    "app_page",
)


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"There is no measurement {unknown[0]!r}; there are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    failed = []
    for name in names or NAMES:
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benches.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nFailed: {', '.join(failed)}.", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
