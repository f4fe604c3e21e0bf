"""``tierwise ask --schema``: JSON on stdout, everything else on stderr."""

from __future__ import annotations

import json
from typing import Any

import pytest

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}


@pytest.fixture
def schema(tmp_path: Any) -> Any:
    path = tmp_path / "trip.json"
    path.write_text(json.dumps(SCHEMA))
    return path


def test_stdout_is_the_value_alone(cli, schema):
    cli.serve(['{"city": "Rome", "days": 3}'])

    ran = cli("ask", "Where to?", "--schema", schema)

    assert ran.code == 0
    assert ran.json == {"city": "Rome", "days": 3}
    assert "[quick] why:" in ran.err


def test_json_gives_the_whole_answer(cli, schema):
    cli.serve(["no idea"], ['{"city": "Rome"}'])

    answer = cli("ask", "Where to?", "--schema", schema, "--json").json

    assert json.loads(answer["text"]) == {"city": "Rome"}
    assert [a["outcome"] for a in answer["attempts"]] == ["failed", "accepted"]


def test_an_answer_that_does_not_fit_is_a_failure_and_prints_no_value(cli, schema):
    cli.serve(["no idea"])

    ran = cli("ask", "Where to?", "--schema", schema)

    assert (ran.code, ran.out) == (1, "")
    assert "no JSON" in ran.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"not": {}}', "'not' at its root"),
        ("[1]", "is no JSON object"),
        ("{", "is no JSON"),
        (None, "cannot be read"),
    ],
)
def test_a_schema_that_cannot_be_used_is_wrong_use(cli, tmp_path, text, words):
    path = tmp_path / "bad.json"
    if text is not None:
        path.write_text(text)

    ran = cli("ask", "Where to?", "--schema", path)

    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_an_adapter_that_is_not_there_is_wrong_use(cli):
    ran = cli("ask", "Where to?", "--adapter", "nope")

    assert ran.code == 2
    assert "There is no adapter 'nope'." in ran.err


def test_a_schema_too_deep_to_read_is_wrong_use(cli, tmp_path):
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000)
    assert cli("ask", "Where to?", "--schema", path).code == 2
