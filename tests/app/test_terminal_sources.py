"""``tierwise sources``: what is known of a document, and connectors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


def test_a_document_is_shown_with_all_that_is_known_of_it(cli, manual):
    cli("ingest", manual, "--label", "kitchen")

    shown = cli("sources", "show", "kettle.md")

    assert shown.out == (manual / "kettle.md").read_text(encoding="utf-8") + "\n"  # stdout is the text alone
    for words in ("default: markdown, ", "title: Kettle", "labels: kitchen", f"found in: {manual}", "changed: 20"):
        assert words in shown.err
    (entry,) = cli("sources", "show", "kettle.md", "--json").json["stored"]
    assert (entry["kind"], entry["labels"], entry["origin"]) == ("markdown", ["kitchen"], str(manual))


def test_all_of_a_folder_is_removed_at_once(cli, manual):
    (manual / "notes.txt").write_text("The notes of Monday.")
    cli("ingest", manual)

    assert cli("sources", "remove", manual, "--yes", "--json").json == {"removed": 2}


@pytest.fixture
def package(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A connector as `sources new` begins it, installed as far as Python looks for it."""
    made = cli("sources", "new", "Acme.records", "--in", tmp_path, "--json").json
    folder = Path(made["folder"])
    info = folder / "src" / "acme_records-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-records\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[tierwise.connectors]\nacme-records = acme_records:connect\n")
    monkeypatch.syspath_prepend(folder / "src")
    yield folder
    sys.modules.pop("acme_records", None)


def test_a_new_connector_passes_its_own_tests(package):
    for command in (["pytest", "-q", "-p", "no:cacheprovider"], ["ruff", "check", "--no-cache", "."]):
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=package,
            capture_output=True,
            text=True,
            env={
                "PYTHONPATH": str(package / "src"),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            },
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_connector_is_listed_enabled_and_used(cli, package, tmp_path):
    records = tmp_path / "records.jsonl"
    word = f"acme-records:{records}"
    one = {"id": "1", "title": "Keys", "text": "The keys are under the mat.", "changed": 1, "readers": ["ann"]}
    two = {"id": "2", "title": "Bins", "text": "The bins are emptied on Monday.", "changed": 2}
    records.write_text("\n".join(map(json.dumps, (one, two))))

    assert "connector acme-records: installed, not enabled" in cli("sources", "list").out
    refused = cli("ingest", word)
    assert refused.code == 2
    assert "installed but not enabled" in refused.err

    cli.write_config('offline = true\n[connectors]\nenabled = ["acme-records"]\n')
    assert cli("ingest", word).code == 4
    cli.write_config(
        'offline = true\n[connectors]\nenabled = ["acme-records"]\n[connectors.acme-records]\non_device = true\n'
    )
    first = cli("ingest", word, "--json").json
    assert [(s["path"], s["status"]) for s in first["sources"]] == [(f"{word}#1", "added"), (f"{word}#2", "added")]

    records.write_text("\n".join(map(json.dumps, (one | {"deleted": True, "changed": 3}, two))))
    again = cli("ingest", word, "--json").json
    assert [(s["path"], s["status"]) for s in again["sources"]] == [(f"{word}#1", "removed")]
    listed = cli("sources", "list", "--json").json
    assert [(s["title"], s["access"]) for s in listed["sources"]] == [("Bins", [])]
    assert [(c["name"], c["enabled"]) for c in listed["connectors"]] == [("acme-records", True)]
    assert cli("sources", "show", f"{word}#2").out == "The bins are emptied on Monday.\n"

    assert cli("sources", "remove", word, "--yes", "--json").json == {"removed": 1}
    assert cli("ingest", word, "--json").json["added"] == 1


def test_a_connector_that_breaks_is_named(cli, package, tmp_path):
    cli.write_config('[connectors]\nenabled = ["acme-records"]\n')

    ran = cli("ingest", f"acme-records:{tmp_path / 'nothing.jsonl'}")

    assert ran.code == 1
    assert "FileNotFoundError" in ran.err
    assert "Traceback" not in ran.err
