"""Which operations are offered, by id, name, path or tag."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from tierwise_tools.errors import SourceError
from tierwise_tools.names import safe_name
from tierwise_tools.openapi.outline import Outline

_METHOD_AND_PATH = re.compile(r"([A-Za-z]+)\s+(/.*)")


def choose(
    outlines: Sequence[Outline], *, include: Iterable[str], exclude: Iterable[str], source: str
) -> tuple[Outline, ...]:
    """The operations that one of ``include`` matches (all, if it is empty) and none of ``exclude``.

    Raises:
        SourceError: if a pattern matches nothing, with the nearest that there are: a slip in either would offer what
            nobody meant.
    """
    chosen = set(range(len(outlines)))
    if wanted := tuple(include):
        chosen &= {number for pattern in wanted for number in _matching(pattern, outlines, source)}
    chosen -= {number for pattern in exclude for number in _matching(pattern, outlines, source)}
    return tuple(outline for number, outline in enumerate(outlines) if number in chosen)


def _matching(pattern: str, outlines: Sequence[Outline], source: str) -> set[int]:
    matches = _matcher(pattern.strip(), source)
    if found := {number for number, outline in enumerate(outlines) if matches(outline)}:
        return found
    known = dict.fromkeys(
        text
        for outline in outlines
        for text in (outline.id, outline.name, outline.path, *(f"tag:{tag}" for tag in outline.tags))
        if text
    )
    near = get_close_matches(pattern, known, n=5, cutoff=0.4) or list(known)[:5]
    fix = f"Near it are: {', '.join(near)}." if near else "The document has no operations."
    raise SourceError(f"{pattern!r} matches no operation of {source}.", fix=fix)


def _matcher(pattern: str, source: str) -> Callable[[Outline], bool]:
    if pattern.startswith("tag:"):
        tag = _glob(pattern.removeprefix("tag:").strip())
        return lambda outline: any(tag.fullmatch(given) for given in outline.tags)
    if parts := _METHOD_AND_PATH.fullmatch(pattern):
        method, path = parts[1].lower(), _path_glob(parts[2])
        return lambda outline: outline.method == method and _fits(path, outline.path)
    if pattern.startswith("/"):
        path = _path_glob(pattern)
        return lambda outline: _fits(path, outline.path)
    name, prefix = _glob(pattern), f"{safe_name(source)}_"
    return lambda outline: any(
        name.fullmatch(text) for text in (outline.id, outline.name, outline.name.removeprefix(prefix)) if text
    )


def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL | re.IGNORECASE)


def _path_glob(pattern: str) -> re.Pattern[str]:
    pieces = re.split(r"(/\*\*|\*\*|\*)", pattern.rstrip("/"))
    kinds = {"/**": "(?:/.*)?", "**": ".*", "*": "[^/]*"}
    return re.compile("".join(kinds.get(piece) or re.escape(piece) for piece in pieces), re.DOTALL)


def _fits(pattern: re.Pattern[str], path: str) -> bool:
    return pattern.fullmatch(path.rstrip("/")) is not None
