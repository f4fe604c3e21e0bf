"""Does a request that the OpenAPI document describes, or nearly, ever break the server? Made up by schemathesis.

    python -m benches.serve_schema [--cases 2000] [--seed 1] [--key]

A server over scripted tiers that do what they are told, on loopback. Requests are counted by the server itself.

Bars: responses of 500 and above 0, at least so many requests.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from obliging import obliging  # noqa: E402
from serving import Server, serving  # noqa: E402

from tierwise_app.serve.keys import Keys  # noqa: E402

_FEW = 500  # cases for which the systematic part is left out
_MOST_RUNS = 50
_CHECKS = "not_a_server_error,content_type_conformance,response_schema_conformance"
_COUNTED = re.compile(r'tierwise_http_requests_total\{method="(\w+)",route="([^"]+)",status="(\d+)"\} (\S+)')


def counted(server: Server, headers: dict[str, str]) -> Counter[tuple[str, str, int]]:
    """Requests by method, route and status, without our own to the figures."""
    text = server.client.get("/metrics", headers=headers).text
    found = {(m[1], m[2], int(m[3])): int(float(m[4])) for m in _COUNTED.finditer(text)}
    return Counter({key: count for key, count in found.items() if key[1] != "/metrics"})


def run(server: Server, folder: Path, *, seed: int, examples: int, phases: str, headers: dict[str, str]) -> str:
    """One run of schemathesis; what it prints."""
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/openapi.json"),
        *("--phases", phases, "--max-examples", str(examples), "--seed", str(seed), "--checks", _CHECKS),
        *("--no-color", "--no-shrink", "--continue-on-failure", "--generation-database", "none", "--warnings", "off"),
        *("--request-timeout", "30", "--suppress-health-check", "all"),
        *(word for name, value in headers.items() for word in ("--header", f"{name}:{value}")),
    ]
    env = os.environ | {"SCHEMATHESIS_HOOKS": "", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--key", action="store_true", help="with a key that may do everything")
    parser.add_argument("--show", action="store_true", help="print what schemathesis says")
    args = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        headers = {}
        if args.key:
            _, secret = Keys(folder / "home").add("everything", sees="all", documents="write")
            headers = {"Authorization": f"Bearer {secret}"}
        with serving([obliging], [obliging], home=folder / "home") as server:
            operations = sum(map(len, server.client.get("/openapi.json", headers=headers).json()["paths"].values()))
            told = []
            phases = "fuzzing" if args.cases < _FEW else "examples,coverage,fuzzing"
            for n in range(_MOST_RUNS):
                left = args.cases - counted(server, headers).total()
                if left <= 0:
                    break
                examples = max(1, -(-left // operations))
                told.append(run(server, folder, seed=args.seed + n, examples=examples, phases=phases, headers=headers))
                phases = "fuzzing"
            found = counted(server, headers)
    broken = {key: count for key, count in found.items() if key[2] >= 500}
    statuses = Counter[int]()
    for (_, _, status), count in found.items():
        statuses[status] += count
    for status, count in sorted(statuses.items()):
        print(f"  {status}: {count:,}")
    for (method, route, status), count in sorted(broken.items()):
        print(f"  BROKEN {method} {route}: {status}, {count} times")
    if broken or args.show or found.total() < args.cases:
        print(*told, sep="\n")
    print(
        f"made-up requests: {found.total():,} to {operations} operations in {time.perf_counter() - began:.0f} s,"
        f" 5xx {sum(broken.values())}"
    )
    return int(bool(broken) or found.total() < args.cases)


if __name__ == "__main__":
    sys.exit(main())
