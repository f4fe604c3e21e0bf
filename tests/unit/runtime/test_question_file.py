"""Files of questions: what is read, and that what cannot be used names the file, the line and the fix."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tierwise.errors import InvalidInput
from tierwise.runtime.question_file import LabelledQuestion, read_questions


def written(folder: Path, content: str | bytes, name: str = "q.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


FULL = {
    "question": "How many legs has a spider?",
    "gold": "8",
    "grade": "number",
    "id": "legs",
    "kind": "facts",
    "answers": {"deep": "Eight."},
    "right": {"deep": 1, "quick": 0.5},
    "else": [1],
}
READ = LabelledQuestion(
    "legs", FULL["question"], "8", "number", "facts", {"deep": "Eight."}, {"deep": 1.0, "quick": 0.5}  # type: ignore[arg-type]
)  # fmt: skip


def test_json_lines(tmp_path: Path) -> None:
    text = (
        json.dumps(FULL)
        + '\n\n{"prompt": "Why?\\u2028"}\r\n{"question": "2 + 2", "gold": 4, "right": {"deep": true}}\n'
    )
    assert read_questions(written(tmp_path, text)) == [
        READ,
        LabelledQuestion("2", "Why?\u2028"),
        LabelledQuestion("3", "2 + 2", "4", right={"deep": 1.0}),
    ]


def test_gold_that_is_no_text_becomes_json(tmp_path: Path) -> None:
    path = written(tmp_path, '{"question": "a", "gold": [1, null]}\n{"question": "b", "gold": true, "id": 7}\n')
    assert [(q.id, q.gold) for q in read_questions(path)] == [("1", "[1, null]"), ("7", "true")]


def test_csv_with_json_in_cells_and_with_columns(tmp_path: Path) -> None:
    text = (
        "id,prompt,gold,grade,kind,answers,right,right.quick\n"
        'legs,How many legs has a spider?,8,number,facts,"{""deep"": ""Eight.""}","{""deep"": 1}",0.5\n'
        '"",Two\u2028plus two?,,,,,,\n'
    )
    expected = [READ, LabelledQuestion("2", "Two\u2028plus two?")]
    assert read_questions(written(tmp_path, text, "q.csv")) == expected
    assert read_questions(written(tmp_path, "\ufeff" + text, "q.txt")) == expected
    assert read_questions(written(tmp_path, gzip.compress(text.encode()), "q.csv.gz")) == expected


def test_columns_of_answers(tmp_path: Path) -> None:
    path = written(tmp_path, "question,answers.deep,answers.quick\na,It is b.,\n", "q.csv")
    assert read_questions(path)[0].answers == {"deep": "It is b."}


def test_gzipped_json_lines(tmp_path: Path) -> None:
    assert read_questions(written(tmp_path, gzip.compress(json.dumps(FULL).encode()), "q.jsonl.gz")) == [READ]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "is empty"),
        ("  \n\n", "is empty"),
        (b"\xff\xfe{\x00", "not UTF-8"),
        ('{"question": "a"}\n{nonsense\n', "line 2 is not JSON"),
        ("[" * 100_000, "line 1 is not JSON"),
        ('{"question": "a"}\n[1]\n', "line 2 is no JSON object"),
        ('{"gold": "a"}', "line 1 has no question"),
        ('{"question": "  "}', "line 1 has no question"),
        ('{"question": 5}', "line 1 has no question"),
        ('{"question": "a", "gold": "5", "grade": "clever"}', "line 1: There is no way to grade named 'clever'"),
        ('{"question": "a", "grade": "clever"}', "line 1: There is no way to grade named 'clever'"),
        ('{"question": "a", "gold": "5", "grade": 3}', "line 1: grade is no text"),
        ('{"question": "a", "gold": "(", "grade": "regex"}', "line 1: .* is no regular expression"),
        ('{"question": "a", "gold": "many", "grade": "number"}', "line 1: .* is no number"),
        ('{"question": "a", "id": "x"}\n{"question": "b", "id": "x"}', "line 2: the id 'x' is already in line 1"),
        ('{"question": "a", "id": "2"}\n{"question": "b"}', "line 2: the id '2' is already in line 1"),
        ('{"question": "a", "right": {"deep": 2}}', "line 1: right of 'deep' is '2'"),
        ('{"question": "a", "right": {"deep": "1"}}', "line 1: right of 'deep' is '1'"),
        ('{"question": "a", "right": {"deep": NaN}}', "line 1: right of 'deep' is 'nan'"),
        ('{"question": "a", "right": 1}', "line 1: right is no JSON object"),
        ('{"question": "a", "answers": {"deep": 1}}', "line 1: the answer of 'deep' is no text"),
    ],
)
def test_bad_json_lines(tmp_path: Path, content: str | bytes, named: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InvalidInput, match=named) as caught:
        read_questions(path)
    assert str(path) in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("id,gold\n1,2\n", "line 1 has no column question"),
        ("question,gold\n", "has no questions"),
        ("question,gold\na,1\nb\n", "line 3 has fewer cells"),
        ("question,gold\na,1,2\n", "line 2 has more cells"),
        ("question,gold\n,1\n", "line 2 has no question"),
        ('question,gold\n"a,1\n', "is not CSV"),
        ("question,right\na,yes\n", "line 2: right is no JSON"),
        ("question,right.deep\na,yes\n", "line 2: right of 'deep' is 'yes'"),
        ("question,right\na,1\n", "line 2: right is no JSON object"),
    ],
)
def test_bad_csv(tmp_path: Path, content: str, named: str) -> None:
    path = written(tmp_path, content, "q.csv")
    with pytest.raises(InvalidInput, match=named) as caught:
        read_questions(path)
    assert str(path) in str(caught.value)
    assert caught.value.fix


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not exist"):
        read_questions(tmp_path / "none.jsonl")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_questions(tmp_path)
    good = gzip.compress(b'{"question": "a"}\n' * 500)
    for number, garbage in enumerate((b"no gzip at all", good[:-9], good[:20] + b"\0\1\2" + good[23:])):
        with pytest.raises(InvalidInput, match="no gzip file"):
            read_questions(written(tmp_path, garbage, f"{number}.jsonl.gz"))
