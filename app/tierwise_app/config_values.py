"""The values of ``tierwise.toml`` that hold for all turns: read, compared, written; comments stay."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from tierwise.config import Budget, Settings, load_settings, read_showing
from tierwise.errors import InvalidInput, TierwiseError
from tierwise.types import ShowBeforeSending, Wish
from tierwise.wish import read_wish
from tierwise_app.config_file import ConfigFile

if TYPE_CHECKING:
    from tomlkit.items import Item

MOST_PASSAGES = 50
SHOWS: tuple[ShowBeforeSending, ...] = get_args(ShowBeforeSending)
_APP_SHOWS: ShowBeforeSending = "first"
BUDGETS = tuple(one.name for one in fields(Budget))
_VARIABLES = {
    "dial": "TIERWISE_DIAL",
    **{name: f"TIERWISE_BUDGET_{name.upper()}" for name in BUDGETS},
    "offline": "TIERWISE_OFFLINE",
    "locked": "TIERWISE_LOCKED",
}


@dataclass(frozen=True, slots=True)
class Values:
    """What a configuration file says, with the defaults where it says nothing.

    Attributes:
        dial: as in :class:`~tierwise.Settings`; so are ``offline``, ``locked``, ``grounded`` and ``passages``.
        turn: USD that may be spent on a turn; ``None`` sets no bound. Likewise ``thread``, ``day`` and ``month``.
        show_before_sending: when the app shows what leaves; it does before the first request of a thread by default.
    """

    dial: Wish = "balanced"
    turn: float | None = None
    thread: float | None = None
    day: float | None = None
    month: float | None = None
    offline: bool = False
    locked: bool = False
    grounded: bool = True
    passages: int = 4
    show_before_sending: ShowBeforeSending = _APP_SHOWS

    def checked(self) -> Values:
        """These values, if they can be.

        Raises:
            InvalidInput: naming the one that cannot.
        """
        try:
            read_wish("The dial", self.dial)
            read_showing(self.show_before_sending)
        except TierwiseError as error:
            raise InvalidInput(error.what, fix=error.fix) from error
        if isinstance(self.passages, bool) or not 1 <= self.passages <= MOST_PASSAGES:
            raise InvalidInput(f"A question cannot get {self.passages} passages.", fix=f"Use 1 to {MOST_PASSAGES}.")
        for name in BUDGETS:
            if (usd := getattr(self, name)) is not None and not 0 <= usd < float("inf"):
                raise InvalidInput(f"The budget of a {name} cannot be {usd}.", fix="Use a number from 0, or none.")
        return self


def read_values(file: ConfigFile) -> Values:
    """What a file says.

    Raises:
        ConfigError: if it cannot be used.
    """
    settings = load_settings(file.path, env={}) if file.before else Settings()
    said = file.document.get("show_before_sending")
    return Values(
        dial=settings.dial,
        **{name: getattr(settings.budget, name) for name in BUDGETS},
        offline=settings.offline,
        locked=settings.locked,
        grounded=settings.grounded,
        passages=settings.passages,
        show_before_sending=_APP_SHOWS if said is None else read_showing(str(said)),
    )


def changed(before: Values, after: Values) -> list[str]:
    """The names of the values that differ."""
    return [f.name for f in fields(Values) if getattr(before, f.name) != getattr(after, f.name)]


def put_values(file: ConfigFile, after: Values) -> None:
    """Put values into a file that is to be written; what does not change is not touched.

    Raises:
        TierwiseError: if a value cannot be, or the file cannot be used.
    """
    before = read_values(file)
    after = after.checked()
    names = changed(before, after)
    for name in names:
        if name not in BUDGETS:
            file.set_value(name, getattr(after, name))
    if changes := {name: getattr(after, name) for name in BUDGETS if name in names}:
        _put_budget(file, changes)


def overriding(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The values that the environment says otherwise whatever the file says, with the variable that does so."""
    empty_counts = ("offline", "locked")
    return {
        name: variable
        for name, variable in _VARIABLES.items()
        if (env.get(variable) is not None if name in empty_counts else env.get(variable))
    }


def shows_before_sending(settings: Settings) -> ShowBeforeSending:
    """When the app shows what leaves: as the configuration file says, else before the first request of a thread.

    The SDK's own default is never, which is why its settings alone do not tell.
    """
    if settings.path is not None:
        with suppress(OSError, ValueError, TierwiseError):
            found = tomllib.loads(Path(settings.path).read_text(encoding="utf-8")).get("show_before_sending")
            return _APP_SHOWS if found is None else read_showing(found)
    return _APP_SHOWS


def _put_budget(file: ConfigFile, values: Mapping[str, float | None]) -> None:
    import tomlkit

    section: Any = file.document.get("budget")
    if section is None:
        section = tomlkit.table()
        file.set_value("budget", section)
        section = file.document["budget"]
    for name, value in values.items():
        if value is None:
            section.pop(name, None)
        else:
            section[name] = _number(value)
    if not section:
        file.document.pop("budget", None)


def _number(value: float) -> Item:
    import tomlkit

    return tomlkit.item(int(value) if value == int(value) else value)
