"""The process that a question runs in: DuckDB in memory, locked before the question is looked at.

DuckDB's own bounds do not hold for every function (some take gigabytes, or do not stop when they are asked to), so
this process has a bound of its own and can be killed. A job comes in as JSON and the answer goes back as JSON:
``{"tables": [...]}`` for no question, ``{"columns", "rows", "count", "counted_all"}``, or ``{"error": text}``.
"""

from __future__ import annotations

import csv
import json
import math
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierwise_tools.names import distinct_names
from tierwise_tools.text import cut

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SETTINGS = {
    "threads": "1",
    "temp_directory": "",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "preserve_insertion_order": "true",
}
LOCKS = (  # after them no statement reaches a file, and none can take them back
    "SET enable_external_access = false",
    "SET disabled_filesystems = 'LocalFileSystem'",
    "SET lock_configuration = true",
)
_READERS = {
    "csv": "read_csv(?, sample_size = -1, compression = 'none')",
    "csv.gz": "read_csv(?, sample_size = -1, compression = 'gzip')",
    "json": "read_json(?, compression = 'none')",
    "parquet": "read_parquet(?)",
}
NO_MEMORY = "The query needs more memory than there is for it. Aggregate, filter or read less."
_SAMPLE = 3
_BATCH = 1_000
_CELL = 200
# DuckDB itself takes about as much beside the data.
_OVERHEAD_MB = 1024


def main() -> None:
    """Do the one job that comes on standard input."""
    job = json.load(sys.stdin.buffer)
    _limit(job["memory_mb"] + _OVERHEAD_MB)
    json.dump(_answer(job), sys.stdout)


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    import duckdb

    with duckdb.connect(":memory:", config={**SETTINGS, "memory_limit": f"{job['memory_mb']}MB"}) as connection:
        tables: list[str] = []
        for copy in job["copies"]:
            try:
                tables += _load(connection, copy, tables, Path(job["folder"]))
            except (duckdb.Error, sqlite3.Error) as error:
                return {"error": f"{copy['file']}: cannot be read as a table. {_shortened(error)}"}
        for lock in LOCKS:
            connection.execute(lock)
        try:
            if not job["sql"].strip():
                return {"tables": [_described(connection, table) for table in tables]}
            return _asked(connection, job)
        except (duckdb.OutOfMemoryException, MemoryError):
            return {"error": NO_MEMORY}
        except duckdb.Error as error:
            return {"error": _shortened(error)}


def _load(connection: DuckDBPyConnection, copy: dict[str, str], taken: list[str], folder: Path) -> list[str]:
    if copy["kind"] == "sqlite":
        return _load_sqlite(connection, copy, taken, folder)
    name = _free_name(connection, copy["table"], taken)
    connection.execute(f"CREATE TABLE {_quoted(name)} AS SELECT * FROM {_READERS[copy['kind']]}", [copy["path"]])  # noqa: S608 (a quoted name)
    return [name]


def _load_sqlite(connection: DuckDBPyConnection, copy: dict[str, str], taken: list[str], folder: Path) -> list[str]:
    """Its tables through Python's reader; DuckDB's would be a download."""
    source = sqlite3.connect(f"{Path(copy['path']).as_uri()}?mode=ro&immutable=1", uri=True)
    source.execute("PRAGMA trusted_schema = OFF")
    source.text_factory = lambda data: data.decode("utf-8", "replace")
    found = source.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    )
    lower = {name.casefold() for name in taken}
    wanted = {name: f"{copy['table']}_{name}" if name.casefold() in lower else name for (name,) in found}
    names = distinct_names(wanted, lambda name: _free_name(connection, wanted[name], taken))
    for table, name in names.items():
        rows = source.execute(f"SELECT * FROM {_quoted(table)}")  # noqa: S608 (a quoted name)
        columns = [column[0] for column in rows.description]
        types: list[set[type]] = [set() for _ in columns]
        lines = folder / "rows.jsonl"
        with lines.open("w", encoding="utf-8") as file:
            for row in rows:
                values = [_plain(value) for value in row]
                for seen, value in zip(types, values, strict=True):
                    seen.add(type(value))
                file.write(json.dumps({f"c{n}": value for n, value in enumerate(values)}) + "\n")
        read = {f"c{n}": _type(seen) for n, seen in enumerate(types)}
        told = ", ".join(f"c{n} AS {_quoted(column)}" for n, column in enumerate(columns))
        connection.execute(
            f"CREATE TABLE {_quoted(name)} AS SELECT {told} "  # noqa: S608 (quoted names)
            "FROM read_json(?, format = 'newline_delimited', columns = ?)",
            [str(lines), read],
        )
    source.close()
    return list(names.values())


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _type(seen: set[type]) -> str:
    seen = seen - {type(None)}
    if seen == {int}:
        return "BIGINT"
    return "DOUBLE" if seen and seen <= {int, float} else "VARCHAR"


def _free_name(connection: DuckDBPyConnection, name: str, taken: list[str]) -> str:
    """A name that needs no quotes and is not taken."""
    reserved = "SELECT 1 FROM duckdb_keywords() WHERE keyword_name = lower(?) AND keyword_category <> 'unreserved'"
    if connection.execute(reserved, [name]).fetchone():
        name = f"{name}_table"
    return list(distinct_names([*taken, f"{name} "], lambda text: text.strip()).values())[-1]


def _described(connection: DuckDBPyConnection, table: str) -> dict[str, Any]:
    quoted = _quoted(table)
    columns = connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {quoted})").fetchall()  # noqa: S608
    count = connection.execute(f"SELECT count(*) FROM {quoted}").fetchall()[0][0]  # noqa: S608
    sample = connection.execute(f"SELECT * FROM {quoted} LIMIT {_SAMPLE}").fetchall()  # noqa: S608
    told = [[_as_written(name), str(kind)] for name, kind in columns]
    return {"name": _as_written(table), "columns": told, "count": count, "rows": [_cells(row) for row in sample]}


def _asked(connection: DuckDBPyConnection, job: dict[str, Any]) -> dict[str, Any]:
    statements = connection.extract_statements(job["sql"])
    if len(statements) != 1 or statements[0].type.name != "SELECT":
        return {"error": "Only one SELECT, WITH, DESCRIBE or SUMMARIZE statement is allowed; nothing can be changed."}
    result = connection.execute(statements[0])
    columns = [column[0] for column in result.description or ()]
    shown: list[list[str | None]] = []
    count = 0
    with Path(job["csv"]).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        while count < job["most_rows"] and file.tell() < job["most_bytes"]:
            rows = result.fetchmany(_BATCH)
            if not rows:
                return {"columns": columns, "rows": shown, "count": count, "counted_all": True}
            writer.writerows(rows)
            count += len(rows)
            shown += [_cells(row) for row in rows[: job["shown"] - len(shown)]]
    return {"columns": columns, "rows": shown, "count": count, "counted_all": False}


def _cells(row: tuple[Any, ...]) -> list[str | None]:
    return [None if value is None else cut(str(value)[: _CELL * 50], _CELL).replace("\n", " ") for value in row]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _as_written(name: str) -> str:
    """A name as it has to be written in SQL."""
    plain = name.isascii() and name.isidentifier()
    return name if plain else _quoted(name)


def _shortened(error: Exception) -> str:
    """What was wrong and what was meant instead, without the picture of the statement."""
    lines = [line.strip() for line in str(error).split("\nLINE ")[0].splitlines()]
    return cut(" ".join(line for line in lines if line), 500)


def _limit(memory_mb: int) -> None:
    """Bound the memory of this process, where the system can."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
