"""The short form of ``python -m benches.faults.secrets``: own rows, fewer lives."""

from __future__ import annotations

from pathlib import Path

from benches.faults import secrets as bench
from secret_rows import BENIGN, PERSONAL, SECRETS

_NAMES = ("openai", "pem")


def _rows() -> list[bench.Row]:
    rows = [bench.Row(name, SECRETS[name][0].format(SECRETS[name][1]), SECRETS[name][1]) for name in _NAMES]
    return [
        *rows,
        bench.Row("mail", PERSONAL["mail"][0].format(PERSONAL["mail"][1]), PERSONAL["mail"][1], personal=True),
    ]


def test_no_file_and_no_output_of_a_program_has_a_secret(tmp_path: Path) -> None:
    found = bench.run(_rows(), "personal", tmp_path, cli=(), steps=("ends", "waits", "goes_on"))
    assert found.leaks == []
    assert found.files > 10


def test_no_piece_of_a_secret_is_shown_and_what_is_none_stays() -> None:
    assert bench.in_pieces(_rows()).leaks == []
    assert bench.changed([bench.Row(text, text) for text in BENIGN]) == []
