"""A prompt as Markdown with YAML front matter: readable, fit for git, written by hand as well as by the app."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import yaml

from tierwise.errors import InvalidInput
from tierwise_app.prompts.prompt import Prompt, Variable

_FRONT = re.compile(r"---[ \t]*\n(?:(.*?)\n)?---[ \t]*(?:\n|\Z)", re.S)
_LONGEST_FRONT = 50_000
_KNOWN = ("title", "description", "tags", "variables", "created", "updated")


class _Words(yaml.SafeLoader):
    """Reads every value as the text it was written as: a title such as ``2026`` or ``Yes`` is a title."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (as the base class has it)

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it refers to another part of itself, which is not read here")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        found = super().construct_mapping(node, deep=deep)
        if len(found) < len(node.value):
            raise yaml.YAMLError("it says one thing twice")
        return found


def write_text(prompt: Prompt) -> str:
    """The file of a prompt. Its name is the file's name and does not stand in it."""
    front: dict[str, Any] = {"title": prompt.title}
    if prompt.description:
        front["description"] = prompt.description
    if prompt.tags:
        front["tags"] = list(prompt.tags)
    if prompt.described:
        front["variables"] = {
            v.name: {key: word for key, word in (("description", v.description), ("default", v.default)) if word}
            for v in prompt.described
        }
    front |= {key: when for key, when in (("created", prompt.created), ("updated", prompt.updated)) if when}
    front |= prompt.other
    dumped = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=110)
    return f"---\n{dumped}---\n\n{prompt.text}\n"


def read_text(name: str, text: str) -> Prompt:
    """The prompt that a file holds. A file without front matter is a prompt as well: its name is its title.

    Args:
        name: the file's name without ``.md``.
        text: what stands in it.

    Raises:
        InvalidInput: saying what is wrong with it.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not re.match(r"---[ \t]*\n", text):
        return Prompt(name, name.replace("-", " ").capitalize(), text)
    found = _FRONT.match(text)
    if found is None:
        raise InvalidInput("Its front matter has no end.", fix="Write a line --- below it.")
    if len(found[1] or "") > _LONGEST_FRONT:  # reading YAML takes its time
        raise InvalidInput(
            f"Its front matter is longer than {_LONGEST_FRONT:,} characters.", fix="Write long texts below it."
        )
    front = _mapping(_load(found[1] or ""), "The front matter")
    return Prompt(
        name=name,
        title=_word(front, "title") or name.replace("-", " ").capitalize(),
        text=text[found.end() :],
        description=_word(front, "description"),
        tags=_tags(front.get("tags", "")),
        described=_variables(front.get("variables", "")),
        created=_time(front, "created"),
        updated=_time(front, "updated"),
        other=_other(found[1] or "") if set(front) - set(_KNOWN) else {},
    )


def _load(front: str) -> Any:
    try:
        return yaml.load(front, Loader=_Words)  # noqa: S506 (a SafeLoader that makes nothing but text, lists, mappings)
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 2}" if error.problem_mark else ""
        raise InvalidInput(f"Its front matter is not valid YAML{line}: {error.problem}.", fix="Correct it.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        what = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise InvalidInput(f"Its front matter cannot be read: {what}.", fix="Correct it.") from error


def _other(front: str) -> dict[str, Any]:
    """What the app does not know, in YAML's own types, so that it is written back as it was."""
    try:
        found = yaml.safe_load(front)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidInput(f"Its front matter cannot be read: {error}.", fix="Correct it.") from error
    return {key: value for key, value in found.items() if key not in _KNOWN}


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if value in (None, ""):
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidInput(f"{what} is not a list of names with values.", fix='Write lines such as "title: Tidy up".')
    return value


def _word(front: Mapping[str, Any], key: str) -> str:
    value = front.get(key, "")
    if not isinstance(value, str):
        raise InvalidInput(f"{key} is not a text.", fix="Put it on one line.")
    return value


def _tags(value: Any) -> tuple[str, ...]:
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InvalidInput("tags is not a list of words.", fix="Write tags: [work, letters].")
    return tuple(words)


def _variables(value: Any) -> tuple[Variable, ...]:
    found = []
    if isinstance(value, list):  # names alone
        value = dict.fromkeys(map(str, value), "")
    for name, about in _mapping(value, "variables").items():
        facts = {"description": about} if isinstance(about, str) else _mapping(about, f"The variable {name}")
        if unknown := sorted(set(facts) - {"description", "default"}):
            raise InvalidInput(
                f"The variable {name} has an unknown key {unknown[0]!r}.", fix="Write description or default."
            )
        found.append(Variable(name, _word(facts, "description"), _word(facts, "default")))
    return tuple(found)


def _time(front: Mapping[str, Any], key: str) -> datetime | None:
    word = _word(front, key)
    try:
        return datetime.fromisoformat(word) if word else None
    except ValueError as error:
        raise InvalidInput(f"{key} is no time.", fix="Write it as 2026-11-27 16:30, or take it out.") from error
