"""Configuration: ``tierwise.toml``, then the environment, then flags, in rising order."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from tierwise.connector_settings import ConnectorSettings, read_connector_settings
from tierwise.errors import ConfigError
from tierwise.home import default_home
from tierwise.tool_settings import ToolSettings, read_tool_settings
from tierwise.types import ShowBeforeSending, Wish
from tierwise.wish import read_wish

if TYPE_CHECKING:
    from tierwise.models.base import ChatModel

CONFIG_NAME = "tierwise.toml"
_TYPES: tuple[tuple[str, type], ...] = (
    *((key, str) for key in ("base_url", "api_key_env", "adapter", "api", "reasoning")),
    *((key, bool) for key in ("on_device", "stand_in", "tools")),
)
_N = TypeVar("_N", "Price", "Limits", "Budget")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens."""

    input: float = 0.0
    output: float = 0.0

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """USD for one call."""
        return (prompt_tokens * self.input + completion_tokens * self.output) / 1e6


@dataclass(frozen=True, slots=True)
class Limits:
    """The four time limits of a model call, in seconds."""

    connect: float = 5.0
    first_token: float = 60.0
    between_tokens: float = 20.0
    total: float = 180.0


@dataclass(frozen=True, slots=True)
class Tier:
    """One model with its place in the ordered list of tiers, cheapest first.

    Attributes:
        name: what people call it: letters, digits, ``.``, ``_`` and ``-``.
        model: ``llama:CATALOGUE_NAME``, ``llama:/path/to/file.gguf``, ``openai:MODEL``, or any
            :class:`~tierwise.models.ChatModel` object.
        base_url: address of an OpenAI-compatible server; ``None`` is the OpenAI API itself.
        api_key_env: name of the environment variable that holds the key. The key itself is never written down.
        price: for the account of money; absent means unknown.
        on_device: the model runs on this machine though it is reached by HTTP. An address proves nothing.
        context_window: tokens; needed for a hosted model only if it is smaller than 128,000.
        max_tokens: upper bound on an answer's tokens.
        limits: time limits of one call.
        stand_in: this tier only shows the path; its quality is not that of a large model (the demo uses it).
        adapter: path of a LoRA adapter (GGUF) that a ``llama:`` model wears in this tier.
        api: how a hosted model is spoken to: ``responses``, ``chat``, or ``auto`` (Responses for the OpenAI API itself,
            Chat Completions for any other address).
        reasoning: effort of a hosted reasoning model, as its server names it (``low``, ``medium``, ``high`` ...).
        tools: whether a ``llama:`` model is told about tools; ``None`` goes by its card, and a file without one is not.
    """

    name: str
    model: str | ChatModel
    base_url: str | None = None
    api_key_env: str | None = None
    price: Price | None = None
    on_device: bool = False
    context_window: int | None = None
    max_tokens: int = 1024
    limits: Limits = Limits()
    stand_in: bool = False
    adapter: str | None = None
    api: Literal["auto", "chat", "responses"] = "auto"
    reasoning: str | None = None
    tools: bool | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"A tier cannot be named {self.name!r}.", fix="Use letters, digits, '.', '_' and '-', at most 64."
            )
        if self.name == "auto":
            raise ConfigError("A tier cannot be named 'auto'.", fix="That word means: let tierwise choose.")
        if isinstance(self.model, str) and self.model.partition(":")[0] not in ("llama", "openai"):
            raise ConfigError(
                f"Tier {self.name!r}: model {self.model!r} has no known kind.",
                fix="Write llama:NAME, llama:/path/to/file.gguf or openai:MODEL.",
            )
        local = isinstance(self.model, str) and self.model.startswith("llama:")
        if self.tools is not None and not local:
            raise ConfigError(f"Tier {self.name!r}: tools is for a llama: model.", fix="Take it out.")
        if self.adapter is not None and not local:
            raise ConfigError(f"Tier {self.name!r}: only a llama: model can wear an adapter.", fix="Take it out.")
        if self.api not in ("auto", "chat", "responses"):
            raise ConfigError(f"Tier {self.name!r}: api is {self.api!r}.", fix="Write auto, chat or responses.")

    @property
    def stays_on_device(self) -> bool:
        """True only where nothing leaves by construction (``llama:``) or by the owner's word (``on_device``)."""
        if self.on_device:
            return True
        if isinstance(self.model, str):
            return self.model.startswith("llama:")
        return self.model.capabilities.on_device

    @property
    def costs(self) -> bool:
        """Whether a call of it is known to cost money."""
        return self.price is not None and (self.price.input > 0 or self.price.output > 0)

    @property
    def model_name(self) -> str:
        """The model as configuration names it."""
        return self.model if isinstance(self.model, str) else self.model.name


@dataclass(frozen=True, slots=True)
class EmbedderSettings:
    """An embeddings endpoint in place of the built-in MiniLM.

    Every document, every question and the sentences of answers go there, so it must be on the device: whether a turn is
    locked may be known only when its question has been embedded and its passages are found.

    Attributes:
        model: ``openai:MODEL``.
        base_url: address of an OpenAI-compatible server.
        api_key_env: name of the environment variable that holds the key.
        dimension: length of a vector to ask for, for models that can be shortened.
        on_device: the owner's word that the server runs on this machine and sends nothing on.
    """

    model: str
    base_url: str | None = None
    api_key_env: str | None = None
    dimension: int | None = None
    on_device: bool = False

    def __post_init__(self) -> None:
        if not self.model.startswith("openai:") or self.model == "openai:":
            raise ConfigError(f"The embedder {self.model!r} has no known kind.", fix="Write openai:MODEL.")
        if self.on_device is not True:
            raise ConfigError(
                f"The embedder {self.model} is not on this device, and every document and question would go to it,"
                " locked ones as well.",
                fix="Set on_device = true if its server runs on this machine, or leave [embedder] out.",
            )


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent, in USD, by calendar day and month of this machine's clock; ``None`` sets no bound."""

    day: float | None = None
    month: float | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a copilot is told from outside.

    Attributes:
        home: folder of the stores.
        tiers: cheapest first; empty means the embedded model alone.
        embedder: an embeddings endpoint; ``None`` is MiniLM in this process.
        dial: the wish between economy and quality, or the share of questions that may go to a larger tier.
        budget: what may be spent.
        tools: which tools there are and when they ask.
        connectors: which ways into other systems there are.
        offline: refuse every tier that is not on the device.
        locked: the whole app is locked.
        passages: how many passages a question gets.
        grounded: what documents were found for is answered from them or not at all.
        max_question_chars: longer questions are refused.
        show_before_sending: when a person sees what leaves the device before it does: ``never``, ``first`` (before the
            first request of a thread) or ``always`` (before the first of every turn).
        path: the file this came from, if any.
    """

    home: Path = field(default_factory=default_home)
    tiers: tuple[Tier, ...] = ()
    embedder: EmbedderSettings | None = None
    budget: Budget = Budget()
    tools: ToolSettings = field(default_factory=ToolSettings)
    connectors: ConnectorSettings = field(default_factory=ConnectorSettings)
    dial: Wish = "balanced"
    offline: bool = False
    locked: bool = False
    passages: int = 4
    grounded: bool = True
    max_question_chars: int = 32_000
    show_before_sending: ShowBeforeSending = "never"
    path: Path | None = None


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
    for name in ("day", "month"):
        if word := env.get(f"TIERWISE_BUDGET_{name.upper()}"):
            budget = values.get("budget", Budget())
            values["budget"] = replace(budget, **{name: _usd(f"TIERWISE_BUDGET_{name.upper()}", word)})
    for name in ("offline", "locked"):
        if (word := env.get(f"TIERWISE_{name.upper()}")) is not None:
            values[name] = _flag(f"TIERWISE_{name.upper()}", word)
    if (dial := overrides.get("dial")) is not None:
        overrides["dial"] = read_wish("The dial", dial)
    values |= {k: v for k, v in overrides.items() if v is not None and k != "home"}
    return _checked(Settings(**values))


def read_showing(word: Any, name: str = "show_before_sending") -> ShowBeforeSending:
    """Check when a person sees what leaves.

    Raises:
        ConfigError: for any other word.
    """
    if word not in (words := get_args(ShowBeforeSending)):
        raise ConfigError(f"{name} is {word!r}.", fix=f"Use {', '.join(words)}.")
    found: ShowBeforeSending = word
    return found


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
    tools, connectors = data.pop("tools", {}), data.pop("connectors", {})
    known = {f.name for f in fields(Settings)} - {"home", "path", "tiers", "embedder", "budget", "tools", "connectors"}
    if unknown := sorted(set(data) - known):
        raise ConfigError(f"{path}: unknown key {unknown[0]!r}.", fix=f"Known keys: {', '.join(sorted(known))}, tiers.")
    return {
        **data,
        "tiers": tuple(_tier(t, path) for t in tiers),
        "embedder": None if embedder is None else _embedder(embedder, path),
        "budget": _numbers(Budget, budget, f"{path}: budget"),
        "tools": read_tool_settings(tools, str(path), path.absolute().parent),
        "connectors": read_connector_settings(connectors, str(path)),
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
    read_showing(settings.show_before_sending, f"{where}show_before_sending")
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
