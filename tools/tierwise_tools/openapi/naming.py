"""Short names for operations: what the document calls them, and only as much of the path as tells them apart."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from tierwise_tools.names import distinct_names, prefixed_name, safe_name

_NEXT_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_NEWS = re.compile(r"api|rest|v\d+")

Method = str
Path = str
Named = tuple[Method, Path, str]
"""Method, path and operationId (or an empty text) of an operation."""


def words(text: str) -> list[str]:
    """``getHTTPStatus by-id`` as ``get http status by id``."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.findall(r"[a-z0-9]+", _NEXT_WORD.sub(" ", plain).lower())


def operation_names(source: str, operations: Iterable[Named]) -> dict[tuple[Method, Path], str]:
    """A tool name for each operation: ``SOURCE_``, then the words that tell it from the others.

    Each takes the shortest of its names that no other has. An id that FastAPI made of function, path and method is cut
    to the function.

    Args:
        source: what configuration calls the document.
        operations: all of the document's, so that a name does not depend on which are offered.
    """
    prefix = f"{safe_name(source)}_"
    own = words(source)
    wanted = {f"{method} {path}": _candidates((method, path, id), own) for method, path, id in operations}
    level = dict.fromkeys(wanted, 0)
    while True:
        chosen = {key: names[level[key]] for key, names in wanted.items()}
        count = Counter(chosen.values())
        shared = [key for key, name in chosen.items() if count[name] > 1 and level[key] + 1 < len(wanted[key])]
        if not shared:
            break
        for key in shared:
            level[key] += 1
    names = distinct_names(chosen, lambda key: prefixed_name(prefix, chosen[key]))
    return {(method, path): names[f"{method} {path}"] for method, path in (key.split(" ", 1) for key in chosen)}


def _candidates(operation: Named, own: Sequence[str]) -> list[str]:
    """Names from short to long; as many for each that has an id, so that they grow in step."""
    method, path, id = operation
    segments = [segment for segment in path.split("/") if segment]
    fixed = [word for segment in segments if "{" not in segment for word in words(segment)]
    telling = [word for word in fixed if not _NO_NEWS.fullmatch(word)]
    given = [words(name) for name in re.findall(r"{([^{}]*)}", path)]
    last = ["by", *given[-1]] if given and "{" in segments[-1] else []
    every = [word for name in given for word in name]
    if named := words(short_id := _without_path(operation)):
        with_path = [*named, *(word for word in telling if word not in named)]
        lists = [_without_group(short_id), with_path, [*with_path, *last], [method, *with_path, *last], words(id)]
    else:
        lists = [[method, *telling, *last], [method, *fixed, "by", *every] if every else [method, *fixed]]
    return [_joined(parts, own) for parts in lists]


def _without_path(operation: Named) -> str:
    method, path, id = operation
    made = re.sub(r"\W", "_", path)
    for ending in (f"{made}_{method}", made):
        if len(id) > len(ending) and id.lower().endswith(ending.lower()):
            return id[: -len(ending)]
    return id


def _without_group(id: str) -> list[str]:
    """``projects/list-projects`` and ``Projects.ListProjects`` as ``list projects``."""
    group, _, rest = id.rpartition("/") if "/" in id else id.rpartition(".")
    return words(rest) if set(words(group)) <= set(words(rest)) else words(id)


def _joined(parts: Sequence[str], own: Sequence[str]) -> str:
    once = [word for word, _ in groupby(parts)]
    rest = once[len(own) :] if own and once[: len(own)] == list(own) else once
    return "_".join(rest or once)
