"""A path as a model wrote it: refused, or the plain names that lead to the file."""

from __future__ import annotations

import os
import re
import unicodedata
from urllib.parse import unquote

from tierwise_tools.errors import ToolError

_LONGEST_PATH = 1_024
_LONGEST_NAME = 255  # bytes, as file systems count
# Parts of emoji and of Persian words. Some file systems do not see them, so no rule may either.
_JOINERS = {0x200C: None, 0x200D: None}
_CONTROL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_VARIABLE = re.compile(r"\$[A-Za-z_{(]|(?:^|/)%[A-Za-z_][A-Za-z0-9_()]{2,}%")
_SHELL = re.compile(r"[;|`<>]|&&")
_DRIVE = re.compile(r"[A-Za-z]:|.*::")
_SLASHES = re.compile(r"[/\\\u2044\u2215\u29f5\u29f8\u29f9\u2571\u2572\u27cb\u27cd\ufe68\uff0f\uff3c]")
_DOTS = re.compile(r"[. ]*")
_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|CLOCK\$|(?:COM|LPT)[0-9¹²³])", re.IGNORECASE)
_UNICODE_ESCAPE = re.compile(r"%u([0-9a-f]{4})", re.IGNORECASE)
_OVERLONG = re.compile(r"(?:%c([01])|%e0%8([01])|%f0%80%8([01]))%([89ab][0-9a-f])", re.IGNORECASE)


def names_of(path: str) -> tuple[str, ...]:
    """The names from the folder down to what ``path`` means; none for the folder itself.

    ``..`` is taken away together with the name before it, so what comes out has none. The rules are the same on every
    system, so that a path means the same everywhere; a name that nobody would give a file on purpose is refused.

    Raises:
        ToolError: if it is refused, with the reason.
    """
    _check_whole(path)
    names: list[str] = []
    for name in path.split("/"):
        if name == "..":
            if not names:
                raise ToolError(f"{shown(path)} leads out of the folder; stay inside it")
            names.pop()
        elif name not in ("", "."):
            _check_name(name, path)
            names.append(name)
    return tuple(names)


def shown(path: str) -> str:
    """A path as it is told in a message: short, and without characters that do something."""
    return repr(path) if len(path) <= 80 else f"{path[:80]!r} ..."


def _check_whole(path: str) -> None:
    if path and not path.strip():
        raise ToolError("the path is blank; write a path such as notes/today.txt")
    if len(path) > _LONGEST_PATH:
        raise ToolError(f"the path is longer than {_LONGEST_PATH:,} characters")
    if any(unicodedata.category(c) in _CONTROL and ord(c) not in _JOINERS for c in path):
        raise ToolError(f"{shown(path)} contains control or invisible characters; leave them out")
    if "\\" in path:
        raise ToolError(f"{shown(path)} contains a backslash; separate names by /")
    if path.startswith(("/", "~")) or _DRIVE.match(path):
        raise ToolError(f"{shown(path)} is not relative; write the path from the folder on, such as notes/today.txt")
    if path.startswith("-"):
        raise ToolError(f"{shown(path)} looks like an option of a command; write ./ before a name that begins with -")
    if _VARIABLE.search(path):
        raise ToolError(f"{shown(path)} contains a variable; nothing is filled in, write the name itself")
    if _SHELL.search(path):
        raise ToolError(f"{shown(path)} contains characters of a command line; write the name alone")


def _check_name(name: str, path: str) -> None:
    if len(name.encode("utf-8")) > _LONGEST_NAME:
        raise ToolError(f"a name in the path is longer than {_LONGEST_NAME} bytes")
    name = name.translate(_JOINERS)
    if name.startswith(".") and not name.startswith(".."):
        raise ToolError(f"{shown(path)} is hidden; files and folders that begin with a dot are left alone")
    if _DEVICE.fullmatch(name.partition(".")[0].strip()):
        raise ToolError(f"{shown(path)} is the name of a device on some systems; use another name")
    if os.name == "nt" and (":" in name or "~" in name or name.endswith((".", " "))):
        raise ToolError(f"{shown(path)} means another file on this system; use another name")
    if not name or any(_leads_out(reading) for reading in _readings(name)):
        raise ToolError(f"{shown(path)} hides a way out of the folder; write the name plainly")


def _readings(name: str) -> set[str]:
    """What layers that normalize or decode, once or more, would make of a name; the name itself is one of them."""
    readings = {name}
    reading = name
    for _ in range(3):
        reading = unicodedata.normalize("NFKC", reading)
        readings.add(reading)
        reading = unquote(_UNICODE_ESCAPE.sub(_character, _OVERLONG.sub(_short, reading)))
        readings.add(reading)
    return readings


def _character(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


def _short(match: re.Match[str]) -> str:
    """The ASCII character in a UTF-8 sequence that is longer than it need be."""
    return chr((int(match[1] or match[2] or match[3]) << 6) | (int(match[4], 16) & 0x3F))


def _leads_out(reading: str) -> bool:
    """Whether a single name turns out to hold a way up, an absolute path or a control character."""
    if any(ord(c) < 32 for c in reading) or _SLASHES.match(reading):
        return True
    return any(_DOTS.fullmatch(part) for part in _SLASHES.split(reading) if part)
