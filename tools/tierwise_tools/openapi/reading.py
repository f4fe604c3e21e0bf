"""A document file as plain data: of bounded size, and nothing but what JSON has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from tierwise_tools.errors import SourceError
from tierwise_tools.text import first_line

LARGEST = 20_000_000
_MOST_NODES = 5_000_000
_VERSION = re.compile(r"3\.[012](\.|$)")
_TAG = "tag:yaml.org,2002:"


def read_document(path: Path) -> dict[str, Any]:
    """The document in a file.

    Args:
        path: JSON or YAML, at most 20 MB.

    Raises:
        SourceError: if it cannot be read, or is no OpenAPI 3 document.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise SourceError(
                f"{path} is larger than {LARGEST // 1_000_000} MB.", fix="Cut it to the operations you use."
            )
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        why = error.strerror or first_line(error)
        raise SourceError(f"The API document {path} cannot be read: {why}.", fix="Check its path.") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8 text.", fix="Save it as UTF-8.") from error
    try:
        data = _parsed(text)
    except (ValueError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())[:300]
        raise SourceError(f"{path} is neither good JSON nor good YAML: {why}.", fix="Correct it there.") from error
    except RecursionError as error:
        raise SourceError(f"{path} is nested too deeply.") from error
    return _checked(data, path)


def _parsed(text: str) -> Any:
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except ValueError:
            pass  # YAML may begin like this too, and says where it is wrong
    return _read_yaml(text)


def _checked(data: Any, path: Path) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise SourceError(
            f"{path} is no OpenAPI document.", fix="Give the file that the API publishes as its description."
        )
    if "swagger" in data:
        raise SourceError(
            f"{path} is Swagger {data['swagger']}, and only OpenAPI 3 is read.",
            fix="Convert it, for example with `npx swagger2openapi`.",
        )
    version = str(data.get("openapi", ""))
    if not _VERSION.match(version):
        says = f"says OpenAPI {version[:20]!r}" if version else "does not say openapi: 3.x"
        raise SourceError(f"{path} {says}.", fix="Give an OpenAPI 3.0 or 3.1 document.")
    if not isinstance(data.get("paths"), dict):
        raise SourceError(f"{path} describes no paths.", fix="Give a document with operations in it.")
    return data


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _PlainLoader(_Base):  # type: ignore[misc]
    """Reads the values of JSON only: ``no``, ``on`` and ``2024-01-01`` are texts, as YAML 1.2 has them."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way to say it
    yaml_constructors = {  # noqa: RUF012
        tag: function
        for tag, function in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.removeprefix(_TAG) in ("null", "bool", "int", "float", "str", "seq", "map")
    }


for _kind, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _PlainLoader.add_implicit_resolver(_TAG + _kind, re.compile(rf"(?:{_pattern})\Z"), _first)


def _read_yaml(text: str) -> Any:
    loader = _PlainLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _bounded(node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _bounded(root: yaml.Node) -> None:
    """Refuse aliases that stand for themselves or multiply, and make every key a text.

    Raises:
        ValueError: with the reason.
    """
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node) -> int:
        if id(node) in sizes:
            return sizes[id(node)]
        if id(node) in open_nodes:
            raise ValueError("an alias stands for itself")
        open_nodes.add(id(node))
        total = 1
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.tag != f"{_TAG}merge":
                    key.tag = f"{_TAG}str"
                total += size(key) + size(value)
        elif isinstance(node, yaml.SequenceNode):
            total += sum(map(size, node.value))
        if total > _MOST_NODES:
            raise ValueError("its aliases multiply beyond all measure")
        sizes[id(node)] = total
        open_nodes.discard(id(node))
        return total

    size(root)
