"""Time of turning an OpenAPI document into tools, and how long their names are.

``python -m benches.openapi [DOCUMENT]`` measures made documents of 200 and 1,000 operations, or one of yours.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.support.openapi_documents import large_document

from tierwise_tools.openapi import ApiDocument, OpenApiSource, read_api

ROUNDS = 5


def measure(path: Path) -> None:
    document = ApiDocument("api", path, base_url="http://127.0.0.1:9")
    reading, opening = [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        read_api(document)
        reading.append(time.perf_counter() - started)
        started = time.perf_counter()
        found = asyncio.run(OpenApiSource(document).open())
        opening.append(time.perf_counter() - started)
    names = [len(tool.name) for tool in found]
    schemas = [len(json.dumps(tool.parameters)) for tool in found]
    print(f"  {path.name}: {len(found)} tools, {len(found.problems)} set aside")
    print(f"    reading   {statistics.median(reading) * 1000:8.0f} ms")
    print(f"    opening   {statistics.median(opening) * 1000:8.0f} ms  (reading, and checking every schema)")
    print(f"    names     {statistics.median(names):8.0f} characters, at most {max(names)}")
    print(f"    schemas   {statistics.median(schemas):8.0f} characters, at most {max(schemas)}")


def main(paths: list[str]) -> None:
    print(f"OpenAPI documents to tools, medians of {ROUNDS}")
    for path in paths:
        measure(Path(path))
    if paths:
        return
    with tempfile.TemporaryDirectory() as folder:
        for operations in (200, 1_000):
            path = Path(folder) / f"{operations}_operations.json"
            path.write_text(json.dumps(large_document(operations)))
            measure(path)


if __name__ == "__main__":
    main(sys.argv[1:])
