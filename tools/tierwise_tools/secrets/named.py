"""Values that are named as a secret: ``DB_PASSWORD=...``, ``"api_key": "..."``, ``Password=...;`` and the like."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tierwise_tools.secrets.patterns import Span, looks_random

_WORDS = ("pass", "pwd", "secret", "key", "token", "credential", "jwt", "session", "kennwort", "contrase", "senha",
          "signature")  # fmt: skip
_NAME = (
    r"(?P<word>pass(?:word|wd|phrase|wort|code)s?|pass|kennwort|contrase[nñ]a|senha|pwd|secrets?|keys?|tokens?|jwt"
    r"|session[_-]?(?:id|key)|credentials?|signature)(?![a-z])"
)
# What makes of a key or a token one that opens something.
_OPENS = ("api", "access", "account", "private", "signing", "encryption", "master", "subscription", "license", "auth",
          "refresh", "bearer", "id", "bot", "shared")  # fmt: skip
_MORE = r"(?P<more>[_\-.][\w\-.]{0,30}|\d{0,4})"
_SIGN = r"""(?P<close>\\*["'`]?)[^\S\n]{0,4}(?P<sign>=>|:=|[:=])[^\S\n]{0,4}"""
_QUOTED = r"""(?:"(?P<double>(?:\\.|[^"\\\n]){1,2000})|'(?P<single>(?:\\.|[^'\\\n]){1,2000})"""
_ESCAPED = r"""(?:\\+["']|`)(?P<escaped>[^"'`\\\n]{1,2000}))"""
_VALUE = rf"""(?:{_QUOTED}|{_ESCAPED}|(?P<bare>[^\s"'`,;&<>\\]{{4,2000}}))"""
_GROUPS = ("double", "single", "escaped", "bare")
_NAMED = re.compile(f"{_NAME}{_MORE}{_SIGN}{_VALUE}", re.IGNORECASE)
# What stands for a value that is elsewhere, or for none.
_STAND_IN = re.compile(
    r"""(?ix) (?: \[ | < | \$ | \{\{? | % [({] | \*+ | x{3,} $ | \.{3} | … | (?: none | null | nil | true | false
    | undefined | required | optional | string | str | bytes | int | changeme | example | redacted | hidden | empty
    | missing | unset | invalid | placeholder | todo ) \b | your [-_ ]? | os\.environ | process\.env | env [.(\[]
    | config [.(\[] | self\. )"""
)
_STRONG = (
    r"pass(?:word|wd|phrase|wort|code)|kennwort|contrase[nñ]a|senha|pwd|secret|credential|shared[_-]?access[_-]?signature"
    r"|(?:api|access|account|private|signing|encryption|master|subscription|license)[_-]?key"
    r"|(?:auth|access|refresh|bearer|id|bot)[_-]?token"
)
_NAMED_SECRET = re.compile(
    rf"(?:{_STRONG}|tokens?|jwt|(?<=_)pass|(?<=_)auth|(?<=_)key)(?:[_-]?[a-z0-9]{{0,30}})?$", re.I
)
_STRONG_NAME = re.compile(_STRONG, re.I)
_HERE = re.compile(r"(?:old)?pwd", re.I)  # the folder a shell is in
_CALL = re.compile(r"[A-Za-z_][\w.]*\(")
_IDENTIFIER = re.compile(r"[A-Za-z_]+(?:[._-][A-Za-z_]+)*")
_PLACE = re.compile(
    r"(?:_|-|\b)(?:file|path|dir|sock|url|uri|env|name|type|id|size|count|limit|length|len|ttl|expiry)$", re.I
)


def is_secret_name(name: str) -> bool:
    """Whether a variable or field of this name holds a secret, as far as the name tells."""
    return bool(_NAMED_SECRET.search(name)) and not _PLACE.search(name) and not _HERE.fullmatch(name)


def is_named_secret(name: str, value: str) -> bool:
    """Whether the value of a field of this name is a secret; where the name may mean other things it has to look so."""
    if len(value) < 4 or not is_secret_name(name):
        return False
    return bool(_STRONG_NAME.search(name)) or looks_random(value) or (len(value) >= 8 and _is_no_word(value))


def named_spans(text: str, folded: str) -> Iterator[Span]:
    """Where values stand that are named as secrets.

    Args:
        text: what is searched.
        folded: the same in lower case.
    """
    places = sorted(at for word in _WORDS for at in _places(folded, word))
    done = 0
    for at in places:
        if at < done or (found := _NAMED.match(text, at)) is None:
            continue
        group = next(name for name in _GROUPS if found[name] is not None)
        value = found[group]
        if group == "bare":
            value = value.rstrip(")]}.:")
        start = found.start(group)
        if _is_secret(text, found, value):
            yield start, start + len(value)
            done = start + len(value)


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _is_secret(text: str, found: re.Match[str], value: str) -> bool:
    if not value or _STAND_IN.match(value) or _CALL.match(value) or _PLACE.search(found["more"] or ""):
        return False
    word = found["word"].lower()
    if _HERE.fullmatch(word) and value.startswith(("/", "~")):
        return False
    before = text[max(0, found.start() - 40) : found.start()]
    if word == "pass" and not before.endswith(("_", "-")):
        return False
    weak = word.startswith(("key", "token", "jwt", "session", "signature"))
    if weak and not before.rstrip("_-").lower().endswith(_OPENS):
        if before[-1:].isalpha() and (before[-1:].islower() == found["word"][0].islower()):
            return False  # part of another word
        said = found["bare"] is None or (found["sign"] == "=" and word.upper() == found["word"])
        if not (looks_random(value) or (said and _is_no_word(value))):
            return False
        if word.startswith("key"):
            return len(value) >= 16 and any(c.isupper() for c in value) and any(c.islower() for c in value)
        return len(value) >= 8
    if found["bare"] is None:
        # within a text a quoted value with spaces is a sentence
        return len(value) >= 4 and not (" " in value.strip() and _words_only(value))
    if found["sign"] != "=" or found["close"]:
        # "Password: see below" is a sentence
        return len(value) >= 6 and not _words_only(value)
    shouted = found[0][:4].isupper() or before.endswith(("?", "&", ";"))
    return shouted or not _IDENTIFIER.fullmatch(value)


def _is_no_word(value: str) -> bool:
    """Whether it is neither a word nor a number."""
    return not (value.isalpha() or " " in value or all(c.isdigit() or c in ".,:+-" for c in value))


def _words_only(value: str) -> bool:
    return all(c.isalpha() or c in " -_.,/" for c in value) and not (len(value) >= 24 and looks_random(value))
