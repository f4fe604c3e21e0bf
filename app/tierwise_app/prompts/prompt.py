"""What a prompt is, and how its variables are filled."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tierwise.errors import InvalidInput

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]{0,39})\s*\}\}")
_LINE_END = re.compile("\r\n|[\r\x85\u2028\u2029]")  # all that YAML takes for one
_LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Variable:
    """A place in a prompt that is filled when it is used.

    Attributes:
        name: as in ``{{name}}``.
        description: what belongs there, one line.
        default: what goes there if nothing else is said; empty means that it must be said.
    """

    name: str
    description: str = ""
    default: str = ""

    def __post_init__(self) -> None:
        if not _VARIABLE.fullmatch("{{" + self.name + "}}"):
            raise InvalidInput(
                f"A variable cannot be named {self.name!r}.", fix="Use letters, digits, _ and -, at most 40."
            )
        object.__setattr__(self, "description", _line(self.description))
        object.__setattr__(self, "default", _lines(self.default))


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text to ask with. Every line ends alike; blank lines around the text and spaces around words are not kept.

    Attributes:
        name: what is typed after ``/`` in the chat: lower-case letters, digits and ``-``.
        title: for people, one line.
        text: what is asked, with ``{{variables}}``.
        description: what it is good for, one line.
        tags: words to find it by, in lower case.
        described: what is said about variables, whether the text has them or not.
        created: when it was first written down, in UTC, by whole seconds.
        updated: when it was last changed, likewise.
        other: what else its file says; kept as it is.
    """

    name: str
    title: str
    text: str
    description: str = ""
    tags: tuple[str, ...] = ()
    described: tuple[Variable, ...] = ()
    created: datetime | None = None
    updated: datetime | None = None
    other: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InvalidInput(
                f"A prompt cannot be named {self.name!r}.",
                fix="Use lower-case letters, digits and -, at most 64, such as tidy-notes.",
            )
        words = (_line(tag).lower() for tag in self.tags)
        object.__setattr__(self, "title", _line(self.title) or self.name)
        object.__setattr__(self, "text", _lines(self.text))
        object.__setattr__(self, "description", _line(self.description))
        object.__setattr__(self, "tags", tuple(dict.fromkeys(word for word in words if word)))
        object.__setattr__(self, "created", _utc(self.created))
        object.__setattr__(self, "updated", _utc(self.updated))
        if not self.text:
            raise InvalidInput(f"The prompt {self.name!r} has no text.", fix="Write what is to be asked.")
        if len(self.text) > _LONGEST:
            raise InvalidInput(f"The prompt {self.name!r} is longer than {_LONGEST:,} characters.", fix="Shorten it.")

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables of its text, in the order in which they first stand there."""
        known = {variable.name: variable for variable in self.described}
        return tuple(known.get(name) or Variable(name) for name in variables_of(self.text))


def variables_of(text: str) -> tuple[str, ...]:
    """The names of the variables in a text, in the order in which they first stand there."""
    return tuple(dict.fromkeys(_VARIABLE.findall(text)))


def fill(prompt: Prompt, values: Mapping[str, str], rest: str = "") -> str:
    """The text to ask: every variable gets its value, else what ``rest`` gives it, else its default.

    ``rest`` goes to the first variable that has neither a value nor a default; if there is none, below the text. What
    is filled in is not looked through for variables again.

    Args:
        prompt: the prompt.
        values: by the variables' names; an empty one counts as none.
        rest: what a person wrote after ``/name``.

    Raises:
        InvalidInput: naming the variables that nothing is there for.
    """
    given, rest = _given(prompt, values, rest)
    if open_ones := [v.name for v in prompt.variables if not given.get(v.name)]:
        raise InvalidInput(f"The prompt {prompt.name!r} needs {', '.join(open_ones)}.", fix="Fill in what is missing.")
    text = _VARIABLE.sub(lambda found: given[found[1]], prompt.text)
    return f"{text}\n\n{rest}" if rest else text


def missing(prompt: Prompt, values: Mapping[str, str], rest: str = "") -> tuple[Variable, ...]:
    """The variables that a person must still be asked for before :func:`fill`."""
    given, _ = _given(prompt, values, rest)
    return tuple(variable for variable in prompt.variables if not given.get(variable.name))


def slug(title: str) -> str:
    """A name made of a title: ``Tidy my notes!`` becomes ``tidy-my-notes``; ``prompt`` where nothing is left of it."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].rstrip("-") or "prompt"


def _given(prompt: Prompt, values: Mapping[str, str], rest: str) -> tuple[dict[str, str], str]:
    """The value of each variable that has one, and what is left of ``rest``."""
    rest = rest.strip()
    given = {name: _lines(value) for name, value in values.items() if value.strip()}
    for variable in prompt.variables:
        if variable.name in given:
            continue
        if variable.default:
            given[variable.name] = variable.default
        elif rest:
            given[variable.name], rest = rest, ""
    return given, rest


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _lines(text: str) -> str:
    """As a UTF-8 file can hold it, without blank lines around it."""
    return _LINE_END.sub("\n", text.encode("utf-8", "replace").decode("utf-8")).strip()


def _utc(when: datetime | None) -> datetime | None:
    if when is None:
        return None
    return (when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)).replace(microsecond=0)
