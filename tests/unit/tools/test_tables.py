"""SQL over files in one folder: it answers, reaches nothing else, and cannot be made to use up the machine."""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise_tools import SourceError, ToolContext, ToolError
from tierwise_tools.tables import table_tool
from tierwise_tools.tables.opening import copy_files
from tierwise_tools.tables.worker import LOCKS, SETTINGS

duckdb = pytest.importorskip("duckdb")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (root / "sales.csv").write_text("region;unit price\nnorth;1.5\nsüd;2\nnorth;4\n", encoding="utf-8")
    return root


async def ask(root: Path, files: list[str], sql: str = "", folder: Path | None = None, seconds: float = 25.0) -> Any:
    return await table_tool(root, seconds=seconds).run({"files": files, "sql": sql}, ToolContext(folder=folder))


async def refused(root: Path, files: list[str], sql: str = "", seconds: float = 25.0) -> str:
    with pytest.raises(ToolError) as caught:
        await ask(root, files, sql, seconds=seconds)
    return str(caught.value)


async def test_a_first_call_describes_every_table(root: Path) -> None:
    (root / "order.tsv").write_bytes("a\tb\n1\tfünf\n".encode("cp1252"))
    (root / "wide.csv").write_text("x,y\n1,é\n", encoding="utf-16")
    (root / "my-log.jsonl").write_text('{"a": 1, "b": [1, 2]}\n{"a": 2}\n')
    (root / "zipped.csv.gz").write_bytes(gzip.compress(b"n\n1\n2\n"))
    (root / "sub").mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 7 AS seven) TO '{root / 'sub' / 'part.parquet'}' (FORMAT parquet)")
    files = ["sales.csv", "order.tsv", "wide.csv", "my-log.jsonl", "zipped.csv.gz", "sub/part.parquet"]
    told = (await ask(root, files)).text
    assert 'table sales, 3 rows\ncolumns: region VARCHAR, "unit price" DOUBLE\nfirst rows:\nregion' in told
    assert "süd | 2.0" in told
    assert "table order_table, 1 row\n" in told and "1 | fünf" in told  # "order" alone is no name in SQL
    assert "table wide, 1 row\n" in told and "1 | é" in told
    assert "table my_log, 2 rows\n" in told and "1 | [1, 2]" in told
    assert "table zipped, 2 rows\ncolumns: n BIGINT" in told
    assert "table part, 1 row\ncolumns: seven INTEGER" in told


async def test_tables_of_sqlite_come_as_they_are(root: Path) -> None:
    with sqlite3.connect(root / "shop.db") as base:
        base.execute("CREATE TABLE item (id INTEGER, name TEXT, price REAL, picture BLOB)")
        base.executemany("INSERT INTO item VALUES (?, ?, ?, ?)", [(1, "", 2.5, b"\0\xff"), (2, None, 3, None)])
        base.execute("CREATE TABLE sales (x)")
        base.execute("CREATE VIEW looks AS SELECT * FROM item")
    base.close()
    told = (await ask(root, ["sales.csv", "shop.db"])).text
    assert "columns: id BIGINT, name VARCHAR, price DOUBLE, picture VARCHAR" in told
    assert "table shop_sales, 0 rows" in told and "looks" not in told
    rows = (await ask(root, ["shop.db"], "SELECT name IS NULL AS n, picture, price + 1 FROM item ORDER BY id")).text
    assert rows.splitlines()[1:3] == ["False | 00ff | 3.5", "True |  | 4.0"]


async def test_a_question_is_answered(root: Path) -> None:
    sql = 'SELECT region, sum("unit price") AS total FROM sales GROUP BY 1 ORDER BY 2 DESC;'
    assert (await ask(root, ["sales.csv"], sql)).text == "region | total\nnorth | 5.5\nsüd | 2.0\n(2 rows)"


async def test_long_answers_are_cut_and_kept_whole(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    result = await ask(root, ["sales.csv"], "SELECT i, 'a,\"b' AS t FROM range(5000) r(i) ORDER BY i", folder)
    assert "(100 of 5,000 rows shown" in result.text and "all rows" in result.text
    with result.files[0].path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 5001 and rows[-1] == ["4999", 'a,"b']
    endless = await ask(root, ["sales.csv"], "SELECT * FROM range(100000000000)")
    assert "of more than 100,000 rows shown" in endless.text and endless.files == ()
    assert "\nb" not in (await ask(root, ["sales.csv"], "SELECT 'a\nb' AS t")).text


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT regio FROM sales", '"region"'),
        ("SELECT * FROM sale", 'Did you mean "sales"'),
        ("SELECT lenght(region) FROM sales", 'Did you mean "length"'),
        ("SELCT 1", "syntax error"),
        ("SELECT 1; SELECT 2", "Only one SELECT"),
        ("DROP TABLE sales", "Only one SELECT"),
        ("-- nothing", "Only one SELECT"),
        ("x" * 10_001, "longer than 10,000"),
    ],
)
async def test_mistakes_are_explained(root: Path, sql: str, says: str) -> None:
    said = await refused(root, ["sales.csv"], sql)
    assert says in said and "LINE 1" not in said and "\n" not in said


async def test_a_broken_file_is_named(root: Path) -> None:
    (root / "bad.parquet").write_bytes(b"PAR1 and nothing more")
    (root / "bad.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 200)
    (root / "bad.json").write_text("{")
    (root / "noise.csv").write_bytes(bytes(range(256)))
    for name in ("bad.parquet", "bad.db", "bad.json", "noise.csv"):
        said = await refused(root, ["sales.csv", name])
        assert said.startswith(name) and "\n" not in said
    (root / "picture.png").write_bytes(b"\x89PNG")
    (root / "no.parquet").write_text("a,b")
    for name in ("picture.png", "no.parquet"):
        assert "no table that can be read; CSV" in await refused(root, [name])


async def test_only_plain_files_of_the_folder_are_read(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("secret\n1\n")
    (root / "link.csv").symlink_to(tmp_path / "secret.csv")
    (root / "up").symlink_to(tmp_path)
    (root / "folder.csv").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(root / "pipe.csv")
    for name in (
        "../secret.csv", str(tmp_path / "secret.csv"), "link.csv", "up/secret.csv", "folder.csv", "pipe.csv", "", ".",
        "a/../../secret.csv", "..\\secret.csv", "c:\\x.csv", "sales.csv\0", "/dev/zero", "none.csv", "sales.csv/x",
    ):  # fmt: skip
        said = await refused(root, [name])
        assert "csv" in said or "file" in said
        assert str(tmp_path) not in said.replace(name, "")
    assert "between 1 and 20" in await refused(root, [])


@settings(max_examples=60)
@given(st.text(max_size=30))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        (base / "root").mkdir()
        (base / "into").mkdir()
        (base / "secret.csv").write_text("secret\n")
        with pytest.raises(ToolError):
            copy_files(base / "root", [name], base / "into")


STATEMENTS = """
COPY sales TO '{out}'; EXPORT DATABASE '{out}'; ATTACH '{out}' AS other; INSTALL httpfs; LOAD httpfs; LOAD '{secret}'
SET enable_external_access = true; RESET lock_configuration; PRAGMA enable_profiling; PRAGMA import_database('{out}')
CALL enable_logging(storage = 'file', storage_path = '{out}'); CREATE TABLE t AS SELECT 1; CHECKPOINT
CREATE SECRET (TYPE s3); USE system; IMPORT DATABASE '{out}'; EXPLAIN ANALYZE COPY sales TO '{out}'
SELECT * FROM '{secret}'; SELECT * FROM "{secret}"; FROM read_csv('{secret}'); FROM read_text('{secret}')
SELECT * FROM query('FROM read_text(''{secret}'')'); FROM query_table('{secret}'); FROM sqlite_scan('{secret}', 't')
WITH x AS MATERIALIZED (FROM read_blob('{secret}')) FROM x; SELECT * FROM glob('{secret}*'); FROM sniff_csv('{secret}')
SELECT getenv('SECRET'); SELECT content FROM read_text(['{secret}']); DESCRIBE FROM read_csv('{secret}')
SUMMARIZE FROM read_csv('{secret}'); SELECT (SELECT content FROM read_text('{secret}')); FROM connection; FROM job
PREPARE p AS FROM read_text('{secret}'); EXECUTE p; FROM parquet_metadata('file://{secret}'); FROM '/proc/self/environ'
"""


def locked(tmp_path: Path) -> Any:
    connection = duckdb.connect(":memory:", config={**SETTINGS, "memory_limit": "256MB"})
    connection.execute("CREATE TABLE sales AS SELECT 1 AS a")
    for lock in LOCKS:
        connection.execute(lock)
    return connection


async def test_no_statement_reaches_a_file(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "canary-7431")
    secret, out = tmp_path / "secret.csv", tmp_path / "out"
    secret.write_text("canary-7431\n1\n")
    before = sorted(tmp_path.rglob("*"))
    statements = [text.strip() for line in STATEMENTS.splitlines() for text in line.split("; ") if text.strip()]
    # Past the check of the statement's kind, by DuckDB's own locks alone; and one of them through the tool.
    with locked(tmp_path) as connection:
        for statement in statements:
            try:
                seen = str(connection.execute(statement.format(secret=secret, out=out)).fetchall())
            except duckdb.Error:
                continue
            assert "canary-7431" not in seen, statement
    assert sorted(tmp_path.rglob("*")) == before
    assert "canary-7431" not in await refused(root, ["sales.csv"], f"FROM read_text('{secret}')")


def test_no_function_reaches_a_file(tmp_path: Path) -> None:
    """Every function there is, called with a path at every place that takes a text."""
    secret, out = tmp_path / "secret.csv", tmp_path / "out.csv"
    secret.write_text("canary-7431\n1\n")
    with locked(tmp_path) as connection:
        functions = connection.execute(
            "SELECT DISTINCT function_name, function_type, len(parameters) FROM duckdb_functions() "
            "WHERE regexp_matches(function_name, '^[a-z_0-9]+$') AND len(parameters) BETWEEN 1 AND 4"
        ).fetchall()
        assert len(functions) > 300
        opened = 0
        for name, kind, count in functions:
            for path in (f"'{secret}'", f"'{out}'"):
                for given in {(path, *["NULL"] * (count - 1)), (path,) * count}:
                    call = f"{name}({', '.join(given)})"
                    call = f"FROM {call}" if "table" in kind else f"SELECT {call}"
                    try:
                        seen = str(connection.execute(call).fetchall())
                    except (duckdb.Error, RuntimeError):
                        continue
                    opened += 1
                    assert "canary-7431" not in seen, call
        assert opened > 100  # the calls do reach the functions
    assert not out.exists()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM range(100000) a, range(100000) b, range(100000) c",
        "WITH RECURSIVE x AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM x) SELECT max(a) FROM x",
    ],
)
async def test_an_endless_query_is_ended(root: Path, sql: str) -> None:
    assert "did not finish within 1.5 seconds" in await refused(root, ["sales.csv"], sql, seconds=1.5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the memory of a process")
@pytest.mark.parametrize("sql", ["SELECT length(repeat('x', 3000000000))", "SELECT range(1000000000)"])
async def test_a_query_that_needs_the_machine_is_refused(root: Path, sql: str) -> None:
    assert "more memory than there is" in await refused(root, ["sales.csv"], sql)


async def test_a_cancelled_query_leaves_nothing(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    task = asyncio.create_task(ask(root, ["sales.csv"], "SELECT count(*) FROM range(1000000) a, range(1000000) b"))
    while not list(scratch.iterdir()):
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(500):
        if not list(scratch.iterdir()):
            return
        await asyncio.sleep(0.02)
    pytest.fail("the private copy is still there")


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="is no folder"):
        table_tool(tmp_path / "none")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SourceError, match=r'pip install "tierwise\[tables\]"'):
        table_tool(tmp_path)


def test_the_tool_only_reads(root: Path) -> None:
    tool = table_tool(root)
    assert (tool.name, tool.effects, tool.trusted) == ("query_table", ("read",), False)
    assert json.dumps(tool.parameters["required"]) == '["files"]'
