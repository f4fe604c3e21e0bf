"""Reading the configuration: ``tierwise.toml``, then the environment, then flags, in rising order."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

from tierwise.config.settings import Budget, EmbedderSettings, Limits, Price, Settings, Tier
from tierwise.connector_settings import read_connector_settings
from tierwise.errors import ConfigError
from tierwise.home import default_home
from tierwise.redact import remember_variables
from tierwise.serve_settings import read_serve_settings
from tierwise.tool_settings import read_tool_settings
from tierwise.types import BusyThread, Redaction, ShowBeforeSending
from tierwise.wish import read_wish

CONFIG_NAME = "tierwise.toml"
_TYPES: tuple[tuple[str, type], ...] = (
    *((key, str) for key in ("base_url", "api_key_env", "adapter", "api", "reasoning")),
    *((key, bool) for key in ("on_device", "stand_in", "tools")),
)
_N = TypeVar("_N", "Price", "Limits", "Budget")


def find_config(home: Path, env: Mapping[str, str] = os.environ) -> Path | None:
    """The configuration file in use: ``TIERWISE_CONFIG``, ``./tierwise.toml``, then the one in the home folder.

    Raises:
        ConfigError: if ``TIERWISE_CONFIG`` names a file that is not there.
    """
    if named := env.get("TIERWISE_CONFIG"):
        path = Path(named).expanduser()
        if not path.is_file():
            raise ConfigError(f"TIERWISE_CONFIG names {path}, which is not a file.", fix="Correct or unset it.")
        return path
    return next((p for p in (Path.cwd() / CONFIG_NAME, home / CONFIG_NAME) if p.is_file()), None)


def load_settings(path: Path | None = None, *, env: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """Read the configuration file, then the environment, then ``overrides`` (flags); ``None`` overrides nothing.

    Args:
        path: the file to read; by default :func:`find_config` looks for it.
        env: the environment.
        overrides: fields of :class:`Settings`.

    Raises:
        ConfigError: naming the file, the key and what is allowed.
    """
    home = Path(overrides.get("home") or env.get("TIERWISE_HOME") or default_home()).expanduser().absolute()
    path = path or find_config(home, env)
    values: dict[str, Any] = {"home": home, "path": path}
    if path is not None:
        values |= _read(path)
        values["home"] = home
    if dial := env.get("TIERWISE_DIAL"):
        values["dial"] = read_wish("TIERWISE_DIAL", dial)
    for name in (one.name for one in fields(Budget)):
        if word := env.get(f"TIERWISE_BUDGET_{name.upper()}"):
            budget = values.get("budget", Budget())
            values["budget"] = replace(budget, **{name: _usd(f"TIERWISE_BUDGET_{name.upper()}", word)})
    for name in ("offline", "locked"):
        if (word := env.get(f"TIERWISE_{name.upper()}")) is not None:
            values[name] = _flag(f"TIERWISE_{name.upper()}", word)
    if (dial := overrides.get("dial")) is not None:
        overrides["dial"] = read_wish("The dial", dial)
    values |= {k: v for k, v in overrides.items() if v is not None and k != "home"}
    settings = _checked(Settings(**values))
    remember_variables(one.api_key_env for one in (*settings.tiers, settings.embedder) if one is not None)
    return settings


def read_showing(word: Any) -> ShowBeforeSending:
    """Check when a person sees what leaves.

    Raises:
        ConfigError: for any other word.
    """
    found: ShowBeforeSending = _word(word, "show_before_sending", ShowBeforeSending)
    return found


def _word(word: Any, name: str, kind: Any) -> Any:
    if word not in (words := get_args(kind)):
        raise ConfigError(f"{name} is {word!r}.", fix=f"Use {', '.join(words)}.")
    return word


def _read(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{path} cannot be read: {why}.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", fix="Correct that line.") from error
    tiers = data.pop("tiers", [])
    if not isinstance(tiers, list) or not all(isinstance(t, dict) for t in tiers):
        raise ConfigError(f"{path}: tiers must be written as [[tiers]] sections.")
    embedder, budget = data.pop("embedder", None), data.pop("budget", {})
    tools, connectors, serve = data.pop("tools", {}), data.pop("connectors", {}), data.pop("serve", {})
    sections = {"tiers", "embedder", "budget", "tools", "connectors", "serve"}
    known = {f.name for f in fields(Settings)} - {"home", "path"} - sections
    if unknown := sorted(set(data) - known):
        raise ConfigError(f"{path}: unknown key {unknown[0]!r}.", fix=f"Known keys: {', '.join(sorted(known))}, tiers.")
    return {
        **data,
        "tiers": tuple(_tier(t, path) for t in tiers),
        "embedder": None if embedder is None else _embedder(embedder, path),
        "budget": _numbers(Budget, budget, f"{path}: budget"),
        "tools": read_tool_settings(tools, str(path), path.absolute().parent),
        "connectors": read_connector_settings(connectors, str(path)),
        "serve": read_serve_settings(serve, str(path)),
    }


def _tier(data: dict[str, Any], path: Path) -> Tier:
    where = f"{path}, tier {data.get('name', '?')!r}"
    _check_keys(data, Tier, where, required=("name", "model"))
    values = dict(data)
    if "price" in values:
        values["price"] = _numbers(Price, values["price"], f"{where}: price")
    if "limits" in values:
        values["limits"] = _numbers(Limits, values["limits"], f"{where}: limits")
    return Tier(**values)


def _embedder(data: Any, path: Path) -> EmbedderSettings:
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: the embedder must be written as an [embedder] section.")
    _check_keys(data, EmbedderSettings, f"{path}, embedder", required=("model",))
    return EmbedderSettings(**data)


def _check_keys(data: dict[str, Any], kind: type[Any], where: str, *, required: tuple[str, ...]) -> None:
    """See that a section holds what it must, nothing unknown, and values of the right type."""
    known = {f.name for f in fields(kind)}
    if unknown := sorted(set(data) - known):
        hint = " A key never goes into the file: name the variable that holds it in api_key_env." * (
            unknown[0] in ("api_key", "key", "token")
        )
        raise ConfigError(f"{where}: unknown key {unknown[0]!r}.{hint}", fix=f"Known keys: {', '.join(sorted(known))}.")
    for key in required:
        if not isinstance(data.get(key), str) or not data[key]:
            raise ConfigError(f"{where}: {key!r} is missing.", fix=f'Write {key} = "...".')
    for key, types in _TYPES:
        if key in data and not isinstance(data[key], types):
            raise ConfigError(f"{where}: {key} must be a {types.__name__}, not {data[key]!r}.")
    for key in ("context_window", "max_tokens", "dimension"):
        if key in data and (not isinstance(data[key], int) or isinstance(data[key], bool) or data[key] < 1):
            raise ConfigError(f"{where}: {key} must be a whole number from 1, not {data[key]!r}.")


def _numbers(kind: type[_N], data: Any, where: str) -> _N:
    names = [f.name for f in fields(kind)]
    if not isinstance(data, dict) or set(data) - set(names):
        raise ConfigError(f"{where} takes {', '.join(names)}, not {data!r}.")
    for key, value in data.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ConfigError(f"{where}.{key} must be a number from 0, not {value!r}.")
    return kind(**{k: float(v) for k, v in data.items()})


def _usd(name: str, word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ConfigError(f"{name} is {word!r}.", fix="Use a number of USD from 0.")
    return value


def _flag(name: str, word: str) -> bool:
    if word.lower() in ("1", "true", "yes", "on"):
        return True
    if word.lower() in ("", "0", "false", "no", "off"):
        return False
    raise ConfigError(f"{name} is {word!r}.", fix="Use 1 or 0.")


def _checked(settings: Settings) -> Settings:
    where = f"{settings.path}: " if settings.path else ""
    settings = replace(settings, dial=read_wish(f"{where}dial", settings.dial))
    for name, kind in (("show_before_sending", ShowBeforeSending), ("busy_thread", BusyThread), ("redact", Redaction)):
        _word(getattr(settings, name), f"{where}{name}", kind)
    if isinstance(settings.deadline, bool) or not isinstance(settings.deadline, int | float) or settings.deadline <= 0:
        raise ConfigError(f"{where}deadline must be a number of seconds above 0, not {settings.deadline!r}.")
    for name in ("passages", "max_question_chars"):
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigError(f"{where}{name} must be a whole number from 1, not {value!r}.")
    for name in ("offline", "locked", "grounded"):
        if not isinstance(getattr(settings, name), bool):
            raise ConfigError(f"{where}{name} must be true or false, not {getattr(settings, name)!r}.")
    names = [t.name for t in settings.tiers]
    if doubled := next((n for n in names if names.count(n) > 1), None):
        raise ConfigError(f"{where}two tiers are named {doubled!r}.", fix="Give each its own name.")
    return replace(settings, home=settings.home.expanduser().absolute())
