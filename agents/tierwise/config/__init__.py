"""Configuration: what can be set (``settings``), and where it is read from (``reading``)."""

from tierwise.config.reading import CONFIG_NAME, find_config, load_settings, read_showing
from tierwise.config.settings import Budget, EmbedderSettings, Limits, Price, Settings, Tier

__all__ = [
    "CONFIG_NAME",
    "Budget",
    "EmbedderSettings",
    "Limits",
    "Price",
    "Settings",
    "Tier",
    "find_config",
    "load_settings",
    "read_showing",
]
