"""Connectors that come as installed distributions. Installed is not trusted: only one that is enabled is imported."""

from __future__ import annotations

from difflib import get_close_matches
from functools import partial
from importlib.metadata import EntryPoint
from typing import Any

from tierwise.connector_settings import ConnectorSettings
from tierwise.errors import ConfigError, UnknownName
from tierwise.knowledge.sources.connector import Connector
from tierwise.knowledge.sources.crawl import SECONDS, ConnectorOrigin
from tierwise_tools.packages import InstalledPackage, installed

GROUP = "tierwise.connectors"


def installed_connectors() -> list[InstalledPackage]:
    """Every connector there is, enabled or not; nothing of any of them is imported."""
    return installed(GROUP)


def connector_origin(name: str, argument: str, settings: ConnectorSettings, *, full: bool = False) -> ConnectorOrigin:
    """The documents that ``NAME:ARGUMENT`` stands for; the connector is imported when they are asked for.

    Raises:
        UnknownName: if no such connector is installed.
        ConfigError: if it is not enabled, or two packages bring one of this name.
    """
    packages = installed_connectors()
    mine = [package for package in packages if package.name == name]
    if not mine:
        names = sorted({package.name for package in packages})
        close = get_close_matches(name, names, n=1)
        fix = f"Did you mean {close[0]}:?" if close else f"Installed are: {', '.join(names) or 'none'}."
        raise UnknownName(f"There is no file {name}:{argument} and no connector {name!r}.", fix=fix)
    if name not in settings.enabled:
        raise ConfigError(
            f"The connector {name!r} ({mine[0].distribution} {mine[0].version}) is installed but not enabled.",
            fix=f'If you trust it, write under [connectors] in tierwise.toml: enabled = ["{name}"]',
        )
    if len(mine) > 1:
        both = " and ".join(package.distribution for package in mine)
        raise ConfigError(f"{both} both bring a connector {name!r}.", fix="Uninstall one of them.")
    options = dict(settings.options.get(name, {}))
    return ConnectorOrigin(
        f"{name}:{argument}",
        partial(_open, mine[0], argument, options),
        full=full,
        seconds=float(options.get("seconds", SECONDS)),
    )


def _open(package: InstalledPackage, argument: str, options: dict[str, Any]) -> Connector:
    make = EntryPoint(package.name, package.target, GROUP).load()
    connector = make(argument, options)
    if not isinstance(connector, Connector):
        raise TypeError(f"{package.target} gives a {type(connector).__name__}, which has no name or no crawl()")
    return connector
