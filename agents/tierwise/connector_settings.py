"""The ``[connectors]`` section: which installed connectors may be used, and what each is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tierwise.errors import ConfigError

_SECRETS = frozenset({"key", "api_key", "token", "password", "secret"})


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """The ``[connectors]`` section.

    Attributes:
        enabled: installed connectors by name; what is not named is never imported.
        options: by name, what the section ``[connectors.NAME]`` says. ``on_device = true`` is the owner's word that it
            does not use the network, ``seconds`` how long it may give nothing; the rest is the connector's business.
    """

    enabled: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_connector_settings(data: Any, where: str) -> ConnectorSettings:
    """The section as it was read from TOML.

    Args:
        data: the section.
        where: its file, for messages.

    Raises:
        ConfigError: naming the key and what is allowed.
    """
    where = f"{where}: connectors"
    if not isinstance(data, dict):
        raise ConfigError(f"{where} must be a section, not {data!r}.")
    enabled = data.get("enabled", [])
    if not isinstance(enabled, list) or not all(isinstance(name, str) and name for name in enabled):
        raise ConfigError(f"{where}.enabled must be a list of texts, not {enabled!r}.")
    options = {key: value for key, value in data.items() if key != "enabled"}
    for name, section in options.items():
        if not isinstance(section, dict):
            raise ConfigError(f"{where}.{name} must be a section.", fix=f"Write [connectors.{name}].")
        if name not in enabled:
            raise ConfigError(f"{where}: {name!r} has options but is not enabled.", fix=f"Add it to {where}.enabled.")
        if secret := next((key for key in section if key.lower() in _SECRETS), None):
            raise ConfigError(
                f"{where}.{name}: {secret} looks like a secret, and a secret never goes into the file.",
                fix=f"Name the variable that holds it, as in {secret}_env.",
            )
        if not isinstance(section.get("on_device", False), bool):
            raise ConfigError(f"{where}.{name}.on_device must be true or false, not {section['on_device']!r}.")
        seconds = section.get("seconds", 1)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds < float("inf"):
            raise ConfigError(f"{where}.{name}.seconds must be a number from 1, not {seconds!r}.")
    return ConnectorSettings(tuple(enabled), options)
