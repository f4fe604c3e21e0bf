"""The tool ``query_table``."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tierwise_tools
from tierwise_tools.context import ToolContext
from tierwise_tools.definition import Tool
from tierwise_tools.errors import SourceError, ToolError
from tierwise_tools.function import tool
from tierwise_tools.result import ToolResult
from tierwise_tools.sandbox.child import run_child
from tierwise_tools.sandbox.keeping import keep
from tierwise_tools.tables.opening import copy_files
from tierwise_tools.tables.worker import NO_MEMORY

_MEMORY_MB = 512
_MOST_SQL = 10_000
_SHOWN_ROWS = 100
_SHOWN_CHARACTERS = 6_000
_KEPT_ROWS = 100_000
_KEPT_BYTES = 20 << 20
_OVERHEAD_S = 5.0
_START = "import sys; sys.path[:0] = sys.argv[1:]; from tierwise_tools.tables.worker import main; main()"


def table_tool(root: Path, *, seconds: float = 25.0) -> Tool[..., Any]:
    """A tool that answers SQL over the table files in one folder, without changing them.

    Args:
        root: the folder; nothing outside of it is read, and no link in it is followed.
        seconds: how long a question may take.

    Raises:
        SourceError: if DuckDB is not installed or there is no such folder.
    """
    found = importlib.util.find_spec("duckdb")
    if found is None or found.origin is None:
        raise SourceError("query_table needs DuckDB.", fix='Install it with: pip install "tierwise[tables]"')
    if not root.is_dir():
        raise SourceError(f"{root} is no folder.", fix="Name the folder with the table files.")
    paths = [str(Path(tierwise_tools.__file__).parent.parent), str(Path(found.origin).parent.parent)]

    @tool(effects="read", seconds=seconds + _OVERHEAD_S)
    def query_table(context: ToolContext, files: list[str], sql: str = "") -> ToolResult:
        """Answer questions about table files with SQL (DuckDB).

        Reads CSV, TSV, JSON lines, Parquet and SQLite. Call it without sql first: it tells the tables, their columns
        and some rows. A file becomes a table named like the file without its ending: sales.csv is the table sales.

        Args:
            files: the files to read, for example ["sales.csv"].
            sql: one SELECT statement; leave it out to see the tables and columns.
        """
        if len(sql) > _MOST_SQL:
            raise ToolError(f"the statement is longer than {_MOST_SQL:,} characters; make it shorter")
        with tempfile.TemporaryDirectory(prefix="tierwise-tables-") as private:
            folder = Path(private)
            copies = copy_files(root, files, folder)
            kept = folder / "result.csv"
            job: dict[str, Any] = {
                "copies": [asdict(copy) for copy in copies],
                "sql": sql,
                "folder": private,
                "csv": str(kept),
            }
            job |= {"memory_mb": _MEMORY_MB, "shown": _SHOWN_ROWS, "most_rows": _KEPT_ROWS, "most_bytes": _KEPT_BYTES}
            answer = _run(job, paths, seconds, context)
            if "error" in answer:
                raise ToolError(answer["error"])
            if "tables" in answer:
                return ToolResult("\n\n".join(map(_described, answer["tables"])) or "There are no tables in it.")
            return _result(answer, kept, context)

    return query_table


def _run(job: dict[str, Any], paths: list[str], seconds: float, context: ToolContext) -> dict[str, Any]:
    """What the process answers; none of our environment reaches it."""
    private = str(job["folder"])
    needed = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    try:
        ended = run_child(
            [sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", _START, *paths],
            given=json.dumps(job, default=str).encode(),
            env={"HOME": private, "TMPDIR": private, "TEMP": private, "TMP": private, "PATH": "", **needed},
            folder=private,
            seconds=seconds,
            cancelled=context.cancelled,
        )
    except OSError as error:
        raise ToolError(f"the query cannot be started: {error.strerror}") from error
    if ended.why == "time":
        raise ToolError(f"The query did not finish within {seconds:g} seconds and was ended. Join or read less.")
    if ended.why == "cancelled":
        raise ToolError("The call was stopped.")
    if ended.code < 0 or b"MemoryError" in ended.err:  # the bound of the process, not DuckDB's own
        raise ToolError(NO_MEMORY)
    if ended.code:
        told = ended.err.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise ToolError(f"the query could not be run: {told}")
    answer: dict[str, Any] = json.loads(ended.out)
    return answer


def _described(table: dict[str, Any]) -> str:
    columns = ", ".join(f"{name} {kind}" for name, kind in table["columns"])
    names = [name for name, _ in table["columns"]]
    head = f"table {table['name']}, {_rows(table['count'])}\ncolumns: {columns}"
    return head if not table["rows"] else f"{head}\nfirst rows:\n" + "\n".join(_lines(names, table["rows"]))


def _result(answer: dict[str, Any], csv: Path, context: ToolContext) -> ToolResult:
    rows, count = answer["rows"], answer["count"]
    lines: list[str] = []
    length = 0
    for line in _lines(answer["columns"], rows):
        length += len(line) + 1
        if lines and length > _SHOWN_CHARACTERS:
            break
        lines.append(line)
    shown = max(0, len(lines) - 1)
    if shown == count and answer["counted_all"]:
        return ToolResult("\n".join([*lines, f"({_rows(count)})"]))
    every = _rows(count) if answer["counted_all"] else f"more than {_rows(count)}"
    lines.append(f"({shown} of {every} shown; aggregate, filter or sort to see what matters)")
    if context.folder is None or csv.stat().st_size > 2 * _KEPT_BYTES:  # a few rows may be huge
        return ToolResult("\n".join(lines))
    files, _ = keep([("result.csv", csv.read_bytes())], context.folder)
    of_them = "all rows" if answer["counted_all"] else f"the first {_rows(count)}"
    return ToolResult("\n".join([*lines, f"(the user gets result.csv with {of_them})"]), files)


def _lines(columns: Iterable[str], rows: Iterable[list[str | None]]) -> list[str]:
    return [" | ".join(columns), *(" | ".join("" if cell is None else cell for cell in row) for row in rows)]


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
