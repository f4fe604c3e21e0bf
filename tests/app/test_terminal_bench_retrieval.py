"""``tierwise bench retrieval``: ways to search, side by side, on a folder and its questions."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def questions(tmp_path):
    file = tmp_path / "questions.jsonl"
    gold = [{"file": "kettle.md", "quote": "citric acid", "part": 0}]
    file.write_text(
        json.dumps({"question": "How is the kettle descaled?", "kind": "lookup", "gold_quotes": gold}) + "\n"
    )
    return file


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "kettle.md").write_text("# Kettle\n\nDescale it with citric acid, never with vinegar.\n")
    (folder / "lamp.md").write_text("# Lamp\n\nThe lamp takes bulbs of four watts.\n")
    return folder


def test_all_ways_in_one_value(cli, corpus, questions):
    report = cli("bench", "retrieval", "--corpus", corpus, "--questions", questions, "--json").json
    assert (report["files"], report["questions"]) == (2, 1)
    ours = report["ways"][0]
    assert ours["name"] == "ours"
    assert ours["quote"] == {"hit@1": 1.0, "hit@5": 1.0, "hit@10": 1.0, "mrr": 1.0}
    assert {(way["name"], way["over"]) for way in report["ways"][1:]} == {
        (name, over) for name in ("words", "dense", "fusion") for over in ("passages", "widened", "chunks")
    }
    assert all({"won", "lost", "tied", "p", "by"} <= pair.keys() for pair in report["pairs"])


def test_a_table_for_people_and_the_documents_kept(cli, corpus, questions, tmp_path):
    shown = cli(
        "bench", "retrieval", "--corpus", corpus, "--questions", questions, "--home", tmp_path / "kept", "--no-chunks"
    )
    assert "2 files, 2 passages" in shown.out
    assert "ours" in shown.out and "chunks" not in shown.out
    assert "nothing relevant found: 0 of 1 answerable" in shown.out
    assert (tmp_path / "kept" / "knowledge.sqlite").exists()


def test_questions_without_quotes_are_named(cli, corpus, tmp_path):
    (tmp_path / "q.jsonl").write_text('{"question": "?"}\n')
    done = cli("bench", "retrieval", "--corpus", corpus, "--questions", tmp_path / "q.jsonl")
    assert done.code == 2 and "no question with gold quotes" in done.err
