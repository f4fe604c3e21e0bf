"""What programs may rely on: one JSON value on stdout, its fields, and the exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields

import pytest

from tierwise.turns import Answer, DecisionRecord

ANSWER = [f.name for f in fields(Answer)]
CITATION = {"n", "source", "page", "start", "end", "quote", "score"}


def test_ask_prints_the_public_answer(cli, manual):
    cli.serve(["The warranty of the kettle lasts 30 months."])
    assert cli("ingest", manual, "--json").code == 0

    ran = cli("ask", "How long is the warranty of the kettle?", "--json")

    answer = ran.json
    assert ran.code == 0
    assert list(answer) == ANSWER
    assert answer["status"] == "done"
    assert answer["tier"] == "quick"
    assert answer["sent_out"]["bytes"] == 0
    assert [a["outcome"] for a in answer["attempts"]] == ["accepted"]
    assert set(answer["decision"]) == {"stage", "p_good", "reasons"}
    assert all(set(notice) == {"code", "text"} for notice in answer["notices"])
    citation = answer["citations"][0]
    assert set(citation) >= CITATION
    text = (manual / "kettle.md").read_text(encoding="utf-8")
    assert text[citation["start"] : citation["end"]] == citation["quote"]


def test_why_gives_the_record_of_the_last_turn_or_of_a_named_one(cli):
    cli.serve(["Paris."])
    first = cli("ask", "What is the capital of France?", "--json").json
    second = cli("ask", "And of Spain?", "--json").json

    last = cli("why", "--json").json
    named = cli("why", first["turn_id"], "--json").json

    assert list(last) == [f.name for f in fields(DecisionRecord)]
    assert last["turn_id"] == second["turn_id"]
    assert named["asked"] == "What is the capital of France?"


def test_ingest_reports_counts_and_files(cli, manual):
    (manual / "noise.txt").write_bytes(b"\x00\x01\x02\x03binary\x00")

    ran = cli("ingest", manual, "--json")

    assert ran.code == 0
    assert list(ran.json)[:7] == ["added", "changed", "removed", "unchanged", "failed", "seconds", "sources"]
    assert (ran.json["added"], ran.json["failed"]) == (1, 1)
    assert all(set(s) >= {"path", "status", "pages", "passages", "warnings"} for s in ran.json["sources"])
    assert "noise.txt" in ran.err
    assert cli("ingest", manual, "--json").json["unchanged"] == 1


def test_ingest_fails_when_no_file_could_be_used(cli, tmp_path):
    (tmp_path / "noise.txt").write_bytes(b"\x00\x01\x02\x03binary\x00")

    assert cli("ingest", tmp_path / "noise.txt").code == 1


def test_search_lists_passages(cli, manual):
    cli("ingest", manual)

    ran = cli("search", "warranty", "-k", 1, "--json")

    assert ran.code == 0
    (passage,) = ran.json
    assert list(passage) == ["id", "source", "page", "start", "end", "text", "score"]
    text = (manual / "kettle.md").read_text(encoding="utf-8")
    assert text[passage["start"] : passage["end"]] == passage["text"]


def test_route_names_the_choice_without_asking_a_model(cli):
    (server,) = cli.serve(["never asked"])

    ran = cli("route", "What is the capital of France?", "--json")

    assert ran.code == 0
    assert list(ran.json) == ["choice", "p_good", "reasons"]
    assert ran.json["choice"] == "quick"
    assert server.requests == []


def test_route_takes_a_batch(cli, tmp_path):
    cli.serve(["never asked"])
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"id": 7, "question": "One?"}\n\n{"question": " "}\n', encoding="utf-8")

    ran = cli("route", "--batch", source, "--out", target, "--json")

    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert ran.code == 0
    assert (ran.json["routed"], ran.json["failed"]) == (1, 1)
    assert (rows[0]["id"], rows[0]["choice"]) == (7, "quick")
    assert rows[1]["error"]["code"] == "invalid_input"


def test_stats_sum_the_turns(cli):
    cli.serve(["Paris."])
    cli("ask", "What is the capital of France?")

    found = cli("stats", "--since", "1h", "--json").json

    assert (found["turns"], found["by_tier"], found["local_share"]) == (1, {"quick": 1}, 1.0)
    assert cli("stats").out.startswith("turns")
    assert cli("stats", "--since", "soon").code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["ask", "   "], "invalid_input"),
        (["ask"], "usage"),
        (["ask", "Hello?", "--bogus"], "usage"),
        (["ask", "Hello?", "--tier", "huge"], "unknown_name"),
        (["ask", "Hello?", "--dial", "luxury"], "config"),
        (["ask", "Hello?", "--collection", "nowhere"], "unknown_name"),
        (["search", "x", "--collection", "nowhere"], "unknown_name"),
        (["ingest", "no/such/folder"], "invalid_input"),
        (["why", "no-such-turn"], "unknown_name"),
        (["threads", "show", "nobody"], "unknown_name"),
        (["route"], "usage"),
        (["route", "Hello?", "--batch", "x.jsonl"], "usage"),
        (["models", "test", "nobody"], "unknown_name"),
        (["models", "add", "gpt-4"], "invalid_input"),
        (["sources", "show", "nothing.txt"], "unknown_name"),
        (["--config", "no/such/file.toml", "ask", "Hello?"], "config"),
    ],
)
def test_wrong_use_is_one_sentence_one_json_value_and_exit_code_2(cli, words, code):
    cli.serve(["Hello."])

    ran = cli(*words, "--json")

    assert ran.code == 2
    assert ran.json["error"]["code"] == code
    assert ran.err.startswith("error: ")
    assert "Traceback" not in ran.err


def test_a_broken_configuration_names_the_file_and_the_key(cli):
    path = cli.write_config('[[tiers]]\nname = "quick"\nmodel = "llama:smollm2-135m"\napi_key = "x"\n')

    ran = cli("ask", "Hello?", "--json")

    assert ran.code == 2
    assert str(path) in ran.err
    assert "api_key_env" in ran.err


def test_an_unexpected_error_is_one_line_and_a_traceback_only_with_debug(cli, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("nobody expected this")

    monkeypatch.setattr("tierwise.record.Record.__init__", broken)

    short, long = cli("why", "--json"), cli("--debug", "why")

    assert (short.code, long.code) == (1, 1)
    assert short.json["error"]["code"] == "error"
    assert len(short.err.splitlines()) == 1
    assert "Traceback" not in short.err
    assert "Traceback" in long.err


def test_a_read_only_home_is_one_sentence(cli):
    blocked = cli.home / "file"
    blocked.write_text("in the way", encoding="utf-8")

    ran = cli("--home", blocked / "home", "ask", "Hello?", "--json")

    assert ran.code == 1
    assert ran.json["error"]["code"] == "store"


def test_version_and_help_need_no_heavy_library(cli):
    probe = (
        "import sys\n"
        "from tierwise_app.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'langgraph', 'chromadb', 'openai', 'onnxruntime', 'numpy', 'prompt_toolkit', 'streamlit'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True)

    assert ran.stderr.strip() == "[]"
    assert cli("--version").out.startswith("tierwise ")


def test_ctrl_c_while_it_starts_is_no_traceback():
    code = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from tierwise_app.cli import main\n"
        "main(['--version'])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")
