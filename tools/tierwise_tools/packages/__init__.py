"""Tools that come as installed distributions: list them, load them safely, begin a new one."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tierwise_tools.packages.listing import InstalledPackage, installed
    from tierwise_tools.packages.scaffolding import scaffold
    from tierwise_tools.packages.source import PackageSource

_HOME = {"InstalledPackage": "listing", "PackageSource": "source", "installed": "listing", "scaffold": "scaffolding"}
__all__ = ["InstalledPackage", "PackageSource", "installed", "scaffold"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: to list what is installed must not cost what loading it costs."""
    if name in _HOME:
        return getattr(import_module(f"tierwise_tools.packages.{_HOME[name]}"), name)
    raise AttributeError(f"module 'tierwise_tools.packages' has no attribute {name!r}")
