"""Learning from recorded results in the terminal: train, score, eval."""

from __future__ import annotations

import csv
import sys

import pytest
from results import HEADER, answers, rows, write

from tierwise_app.cli.router.several import spread


@pytest.fixture
def files(tmp_path):
    """A table, fresh prompts of the same kind without results, and both files of answers."""
    made, fresh = rows(90), rows(60, 7, "fresh")
    return {
        "table": write(tmp_path / "table.csv.gz", HEADER, made),
        "more": write(tmp_path / "more.csv", HEADER, rows(60, 3, "more")),
        "answers": write(tmp_path / "answers.csv.gz", ("id", "weak_response"), answers(made)),
        "fresh": write(tmp_path / "fresh.csv.gz", HEADER, fresh),
        "prompts": write(tmp_path / "prompts.csv", ("id", "prompt"), [row[:2] for row in fresh]),
        "fresh_answers": write(tmp_path / "fresh_answers.csv", ("id", "weak_response"), answers(fresh)),
        "model": tmp_path / "model",
        "scores": tmp_path / "scores.csv",
        "judged": tmp_path / "judged.csv",
    }


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_train_score_and_eval_work_together(cli, files, tmp_path):
    trained = cli(
        *("router", "train", "--data", files["table"], files["more"]),
        *("--responses", files["answers"], "--out", files["model"], "--json"),
    )
    assert trained.code == 0, trained.err
    assert (trained.json["rows"], trained.json["without_answer"]) == (150, 60)
    assert trained.json["bytes"] == files["model"].stat().st_size < 2_000_000
    assert set(trained.json["cross_validation"]["question"]["tables"]) == {"table", "more"}

    plain = cli("router", "score", "--model", files["model"], "--data", files["prompts"], "--out", files["scores"])
    judged = cli(
        *("router", "score", "--model", files["model"], "--data", files["prompts"], "--json"),
        *("--responses", files["fresh_answers"], "--out", files["judged"]),
    )
    assert (plain.code, judged.code) == (0, 0), plain.err + judged.err
    assert judged.json["rows"] == 60
    assert [list(row) for row in read(files["scores"])[:1]] == [["id", "score"]]
    assert [row["id"] for row in read(files["scores"])] == [row["id"] for row in read(files["prompts"])]

    words = ("router", "eval", "--data", files["fresh"], "--scores", files["judged"], "--baseline", files["scores"])
    found = cli(*words, "--json")
    assert found.code == 0, found.err
    assert set(found.json) >= {"rows", "apgr", "cpt50", "cpt80", "auroc", "share_for_95", "intervals", "difference"}
    assert found.json["apgr"] > 0.6
    low, high = found.json["intervals"]["apgr"]
    assert low <= found.json["apgr"] <= high
    assert found.json["difference"]["apgr"] > 0
    shown = cli(*words)
    assert "APGR" in shown.out
    assert "difference" in shown.out


def test_a_curve_is_drawn(cli, files, tmp_path):
    pytest.importorskip("matplotlib")
    scores = write(tmp_path / "s.csv", ("id", "score"), [(row[0], i % 2) for i, row in enumerate(rows(90))])

    ran = cli("router", "eval", "--data", files["table"], "--scores", scores, "--plot", tmp_path / "c.png", "--json")

    assert ran.code == 0, ran.err
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    bad = cli("router", "eval", "--data", files["table"], "--scores", scores, "--plot", tmp_path / "c.what")
    assert bad.code == 2
    assert "cannot be written" in bad.err


def test_without_matplotlib_the_extra_is_named(cli, files, monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None)
    scores = write(tmp_path / "s.csv", ("id", "score"), [(row[0], 0) for row in rows(90)])

    ran = cli("router", "eval", "--data", files["table"], "--scores", scores, "--plot", "c.png")

    assert ran.code == 2
    assert 'pip install "tierwise[plot]"' in ran.err


def test_what_cannot_be_used_is_one_sentence(cli, files, tmp_path):
    few = write(tmp_path / "few.csv", HEADER, rows(10))
    (tmp_path / "junk.csv.gz").write_bytes(b"\x1f\x8bjunk")
    scores = write(tmp_path / "s.csv", ("id", "score"), [("nobody", 1)])
    table, model = files["table"], files["model"]
    cases = [
        (("train", "--data", few, "--out", model), "at least 50"),
        (("train", "--data", tmp_path / "junk.csv.gz", "--out", model), "gzip"),
        (("train", "--data", files["prompts"], "--out", model), "no column weak_correct"),
        (("train", "--data", table, table, "--out", model), "Give each row once"),
        (("train", "--data", table, "--responses", files["fresh_answers"], "--out", model), "the ids differ"),
        (("score", "--model", table, "--data", table, "--out", scores), "no model of tierwise"),
        (("eval", "--data", table, "--scores", scores), "have no score"),
        (("eval", "--data", table, "--scores", table), "no column score"),
    ]
    for words, said in cases:
        ran = cli("router", *words, "--json")
        assert ran.code == 2, words
        assert said in ran.err
        assert ran.json["error"]["code"] == "invalid_input"
        assert "Traceback" not in ran.err
        assert len(ran.err.strip().splitlines()) == 1 or "questions" in ran.err


def test_several_values_may_follow_one_flag():
    several = {"--data", "--responses"}
    assert spread(["--data", "a", "b", "--out", "m"], several) == ["--data", "a", "--data", "b", "--out", "m"]
    assert spread(["--data=a", "b"], several) == ["--data=a", "--data", "b"]
    assert spread(["--data", "a", "--data", "b", "--json"], several) == ["--data", "a", "--data", "b", "--json"]
    assert spread(["--out", "m", "x"], several) == ["--out", "m", "x"]
    assert spread(["--data", "a", "--", "b"], several) == ["--data", "a", "--", "b"]


def test_help_names_what_a_command_needs(cli):
    for command in ("train", "score", "eval"):
        ran = cli("router", command, "--help")
        assert ran.code == 0
        assert "--data" in ran.out
    assert "sklearn" not in sys.modules
