"""Writes ``tierwise.toml``: comments stay, the file is valid or it is not written, a key never goes in."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierwise.config import CONFIG_NAME, find_config, load_settings
from tierwise.errors import ConfigError, InvalidInput, UnknownName
from tierwise.home import open_home
from tierwise.redact import redact

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECTION = r"(?:#.*\n)*\[+(?:tiers|embedder|budget|(?:tools|connectors)(?:\.[\w-]+)?)\]"
_TIER = re.compile(r"(?m)^\[\[ *tiers *\]\]")
_HEADER = "Tiers are tried in this order, cheapest first. Keys stay in the environment."


class ConfigFile:
    """One configuration file, read for editing.

    Args:
        path: the file; it need not exist.

    Raises:
        ConfigError: if it cannot be read or is not TOML.
    """

    def __init__(self, path: Path) -> None:
        import tomlkit
        from tomlkit.exceptions import TOMLKitError

        self.path = path
        self._end = "\n"
        self.before = ""
        try:
            if path.exists():
                self.before = path.read_text(encoding="utf-8")
                self._end = "\r\n" if b"\r\n" in path.read_bytes() else "\n"
            self.document: TOMLDocument = tomlkit.parse(self.before)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}.") from error
        except TOMLKitError as error:
            raise ConfigError(f"{path} is not valid TOML: {error}.", fix="Correct that line.") from error
        if not isinstance(self.document.get("tiers", tomlkit.aot()), tomlkit.items.AoT):
            raise ConfigError(
                f"{path} lists its tiers in one value, which is not edited.", fix="Write each as a [[tiers]] section."
            )
        if not self.before:
            self.document.add(tomlkit.comment(_HEADER))

    @property
    def text(self) -> str:
        """The file as it would be written."""
        text = self.document.as_string()
        if text == self.before:
            return text
        # tomlkit puts new tables close together, and leaves gaps where it takes one out. A comment stays with its tier.
        text = re.sub(rf"(?m)^([^#\n].*)\n(?={_SECTION})", r"\1\n\n", text)
        return re.sub(rf"\n{{3,}}(?={_SECTION})", "\n\n", text).rstrip("\n") + "\n"

    @property
    def diff(self) -> str:
        """What would change, as a unified diff; empty if nothing would."""
        lines = difflib.unified_diff(
            self.before.splitlines(), self.text.splitlines(), str(self.path), str(self.path), lineterm="", n=2
        )
        return "\n".join(lines)

    def names(self) -> list[str]:
        """Names of the tiers in it, in order."""
        return [str(tier.get("name")) for tier in self._tiers()]

    def tier(self, name: str) -> dict[str, Any]:
        """The entry of a tier as plain values, empty if there is none."""
        return next((dict(t.unwrap()) for t in self._tiers() if t.get("name") == name), {})

    def set_value(self, key: str, value: Any) -> None:
        """Set a value outside the tiers; it must stand before the first ``[[tiers]]``."""
        if key in self.document:
            self.document[key] = value
            return
        tiers = self.document.pop("tiers", None)
        self.document[key] = value
        if tiers is not None:
            self.document["tiers"] = tiers

    def put_tier(self, tier: Mapping[str, Any]) -> None:
        """Add a tier, or change the one of that name where it stands: ``None`` takes a key out, others are kept.

        A tier that stays on the device goes before the first that does not: tiers are ordered cheapest first.
        """
        import tomlkit

        values = {key: value for key, value in tier.items() if value is not None}
        tiers = self._tiers()
        for entry in tiers:
            if entry.get("name") == tier["name"]:
                for key in [k for k, value in tier.items() if value is None and k in entry]:
                    del entry[key]
                now = entry.unwrap()
                entry.update(_inline({key: value for key, value in values.items() if now.get(key) != value}))
                return
        table = tomlkit.table()
        table.update(_inline(values))
        if "tiers" not in self.document:
            self.document["tiers"] = tomlkit.aot()
        entries: Any = self.document["tiers"]
        if _on_device(values):
            place = next((i for i, t in enumerate(entries) if not _on_device(t)), len(entries))
            if 0 < place < len(entries):
                _take_last_comments(entries[place - 1], table)
            entries.insert(place, table)
        else:
            entries.append(table)

    def drop_tier(self, name: str) -> None:
        """Take a tier out with its comments, if it is there.

        Raises:
            ConfigError: if the file is written in a way that its sections cannot be told apart.
        """
        if name in (names := self.names()):
            place = names.index(name)
            self._rearrange([*range(place), *range(place + 1, len(names))])

    def move_tier(self, name: str, by: int) -> None:
        """Move a tier one place up (-1) or down (1) with its comments; nothing happens at the ends.

        Raises:
            ConfigError: if the file is written in a way that its sections cannot be told apart.
        """
        names = self.names()
        place = names.index(name) if name in names else -1
        if place >= 0 and 0 <= place + by < len(names):
            order = list(range(len(names)))
            order[place], order[place + by] = order[place + by], order[place]
            self._rearrange(order)

    def _rearrange(self, order: Sequence[int]) -> None:
        """Have the tiers that stand at these places, in this order, and no others.

        It is done in the text: in tomlkit a comment belongs to the tier before it, and not to the one it is about.
        """
        import tomlkit

        names = self.names()
        parts = _parts(self.document.as_string())
        places = [number for number, part in enumerate(parts) if _TIER.search(part)]
        wanted = [names[number] for number in order]
        if len(places) == len(names):
            tiers = [parts[place].rstrip() + "\n\n" for place in places]
            for place, number in zip(places, [*order, *(None for _ in range(len(names) - len(order)))], strict=True):
                parts[place] = "" if number is None else tiers[number]
            changed = tomlkit.parse("".join(parts).rstrip() + "\n")
            if [str(tier.get("name")) for tier in changed.get("tiers", [])] == wanted:
                self.document = changed
                return
        raise ConfigError(
            f"The sections of the tiers in {self.path} cannot be told apart.", fix="Change their order in the file."
        )

    def write(self) -> None:
        """Check the text by reading it as tierwise does, then replace the file in one step.

        A link stays a link: the file that it leads to is replaced, and keeps who may read it.

        Raises:
            ConfigError: if it would not be valid; the file is untouched.
            InvalidInput: if it cannot be written, or somebody else has written it since it was read.
        """
        path = self.path.resolve()
        try:
            if not path.parent.exists():
                open_home(path.parent)
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=".tierwise-") as folder:
                draft = Path(folder) / CONFIG_NAME
                draft.write_text(self.text, encoding="utf-8", newline=self._end)
                try:
                    load_settings(draft, env={})
                except ConfigError as error:
                    raise ConfigError(error.what.replace(str(draft), str(self.path)), fix=error.fix) from error
                if path.exists():
                    shutil.copymode(path, draft)
                if (path.read_text(encoding="utf-8") if path.exists() else "") != self.before:
                    raise InvalidInput(f"{self.path} was changed by somebody else just now.", fix="Run it again.")
                os.replace(draft, path)  # noqa: PTH105 (one step, also over a file)
        except OSError as error:
            raise InvalidInput(
                f"{self.path} cannot be written: {error.strerror or error}.", fix="Choose another place with --config."
            ) from error

    def _tiers(self) -> list[Any]:
        return list(self.document.get("tiers", []))


def _parts(text: str) -> list[str]:
    """The text in pieces that belong together: each section with the comments right above it, all tables of a tier."""
    parts, above = [""], ""
    for line in text.splitlines(keepends=True):
        if line.startswith("#") and line.rstrip() != f"# {_HEADER}":  # that one is about all of them
            above += line
            continue
        begins = line.startswith("[") and not line.startswith("[tiers.")
        if begins:
            parts.append("")
        parts[-1] += above + line
        above = ""
    return [*parts, above] if above else parts


def _take_last_comments(before: Any, after: Any) -> None:
    """Let the comments below one tier stand below another: they are about the tier that comes next."""
    body = before.value.body
    while body and body[-1][0] is None:
        after.value.body.append(body.pop())
    first = len(after.value.body)
    while first and after.value.body[first - 1][0] is None:
        first -= 1
    after.value.body[first:] = reversed(after.value.body[first:])


def _inline(values: Mapping[str, Any]) -> dict[str, Any]:
    import tomlkit

    result = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            table = tomlkit.inline_table()
            table.update(value)
            result[key] = table
        else:
            result[key] = value
    return result


def _on_device(tier: Mapping[str, Any]) -> bool:
    return str(tier.get("model", "")).startswith("llama:") or bool(tier.get("on_device"))


def config_path(named: Path | None, home: Path) -> Path:
    """The file to edit: the one named, the one in use, else ``tierwise.toml`` in the home folder."""
    return named or find_config(home) or home / CONFIG_NAME


def check_entry(entry: dict[str, Any], home: Path) -> None:
    """See that a tier's entry makes sense and, for a local model, that its file is one.

    Raises:
        TierwiseError: saying what is wrong.
    """
    from tierwise.config import Price, Tier
    from tierwise.models import open_model

    values = {key: value for key, value in entry.items() if value is not None}
    if "price" in values:
        values["price"] = Price(**values["price"])
    tier = Tier(**values)
    _ = open_model(tier, home=home).capabilities


def variable_name(word: str) -> str:
    """``word`` if it can be the name of an environment variable and is not a key itself.

    Raises:
        InvalidInput: otherwise; the word is not repeated, since it may be a key.
    """
    if not _VARIABLE.fullmatch(word) or redact(word) != word:
        raise InvalidInput(
            "That is not the name of an environment variable.",
            fix="Give the name, such as OPENAI_API_KEY; the key itself is never written down.",
        )
    return word


def tier_named(tiers: Mapping[str, Any], name: str) -> Any:
    """The tier called ``name``.

    Raises:
        UnknownName: if there is none.
    """
    if name not in tiers:
        raise UnknownName(f"There is no tier {name!r}.", fix=f"There are: {', '.join(tiers)}.")
    return tiers[name]
