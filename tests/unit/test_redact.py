"""What is a secret, what is not, and that it makes no difference how a text arrives."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from secret_rows import BENIGN, PERSONAL, SECRETS, made

from tierwise.redact import RedactingStream, redact, redact_value, redaction, remember_variables

_PIECES = st.sampled_from([form.replace("{}", value) for form, value in (*SECRETS.values(), *PERSONAL.values())])
_MARKS = (
    "\n",
    " ",
    "=",
    ":",
    '"',
    "'",
    ",",
    "\\n",
    "\\",
    "[redacted]",
    "password",
    "token: ",
    "key=",
    "@",
    "://",
    "+",
    "a1",
)
_TEXTS = st.lists(st.one_of(_PIECES, st.sampled_from(_MARKS), st.sampled_from(BENIGN), st.text(max_size=8)), max_size=8)


def core(secret: str) -> str:
    """The part of a secret that gives it away: of a private key its body, of a pair its password."""
    if "-----" in secret:
        return made("pem1", 64)
    return secret.rpartition(":")[2] if "//" not in secret and secret.count(":") == 1 else secret


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_taken_out_and_the_words_around_it_stay(name: str) -> None:
    form, secret = SECRETS[name]
    text = f"one line before\n{form.format(secret)}\none line after"
    found = redact(text)
    assert core(secret) not in found
    assert found.startswith("one line before\n")
    assert found.endswith("\none line after")


@pytest.mark.parametrize("name", PERSONAL)
def test_personal_data_is_taken_out_if_that_is_wished(name: str) -> None:
    form, value = PERSONAL[name]
    assert value not in redact(form.format(value), personal=True)
    assert redact(form.format(value)) == form.format(value)


@pytest.mark.parametrize("text", BENIGN)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text
    assert redact(text, personal=True) == text


def test_values_that_are_known_go_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILER_PASSWORD", 'Pa55"word/of mail')
    monkeypatch.setenv("MY_MODEL", "only-by-the-tier-1")
    monkeypatch.setenv("STORE", "mysql://app:pw-of-the-url@db.invalid/x")
    monkeypatch.setenv("AUTH_TOKEN_FILE", "/run/secrets/token-1")
    remember_variables(["MY_MODEL"])
    text = (
        'a Pa55"word/of mail b Pa55\\"word/of mail c Pa55%22word%2Fof%20mail d only-by-the-tier-1 e pw-of-the-url'
        " f given-1 g /run/secrets/token-1"
    )
    left = "[redacted]"
    assert (
        redact(text, "given-1", "abc")
        == f"a {left} b {left} c {left} d {left} e {left} f {left} g /run/secrets/token-1"
    )


def test_values_of_fields_that_are_named_as_secrets_go() -> None:
    key = made("v", 20)
    value = {"password": "hunter", "max_tokens": "4096", "token": "the", "a": [f"x {SECRETS['github'][1]}", 1, None]}
    assert redact_value({"secret_key": key} | value, redaction()) == {
        "secret_key": "[redacted]", "password": "[redacted]", "max_tokens": "4096", "token": "the",
        "a": ["x [redacted]", 1, None],
    }  # fmt: skip
    plain = {"a": ["b", {"c": 1}]}
    assert redact_value(plain, redaction()) is plain


@settings(max_examples=100, deadline=None)
@given(_TEXTS, st.booleans())
def test_taking_out_twice_changes_nothing(pieces: list[str], personal: bool) -> None:
    once = redact("".join(pieces), "a known secret", personal=personal)
    assert redact(once, "a known secret", personal=personal) == once


@settings(max_examples=100, deadline=None)
@given(_TEXTS, st.lists(st.integers(1, 40), min_size=1, max_size=40), st.booleans())
def test_a_text_in_pieces_becomes_what_it_becomes_as_a_whole(
    pieces: list[str], cuts: list[int], personal: bool
) -> None:
    text = "".join(pieces)
    stream, shown, at, n = RedactingStream("a known secret", personal=personal), "", 0, 0
    while at < len(text):
        shown += stream.feed(text[at : at + cuts[n % len(cuts)]])
        at, n = at + cuts[n % len(cuts)], n + 1
    assert shown + stream.rest() == redact(text, "a known secret", personal=personal)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_is_cut_anywhere_is_never_shown(name: str) -> None:
    form, secret = SECRETS[name]
    text = f"begin {form.format(secret)} end"
    for cut in range(1, len(text), 1 + len(text) // 80):
        stream = RedactingStream()
        assert stream.feed(text[:cut]) + stream.feed(text[cut:]) + stream.rest() == redact(text)


def test_a_line_without_end_is_not_held_for_ever() -> None:
    text = " ".join(["some words"] * 30_000) + f" {SECRETS['github'][1]} " + "more words " * 3_000
    stream, shown, longest = RedactingStream(), "", 0
    for at in range(0, len(text), 1_000):
        shown += stream.feed(text[at : at + 1_000])
        longest = max(longest, at + 1_000 - len(shown))
    shown += stream.rest()
    assert shown == redact(text)
    assert SECRETS["github"][1] not in shown
    assert longest < 75_000


@pytest.mark.parametrize("name", [name for name in SECRETS if " " not in core(SECRETS[name][1])])
def test_of_a_text_that_breaks_off_no_half_of_a_secret_stays(name: str) -> None:
    form, secret = SECRETS[name]
    begin = form.format(secret).partition(core(secret))[0]
    secret = core(secret)
    for shown in range(12, len(secret), 7):
        assert secret[:12] not in redaction().open_end(begin + secret[:shown])
    assert redaction().open_end("The capital of France is Par") == "The capital of France is Par"


@pytest.mark.parametrize(
    "text",
    [
        "sk-" * 35_000, "password=" * 11_000, "eyJ" * 33_000, "://a:b" * 17_000, "1" * 100_000, "a@" * 50_000,
        "-" * 100_000, f"-----BEGIN {'PRIVATE ' + 'KEY'}-----\n" * 3_000, "+1 " * 33_000, '"token": "' * 10_000,
        "\\" * 100_000, " " * 100_000,
    ],
)  # fmt: skip
def test_no_text_is_slow(text: str) -> None:
    done = threading.Event()

    def run() -> None:
        redact(text, personal=True)
        done.set()

    threading.Thread(target=run, daemon=True).start()
    assert done.wait(60)  # a pattern that backtracks takes hours


_LOGGING = """
import logging, sys, threading, warnings
from tierwise.redact import install
install(); install()
secret = sys.argv[1]
logging.basicConfig(level=logging.DEBUG)
log = logging.getLogger("some.library")
log.debug("request %s to %s", {"headers": {"authorization": f"Bearer {secret}"}}, "host")
log.info("plain %d", 7)
log.warning(f"key {secret} broken %s")
log.error("wrong arguments %d", secret)
try:
    raise ValueError(f"no such key: {secret}")
except ValueError:
    log.exception("failed")
warnings.warn(f"old key {secret}")
thread = threading.Thread(target=lambda: 1 / len(open(f"/nowhere/{secret}").read()))
thread.start(); thread.join()
raise RuntimeError(f"the end of {secret}")
"""


def test_nothing_that_is_logged_or_shown_as_a_traceback_has_a_secret() -> None:
    secret = SECRETS["openai"][1]
    done = subprocess.run([sys.executable, "-c", _LOGGING, secret], capture_output=True, text=True, check=False)
    assert secret not in done.stderr
    for word in (
        "request",
        "plain 7",
        "broken",
        "wrong arguments",
        "no such key",
        "old key",
        "FileNotFoundError",
        "the end of",
    ):
        assert word in done.stderr, word
    assert done.stderr.count("Traceback") == 3


def test_records_that_hold_no_secret_are_left_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    from tierwise.redact import logs

    monkeypatch.setattr(logs, "_installed", False)
    factory, make, form = logging.getLogRecordFactory(), logging.Logger.makeRecord, warnings.formatwarning
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    seen: list[logging.LogRecord] = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", seen.append)
    log = logging.getLogger("tierwise.test")
    try:
        logs.install()
        log.addHandler(handler)
        given: Any = ("127.0.0.1", "GET", "/x?token=" + made("q", 20), "1.1", 200)
        log.warning('%s - "%s %s HTTP/%s" %d', *given)
        log.warning("plain %s", "word", extra={"password": "hunter22", "fine": "x"})
    finally:
        log.removeHandler(handler)
        logging.setLogRecordFactory(factory)
        logging.Logger.makeRecord = make  # type: ignore[method-assign]
        warnings.formatwarning = form
        sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    assert seen[0].args == ("127.0.0.1", "GET", "/x?token=[redacted]", "1.1", 200)
    assert seen[1].args == ("word",)
    assert (vars(seen[1])["password"], vars(seen[1])["fine"]) == ("[redacted]", "x")
