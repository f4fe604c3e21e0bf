"""Options, paths, variables, dotted names and the like: words that are right letter by letter or not at all."""

from __future__ import annotations

import re

_OUTER = re.compile(r"^[\s(\[{<\"'`*\u201c\u2018]*|[\s)\]}>\"'`*.,;:!?\u201d\u2019]*$")
_OPTION = re.compile(r"(-{1,2}(?:\[no-\])?[A-Za-z][\w-]*)(?:\[?=(.*))?")
_PATH = re.compile(r"(?:~|\.{0,2})/[\w.$<{*][^\s,;]*|[\w.+-]+(?:/[\w.+*<>$-]+)+/?")
_DOTTED = re.compile(r"\.?[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)+|\.[A-Za-z][\w-]+")
_CAMEL = re.compile(r"[a-z]+[A-Z]\w*")
_VERSION = re.compile(r"v?\d+(?:\.\d+){2,}\w*")
_CALL = re.compile(r"([A-Za-z][\w.-]*)\((\d\w?)?\)")


def code_mark(word: str) -> tuple[str, str] | None:
    """What a blank-separated piece of text is as code.

    Returns:
        The mark, comparable letter by letter, and what is left of the piece to be read as prose (the value in
        ``--depth=50``); ``None`` if it is a plain word.
    """
    core = word
    if call := _CALL.fullmatch(core):
        core = call[1]
        if call[2]:  # a page of a manual: its name may be said without the section
            return f"{core}({call[2]})".lower(), core
    if option := _OPTION.fullmatch(core):
        return option[1].replace("[no-]", ""), option[2] or ""
    if re.search(r"\w_|_\w", core) and core.replace("_", "").isalnum():
        return core.lower().strip("_") or core, ""
    if core.startswith("$") and core[1:2].isalpha():
        return core.lower(), ""
    if _PATH.fullmatch(core) and not all(part.isalpha() or part.isdigit() for part in core.split("/")):
        return core.lower().rstrip("/"), ""
    if _VERSION.fullmatch(core):
        return core.lower().lstrip("v"), ""
    if _DOTTED.fullmatch(core) and any(len(part) > 2 for part in core.split(".")):
        return core.lower(), ""
    if _CAMEL.fullmatch(core):
        return core.lower(), ""
    return None


def trimmed(piece: str) -> tuple[str, str, str]:
    """A blank-separated piece as what stands before the word, the word, and what stands after it."""
    start = len(piece) - len(_OUTER.sub("", piece, count=1))
    front, rest = piece[:start], piece[start:]
    if _CALL.match(rest):  # the closing bracket is its own
        end = rest.index(")") + 1
        return front, rest[:end], rest[end:]
    core = re.sub(r"(?:[\s)\]}>\"'`*.,;:!?\u201d\u2019]|(?<=[\w`])['\u2019]s(?=\W*$))*$", "", rest)
    return front, core, rest[len(core) :]
