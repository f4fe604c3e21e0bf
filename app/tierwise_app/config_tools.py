"""Edits the ``[tools]`` section of ``tierwise.toml``; comments stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from tierwise.errors import ConfigError
from tierwise.tool_settings import Approval
from tierwise_app.config_file import ConfigFile

SourceKind = Literal["mcp", "openapi"]
_KINDS: tuple[SourceKind, ...] = ("mcp", "openapi")


def set_enabled(file: ConfigFile, names: Sequence[str]) -> None:
    """Write which built-in tools and packages are on.

    Raises:
        ConfigError: if the file has its tools in a form that is not edited; so do the others.
    """
    _section(file)["enabled"] = list(names)


def set_root(file: ConfigFile, root: Path) -> None:
    """Write the folder that file tools may work in."""
    _section(file)["root"] = str(root)


def set_approval(file: ConfigFile, tool: str, word: Approval | None) -> None:
    """Write when a tool asks; ``None`` takes the word out, so that its effects decide."""
    import tomlkit

    section = _section(file)
    if "approval" not in section:
        if word is None:
            return
        section["approval"] = tomlkit.table()
    words = section["approval"]
    if word is not None:
        words[tool] = word
    elif tool in words:
        del words[tool]
        if not words:
            del section["approval"]


def put_source(file: ConfigFile, kind: SourceKind, entry: Mapping[str, Any]) -> None:
    """Add an MCP server or an OpenAPI document."""
    import tomlkit

    section = _section(file)
    if kind not in section:
        section[kind] = tomlkit.aot()
    sources = section[kind]
    if not isinstance(sources, tomlkit.items.AoT):
        raise ConfigError(
            f"{file.path} has its tools.{kind} in one value, which is not edited.",
            fix=f"Write each as a [[tools.{kind}]] section.",
        )
    table = tomlkit.table()
    for key, value in entry.items():
        if isinstance(value, Mapping):
            inline = tomlkit.inline_table()
            inline.update(value)
            table[key] = inline
        else:
            table[key] = list(value) if isinstance(value, tuple) else value
    sources.append(table)


def drop_source(file: ConfigFile, name: str) -> SourceKind | None:
    """Take out the source of that name; what it was, or ``None`` if there is none."""
    section = _section(file) if "tools" in file.document else {}
    for kind in _KINDS:
        sources = section.get(kind, [])
        for place, entry in enumerate(sources):
            if str(entry.get("name")) == name:
                del sources[place]
                if not sources:
                    del section[kind]
                return kind
    return None


def _section(file: ConfigFile) -> Any:
    import tomlkit

    if "tools" not in file.document:
        file.document["tools"] = tomlkit.table()
    section = file.document["tools"]
    if isinstance(section, tomlkit.items.InlineTable):
        raise ConfigError(
            f"{file.path} has its tools in one value, which is not edited.", fix="Write a [tools] section."
        )
    return section
