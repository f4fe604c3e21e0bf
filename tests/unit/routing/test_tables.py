from __future__ import annotations

import gzip

import numpy as np
import pytest
from results import HEADER, rows, write

from tierwise.errors import InvalidInput
from tierwise.routing import join_responses, read_prompts, read_responses, read_scores, read_table, write_scores


def test_a_table_is_read_plain_or_gzipped_and_other_columns_are_ignored(tmp_path):
    lines = [(*row, "algebra") for row in rows(6)]
    for name in ("t.csv", "t.csv.gz"):
        table = read_table(write(tmp_path / name, (*HEADER, "subject"), lines))
        assert (table.name, len(table), table.scale) == ("t", 6, 1.0)
        assert table.gain.tolist() == [float(s) - float(w) for _, _, w, s, _ in lines]


def test_a_scale_of_ten_becomes_one(tmp_path):
    table = read_table(write(tmp_path / "t.csv", HEADER, [("a", "p", "8.5", "10"), ("b", "q", "1", "4")]))
    assert table.strong.tolist() == [1.0, 0.4]
    assert table.scale == 10.0


def test_prompts_need_no_results(tmp_path):
    found = read_prompts(write(tmp_path / "t.csv", ("id", "prompt"), [("a", 'one,\n"two"')]))
    assert found.prompts == ('one,\n"two"',)
    assert not found.answered.any()


def test_scores_come_back(tmp_path):
    for name in ("s.csv", "s.csv.gz"):
        write_scores(tmp_path / name, ["a", "b,c"], np.array([0.25, -1.0]))
        assert read_scores(tmp_path / name) == {"a": 0.25, "b,c": -1.0}


def test_answers_are_joined_by_id(tmp_path):
    table = read_prompts(write(tmp_path / "t.csv", ("id", "prompt"), [("a", "p"), ("b", "q")]))
    answers = read_responses([write(tmp_path / "r.csv", ("id", "weak_response"), [("b", "yes"), ("z", "no")])])
    assert join_responses(table, answers, "r.csv").responses == (None, "yes")
    with pytest.raises(InvalidInput, match=r"No answer in r\.csv belongs"):
        join_responses(table, {"z": "no"}, "r.csv")


@pytest.mark.parametrize(
    ("header", "lines", "words"),
    [
        (HEADER, [], "no rows"),
        (("id", "prompt"), [("a", "p")], "no column weak_correct, strong_correct"),
        (HEADER, [("a", "p", "nan", "1")], "line 2: weak_correct is 'nan'"),
        (HEADER, [("a", "p", "1", "")], "strong_correct is ''"),
        (HEADER, [("a", "p", "1", "inf")], "no number"),
        (HEADER, [("a", "p", "1", "1"), ("a", "q", "1", "1")], "'a' is already in line 2"),
        (HEADER, [("", "p", "1", "1")], "has no id"),
        (HEADER, [("a", " ", "1", "1")], "empty prompt"),
        (HEADER, [("a", "p", "1")], "cut short"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, header, lines, words):
    with pytest.raises(InvalidInput, match=words) as found:
        read_table(write(tmp_path / "t.csv", header, lines))
    assert found.value.fix


def test_files_that_are_none(tmp_path):
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "junk.csv.gz").write_bytes(b"\x1f\x8bjunk and more junk")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"id,prompt\n" * 99)[:-12])
    (tmp_path / "bytes.csv").write_bytes(b"id,prompt\n\xff\xfe,\x80\n")
    for name, words in (
        ("empty.csv", "is empty"),
        ("junk.csv.gz", "gzip"),
        ("cut.csv.gz", "cut short"),
        ("bytes.csv", "UTF-8"),
        ("none.csv", "does not exist"),
    ):
        with pytest.raises(InvalidInput, match=words):
            read_prompts(tmp_path / name)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_prompts(tmp_path)


def test_an_answer_given_twice_is_refused(tmp_path):
    path = write(tmp_path / "r.csv", ("id", "weak_response"), [("a", "x")])
    with pytest.raises(InvalidInput, match="already an answer"):
        read_responses([path, path])
