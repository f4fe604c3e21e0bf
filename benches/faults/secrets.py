"""Secrets and personal data planted everywhere, then looked for in every file and everything that was written.

    python -m benches.faults.secrets PATH      the folder with secrets_pii.jsonl

Each row stands in a question, a document, the arguments and the result of a tool, an answer, an answer that is stopped,
one that is cut off by the end of the program, a server's error, a call that waits and runs in another process,
what an MCP server writes to stderr, and the environment. Then every file of the home, and all of stdout and stderr with
logs at DEBUG, is searched, byte by byte. Secrets under ``redact = "secrets"``, personal data under ``"personal"``.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tierwise.redact import RedactingStream, redact
from tierwise.testing import Fault, LoopbackServer, ScriptedModel
from tierwise_tools.mcp.last_words import LastWords

_STEPS = ("ends", "waits", "goes_on", "crashes", "repaired")
_CLI = (
    "ask hello", "ask hello --json", "threads list", "threads show done-0 --json", "threads export done-0",
    "threads export done-0 --json", "why last", "threads search one --json", "doctor --json", "stats",
)  # fmt: skip
_ROOT = Path(__file__).parents[2]
_LEAST = 12  # characters of a piece of a secret that counts as it


@dataclass(frozen=True)
class Row:
    """A text, and the words in it that must not be found anywhere; none for a benign one."""

    id: str
    text: str
    secret: str = ""
    personal: bool = False

    def needles(self) -> set[bytes]:
        """The secret as it may be written, and the value alone where it has a name."""
        if not self.secret:
            return set()
        found = {self.secret, json.dumps(self.secret)[1:-1]}
        if "-----" in self.secret:
            found = {line for line in self.secret.replace("\\n", "\n").splitlines() if "-----" not in line}
        elif not self.personal:
            words = self.secret.replace("=", " ").split()
            found |= {word for word in words if len(word) >= _LEAST and any(c.isdigit() for c in word)}
        return {word.encode() for word in found}


@dataclass
class Found:
    """What the search came to."""

    leaks: list[str] = field(default_factory=list)
    files: int = 0
    lives: int = 0


def read_rows(path: Path) -> list[Row]:
    """The rows of the file of cases."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        secret = "".join(one["parts"])
        text = one["template"].replace("{S}", secret)
        rows.append(Row(one["id"], text, "" if one["expect"] == "keep" else secret, one["kind"] == "pii"))
    return rows


def run(
    rows: Sequence[Row], kind: str, folder: Path, cli: Sequence[str] = _CLI, steps: Sequence[str] = _STEPS
) -> Found:
    """Plant the rows under a word of ``redact``, in ``folder``, and look for them; ``cli`` are run then."""
    home, found = folder / f"home-{kind}", Found()
    texts = [row.text for row in rows]
    wanted = [row for row in rows if row.secret and (kind == "personal" or not row.personal)]
    with LoopbackServer(ScriptedModel(["never"], repeat=True)) as server:
        server.faults.extend(Fault(400, json.dumps({"error": {"message": f"bad: {text}"}})) for text in texts)
        for step in steps:
            output = _live(folder, home, kind, step, server.url, texts)
            found.lives += 1
            _search(found, wanted, f"{step}: output", output)
            if step in ("waits", "crashes"):  # what they go on with is kept until they are over
                for place, stored in _of_unfinished(home):
                    _search(found, wanted, f"{step}: {place}", stored.encode())
            else:
                _search_home(found, wanted, step, home)
        server.faults.extend(Fault(401, json.dumps({"error": {"message": f"bad: {text}"}})) for text in texts)
        for words, output in _cli(folder, home, kind, server.url, cli):
            found.lives += 1
            _search(found, wanted, f"tierwise {words}: output", output)
        _search_home(found, wanted, "tierwise", home)
    return found


def in_pieces(rows: Sequence[Row]) -> Found:
    """Every row in pieces of one to nine characters: a stream, and an MCP server's last words."""
    found = Found()
    for row in rows:
        for size in range(1, 10):
            pieces = [row.text[at : at + size] for at in range(0, len(row.text), size)]
            stream, words = RedactingStream(personal=row.personal), LastWords(())
            shown = "".join(map(stream.feed, pieces)) + stream.rest()
            for piece in pieces:
                words.heard(piece)
                if not row.personal:
                    _search(found, [row], f"stderr of a server, pieces of {size}", str(words).encode())
            _search(found, [row], f"pieces of {size}", shown.encode())
    return found


def environment(folder: Path) -> Found:
    """Values that look like nothing are known by the names of their variables."""
    values = {"MAIL_PASSWORD": "plain words here", "CRM_API_KEY": "0123-4567-89", "SECRETS_PROGRAM": "quiet-as-a-mouse"}
    rows = [Row(name, f"The tool says {value} twice: {value}.", value) for name, value in values.items()]
    home, found = folder / "home-environment", Found()
    with LoopbackServer(ScriptedModel(["never"], repeat=True)) as server:
        server.faults.extend(Fault(400, json.dumps({"error": {"message": row.text}})) for row in rows)
        for step in ("ends", "waits", "goes_on"):
            output = _live(folder, home, "secrets", step, server.url, [row.text for row in rows], **values)
            found.lives += 1
            _search(found, rows, f"environment, {step}: output", output)
    _search_home(found, rows, "environment", home)
    return found


def changed(rows: Sequence[Row]) -> list[str]:
    """The benign rows that do not stay as they are."""
    return [row.id for row in rows if not row.secret and redact(redact(row.text), personal=True) != row.text]


def speed() -> tuple[float, float]:
    """Milliseconds of the processor for 100 kB, without and with personal data taken out; the best of five."""
    text = (_ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    text = (text * (100_000 // len(text) + 1))[:100_000]
    best = []
    for personal in (False, True):
        times = []
        for _ in range(5):
            began = time.process_time()
            redact(text, personal=personal)
            times.append((time.process_time() - began) * 1000)
        best.append(min(times))
    return best[0], best[1]


def _live(folder: Path, home: Path, kind: str, step: str, url: str, texts: list[str], **variables: str) -> bytes:
    env = {**os.environ, "OUTBOX": str(folder / "outbox"), "LANGSMITH_TRACING": "true", "LANGSMITH_ENDPOINT": url}
    command = [sys.executable, "-m", "benches.faults.secrets_program", str(home), kind, step, url]
    done = subprocess.run(
        command, input=json.dumps(texts).encode(), capture_output=True, check=False, env={**env, **variables}, cwd=_ROOT
    )
    if done.returncode:
        raise RuntimeError(f"{step} failed: {redact(done.stderr.decode())[-3000:]}")
    return done.stdout + done.stderr


def _cli(folder: Path, home: Path, kind: str, url: str, commands: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    config = folder / "tierwise.toml"
    config.write_text(
        f'redact = "{kind}"\n[[tiers]]\nname = "deep"\nmodel = "openai:big"\nbase_url = "{url}"\n'
        'api_key_env = "SECRETS_PROGRAM"\n',
        encoding="utf-8",
    )
    env = {**os.environ, "SECRETS_PROGRAM": "quiet-as-a-mouse"}
    for words in commands:
        command = [sys.executable, "-m", "tierwise_app", "--debug", "--home", str(home), "--config", str(config)]
        done = subprocess.run([*command, *words.split()], capture_output=True, check=False, env=env)
        if b"Traceback" in done.stderr and not words.startswith("ask"):
            raise RuntimeError(f"tierwise {words} failed: {redact(done.stderr.decode())[-3000:]}")
        yield words, done.stdout + done.stderr


def _of_unfinished(home: Path) -> Iterator[tuple[str, str]]:
    """What must hold no secret even while a turn runs or waits."""
    with closing(sqlite3.connect(home / "record.sqlite")) as db:
        yield "questions", "\n".join(row[0] for row in db.execute("SELECT asked || coalesce(stated, '') FROM turns"))
        yield "partial answers", "\n".join(row[0] for row in db.execute("SELECT text FROM partials"))


def _search_home(found: Found, rows: Sequence[Row], step: str, home: Path) -> None:
    for path in sorted(home.rglob("*")):
        if path.is_file():
            found.files += 1
            _search(found, rows, f"{step}: {path.relative_to(home)}", path.read_bytes())


def _search(found: Found, rows: Sequence[Row], where: str, data: bytes) -> None:
    found.leaks += [f"{row.id} in {where}" for row in rows for needle in row.needles() if needle in data]


def main(words: Sequence[str]) -> int:
    """Run all of it and say what was found."""
    rows = read_rows(Path(words[0]) / "secrets_pii.jsonl")
    leaks: list[str] = []
    with tempfile.TemporaryDirectory(prefix="secrets-") as name:
        for kind in ("secrets", "personal"):
            found = run(rows, kind, Path(name))
            leaks += found.leaks
            print(f"redact = {kind}: {len(rows)} rows, {found.lives} lives of the program, {found.files} files read, "
                  f"leaks {len(found.leaks)}")  # fmt: skip
        known = environment(Path(name))
    pieces = in_pieces([row for row in rows if row.secret])
    leaks += known.leaks + pieces.leaks
    benign = [row for row in rows if not row.secret]
    lost = changed(rows)
    print(f"environment: leaks {len(known.leaks)}; in pieces: leaks {len(pieces.leaks)}")
    print(f"benign rows changed: {len(lost)} of {len(benign)} {' '.join(lost)}")
    print("100 kB take {:.0f} ms, with personal data {:.0f} ms".format(*speed()))
    for leak in dict.fromkeys(leaks):
        print(f"leak: {leak}")
    return int(bool(leaks) or len(lost) > 0.05 * len(benign))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
